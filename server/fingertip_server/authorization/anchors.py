"""What an authoriser may point at: an item of the checklist, a field, a kind of attachment."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from fingertip.authorization.v1 import task_pb2
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors


class Anchor(StrEnum):
    """What a name is the name of, called as the contract calls it."""

    CHECKLIST_ITEM = "CHECKLIST_ITEM"
    FIELD = "FIELD"
    ATTACHMENT = "ATTACHMENT"


@dataclass(frozen=True, slots=True)
class Anchored:
    """One thing that is said about something. What was kept before there were anchors has none."""

    subject: str
    note: str
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """The names that there are; `checklist` with the evidence that each item looks at.

    `askable` are the kinds of attachments that may be asked for besides what was submitted.
    """

    checklist: Mapping[str, Collection[str]] = field(default_factory=dict)
    fields: Collection[str] = ()
    attachments: Collection[str] = ()
    askable: Collection[str] = ()

    def anchor(self, subject: str, wanted: Anchor | None) -> Anchor | None:
        """Returns what a name is the name of, here or at all; nothing where it is not known."""
        places = {
            Anchor.CHECKLIST_ITEM: self.checklist,
            Anchor.FIELD: self.fields,
            Anchor.ATTACHMENT: self.attachments,
        }
        found = (anchor for anchor, names in places.items() if subject in names)
        return next((anchor for anchor in found if wanted in {None, anchor}), None)


class Said(Protocol):
    """A message of the contract that is anchored to something."""

    subject: str
    note: str
    anchor: task_pb2.Anchor.ValueType


def resolved(names: Names, said: Iterable[Said], named_by: str) -> list[Anchored]:
    """Returns what was said with its anchors. Raises ANCHOR_UNKNOWN for `named_by` of a request."""
    found = []
    for index, each in enumerate(said):
        anchored = Anchored(each.subject, each.note, _asked(each.anchor))
        anchor = names.anchor(anchored.subject, anchored.anchor)
        if anchor is None:
            raise unknown(anchored.subject, f"{named_by}[{index}].subject")
        found.append(replace(anchored, anchor=anchor))
    return found


def unknown(subject: str, named_by: str) -> errors.InvalidArgument:
    """Returns the refusal for a name that nothing has, with the request's field of it."""
    return errors.InvalidArgument(
        ErrorReason.ERROR_REASON_ANCHOR_UNKNOWN,
        "There is nothing of this name to point at.",
        violations=[errors.Violation(named_by, "must name something that is there")],
        subject=subject,
    )


def to_stored(anchored: Iterable[Anchored]) -> list[list[str]]:
    """Returns what is kept of each."""
    return [[each.subject, each.note, each.anchor or ""] for each in anchored]


def from_stored(stored: Iterable[list[str]]) -> list[Anchored]:
    """Returns what was kept."""
    return [
        Anchored(subject, note, Anchor(anchor[0]) if anchor and anchor[0] else None)
        for subject, note, *anchor in stored
    ]


def value(anchor: Anchor | None) -> task_pb2.Anchor.ValueType:
    """Returns the anchor as the contract shows it."""
    return task_pb2.Anchor.Value(f"ANCHOR_{anchor or 'UNSPECIFIED'}")


def _asked(anchor: task_pb2.Anchor.ValueType) -> Anchor | None:
    name = task_pb2.Anchor.Name(anchor).removeprefix("ANCHOR_")
    return None if name == "UNSPECIFIED" else Anchor(name)
