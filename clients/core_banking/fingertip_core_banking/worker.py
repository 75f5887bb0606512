"""Leases work, does it, reports it: the loop that every adapter runs.

It keeps no journal of its own. What it did is in the bank's books under the operation_id, and what
it could not report is inquired about once its lease has lapsed.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, TypeVar

from opentelemetry.trace import Span, SpanKind, StatusCode

from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    ExtendLeaseRequest,
    LeaseQuote,
    LeaseWorkItemsRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import LeasedWorkItem, WorkItem
from fingertip_client import tracing
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_core_banking import execution, reporting
from fingertip_core_banking.bank import Bank

# Both are the contract's limits: items of one lease, and seconds to wait for the first.
CONCURRENCY_MAX: Final = 50
_WAIT_SECONDS: Final = 20
# Beyond the wait, for the way there and back.
_ANSWER_SECONDS: Final = 10.0

_Result = TypeVar("_Result")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is done at a time, and how long the bank and a stop may take."""

    concurrency: int = 8
    bank_seconds_max: float = 10.0
    stop_seconds_max: float = 30.0


@dataclass(slots=True)
class _Held:
    """An item in hand. Until `fresh_until`, by the loop's clock, its lease is relied on."""

    leased: LeasedWorkItem
    fresh_until: float
    task: "asyncio.Task[None] | None" = None


class Worker:
    """Works for one server with one bank, in the event loop that runs it."""

    def __init__(self, caller: Caller, bank: Bank, kinds: Sequence[str], pace: Pace) -> None:
        if not 1 <= pace.concurrency <= CONCURRENCY_MAX:
            raise ValueError(f"Concurrency is 1 to {CONCURRENCY_MAX}.")
        self._caller = caller
        self._bank = bank
        self._kinds = tuple(kinds)
        self._pace = pace
        self._held: dict[str, _Held] = {}
        self._extend_seconds = 1.0
        self._changed = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until told to stop, and then finishes what it holds.

        Raises `Refused` when the server will have none of it: the credential was revoked, a kind
        of work is not this adapter's.
        """
        heartbeat = asyncio.create_task(self._keep_leases())
        stop = asyncio.create_task(stopping.wait())
        failures = 0
        try:
            while not stopping.is_set():
                try:
                    await self._lease(stop)
                    failures = 0
                except Refused as refused:
                    if refused.code not in reporting.UNDECIDED:
                        raise
                    _log.warning("no work to be had: %s", refused.reason or refused.code.name)
                    pause_seconds = reporting.REPEATING.pause_seconds(failures)
                    failures += 1
                    await asyncio.wait([stop], timeout=pause_seconds)
        finally:
            await self._finish()
            heartbeat.cancel()
            stop.cancel()

    async def _lease(self, stop: "asyncio.Task[bool]") -> None:
        """Leases as much as there is room for, and starts on it."""
        room = self._pace.concurrency - len(self._held)
        if not room:
            self._changed.clear()
            await _first(asyncio.ensure_future(self._changed.wait()), stop)
            return
        request = LeaseWorkItemsRequest(kinds=self._kinds, max_items=room)
        request.wait.FromSeconds(_WAIT_SECONDS)
        poll = asyncio.ensure_future(
            self._caller.fulfilment.LeaseWorkItems(request, timeout=_WAIT_SECONDS + _ANSWER_SECONDS)
        )
        if not await _first(poll, stop):
            return
        response = poll.result()
        self._extend_seconds = response.extend_after.ToTimedelta().total_seconds()
        for leased in response.items:
            held = _Held(leased, self._fresh_until())
            self._held[leased.work_item.work_item_id] = held
            held.task = asyncio.create_task(self._work(held))

    async def _work(self, held: _Held) -> None:
        """Does one item and reports it."""
        item = held.leased.work_item
        try:
            with _span(held.leased) as span:
                if asyncio.get_running_loop().time() > held.fresh_until:
                    # The process was asleep: somebody else may be at work on it.
                    _log.warning("%s left alone: its lease is too old", item.kind)
                    return
                outcome = await execution.carry_out(
                    self._bank, held.leased, self._pace.bank_seconds_max
                )
                _log.info("%s %s: %s", item.kind, item.operation_id, type(outcome).__name__)
                try:
                    await reporting.report(self._caller, held.leased, outcome)
                except Refused as refused:
                    _log.error("%s could not be reported: %s", item.kind, refused.reason)
                    span.set_status(StatusCode.ERROR, refused.reason)
        finally:
            del self._held[item.work_item_id]
            self._changed.set()

    async def _keep_leases(self) -> None:
        """Extends all leases again and again, and drops what was lost."""
        while True:
            await asyncio.sleep(self._extend_seconds)
            if not self._held:
                continue
            request = ExtendLeaseRequest(
                leases=[
                    LeaseQuote(work_item_id=item_id, fence=held.leased.fence)
                    for item_id, held in self._held.items()
                ]
            )
            asked = set(self._held)
            try:
                response = await self._caller.fulfilment.ExtendLease(
                    request, timeout=self._extend_seconds
                )
            except Refused as refused:
                _log.warning("leases not extended: %s", refused.reason or refused.code.name)
                continue
            lost = set(response.lost_work_item_ids)
            for item_id in asked & self._held.keys():
                held = self._held[item_id]
                if item_id not in lost:
                    held.fresh_until = self._fresh_until()
                elif held.task is not None:
                    _log.warning("%s dropped: its lease is lost", held.leased.work_item.kind)
                    held.task.cancel()

    async def _finish(self) -> None:
        """Lets the items in hand end, within the time that stopping may take."""
        tasks = [held.task for held in self._held.values() if held.task is not None]
        if not tasks:
            return
        _, pending = await asyncio.wait(tasks, timeout=self._pace.stop_seconds_max)
        for task in pending:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _fresh_until(self) -> float:
        """Returns until when a lease granted now is relied on: two of the three thirds it has."""
        return asyncio.get_running_loop().time() + 2 * self._extend_seconds


async def _first(task: "asyncio.Future[_Result]", stop: "asyncio.Task[bool]") -> bool:
    """Waits for a task or the stop; cancels the task and says no when the stop came first."""
    done = asyncio.create_task(_ended(task))
    await asyncio.wait([done, stop], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        return True
    task.cancel()
    await done
    return False


async def _ended(task: "asyncio.Future[_Result]") -> bool:
    """Waits for a task, whatever becomes of it."""
    await asyncio.wait([task])
    return True


def _span(leased: LeasedWorkItem) -> AbstractContextManager[Span]:
    """Spans one item, linked to the call that asked for it."""
    item = leased.work_item
    return tracing.span(
        f"work/{item.kind}",
        kind=SpanKind.CONSUMER,
        after=leased.traceparent,
        journey_id=item.journey_id,
        attributes={
            "fingertip.operation_id": item.operation_id,
            "fingertip.work_item_id": item.work_item_id,
            "fingertip.purpose": WorkItem.Purpose.Name(item.purpose),
        },
    )
