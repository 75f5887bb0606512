"""How people look after the queue."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    FailWorkItemRequest,
    ListWorkItemsRequest,
    RetryWorkItemRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import LeasedWorkItem, WorkItem
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id
from fingertip_server.rpc.drafts import WorkItemDraft
from tests.conftest import Clock
from tests.events.publishing import next_events, next_message, watching
from tests.fulfilment.queue import (
    ACT,
    READ,
    Owner,
    Queue,
    act,
    failed,
    is_inquiry,
    lease,
    lease_one,
    never_seen,
    opened,
    read,
    unknown,
)
from tests.world import World, refused

REFUSED = FailWorkItemRequest.FAILURE_PERMANENT
PARKED = WorkItem.STATE_PARKED


async def park(queue: Queue, adapter: Caller, clock: Clock, draft: WorkItemDraft) -> LeasedWorkItem:
    """Has the attempts of an item used up and returns its last lease."""
    await queue.ask(draft)
    while True:
        leased = await lease_one(adapter)
        item = (await adapter.fulfilment.FailWorkItem(failed(leased))).work_item
        if item.state == WorkItem.STATE_PARKED:
            return leased
        await clock.advance(60)


def retry(leased: LeasedWorkItem) -> RetryWorkItemRequest:
    return RetryWorkItemRequest(
        request_id=new_request_id(),
        work_item_id=leased.work_item.work_item_id,
        purpose="核心系统已恢复",
    )


async def listed(caller: Caller, request: ListWorkItemsRequest | None = None) -> list[WorkItem]:
    response = await caller.fulfilment.ListWorkItems(request or ListWorkItemsRequest())
    return list(response.work_items)


async def test_a_parked_item_is_inquired_about_before_it_is_repeated(
    queue: Queue, world: World, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    leased = await park(queue, adapter, clock, act())
    request = retry(leased)
    item = (await world.operations.fulfilment.RetryWorkItem(request)).work_item
    assert (item.state, item.purpose) == (WorkItem.STATE_UNKNOWN, WorkItem.PURPOSE_INQUIRE)
    assert (await world.operations.fulfilment.RetryWorkItem(request)).work_item == item
    inquiry = await lease_one(adapter)
    assert is_inquiry(inquiry)
    await clock.advance(0)
    await queue.database.as_owner(
        "UPDATE work_item SET executed_at = fingertip_now() - interval '1 minute'"
    )
    item = (await adapter.fulfilment.FailWorkItem(never_seen(inquiry))).work_item
    assert item.state == WorkItem.STATE_READY
    again = await lease_one(adapter)
    assert not is_inquiry(again)
    assert again.work_item.operation_id == leased.work_item.operation_id
    await adapter.fulfilment.CompleteWorkItem(opened(again))
    assert owner.words == ["parked", "unknown", "done"]


async def test_new_attempts_are_as_many_as_the_first(
    queue: Queue, world: World, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    leased = await park(queue, adapter, clock, read())
    item = (await world.operations.fulfilment.RetryWorkItem(retry(leased))).work_item
    assert (item.state, item.attempts) == (WorkItem.STATE_READY, 5)
    for attempts in range(6, 11):
        item = (await adapter.fulfilment.FailWorkItem(failed(await lease_one(adapter)))).work_item
        assert item.attempts == attempts
        await clock.advance(60)
    assert item.state == WorkItem.STATE_PARKED
    assert owner.words == ["parked", "parked"]


async def test_a_retry_is_journalled_with_its_reason(
    queue: Queue, world: World, adapter: Caller, clock: Clock
) -> None:
    leased = await park(queue, adapter, clock, act())
    await world.operations.fulfilment.RetryWorkItem(retry(leased))
    [entry] = await queue.journal("FulfilmentService/RetryWorkItem")
    assert (entry["chain"], entry["actor_id"]) == ("0101", "000003")
    assert (entry["object_state"], entry["purpose"]) == ("UNKNOWN", "核心系统已恢复")


async def test_only_a_parked_item_is_retried_and_by_operators_alone(
    queue: Queue, world: World, adapter: Caller
) -> None:
    await queue.ask(act())
    leased = await lease_one(adapter)
    with refused("WORK_ITEM_STATE") as caught:
        await world.operations.fulfilment.RetryWorkItem(retry(leased))
    assert caught.value.metadata == {"state": "LEASED"}
    missing = retry(leased)
    missing.work_item_id = str(uuid4())
    with refused("WORK_ITEM_NOT_FOUND"):
        await world.operations.fulfilment.RetryWorkItem(missing)
    for caller in (world.teller, world.branch_manager, world.core_adapter):
        with refused("PERMISSION_MISSING"):
            await caller.fulfilment.RetryWorkItem(retry(leased))


async def test_racing_retries_give_new_attempts_once(
    queue: Queue, world: World, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    leased = await park(queue, adapter, clock, act())
    results = await asyncio.gather(
        *(world.operations.fulfilment.RetryWorkItem(retry(leased)) for _ in range(8)),
        return_exceptions=True,
    )
    refusals = [result for result in results if isinstance(result, Exception)]
    assert [getattr(refusal, "reason", refusal) for refusal in refusals] == ["WORK_ITEM_STATE"] * 7
    assert owner.words == ["parked", "unknown"]


async def test_a_parked_question_that_was_asked_again_stays_parked(
    queue: Queue, world: World, adapter: Caller, clock: Clock
) -> None:
    leased = await park(queue, adapter, clock, read(dedupe_key="C1/PROFILE"))
    await queue.ask(read(dedupe_key="C1/PROFILE"))
    with refused("WORK_ITEM_STATE"):
        await world.operations.fulfilment.RetryWorkItem(retry(leased))
    states = [item.state for item in await listed(world.operations)]
    assert states == [WorkItem.STATE_READY, WorkItem.STATE_PARKED]


async def test_a_branch_sees_its_own_items_and_the_head_office_all(
    queue: Queue, world: World
) -> None:
    drafts = [act(), act(branch_id="0102"), read()]
    for draft in drafts:
        await queue.ask(draft)
    everything = [str(draft.operation_id) for draft in reversed(drafts)]
    assert [item.operation_id for item in await listed(world.operations)] == everything
    own = [item.operation_id for item in await listed(world.branch_manager)]
    assert own == [everything[0], everything[2]]
    with refused("PERMISSION_MISSING"):
        await listed(world.teller)


async def test_a_list_is_filtered_by_state_and_kind(
    queue: Queue, world: World, adapter: Caller
) -> None:
    await queue.ask(act(), act(), read())
    first, _ = await lease(adapter, ACT)
    await adapter.fulfilment.FailWorkItem(failed(first, REFUSED, "NO"))
    kinds = [item.kind for item in await listed(world.operations, ListWorkItemsRequest(kind=READ))]
    assert kinds == [READ]
    in_state = ListWorkItemsRequest(states=[WorkItem.STATE_FAILED])
    [ended] = await listed(world.operations, in_state)
    assert (ended.work_item_id, ended.failure_code) == (first.work_item.work_item_id, "NO")
    in_state.states.append(WorkItem.STATE_LEASED)
    assert len(await listed(world.operations, in_state)) == 2
    assert await listed(world.operations, ListWorkItemsRequest(states=[PARKED])) == []


async def test_a_list_is_read_page_by_page(queue: Queue, world: World) -> None:
    for _ in range(7):
        await queue.ask(act())
    whole = await listed(world.operations)
    pages, token = [], ""
    while True:
        response = await world.operations.fulfilment.ListWorkItems(
            ListWorkItemsRequest(page_size=3, page_token=token)
        )
        pages.append(list(response.work_items))
        token = response.next_page_token
        if not token:
            break
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [item for page in pages for item in page] == whole
    with refused("INVALID_PAGE_TOKEN"):
        await listed(world.operations, ListWorkItemsRequest(page_token="AAAA"))


@pytest.fixture
async def people(world: World) -> Sequence[Caller]:
    """Who may watch the branch: one who looks after the queue, and one who does not."""
    return [world.branch_manager, world.teller]


async def test_who_looks_after_the_queue_sees_what_needs_a_person(
    queue: Queue, adapter: Caller, people: Sequence[Caller], clock: Clock
) -> None:
    manager, teller = people
    async with watching(manager) as stream, watching(teller) as other:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        while not (await next_message(other)).HasField("snapshot_end"):
            pass
        await queue.ask(act())
        await adapter.fulfilment.ReportOutcomeUnknown(unknown(await lease_one(adapter)))
        seen = [(await next_events(stream)).events[0].work_item]
        for _ in range(4):
            leased = await lease_one(adapter)
            await adapter.fulfilment.ReportOutcomeUnknown(unknown(leased))
            seen.append((await next_events(stream)).events[0].work_item)
            await clock.advance(90)
        assert [item.state for item in seen] == [WorkItem.STATE_UNKNOWN] * 4 + [
            WorkItem.STATE_PARKED
        ]
        versions = [item.version for item in seen]
        assert versions == sorted(set(versions))
        with pytest.raises(TimeoutError):
            await next_events(other, seconds=0.3)
    # Who comes later finds it in the snapshot.
    async with watching(manager) as stream:
        [event] = (await next_message(stream)).events
        assert event.work_item == seen[-1]


async def test_what_goes_well_is_no_news(
    queue: Queue, adapter: Caller, people: Sequence[Caller]
) -> None:
    async with watching(people[0]) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        await queue.ask(act())
        await adapter.fulfilment.CompleteWorkItem(opened(await lease_one(adapter)))
        with pytest.raises(TimeoutError):
            await next_events(stream, seconds=0.3)
