"""A queued task is first the own of one of the free, drawn by lot."""

import pytest

from fingertip.authorization.v1.authorization_service_pb2 import ListTasksRequest
from fingertip.authorization.v1.task_pb2 import Task
from fingertip_client.caller import Caller
from fingertip_server.app import App
from fingertip_server.packs.bank import Bank
from tests.applications import paper
from tests.authorization import desk
from tests.conftest import Clock
from tests.world import World, read_demo, refused


@pytest.fixture(autouse=True)
async def offers(world: World, server: App) -> None:
    pack = read_demo(offers=True)
    server.frame.bank = Bank(pack, pack.forms, pack.agreements)
    await paper.synchronise(world)
    await desk.start_shift(world.authoriser_who_is_a_customer)
    await desk.start_shift(world.authoriser_with_two_accounts)


def _able(world: World) -> dict[str, Caller]:
    return {
        "900101": world.authoriser_who_is_a_customer,
        "900102": world.authoriser,
        "900105": world.authoriser_with_two_accounts,
    }


async def _only(world: World) -> Task:
    [task] = (await world.centre_supervisor.authorization.ListTasks(ListTasksRequest())).tasks
    return task


async def test_one_of_the_free_alone_may_claim_at_first(world: World) -> None:
    await paper.submitted(world.teller)
    task = await _only(world)
    assert task.offer_expire_time.seconds - task.create_time.seconds in {5, 6}
    able = _able(world)
    chosen = able.pop(task.offered_to)
    for other in able.values():
        with refused("NO_TASK_WAITING"):
            await desk.claim(other)
    claimed = await desk.claim(chosen)
    assert (claimed.task_id, claimed.offered_to) == (task.task_id, "")
    assert not claimed.HasField("offer_expire_time")


async def test_an_offer_that_nobody_takes_lapses_without_being_written(
    world: World, clock: Clock
) -> None:
    await paper.submitted(world.teller)
    offered = await _only(world)
    await clock.advance(7)
    assert await _only(world) == offered
    able = _able(world)
    del able[offered.offered_to]
    assert (await desk.claim(able.popitem()[1])).task_id == offered.task_id


async def test_chance_says_to_whom(world: World) -> None:
    await paper.submitted(world.teller)
    task_id = (await _only(world)).task_id
    offered = {
        (await desk.reassign(world.centre_supervisor, task_id)).offered_to for _ in range(30)
    }
    # That one of three is never drawn in thirty times happens once in 60,000 runs.
    assert offered == set(_able(world))


async def test_nothing_is_offered_to_its_maker_or_its_customer(world: World) -> None:
    await paper.submitted(world.teller_with_two_accounts)
    task_id = (await _only(world)).task_id
    offered = {
        (await desk.reassign(world.centre_supervisor, task_id)).offered_to for _ in range(20)
    }
    assert offered == {"900101", "900102"}


async def test_who_has_a_task_or_a_break_is_offered_nothing(world: World) -> None:
    await paper.submitted(world.teller)
    first = await _only(world)
    able = _able(world)
    busy = able.pop(first.offered_to)
    await desk.claim(busy)
    resting, free = sorted(able)
    await desk.start_break(able[resting])
    application = await paper.submitted(world.teller)
    assert (await _task(world, application.task_id)).offered_to == free
    # He has one that is his own, so that the next is anybody's.
    another = await paper.submitted(world.teller)
    assert (await _task(world, another.task_id)).offered_to == ""


async def test_an_offer_to_who_leaves_goes_to_another(world: World, clock: Clock) -> None:
    await paper.submitted(world.teller)
    former = await _only(world)
    await desk.start_break(_able(world)[former.offered_to])
    await clock.advance(1)
    offered = await _only(world)
    assert offered.offered_to in set(_able(world)) - {former.offered_to}
    await desk.end_shift(_able(world)[offered.offered_to])
    await clock.advance(1)
    last = await _only(world)
    assert {former.offered_to, offered.offered_to, last.offered_to} == set(_able(world))


async def test_who_gave_a_task_back_is_not_offered_it_again(world: World) -> None:
    await paper.submitted(world.teller)
    able = _able(world)
    for _ in range(12):
        offered = await _only(world)
        await desk.claim(able[offered.offered_to])
        again = await desk.reassign(world.centre_supervisor, offered.task_id)
        assert again.offered_to not in {"", offered.offered_to}


async def test_a_task_that_a_supervisor_gives_is_his_own_to_whom_it_is_given(
    world: World, clock: Clock
) -> None:
    first = await paper.submitted(world.teller)
    second = await paper.submitted(world.teller)
    given = await desk.reassign(world.centre_supervisor, second.task_id, "900102")
    assert (given.offered_to, given.state) == ("900102", Task.STATE_QUEUED)
    await clock.advance(10)
    # What is his own comes before what is due before it.
    assert (await desk.claim(world.authoriser)).task_id == second.task_id
    assert (await desk.claim(world.authoriser_who_is_a_customer)).task_id == first.task_id
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser_with_two_accounts)


async def _task(world: World, task_id: str) -> Task:
    listed = await world.centre_supervisor.authorization.ListTasks(ListTasksRequest())
    return next(task for task in listed.tasks if task.task_id == task_id)
