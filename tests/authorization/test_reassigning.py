"""A supervisor takes a task from who has it; whoever leaves leaves nothing behind."""

import asyncio

import pytest

from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.authorization.v1.authorization_service_pb2 import (
    ListTasksRequest,
    ReassignTaskRequest,
    ReleaseTaskRequest,
    RenewClaimRequest,
)
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.identity.v1.identity_service_pb2 import (
    EndBreakRequest,
    StartBreakRequest,
    SuspendStaffRequest,
)
from fingertip_server.app import App
from tests.applications import paper
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.sql import connected, until_stuck
from tests.world import World, refused


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _state(world: World) -> Task.State.ValueType:
    [task] = (await world.centre_supervisor.authorization.ListTasks(ListTasksRequest())).tasks
    return task.state


async def test_a_reassigned_task_is_another_ones_and_its_former_holder_decides_nothing(
    world: World,
) -> None:
    await paper.submitted(world.teller)
    other = world.authoriser_who_is_a_customer
    await desk.start_shift(other)
    former = await desk.claim(world.authoriser)
    request = ReassignTaskRequest(
        request_id=paper.request_id(), task_id=former.task_id, to_staff_id="900101", purpose="换人"
    )
    async with screen(world.centre_supervisor, WatchRequest(centre_id="C001")) as centre:
        given = (await world.centre_supervisor.authorization.ReassignTask(request)).task
        assert (given.state, given.authoriser_id) == (Task.STATE_QUEUED, "")
        assert (await world.centre_supervisor.authorization.ReassignTask(request)).task == given
        await centre.until(lambda event: event.task == given)
    for decide in (
        world.authoriser.authorization.ApproveTask(desk.approval(former)),
        world.authoriser.authorization.RejectTask(desk.rejection(former)),
        world.authoriser.authorization.RenewClaim(
            RenewClaimRequest(task_id=former.task_id, fence=former.fence)
        ),
    ):
        with refused("LEASE_LOST"):
            await decide
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser)
    task = await desk.claim(other)
    assert (task.task_id, task.fence) == (former.task_id, 2)
    with refused("LEASE_LOST"):
        await desk.approve(world.authoriser, former)
    await desk.approve(other, task)
    with refused("TASK_STATE"):
        await desk.reassign(world.centre_supervisor, task.task_id)
    entries = await world.auditor.audit.ListEntries(ListEntriesRequest(chain="C001"))
    [entry] = [
        entry
        for entry in entries.entries
        if entry.action.endswith("/ReassignTask") and not entry.reason
    ]
    assert (entry.object_id, entry.purpose) == (former.task_id, "换人")


async def test_it_is_given_only_to_who_may_decide_and_is_there(world: World) -> None:
    application = await paper.submitted(world.teller_with_two_accounts)
    await desk.start_shift(world.authoriser_without_the_skill)
    await desk.start_shift(world.authoriser_with_two_accounts)
    rules = {"900101": "shift", "900103": "skill", "900105": "maker", "900109": "skill"}
    rules |= {"100104": "centre", "999999": "centre"}
    for staff_id, rule in rules.items():
        with refused("NOT_ELIGIBLE") as caught:
            await desk.reassign(world.centre_supervisor, application.task_id, staff_id)
        assert caught.value.metadata == {"rule": rule}
    await desk.start_break(world.authoriser)
    with refused("NOT_ELIGIBLE") as caught:
        await desk.reassign(world.centre_supervisor, application.task_id, "900102")
    assert caught.value.metadata == {"rule": "break"}
    with refused("TASK_NOT_FOUND"):
        await desk.reassign(world.centre_supervisor, paper.request_id())


async def test_a_given_task_that_is_not_taken_is_anybodys_again(world: World, clock: Clock) -> None:
    application = await paper.submitted(world.teller)
    await desk.start_shift(world.authoriser_who_is_a_customer)
    await desk.reassign(world.centre_supervisor, application.task_id, "900101")
    await clock.advance(170)
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser)
    await clock.advance(15)
    assert (await desk.claim(world.authoriser)).task_id == application.task_id


async def test_nobody_counts_on_who_is_on_a_break(world: World, clock: Clock) -> None:
    await paper.submitted(world.teller)
    request = StartBreakRequest(request_id=paper.request_id())
    staff = (await world.authoriser.identity.StartBreak(request)).staff
    assert (staff.on_shift, staff.on_break) == (True, True)
    assert (await world.authoriser.identity.StartBreak(request)).staff == staff
    with refused("ON_BREAK"):
        await desk.start_break(world.authoriser)
    with refused("ON_BREAK"):
        await desk.claim(world.authoriser)
    await clock.advance(1)
    await clock.advance(1)
    [parked] = (await world.authoriser.authorization.ListTasks(ListTasksRequest())).tasks
    assert parked.park_reason == "当班的“个人开户”授权员均在休息，待授权员返岗后自动排队。"
    back = EndBreakRequest(request_id=paper.request_id())
    assert not (await world.authoriser.identity.EndBreak(back)).staff.on_break
    assert not (await world.authoriser.identity.EndBreak(back)).staff.on_break
    with refused("NOT_ON_BREAK"):
        await desk.end_break(world.authoriser)
    await clock.advance(1)
    await clock.advance(1)
    await desk.claim(world.authoriser)


