"""Who gets which work, and when."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest

from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    ExtendLeaseRequest,
    LeaseQuote,
    LeaseWorkItemsRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import LeasedWorkItem, WorkItem
from fingertip_client.caller import Caller
from fingertip_server.app import App
from tests.conftest import Clock
from tests.fulfilment.queue import (
    ACT,
    CONTENT,
    CONTENT_HASH,
    READ,
    Owner,
    Queue,
    act,
    enrol,
    failed,
    lease,
    lease_one,
    opened,
    read,
)
from tests.world import World, refused


async def extend(adapter: Caller, *leased: LeasedWorkItem) -> list[str]:
    quotes = [
        LeaseQuote(work_item_id=item.work_item.work_item_id, fence=item.fence) for item in leased
    ]
    response = await adapter.fulfilment.ExtendLease(ExtendLeaseRequest(leases=quotes))
    return list(response.lost_work_item_ids)


async def test_an_adapter_gets_the_whole_order(queue: Queue, adapter: Caller) -> None:
    journey_id, draft = uuid4(), act()
    await queue.ask(draft, journey_id=journey_id)
    leased = await lease_one(adapter)
    item = leased.work_item
    assert leased.order.application.content == CONTENT
    assert leased.order.application.content_hash == CONTENT_HASH
    assert item.operation_id == str(draft.operation_id)
    assert item.journey_id == str(journey_id)
    assert (item.subject_kind, item.subject_id) == ("application", draft.subject_id)
    assert (item.kind, item.branch_id, item.has_effect) == (ACT, "0101", True)
    assert (item.state, item.purpose) == (WorkItem.STATE_LEASED, WorkItem.PURPOSE_EXECUTE)
    assert (item.attempts, leased.fence) == (1, 1)
    seconds = leased.lease_expire_time.ToDatetime() - item.create_time.ToDatetime()
    assert 15 <= seconds.total_seconds() < 25


async def test_the_order_is_not_to_be_read_in_the_database(queue: Queue) -> None:
    draft = act()
    await queue.ask(draft)
    row = await queue.row(draft.operation_id)
    assert CONTENT not in row["order_sealed"]
    assert not any(CONTENT.decode() in str(value) for value in row.values())


async def test_a_leased_item_is_nobody_elses(queue: Queue, adapters: Sequence[Caller]) -> None:
    await queue.ask(act())
    assert len(await lease(adapters[0])) == 1
    assert await lease(adapters[1]) == []
    assert await lease(adapters[0]) == []


async def test_the_oldest_of_all_kinds_come_first(queue: Queue, adapter: Caller) -> None:
    drafts = [act(), read(), act(), read()]
    for draft in drafts:
        await queue.ask(draft)
    first = await lease(adapter, items_max=3)
    assert {item.work_item.operation_id for item in first} == {
        str(draft.operation_id) for draft in drafts[:3]
    }
    assert len(await lease(adapter, READ)) == 1


async def test_an_adapter_sees_only_its_own_kinds(
    queue: Queue, server: App, world: World, adapter: Caller
) -> None:
    await queue.ask(act(), read())
    reader = await enrol(server, world, "reader", (READ,))
    [leased] = await lease(reader)
    assert leased.work_item.kind == READ
    with refused("WORK_KIND_NOT_ALLOWED") as caught:
        await lease(reader, READ, ACT)
    assert caught.value.metadata == {"kind": ACT}
    acting = await lease(adapter, ACT)
    # Neither may it meddle with what it does not see.
    with refused("WORK_ITEM_NOT_FOUND"):
        await reader.fulfilment.CompleteWorkItem(opened(acting[0]))
    with refused("WORK_ITEM_NOT_FOUND"):
        await reader.fulfilment.FailWorkItem(failed(acting[0]))


@pytest.mark.parametrize("name", ["teller", "operations", "ticket_machine", "lobby_manager"])
async def test_only_adapters_lease(world: World, name: str) -> None:
    with refused("PERMISSION_MISSING"):
        await lease(getattr(world, name))


async def test_fifty_leases_at_once_share_the_work(
    queue: Queue, adapters: Sequence[Caller]
) -> None:
    for _ in range(4):
        await queue.ask(*(act() for _ in range(25)))
    shares = await asyncio.gather(*(lease(adapters[index % 2], items_max=3) for index in range(50)))
    ids = [item.work_item.work_item_id for share in shares for item in share]
    while rest := await lease(adapters[0], items_max=50):
        ids += [item.work_item.work_item_id for item in rest]
    assert len(ids) == len(set(ids)) == 100


async def test_what_somebody_else_is_about_to_take_is_passed_over(
    queue: Queue, adapter: Caller
) -> None:
    first, second = act(), act()
    await queue.ask(first)
    await queue.ask(second)
    async with taken(queue, first.operation_id):
        leased = await lease_one(adapter)
    assert leased.work_item.operation_id == str(second.operation_id)
    assert (await lease_one(adapter)).work_item.operation_id == str(first.operation_id)


@asynccontextmanager
async def taken(queue: Queue, operation_id: UUID) -> AsyncIterator[None]:
    """Holds the lock of an item, as a lease does until it commits."""
    url = queue.database.url.replace("postgresql+asyncpg", "postgresql")
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(
                "SELECT 1 FROM work_item WHERE operation_id = $1 FOR NO KEY UPDATE", operation_id
            )
            yield
    finally:
        await connection.close()


async def test_who_waits_is_woken_by_new_work(queue: Queue, adapter: Caller) -> None:
    loop = asyncio.get_running_loop()
    waiting = asyncio.create_task(lease(adapter, wait_s=20))
    await queue.has_calls(1)
    asked_at = loop.time()
    await queue.ask(act())
    assert len(await waiting) == 1
    assert loop.time() - asked_at < 0.5


async def test_a_wait_without_work_ends_empty_and_is_not_journalled(
    queue: Queue, adapter: Caller
) -> None:
    request = LeaseWorkItemsRequest(max_items=1)
    request.wait.FromMilliseconds(300)
    response = await adapter.fulfilment.LeaseWorkItems(request, timeout=10)
    assert list(response.items) == []
    assert response.extend_after.ToTimedelta().total_seconds() == 5
    assert await queue.journal("LeaseWorkItems") == []


async def test_a_draining_server_answers_at_once(queue: Queue, adapter: Caller) -> None:
    waiting = asyncio.create_task(lease(adapter, wait_s=20))
    await queue.has_calls(1)
    drained_at = asyncio.get_running_loop().time()
    await queue.server.drain()
    assert await waiting == []
    assert asyncio.get_running_loop().time() - drained_at < 2


async def test_who_hung_up_is_not_given_work(queue: Queue, adapter: Caller) -> None:
    waiting = asyncio.create_task(lease(adapter, wait_s=20))
    await queue.has_calls(1)
    waiting.cancel()
    await queue.has_calls(0)
    draft = act()
    await queue.ask(draft)
    await asyncio.sleep(0.1)
    assert (await queue.row(draft.operation_id))["state"] == "READY"
    assert len(await lease(adapter)) == 1


async def test_a_heartbeat_keeps_the_lease(
    queue: Queue, adapters: Sequence[Caller], clock: Clock, owner: Owner
) -> None:
    await queue.ask(act())
    leased = await lease_one(adapters[0])
    for _ in range(4):
        await clock.advance(10)
        assert await extend(adapters[0], leased) == []
    assert await lease(adapters[1]) == []
    assert owner.words == []
    await adapters[0].fulfilment.CompleteWorkItem(opened(leased))


async def test_what_is_no_longer_held_cannot_be_extended(
    queue: Queue, adapters: Sequence[Caller], clock: Clock
) -> None:
    await queue.ask(act(), act())
    done, lapsing = await lease(adapters[0])
    await adapters[0].fulfilment.CompleteWorkItem(opened(done))
    assert await extend(adapters[0], done) == [done.work_item.work_item_id]
    assert await extend(adapters[1], lapsing) == [lapsing.work_item.work_item_id]
    await clock.advance(15.5)
    assert await extend(adapters[0], lapsing) == [lapsing.work_item.work_item_id]


async def test_a_heartbeat_does_not_outlive_the_deadline_of_a_read(
    queue: Queue, adapter: Caller, clock: Clock
) -> None:
    await queue.ask(read(deadline=await queue.read_deadline(20)))
    leased = await lease_one(adapter)
    await clock.advance(10)
    assert await extend(adapter, leased) == []
    await clock.advance(12)
    assert await extend(adapter, leased) == [leased.work_item.work_item_id]


async def test_one_open_question_is_asked_once(queue: Queue, adapter: Caller) -> None:
    await asyncio.gather(*(queue.ask(read(dedupe_key="C1/PROFILE")) for _ in range(8)))
    await queue.ask(read(dedupe_key="C2/PROFILE"))
    leased = await lease(adapter)
    assert len(leased) == 2
    # While it is being answered, too.
    await queue.ask(read(dedupe_key="C1/PROFILE"))
    assert await lease(adapter) == []
