"""The evidence that an authoriser asks for while an application waits."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.applications import forms, rules
from fingertip_server.applications.faults import Fault, FaultKind
from fingertip_server.applications.rules import State
from fingertip_server.applications.tables import Application
from fingertip_server.authorization import rules as authorization_rules
from fingertip_server.authorization.anchors import Anchor, Anchored, Names
from fingertip_server.packs.schema_forms import DataClass, Form, ImageRule

# The kind of what an authoriser may ask for although the form does not.
SUPPLEMENT = "supplement"


@dataclass(frozen=True, slots=True)
class Asked:
    """A piece of evidence asked for; an attachment of one of `kinds` is it.

    Where a message asks for it, it is named; otherwise the application waits for it.
    """

    subject: str
    note: str
    anchor: Anchor
    kinds: tuple[str, ...]
    message_id: str = ""


def from_items(items: Iterable[Anchored], names: Names) -> list[Asked]:
    """Returns what items ask for.

    About an item of the checklist that is any of the images which it looks at, or another one.
    """
    return [
        Asked(
            item.subject,
            item.note,
            item.anchor or Anchor.ATTACHMENT,
            (item.subject,)
            if item.anchor == Anchor.ATTACHMENT
            else (
                *(kind for kind in names.checklist[item.subject] if kind in names.askable),
                SUPPLEMENT,
            ),
        )
        for item in items
    ]


def to_stored(asked: Iterable[Asked]) -> list[list[str]]:
    """Returns what is kept of each."""
    return [[each.subject, each.note, each.anchor, each.message_id, *each.kinds] for each in asked]


def of(application: Application) -> list[Asked]:
    """Returns what is asked for now."""
    return [
        Asked(subject, note, Anchor(anchor), tuple(kinds), message_id)
        for subject, note, anchor, message_id, *kinds in application.asked
    ]


def with_picture(application: Application, kind: str, message_id: str) -> list[Asked]:
    """Returns what is asked for when a message asks for a picture: of each kind the last counts."""
    others = [each for each in of(application) if each.subject != kind]
    return [*others, Asked(kind, "", Anchor.ATTACHMENT, (kind,), message_id)]


def of_message(application: Application, message_id: str) -> list[Asked]:
    """Returns what a message asks for, and without one what the application waits for.

    Raises MESSAGE_NOT_FOUND for one that does not ask, or was answered.
    """
    found = [each for each in of(application) if each.message_id == message_id]
    if message_id and not found:
        raise authorization_rules.no_picture_asked()
    return found


def require_asked(application: Application, kind: str) -> None:
    """Raises EVIDENCE_NOT_ASKED for a kind that an application which waits is not asked for."""
    if State(application.state) in rules.EDITABLE:
        return
    if not any(kind in each.kinds for each in of(application)):
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_EVIDENCE_NOT_ASKED,
            "The authoriser does not ask for this kind of evidence.",
            kind=kind,
        )


def missing(asked: Sequence[Asked], new_kinds: Collection[str]) -> list[Fault]:
    """Returns a fault for each piece that none of the new kinds of attachments is."""
    return [
        Fault(each.subject, FaultKind.MISSING, "授权员要求的影像尚未补充。")
        for each in asked
        if not set(each.kinds) & set(new_kinds)
    ]


def image_rule(application: Application, form: Form, kind: str) -> ImageRule | None:
    """Returns what an attachment of a kind may be, also of what only an authoriser asks for."""
    found = forms.image_rule(form, kind)
    if found is not None or kind != SUPPLEMENT or not application.asked:
        return found
    images = form.attachments or (form.signature,)
    return ImageRule(
        label="补充影像",
        data_class=DataClass.C2,
        content_types=tuple(sorted({each for image in images for each in image.content_types})),
        size_bytes_max=max(image.size_bytes_max for image in images),
    )
