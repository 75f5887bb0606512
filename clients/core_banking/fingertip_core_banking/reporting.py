"""Tells the server what came of a work item, until it has heard it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import grpc

from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    CompleteWorkItemRequest,
    FailWorkItemRequest,
    ReportOutcomeUnknownRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import LeasedWorkItem
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_client.retry import Backoff
from fingertip_core_banking.execution import Done, NotDone, Outcome, Unknown

# The item is no longer this adapter's: whoever has it by now finds out for himself.
_TOO_LATE: Final = frozenset({"LEASE_LOST", "WORK_ITEM_STATE", "WORK_ITEM_NOT_FOUND"})
# The server did not decide about the report.
UNDECIDED: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)
REPEATING: Final = Backoff(first_seconds=0.2, longest_seconds=5.0)

_log = logging.getLogger(__name__)


async def report(caller: Caller, leased: LeasedWorkItem, outcome: Outcome) -> None:
    """Reports an outcome, under one request_id however often it has to be sent.

    What the server does not accept, such as "never seen" before the bank has settled, is reported
    as unknown: an inquiry follows. Goes on until the server decided or the task is cancelled.
    """
    try:
        await _delivered(_request(caller, leased, outcome))
    except Refused as refused:
        if refused.reason in _TOO_LATE:
            _log.warning("report came too late: %s", refused.reason)
        elif isinstance(outcome, Unknown):
            raise
        else:
            _log.warning("report was not accepted: %s", refused.reason)
            await report(caller, leased, Unknown(refused.reason or refused.code.name))


async def _delivered(send: Callable[[], Awaitable[object]]) -> None:
    attempt = 0
    while True:
        try:
            await send()
        except Refused as refused:
            if refused.code not in UNDECIDED:
                raise
        else:
            return
        await asyncio.sleep(REPEATING.pause_seconds(attempt))
        attempt += 1


def _request(
    caller: Caller, leased: LeasedWorkItem, outcome: Outcome
) -> Callable[[], Awaitable[object]]:
    """Returns what sends one and the same report each time it is called."""
    item_id, fence = leased.work_item.work_item_id, leased.fence
    match outcome:
        case Done():
            completed = CompleteWorkItemRequest(
                request_id=new_request_id(),
                work_item_id=item_id,
                fence=fence,
                result=outcome.result,
            )
            return lambda: caller.fulfilment.CompleteWorkItem(completed)
        case NotDone():
            failed = FailWorkItemRequest(
                request_id=new_request_id(),
                work_item_id=item_id,
                fence=fence,
                failure=outcome.failure,
                failure_code=outcome.code,
            )
            return lambda: caller.fulfilment.FailWorkItem(failed)
        case Unknown():
            unknown = ReportOutcomeUnknownRequest(
                request_id=new_request_id(),
                work_item_id=item_id,
                fence=fence,
                failure_code=outcome.code,
            )
            return lambda: caller.fulfilment.ReportOutcomeUnknown(unknown)
