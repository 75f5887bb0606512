"""What a teller is told of the queue, and a supervisor of his centre."""

from datetime import timedelta

import pytest

from fingertip.authorization.v1.authorization_service_pb2 import (
    GetCentreLoadRequest,
    GetQueuePositionRequest,
)
from fingertip.authorization.v1.centre_load_pb2 import CentreLoad, QueuePosition, SkillLoad
from fingertip.authorization.v1.task_pb2 import Task
from fingertip_client.caller import Caller
from tests.applications import paper
from tests.authorization import desk
from tests.conftest import Clock, Database
from tests.world import World, refused

_LONG = 5_000
_FILL_UP = """
INSERT INTO task (task_id, subject_id, skill, rank_at, scene_code, centre_id, branch_id,
    subject_kind, revision, content_hash, maker_id, maker_person_id, customer_id, checklist,
    lease_span, create_time, expire_time, state)
SELECT gen_random_uuid(), gen_random_uuid(), skill,
    rank_at - make_interval(secs => n), scene_code, centre_id, branch_id, subject_kind, revision,
    content_hash, maker_id, maker_person_id, customer_id, '[]', lease_span, create_time,
    expire_time, 'QUEUED'
FROM task, generate_series(1, $1::int) AS n
"""


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _position(caller: Caller, task_id: str) -> QueuePosition:
    response = await caller.authorization.GetQueuePosition(GetQueuePositionRequest(task_id=task_id))
    return response.position


async def _load(world: World) -> CentreLoad:
    response = await world.centre_supervisor.authorization.GetCentreLoad(GetCentreLoadRequest())
    return response.load


async def _opening(world: World) -> SkillLoad:
    [load] = [each for each in (await _load(world)).skills if each.skill == "account_opening"]
    return load


async def test_a_teller_sees_how_many_are_before_his_customer_and_how_long_that_takes(
    world: World,
) -> None:
    first = await paper.submitted(world.teller)
    shown = await _position(world.teller, first.task_id)
    assert (shown.position, shown.expected_wait.ToTimedelta()) == (1, timedelta(0))
    await desk.claim(world.authoriser)
    claimed = await _position(world.teller, first.task_id)
    assert (claimed.state, claimed.position) == (Task.STATE_CLAIMED, 0)
    second, third = [await paper.submitted(world.teller) for _ in range(2)]
    # Nothing was decided yet, so that what the bank expects of one counts.
    shown = await _position(world.teller, second.task_id)
    assert (shown.position, shown.expected_wait.ToTimedelta()) == (1, timedelta(seconds=70))
    shown = await _position(world.second_teller, third.task_id)
    assert (shown.position, shown.expected_wait.ToTimedelta()) == (2, timedelta(seconds=140))
    with refused("TASK_NOT_FOUND"):
        await _position(world.other_teller, third.task_id)
    with refused("PERMISSION_MISSING"):
        await _position(world.authoriser, third.task_id)


async def test_a_wait_is_expected_by_what_lately_was_usual(world: World, clock: Clock) -> None:
    for _ in range(3):
        await paper.submitted(world.teller)
        task = await desk.claim(world.authoriser)
        await clock.advance(30)
        await desk.approve(world.authoriser, task)
    await paper.submitted(world.teller)
    await desk.claim(world.authoriser)
    waiting = await paper.submitted(world.teller)
    wait = (await _position(world.teller, waiting.task_id)).expected_wait.ToTimedelta()
    assert timedelta(seconds=30) <= wait < timedelta(seconds=45)


async def test_of_a_task_that_nobody_may_decide_nobody_says_how_long_it_waits(
    world: World,
) -> None:
    await desk.end_shift(world.authoriser)
    parked = await paper.submitted(world.teller)
    assert await _position(world.teller, parked.task_id) == QueuePosition(state=Task.STATE_PARKED)


async def test_a_long_queue_is_counted_only_so_far(world: World, database: Database) -> None:
    last = await paper.submitted(world.teller)
    await database.as_owner(_FILL_UP, _LONG)
    shown = await _position(world.teller, last.task_id)
    assert (shown.position, shown.is_further) == (201, True)
    assert not shown.HasField("expected_wait")


async def test_a_supervisor_sees_who_is_there_and_what_is_done(world: World, clock: Clock) -> None:
    await desk.start_shift(world.authoriser_who_is_a_customer)
    await desk.start_shift(world.authoriser_with_two_accounts)
    await desk.start_break(world.authoriser_with_two_accounts)
    await paper.submitted(world.teller)
    await clock.advance(10)
    task = await desk.claim(world.authoriser)
    await clock.advance(20)
    await desk.approve(world.authoriser, task)
    await paper.submitted(world.teller)
    await desk.send_back(world.authoriser, await desk.claim(world.authoriser))
    await paper.submitted(world.teller)
    await desk.claim(world.authoriser)
    await paper.submitted(world.teller)
    await clock.advance(15)
    load = await _load(world)
    assert (load.centre_id, load.on_shift, load.free, load.on_break) == ("C001", 3, 1, 1)
    assert load.business_day.year >= 2026
    opening = await _opening(world)
    assert (opening.queued, opening.claimed, opening.parked, opening.present) == (1, 1, 0, 2)
    assert opening.oldest_wait.ToTimedelta() >= timedelta(seconds=15)
    assert (opening.decided, opening.first_pass_per_mille) == (2, 500)
    assert opening.handling_p95.ToTimedelta() >= timedelta(seconds=20)
    assert opening.handling_median.ToTimedelta() < timedelta(seconds=20)


async def test_what_was_decided_yesterday_is_no_figure_of_today(
    world: World, database: Database
) -> None:
    await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    assert (await _opening(world)).decided == 1
    await database.as_owner("UPDATE task SET decide_time = decide_time - interval '1 day'")
    opening = await _opening(world)
    assert (opening.decided, opening.first_pass_per_mille) == (0, 0)
    assert not opening.HasField("handling_median")
    with refused("PERMISSION_MISSING"):
        await world.authoriser.authorization.GetCentreLoad(GetCentreLoadRequest())
