"""What an authoriser asks of an application, what he gets, and what that changed."""

from collections.abc import Sequence
from uuid import UUID

from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.authorization.v1.task_message_pb2 import TaskMessage
from fingertip.authorization.v1.task_pb2 import ContentDifference
from fingertip_server import errors
from fingertip_server.applications import (
    asked,
    changes,
    decisions,
    difference,
    filling,
    rules,
    store,
    submission,
)
from fingertip_server.applications.rules import Step
from fingertip_server.authorization.anchors import Anchored, Names
from fingertip_server.authorization.hooks import Dialogue, Frozen, Subject, Supply
from fingertip_server.packs.schema_forms import SIGNATURE
from fingertip_server.rpc.call import Call

_ASKED_NOTE = "授权员要求补充影像，请按所列要求补齐后提交。"


def _names(call: Call, application_id: UUID) -> Names:
    application = store.find(call, application_id)
    if application is None:
        raise rules.no_application()
    form = filling.form_of(call, application)
    kinds = [rule.kind for rule in form.attachments]
    return Names(
        fields=[field.key for field in form.fields],
        attachments=[*kinds, SIGNATURE],
        # Who is to sign anew is sent the whole application back: it may say something else by then.
        askable=[*kinds, asked.SUPPLEMENT],
    )


def _difference(call: Call, application_id: UUID, revision: int) -> ContentDifference:
    former, now = (_content(call, application_id, each) for each in (revision - 1, revision))
    return difference.between(former, now)


def _asked(call: Call, subject: Subject, items: Sequence[Anchored], names: Names) -> None:
    application = decisions.decided(call, subject)
    changes.step(application, Step.ASK, _ASKED_NOTE)
    application.asked = asked.to_stored(asked.from_items(items, names))
    changes.changed(call, application)


def _told(call: Call, subject: Subject, message: TaskMessage) -> None:
    application = decisions.decided(call, subject)
    application.messages = message.number
    if message.picture_kind:
        wanted = asked.with_picture(application, message.picture_kind, message.message_id)
        application.asked = asked.to_stored(wanted)
    changes.changed(call, application)


def _supplied(call: Call, subject: Subject, given: Supply) -> Frozen:
    application = decisions.decided(call, subject)
    errors.require_etag(application.version, given.etag)
    wanted = asked.of_message(application, given.message_id)
    evidence = store.evidence(call.session, application.application_id)
    former = _content(call, application.application_id, subject.revision)
    known = {each.attachment_id for each in former.evidence}
    new = {each.kind for each in evidence.in_use if str(each.attachment_id) not in known}
    rules.require_complete(
        [
            *asked.missing(wanted, new),
            *submission.faults(call, application, evidence),
        ]
    )
    # What came with it answers the other messages that asked for it.
    missing = [each for each in asked.of(application) if not set(each.kinds) & new]
    changes.step(application, Step.SUPPLY, decisions.WAITS_NOTE)
    application.asked = asked.to_stored(missing)
    application.messages = given.messages
    content_hash = submission.freeze(call, application, evidence)
    changes.changed(call, application)
    return Frozen(application.revision, content_hash)


def _content(call: Call, application_id: UUID, revision: int) -> ApplicationContent:
    return ApplicationContent.FromString(store.content(call, application_id, revision))


DIALOGUE = Dialogue(
    names=_names, difference=_difference, asked=_asked, told=_told, supplied=_supplied
)
