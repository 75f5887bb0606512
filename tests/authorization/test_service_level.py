"""The clocks of a centre: one reminder, one escalation, and nothing left when it closes."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.authorization.v1.authorization_service_pb2 import (
    ListTasksRequest,
    ReleaseTaskRequest,
    RenewClaimRequest,
)
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_server.app import App
from fingertip_server.authorization import service_level
from fingertip_server.rpc.call import Call
from fingertip_server.settings import Settings
from tests.applications import paper
from tests.applications.images import png
from tests.authorization import counter, desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.world import World

_SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _only(world: World) -> Task:
    [task] = (await world.centre_supervisor.authorization.ListTasks(ListTasksRequest())).tasks
    return task


async def _done(world: World, task_id: str) -> list[str]:
    """Returns what time did to a task, in order."""
    listed = await world.auditor.audit.ListEntries(ListEntriesRequest(chain="C001", page_size=200))
    return [
        entry.object_state
        for entry in reversed(listed.entries)
        if entry.object_id == task_id and entry.action.startswith("timer/")
    ]


async def test_of_a_task_that_waits_for_long_people_are_reminded_once(
    world: World, clock: Clock
) -> None:
    request = WatchRequest(centre_id="C001")
    async with (
        screen(world.authoriser, request) as eligible,
        screen(world.centre_supervisor, request) as supervisor,
    ):
        await paper.submitted(world.teller)
        await clock.advance(80)
        assert not (await _only(world)).HasField("reminded_time")
        await clock.advance(13)
        told = await eligible.until(lambda event: event.task.HasField("reminded_time"))
        assert told.task.state == Task.STATE_QUEUED
        await supervisor.until(lambda event: event.task == told.task)
        for _ in range(5):
            await clock.advance(10)
        assert await _only(world) == told.task
    assert await _done(world, told.task.task_id) == ["REMINDED"]


async def test_a_task_that_waits_longer_is_escalated_once_to_a_supervisor(
    world: World, clock: Clock
) -> None:
    await desk.start_shift(world.centre_supervisor)
    await paper.submitted(world.teller)
    await clock.advance(183)
    task = await _only(world)
    assert task.HasField("escalated_time")
    assert task.escalated_to == "900109"
    for _ in range(3):
        await clock.advance(100)
    assert await _only(world) == task
    assert sorted(await _done(world, task.task_id)) == ["ESCALATED", "REMINDED"]


async def test_nobody_is_reminded_of_what_is_in_hand_and_giving_it_back_keeps_its_age(
    world: World, clock: Clock
) -> None:
    await paper.submitted(world.teller)
    await clock.advance(50)
    task = await desk.claim(world.authoriser)
    await clock.advance(50)
    assert not (await _only(world)).HasField("reminded_time")
    await world.authoriser.authorization.ReleaseTask(
        ReleaseTaskRequest(
            request_id=paper.request_id(), task_id=task.task_id, fence=task.fence, purpose="换人"
        )
    )
    await clock.advance(3)
    assert (await _only(world)).HasField("reminded_time")


async def test_a_parked_task_is_not_forgotten_either(world: World, clock: Clock) -> None:
    await desk.end_shift(world.authoriser)
    await paper.submitted(world.teller)
    await clock.advance(183)
    task = await _only(world)
    assert task.state == Task.STATE_PARKED
    assert task.HasField("reminded_time")
    assert task.HasField("escalated_time")
    # Nobody was there to be named.
    assert task.escalated_to == ""


async def test_the_holder_of_a_claim_is_reminded_once_for_each_claim(
    world: World, clock: Clock
) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    assert task.claim_time.seconds >= task.create_time.seconds

    async def hold(task: Task, turns: int) -> None:
        for _ in range(turns):
            await clock.advance(50)
            await world.authoriser.authorization.RenewClaim(
                RenewClaimRequest(task_id=task.task_id, fence=task.fence)
            )

    await hold(task, 3)
    assert not (await _only(world)).HasField("reminded_time")
    await hold(task, 3)
    assert (await _only(world)).HasField("reminded_time")
    await desk.reassign(world.centre_supervisor, task.task_id)
    task = await desk.claim(world.authoriser)
    await hold(task, 5)
    assert (await _done(world, task.task_id)).count("HOLDER_REMINDED") == 2


async def test_two_servers_remind_once(
    world: World, server: App, clock: Clock, database: Database, settings: Settings
) -> None:
    other = App(settings)
    await other.open()
    try:
        await paper.submitted(world.teller)
        task_id = (await _only(world)).task_id
        await clock.advance(89)
        await database.as_owner("UPDATE task SET waiting_since = waiting_since - interval '2 s'")

        async def look(app: App) -> None:
            for _ in range(3):
                await app.pipeline.due(
                    service_level.REMIND, lambda call: service_level.remind(call, task_id)
                )

        await asyncio.gather(*(look(app) for app in (server, other) for _ in range(4)))
    finally:
        await other.stop()
    assert await _done(world, task_id) == ["REMINDED"]


async def test_what_waits_when_the_centre_closes_ends_and_both_sides_are_told_why(
    world: World, clock: Clock, database: Database
) -> None:
    waiting = await paper.submitted(world.teller)
    await desk.start_shift(world.authoriser_who_is_a_customer)
    # As if it had been made just before the centre closed.
    await _make_of_yesterday(database)
    claimed = await desk.claim(world.authoriser)
    assert claimed.task_id == waiting.task_id
    await clock.advance(3)
    # What is in hand may be finished.
    assert (await _only(world)).state == Task.STATE_CLAIMED
    await desk.reassign(world.centre_supervisor, claimed.task_id)
    await clock.advance(3)
    listed = await world.centre_supervisor.authorization.ListTasks(
        ListTasksRequest(states=[Task.STATE_EXPIRED])
    )
    note = "授权中心已于20:00营业终了，任务当日未审核，请于下一营业日重新办理。"
    assert [task.end_note for task in listed.tasks] == [note]
    shown = (await paper.get(world.teller, waiting.application_id)).application
    assert (shown.state, shown.state_note) == (Application.STATE_EXPIRED, note)
    later = await paper.submitted(world.teller)
    await clock.advance(3)
    assert (await _only(world)).task_id == later.task_id


async def _make_of_yesterday(database: Database) -> None:
    await database.as_owner(
        "UPDATE task SET create_time = create_time - interval '1 day',"
        " waiting_since = waiting_since - interval '1 day'"
    )


@pytest.mark.parametrize(
    ("now", "closed"),
    [
        ("2026-03-02T19:59", "2026-03-01T20:00"),
        ("2026-03-02T20:00", "2026-03-02T20:00"),
        ("2026-03-03T00:10", "2026-03-02T20:00"),
    ],
)
def test_an_office_last_closed_today_or_yesterday(now: str, closed: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=_SHANGHAI).astimezone(UTC)
    expected = datetime.fromisoformat(closed).replace(tzinfo=_SHANGHAI)
    assert service_level.last_closing(moment, time(20), _SHANGHAI) == expected


@pytest.mark.parametrize("act", [service_level.remind, service_level.escalate])
async def test_a_timer_that_comes_late_does_not_act_on_what_waits_anew(
    world: World, server: App, act: Callable[[Call, str], None]
) -> None:
    """As after a supplement, since which the task has waited for a moment only."""
    application = await paper.submitted(world.teller)
    await server.pipeline.due("authorization.late", lambda call: act(call, application.task_id))
    task = await _only(world)
    assert not task.HasField("reminded_time")
    assert not task.HasField("escalated_time")


async def test_what_was_supplied_after_the_centre_closed_is_no_leftover(
    world: World, clock: Clock, database: Database
) -> None:
    application = await paper.submitted(world.teller)
    await desk.ask(world.authoriser, await desk.claim(world.authoriser), "id_back")
    application = (await paper.get(world.teller, application.application_id)).application
    application = await paper.attach(world.teller, application, "id_back", ("image/png", png(30)))
    await _make_of_yesterday(database)
    await desk.supply(world.teller, application)
    await clock.advance(3)
    assert (await _only(world)).state == Task.STATE_QUEUED


async def test_the_clocks_of_the_centre_run_from_when_the_branch_hands_a_task_over(
    world: World, clock: Clock, database: Database
) -> None:
    task = await counter.submitted(world.teller)
    await clock.advance(300)
    await paper.stay_signed_in(database)
    await world.teller.authorization.RouteToCentre(counter.rerouting(task))
    await clock.advance(80)
    moved = await _only(world)
    assert not moved.HasField("reminded_time")
    assert not moved.HasField("escalated_time")
    await clock.advance(13)
    assert (await _only(world)).HasField("reminded_time")
