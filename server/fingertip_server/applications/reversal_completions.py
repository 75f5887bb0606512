"""What the bank's execution makes of an approved reversal, and of what it undoes."""

from uuid import UUID

from fingertip.applications.v1.content_pb2 import ReversalContent
from fingertip.fulfilment.v1.work_item_pb2 import WorkResult
from fingertip_server.applications import (
    changes,
    receipts,
    recheck,
    reversal_rules,
    reversals,
    rules,
)
from fingertip_server.applications.reversal_rules import EXECUTABLE, Step
from fingertip_server.applications.tables import Application, Reversal
from fingertip_server.fulfilment.hooks import Booked, Completion, Item
from fingertip_server.rpc.call import Call

_UNKNOWN_NOTE = "冲正结果不明，正在查询，请勿重复办理。"
_PARKED_NOTE = "核心系统未能冲正，已转运营人员处理。"


def _done(call: Call, item: Item, result: WorkResult) -> None:
    reversal, application = _lock(call, item)
    executed = result.executed_reversal
    rules.require_unchanged(item.order.reversal.content_hash, executed.content_hash)
    reversals.step(reversal, application, Step.EXECUTE)
    reversal.core_reference = executed.core_reference
    reversal.execute_time = call.now
    changes.step(application, rules.Step.REVERSE)
    application.reverse_time = call.now
    receipts.issue_of_reversal(call, application, reversal)
    changes.changed(call, application)


def _failed(call: Call, item: Item, failure_code: str) -> None:
    reversal, application = _lock(call, item)
    note = recheck.note(failure_code) or f"核心系统拒绝冲正（{failure_code}），原业务仍然有效。"
    reversals.step(reversal, application, Step.FAIL, note)
    changes.changed(call, application)


def _unknown(call: Call, item: Item) -> None:
    reversal, application = _lock(call, item)
    reversals.step(reversal, application, Step.LOSE_SIGHT, _UNKNOWN_NOTE)
    changes.changed(call, application)


def _parked(call: Call, item: Item) -> None:
    """Leaves it open: as long as nobody knows, there must not be another one."""
    reversal, application = _lock(call, item)
    reversals.say(reversal, application, _PARKED_NOTE)
    changes.changed(call, application)


def _bar(call: Call, item: Item) -> str:
    """Holds an approval to what was approved, and to what there still is to be undone."""
    reversal = reversals.find(call, UUID(item.subject_id))
    if reversal is None:
        raise reversal_rules.no_reversal()
    is_same = item.order.reversal.content_hash == reversal.content_hash
    return "" if is_same and reversal.state in EXECUTABLE else recheck.APPROVAL_VOID


def _booked(call: Call, item: Item) -> Booked:
    reversal = reversals.find(call, UUID(item.subject_id))
    if reversal is None:
        raise reversal_rules.no_reversal()
    order = item.order.reversal
    return Booked(
        content_hash=order.content_hash,
        customer_number=ReversalContent.FromString(order.content).customer_number,
        core_reference=reversal.core_reference,
        account_number="",
    )


def _lock(call: Call, item: Item) -> tuple[Reversal, Application]:
    found = reversals.lock(call, UUID(item.subject_id))
    if found is None:
        raise reversal_rules.no_reversal()
    return found


EXECUTION = Completion(
    expected_result="executed_reversal",
    done=_done,
    failed=_failed,
    unknown=_unknown,
    parked=_parked,
    bar=_bar,
    booked=_booked,
)
