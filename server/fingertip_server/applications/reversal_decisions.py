"""What the decisions of dual control make of a reversal."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from fingertip.applications.v1.content_pb2 import ReversalContent
from fingertip.fulfilment.v1.work_item_pb2 import ReversalOrder, WorkOrder
from fingertip_server.applications import changes, reversal_rules, reversals, rules
from fingertip_server.applications.reversal_rules import Step
from fingertip_server.applications.tables import Application, Reversal
from fingertip_server.authorization import anchors
from fingertip_server.authorization.anchors import Anchored
from fingertip_server.authorization.hooks import Decisions, Subject
from fingertip_server.packs.schema_forms import REVERSAL_SCENE
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import WorkItemDraft

_APPROVED_NOTE = "冲正已获授权，等待核心系统处理。"
_RETURNED_NOTE = "冲正被退回，请按所列问题重新申请。"
_EXPIRED_NOTE = "冲正授权超时，已失效。"


def _lock(call: Call, reversal_id: UUID) -> None:
    reversals.lock(call, reversal_id)


def _content(call: Call, reversal_id: UUID, revision: int) -> bytes:  # noqa: ARG001 - it has one.
    reversal = reversals.find(call, reversal_id)
    if reversal is None:
        raise reversal_rules.no_reversal()
    return reversals.content(call, reversal)


def _approved(call: Call, subject: Subject) -> None:
    reversal, application = _decided(call, subject)
    frozen = reversals.content(call, reversal)
    rules.require_unchanged(hashlib.sha256(frozen).digest(), subject.content_hash)
    reversals.step(reversal, application, Step.APPROVE, _APPROVED_NOTE)
    content = ReversalContent.FromString(frozen)
    call.enqueue(
        WorkItemDraft(
            kind=call.bank.scene(REVERSAL_SCENE).work_kind,
            subject_kind=reversals.SUBJECT,
            subject_id=str(reversal.reversal_id),
            order=WorkOrder(
                reversal=ReversalOrder(
                    content=frozen,
                    content_hash=subject.content_hash,
                    undone_operation_id=content.undone_operation_id,
                    undone_core_reference=content.undone_core_reference,
                )
            ),
            branch_id=reversal.branch_id,
            operation_id=reversal_rules.operation_id(reversal.reversal_id),
            has_effect=True,
        )
    )
    changes.changed(call, application)


def _rejected(call: Call, subject: Subject, note: str) -> None:
    _end(call, subject, Step.REJECT, note)


def _returned(call: Call, subject: Subject, defects: Sequence[Anchored]) -> None:
    reversal, _ = _decided(call, subject)
    reversal.defects = anchors.to_stored(defects)
    _end(call, subject, Step.RETURN, _RETURNED_NOTE)


def _expired(call: Call, subject: Subject, note: str) -> None:
    _end(call, subject, Step.EXPIRE, note or _EXPIRED_NOTE)


def _parked(call: Call, subject: Subject, reason: str) -> None:
    reversal, application = _decided(call, subject)
    reversals.say(reversal, application, reason or reversals.WAITS_NOTE)
    changes.changed(call, application)


def _end(call: Call, subject: Subject, step: Step, note: str) -> None:
    reversal, application = _decided(call, subject)
    reversals.step(reversal, application, step, note)
    changes.changed(call, application)


def _decided(call: Call, subject: Subject) -> tuple[Reversal, Application]:
    """Returns what was locked before, when the task is about what it is now."""
    found = reversals.lock(call, subject.subject_id)
    if found is None:
        raise reversal_rules.no_reversal()
    reversal, _ = found
    if (reversal.task_id, reversal.content_hash) != (subject.task_id, subject.content_hash):
        raise rules.content_changed(reversal.content_hash)
    return found


DECISIONS = Decisions(
    lock=_lock,
    content=_content,
    approved=_approved,
    rejected=_rejected,
    returned=_returned,
    expired=_expired,
    parked=_parked,
)
