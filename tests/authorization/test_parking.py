"""Nobody there to decide: parked with a reason that both sides see, never silently queued."""

from dataclasses import replace

import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.authorization.v1.authorization_service_pb2 import ListTasksRequest
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_server.app import App
from fingertip_server.packs.bank import Bank
from tests.applications import paper
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.world import World, read_demo, refused

NOBODY = "授权中心暂无“个人开户”授权员当班，待授权员签到后自动排队。"


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def test_a_submission_with_nobody_on_shift_is_parked_and_queued_when_somebody_comes(
    world: World, server: App
) -> None:
    await desk.end_shift(world.authoriser)
    async with (
        screen(world.teller, WatchRequest(branch_id="0101")) as branch,
        screen(world.centre_supervisor, WatchRequest(centre_id="C001")) as centre,
    ):
        application = await paper.submitted(world.teller)
        assert application.state_note == NOBODY
        parked = await centre.until(lambda event: event.task.state == Task.STATE_PARKED)
        assert parked.task.park_reason == NOBODY
        with refused("NOT_ON_SHIFT"):
            await desk.claim(world.authoriser)
        await desk.start_shift(world.authoriser)
        queued = await centre.until(lambda event: event.task.state == Task.STATE_QUEUED)
        assert queued.task.park_reason == ""
        told = await branch.until(
            lambda event: event.application.state_note == "等待授权中心审核。"
        )
        assert told.application.state == Application.STATE_SUBMITTED
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))


async def test_what_is_queued_is_parked_when_the_last_one_leaves(
    world: World, clock: Clock
) -> None:
    application = await paper.submitted(world.teller)
    await desk.end_shift(world.authoriser)
    await clock.advance(1)
    await clock.advance(1)
    assert await _state(world) == Task.STATE_PARKED
    shown = (await paper.get(world.teller, application.application_id)).application
    assert shown.state_note == NOBODY
    await desk.start_shift(world.authoriser_who_is_a_customer)
    await clock.advance(1)
    await clock.advance(1)
    assert await _state(world) == Task.STATE_QUEUED


async def test_the_maker_himself_is_nobody(world: World, clock: Clock) -> None:
    await desk.end_shift(world.authoriser)
    await desk.start_shift(world.authoriser_with_two_accounts)
    application = await paper.submitted(world.teller_with_two_accounts)
    assert application.state_note == (
        "当班的“个人开户”授权员均为经办本人、客户本人或已作过授权，待其他授权员签到后自动排队。"
    )
    others = await paper.submitted(world.teller)
    assert others.state_note == "等待授权中心审核。"
    await desk.start_shift(world.authoriser)
    await clock.advance(1)
    await clock.advance(1)
    shown = (
        await paper.get(world.teller_with_two_accounts, application.application_id)
    ).application
    assert shown.state_note == "等待授权中心审核。"


async def test_a_parked_task_is_found_even_when_nobody_told(world: World, clock: Clock) -> None:
    await desk.end_shift(world.authoriser)
    await paper.submitted(world.teller)
    await desk.start_shift(world.authoriser)
    # As if the shift's start and the submission had passed each other unseen.
    await clock.advance(11)
    await clock.advance(1)
    assert await _state(world) == Task.STATE_QUEUED


async def test_a_parked_task_expires_like_any_other(
    world: World, clock: Clock, database: Database
) -> None:
    await desk.end_shift(world.authoriser)
    application = await paper.submitted(world.teller)
    await clock.advance(1_801)
    await paper.stay_signed_in(database)
    shown = (await paper.get(world.second_teller, application.application_id)).application
    assert shown.state == Application.STATE_EXPIRED


async def test_a_parked_application_may_be_withdrawn(world: World) -> None:
    await desk.end_shift(world.authoriser)
    application = await paper.submitted(world.teller)
    withdrawn = await paper.withdraw(world.teller, application)
    assert withdrawn.state == Application.STATE_WITHDRAWN


async def test_tasks_are_pushed_to_those_on_shift_with_the_skill(world: World) -> None:
    await desk.start_shift(world.authoriser_without_the_skill)
    request = WatchRequest(centre_id="C001")
    async with (
        screen(world.authoriser, request) as able,
        screen(world.authoriser_without_the_skill, request) as unable,
        screen(world.authoriser_who_is_a_customer, request) as absent,
        screen(world.centre_supervisor, request) as supervisor,
    ):
        application = await paper.submitted(world.teller)
        await able.until(lambda event: event.task.state == Task.STATE_QUEUED)
        queued = await supervisor.until(lambda event: event.task.state == Task.STATE_QUEUED)
        assert queued.task.task_id == application.task_id
        assert queued.journey_id == application.journey_id
        task = await desk.claim(world.authoriser)
        claimed = await supervisor.until(lambda event: event.task.state == Task.STATE_CLAIMED)
        assert claimed.task.version > queued.task.version
        assert claimed.task.authoriser_id == task.authoriser_id
        assert not unable.shown
        assert not absent.shown


async def test_who_may_list_a_centres_staff_does_not_therefore_oversee_its_tasks(
    world: World, server: App
) -> None:
    pack = read_demo()
    roles = tuple(
        role.model_copy(update={"permissions": (*role.permissions, "identity.staff.read")})
        for role in pack.roles
    )
    server.frame.bank = Bank(replace(pack, roles=roles), pack.forms, pack.agreements)
    await desk.start_shift(world.authoriser_without_the_skill)
    request = WatchRequest(centre_id="C001")
    async with (
        screen(world.authoriser_without_the_skill, request) as unable,
        screen(world.centre_supervisor, request) as supervisor,
    ):
        await paper.submitted(world.teller)
        await supervisor.until(lambda event: event.task.state == Task.STATE_QUEUED)
        await desk.claim(world.authoriser)
        await supervisor.until(lambda event: event.task.state == Task.STATE_CLAIMED)
        assert not unable.shown


async def test_a_new_watcher_of_the_centre_sees_what_is_open(world: World) -> None:
    application = await paper.submitted(world.teller)
    async with screen(world.authoriser, WatchRequest(centre_id="C001")) as shown:
        assert {event.task.task_id for event in shown.shown} == {application.task_id}


async def _state(world: World) -> Task.State.ValueType:
    response = await world.centre_supervisor.authorization.ListTasks(ListTasksRequest())
    [task] = response.tasks
    return task.state
