"""How parked items end that will not be done."""

import asyncio
from uuid import uuid4

import pytest

from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    GetWorkItemRequest,
    GiveUpWorkItemRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import WorkItem
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id
from tests.conftest import Clock, Database
from tests.events.publishing import next_events, next_message, watching
from tests.fulfilment.queue import Owner, Queue, act, lease, lease_one, read
from tests.fulfilment.test_operating import park, retry
from tests.world import World, refused

FAILED, PARKED = WorkItem.STATE_FAILED, WorkItem.STATE_PARKED


def giving_up(item: WorkItem, **changed: str) -> GiveUpWorkItemRequest:
    """Quotes a parked item as it was read."""
    fields = {
        "request_id": new_request_id(),
        "work_item_id": item.work_item_id,
        "etag": str(item.version),
        "purpose": "核心确认未受理",
    }
    return GiveUpWorkItemRequest(**(fields | changed))


async def give_up(caller: Caller, item: WorkItem) -> WorkItem:
    return (await caller.fulfilment.GiveUpWorkItem(giving_up(item))).work_item


async def current(caller: Caller, work_item_id: str) -> WorkItem:
    request = GetWorkItemRequest(work_item_id=work_item_id)
    return (await caller.fulfilment.GetWorkItem(request)).work_item


async def test_an_item_with_an_effect_takes_two_persons(
    queue: Queue, world: World, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    leased = await park(queue, adapter, clock, act())
    item = await current(world.operations, leased.work_item.work_item_id)
    asked = await give_up(world.operations, item)
    assert (asked.state, asked.give_up_by) == (PARKED, "000003")
    assert asked.give_up_purpose == "核心确认未受理"
    assert asked.HasField("give_up_time")
    assert owner.words == ["parked"]
    ended = await give_up(world.second_operations, asked)
    assert (ended.state, ended.failure_code) == (FAILED, "GIVEN_UP")
    assert owner.words == ["parked", "failed"]
    assert not await lease(adapter)


async def test_an_item_without_an_effect_takes_one(
    queue: Queue, world: World, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    leased = await park(queue, adapter, clock, read())
    item = await current(world.operations, leased.work_item.work_item_id)
    assert (await give_up(world.operations, item)).state == FAILED
    assert owner.words == ["parked", "failed"]


async def test_one_person_is_not_two_whatever_his_account(
    queue: Queue, world: World, adapter: Caller, clock: Clock, database: Database, owner: Owner
) -> None:
    await database.as_owner(
        "UPDATE staff SET person_id = (SELECT person_id FROM staff WHERE staff_id = '000003')"
        " WHERE staff_id = '000004'"
    )
    leased = await park(queue, adapter, clock, act())
    item = await current(world.operations, leased.work_item.work_item_id)
    asked = await give_up(world.operations, item)
    for caller in (world.operations, world.second_operations):
        with refused("FOUR_EYES") as caught:
            await give_up(caller, asked)
        assert caught.value.metadata == {"rule": "give_up"}
    assert owner.words == ["parked"]


async def test_the_second_has_read_what_the_first_asked(
    queue: Queue, world: World, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    leased = await park(queue, adapter, clock, act())
    item = await current(world.operations, leased.work_item.work_item_id)
    results = await asyncio.gather(
        give_up(world.operations, item),
        give_up(world.second_operations, item),
        return_exceptions=True,
    )
    reasons = sorted(str(getattr(result, "reason", "asked")) for result in results)
    assert reasons == ["ETAG_MISMATCH", "asked"]
    assert owner.words == ["parked"]


async def test_racing_second_persons_end_it_once(
    queue: Queue, world: World, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    leased = await park(queue, adapter, clock, act())
    item = await current(world.operations, leased.work_item.work_item_id)
    asked = await give_up(world.operations, item)
    request = giving_up(asked)
    once = [world.second_operations.fulfilment.GiveUpWorkItem(request) for _ in range(3)]
    others = [give_up(world.second_operations, asked) for _ in range(3)]
    results = await asyncio.gather(*once, *others, return_exceptions=True)
    ended = [each for each in results if not isinstance(each, Exception)]
    assert ended
    assert {str(getattr(e, "reason", "")) for e in results if isinstance(e, Exception)} <= {
        "WORK_ITEM_STATE"
    }
    assert owner.words == ["parked", "failed"]


async def test_the_same_request_again_is_not_a_second_word(
    queue: Queue, world: World, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    leased = await park(queue, adapter, clock, act())
    item = await current(world.operations, leased.work_item.work_item_id)
    request = giving_up(item)
    first = await world.operations.fulfilment.GiveUpWorkItem(request)
    assert await world.operations.fulfilment.GiveUpWorkItem(request) == first
    assert first.work_item.state == PARKED
    assert len(await queue.journal("FulfilmentService/GiveUpWorkItem")) == 1


async def test_a_retry_voids_what_was_asked(
    queue: Queue, world: World, adapter: Caller, clock: Clock, owner: Owner
) -> None:
    leased = await park(queue, adapter, clock, act())
    item = await current(world.operations, leased.work_item.work_item_id)
    asked = await give_up(world.operations, item)
    tried = (await world.second_operations.fulfilment.RetryWorkItem(retry(leased))).work_item
    assert (tried.give_up_by, tried.give_up_purpose) == ("", "")
    with refused("WORK_ITEM_STATE"):
        await give_up(world.second_operations, asked)
    inquiry = await lease_one(adapter)
    assert inquiry.work_item.purpose == WorkItem.PURPOSE_INQUIRE


async def test_both_words_are_journalled_and_seen(
    queue: Queue, world: World, adapter: Caller, clock: Clock
) -> None:
    leased = await park(queue, adapter, clock, act())
    item = await current(world.operations, leased.work_item.work_item_id)
    async with watching(world.branch_manager) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        asked = await give_up(world.operations, item)
        ended = await give_up(world.second_operations, asked)
        seen = [(await next_events(stream)).events[0].work_item for _ in range(2)]
    assert seen == [asked, ended]
    entries = await queue.journal("FulfilmentService/GiveUpWorkItem")
    told = [(entry["actor_id"], entry["object_state"], entry["purpose"]) for entry in entries]
    assert told == [
        ("000003", "PARKED", "核心确认未受理"),
        ("000004", "FAILED", "核心确认未受理"),
    ]


async def test_only_what_is_parked_is_given_up_and_by_operators_alone(
    queue: Queue, world: World, adapter: Caller
) -> None:
    await queue.ask(act())
    leased = await lease_one(adapter)
    with refused("WORK_ITEM_STATE"):
        await give_up(world.operations, leased.work_item)
    with refused("WORK_ITEM_NOT_FOUND"):
        await world.operations.fulfilment.GiveUpWorkItem(
            giving_up(leased.work_item, work_item_id=str(uuid4()))
        )
    with refused("WORK_ITEM_NOT_FOUND"):
        await current(world.operations, str(uuid4()))
    for caller in (world.teller, world.branch_manager, world.core_adapter):
        with refused("PERMISSION_MISSING"):
            await give_up(caller, leased.work_item)


async def test_another_branch_does_not_see_an_item(queue: Queue, world: World) -> None:
    draft = act(branch_id="0102")
    await queue.ask(draft)
    work_item_id = str((await queue.row(draft.operation_id))["work_item_id"])
    assert (await current(world.operations, work_item_id)).branch_id == "0102"
    with refused("WORK_ITEM_NOT_FOUND"):
        await current(world.branch_manager, work_item_id)


@pytest.mark.parametrize("purpose", ["", "x", "a\u202eb"])
async def test_a_purpose_is_said_in_words(world: World, purpose: str) -> None:
    item = WorkItem(work_item_id=str(uuid4()), version=1)
    with refused("INVALID_REQUEST"):
        await world.operations.fulfilment.GiveUpWorkItem(giving_up(item, purpose=purpose))
