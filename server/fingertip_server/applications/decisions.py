"""What the decisions of dual control make of an application."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.fulfilment.v1.work_item_pb2 import ApplicationOrder, WorkOrder
from fingertip_server.applications import (
    changes,
    filling,
    rules,
    screenings,
    standing,
    store,
)
from fingertip_server.applications.rules import Step
from fingertip_server.applications.tables import Application
from fingertip_server.authorization import anchors
from fingertip_server.authorization.anchors import Anchored
from fingertip_server.authorization.hooks import Decisions, Subject
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import WorkItemDraft
from fingertip_server.screening.values import Stage

SUBJECT = "application"

WAITS_NOTE = "等待授权中心审核。"
ON_SITE_NOTE = "等待现场第二名柜员授权。"
_RETURNED_NOTE = "授权员退回补正，请按所列问题修改后重新提交。"
_EXPIRED_NOTE = "授权超时，申请已失效。"


def _lock(call: Call, application_id: UUID) -> None:
    store.lock(call, application_id)


def _content(call: Call, application_id: UUID, revision: int) -> bytes:
    return store.content(call, application_id, revision)


def _approved(call: Call, subject: Subject) -> None:
    application = decided(call, subject)
    content = store.content(call, application.application_id, subject.revision)
    rules.require_unchanged(hashlib.sha256(content).digest(), subject.content_hash)
    standing.require(call, application)
    scene = call.bank.scene_of(filling.form_of(call, application))
    changes.step(application, Step.APPROVE, f"授权已通过，等待{scene.execution}。")
    if screenings.hinders(call, Stage.APPROVAL, application):
        # Whoever approved it is not to learn why it is not done.
        changes.fail(call, application, screenings.NOTE)
        return
    call.enqueue(
        WorkItemDraft(
            # What was submitted, whatever the pack says by now.
            kind=ApplicationContent.FromString(content).work_kind,
            subject_kind=SUBJECT,
            subject_id=str(application.application_id),
            order=WorkOrder(
                application=ApplicationOrder(content=content, content_hash=subject.content_hash)
            ),
            branch_id=application.branch_id,
            operation_id=rules.operation_id(application.application_id, subject.revision),
            has_effect=True,
        )
    )
    changes.changed(call, application)


def _rejected(call: Call, subject: Subject, note: str) -> None:
    application = decided(call, subject)
    changes.step(application, Step.REJECT, note)
    changes.changed(call, application)


def _returned(call: Call, subject: Subject, defects: Sequence[Anchored]) -> None:
    application = decided(call, subject)
    changes.step(application, Step.RETURN, _RETURNED_NOTE)
    application.defects = anchors.to_stored(defects)
    changes.changed(call, application)


def _expired(call: Call, subject: Subject, note: str) -> None:
    application = decided(call, subject)
    changes.step(application, Step.EXPIRE, note or _EXPIRED_NOTE)
    changes.changed(call, application)


def _parked(call: Call, subject: Subject, reason: str) -> None:
    application = decided(call, subject)
    application.state_note = reason or WAITS_NOTE
    changes.changed(call, application)


def _step_taken(call: Call, subject: Subject, done: int, required: int) -> None:
    application = decided(call, subject)
    application.state_note = f"已有 {done} 名授权员通过，共需 {required} 名，等待下一名授权员审核。"
    changes.changed(call, application)


def decided(call: Call, subject: Subject) -> Application:
    """Returns the application that was locked before, when the task is about what it is now."""
    application = store.find(call, subject.subject_id)
    if application is None:
        raise rules.no_application()
    submitted = (application.task_id, application.revision, application.content_hash)
    if submitted != (subject.task_id, subject.revision, subject.content_hash):
        raise rules.content_changed(application.content_hash or b"")
    return application


def _executed(call: Call, subject: Subject) -> bool:
    application = store.find(call, subject.subject_id)
    return (
        application is not None
        and application.revision == subject.revision
        and application.execute_time is not None
    )


DECISIONS = Decisions(
    lock=_lock,
    content=_content,
    approved=_approved,
    rejected=_rejected,
    returned=_returned,
    expired=_expired,
    parked=_parked,
    executed=_executed,
    step_taken=_step_taken,
)
