"""Who waits for work is woken when some comes back, and need not look again by himself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from fingertip.fulfilment.v1.fulfilment_service_pb2 import RetryWorkItemRequest
from fingertip.fulfilment.v1.work_item_pb2 import LeasedWorkItem
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id
from fingertip_server.fulfilment import handlers
from tests.conftest import Clock
from tests.fulfilment.queue import (
    Queue,
    act,
    failed,
    is_inquiry,
    lease,
    lease_one,
    never_seen,
    unknown,
)
from tests.world import PASSWORD, World

SECONDS_MAX = 2.0


@pytest.fixture(autouse=True)
def without_looking_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "_POLL_SECONDS", 60.0)


@pytest.fixture
async def leased(queue: Queue, adapters: Sequence[Caller]) -> LeasedWorkItem:
    """An item that the first adapter has."""
    await queue.ask(act())
    return await lease_one(adapters[0])


async def _given(
    queue: Queue, waiting: Caller, come_back: Callable[[], Awaitable[object]]
) -> LeasedWorkItem:
    """Returns what is given to somebody who waits while an item comes back."""
    lease_of_his = asyncio.create_task(lease(waiting, wait_s=20))
    await queue.has_calls(1)
    # So that his first look is over.
    await asyncio.sleep(0.3)
    assert not lease_of_his.done()
    await come_back()
    async with asyncio.timeout(SECONDS_MAX):
        [given] = await lease_of_his
    return given


async def test_by_an_unknown_outcome(
    queue: Queue, adapters: Sequence[Caller], leased: LeasedWorkItem
) -> None:
    one, two = adapters
    given = await _given(queue, two, lambda: one.fulfilment.ReportOutcomeUnknown(unknown(leased)))
    assert is_inquiry(given)


async def test_by_a_lapsed_lease(
    queue: Queue, adapters: Sequence[Caller], leased: LeasedWorkItem, clock: Clock
) -> None:
    assert is_inquiry(await _given(queue, adapters[1], lambda: clock.advance(16)))


async def test_by_what_the_bank_has_never_seen(
    queue: Queue, adapters: Sequence[Caller], leased: LeasedWorkItem, clock: Clock
) -> None:
    one, two = adapters
    await one.fulfilment.ReportOutcomeUnknown(unknown(leased))
    await clock.advance(60)
    inquiry = await lease_one(one)
    given = await _given(queue, two, lambda: one.fulfilment.FailWorkItem(never_seen(inquiry)))
    assert not is_inquiry(given)


async def test_by_an_operator_who_retries(
    queue: Queue, adapters: Sequence[Caller], leased: LeasedWorkItem, world: World, clock: Clock
) -> None:
    one, two = adapters
    await one.fulfilment.FailWorkItem(failed(leased))
    while True:
        await clock.advance(120)
        again = await lease(one)
        if not again:
            break
        await one.fulfilment.FailWorkItem(failed(again[0]))
    retry = RetryWorkItemRequest(
        request_id=new_request_id(),
        work_item_id=leased.work_item.work_item_id,
        purpose="核心系统已恢复",
    )
    # By then he has idled for long.
    world.operations.credentials.token = ""
    await world.operations.sign_in("000003", PASSWORD)
    given = await _given(queue, two, lambda: world.operations.fulfilment.RetryWorkItem(retry))
    assert is_inquiry(given)