async def test_a_claim_comes_before_a_break_and_a_shift_before_both(world: World) -> None:
    with refused("NOT_ON_SHIFT"):
        await desk.start_break(world.authoriser_who_is_a_customer)
    with refused("PERMISSION_MISSING"):
        await desk.start_break(world.ticket_machine)
    with refused("PERMISSION_MISSING"):
        await desk.end_break(world.ticket_machine)
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    with refused("CLAIM_HELD"):
        await desk.start_break(world.authoriser)
    await world.authoriser.authorization.ReleaseTask(
        ReleaseTaskRequest(
            request_id=paper.request_id(), task_id=task.task_id, fence=task.fence, purpose="休息"
        )
    )
    await desk.start_break(world.authoriser)
    # Who goes home from his break comes back from none.
    await desk.end_shift(world.authoriser)
    await desk.start_shift(world.authoriser)
    with refused("NOT_ON_BREAK"):
        await desk.end_break(world.authoriser)


async def test_breaks_are_journalled(world: World) -> None:
    await desk.start_break(world.authoriser)
    await desk.end_break(world.authoriser)
    entries = await world.auditor.audit.ListEntries(ListEntriesRequest(chain="C001", page_size=2))
    told = [(each.action.rpartition("/")[2], each.object_state) for each in entries.entries]
    assert told == [("EndBreak", "STARTED"), ("StartBreak", "ON_BREAK")]


async def test_what_a_lapsed_shift_holds_is_given_back(
    world: World, clock: Clock, database: Database
) -> None:
    await paper.submitted(world.teller)
    await desk.claim(world.authoriser)
    await database.as_owner("UPDATE task SET lease_until = lease_until + interval '2 d'")
    await database.as_owner("UPDATE task SET expire_time = expire_time + interval '2 d'")
    await database.as_owner(
        "UPDATE timer SET due_at = fingertip_now() WHERE kind = 'identity.lapse_shift'"
    )
    await clock.advance(1)
    await clock.advance(1)
    await clock.advance(1)
    await paper.stay_signed_in(database)
    assert await _state(world) == Task.STATE_PARKED


async def test_what_a_suspended_authoriser_holds_is_given_back(world: World, clock: Clock) -> None:
    await desk.start_shift(world.authoriser_who_is_a_customer)
    await paper.submitted(world.teller)
    await desk.claim(world.authoriser)
    await world.security_admin.identity.SuspendStaff(
        SuspendStaffRequest(
            request_id=paper.request_id(), staff_id="900102", suspended=True, purpose="调查"
        )
    )
    await clock.advance(1)
    await clock.advance(1)
    assert await _state(world) == Task.STATE_QUEUED
    await desk.claim(world.authoriser_who_is_a_customer)


async def test_what_went_to_another_centre_meanwhile_is_not_given_to_anybody(
    world: World, database: Database
) -> None:
    application = await paper.submitted(world.teller)
    await database.as_owner(
        "INSERT INTO branch (branch_id, kind, name, time_zone)"
        " SELECT 'C002', kind, '第二授权中心', time_zone FROM branch WHERE branch_id = 'C001'"
    )
    async with connected(database.owner_url) as connection:
        async with connection.transaction():
            await connection.execute("UPDATE task SET centre_id = 'C002'")
            giving = asyncio.ensure_future(
                desk.reassign(world.centre_supervisor, application.task_id)
            )
            await until_stuck(database.owner_url)
        with refused("TASK_NOT_FOUND"):
            await giving


async def test_the_maker_gives_his_own_task_to_nobody_whatever_his_account(
    world: World, server: App, database: Database
) -> None:
    await database.as_owner(
        "UPDATE staff SET person_id = (SELECT person_id FROM staff WHERE staff_id = '100103')"
        " WHERE staff_id = '900109'"
    )
    server.authenticator.invalidate("staff:900109")
    application = await paper.submitted(world.teller)
    for to_staff_id in ("900102", ""):
        with refused("FOUR_EYES") as caught:
            await desk.reassign(world.centre_supervisor, application.task_id, to_staff_id)
        assert caught.value.metadata == {"rule": "maker"}


async def test_who_is_off_shift_does_not_hold_on_to_a_claim(
    world: World, server: App, clock: Clock, database: Database
) -> None:
    """As after an end of shift that a claim met: nobody takes it back at once."""
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    await database.as_owner("UPDATE shift SET ended_at = fingertip_now() WHERE staff_id = '900102'")
    server.authenticator.invalidate("staff:900102")
    with refused("NOT_ON_SHIFT"):
        await world.authoriser.authorization.RenewClaim(desk.renewal(task))
    await clock.advance(61)
    assert await _state(world) == Task.STATE_PARKED
