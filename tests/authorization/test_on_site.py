"""Two tellers at one tablet: the second decides by the rules of a centre, and proves himself."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable

import argon2
import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import GetJourneyRequest
from fingertip.audit.v1.audit_entry_pb2 import AuditEntry
from fingertip.authorization.v1.authorization_service_pb2 import ListTasksRequest
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_server.app import App
from tests.applications import paper
from tests.authorization import counter, desk
from tests.authorization.scenes import change_scene
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.identity.enrolling import newest_entry, who_am_i
from tests.outcomes import final_outcome
from tests.world import PASSWORD, World, refused

_ATTEMPTS_MAX = 10


@pytest.fixture(autouse=True)
async def customers(world: World, database: Database) -> None:
    await paper.synchronise(world)
    # How passwords are checked is tested elsewhere.
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    await database.as_owner("UPDATE staff_credential SET password_hash = $1", cheap.hash(PASSWORD))


async def test_the_second_teller_approves_and_the_maker_stays_signed_in(
    world: World, database: Database
) -> None:
    async with screen(world.second_teller, WatchRequest(branch_id="0101")) as branch:
        task = await counter.submitted(world.teller)
        assert (task.state, task.centre_id) == (Task.STATE_ON_SITE, "0101")
        approved = await counter.approve(world.teller, task)
        await branch.until(lambda event: event.task.state == Task.STATE_APPROVED)
    assert (approved.state, approved.authoriser_id) == (Task.STATE_APPROVED, "100104")
    application = (await paper.get(world.teller, task.subject_id)).application
    assert application.state == Application.STATE_APPROVED
    assert len(await database.as_owner("SELECT FROM work_item WHERE has_effect")) == 1
    assert (await who_am_i(world.teller)).session.staff.staff_id == "100103"
    [decision] = await database.as_owner("SELECT * FROM task_decision")
    assert decision["checker_id"] == "100104"
    assert decision["on_site"]
    assert str(decision["checker_device_id"]) == (await who_am_i(world.teller)).session.device_id
    [step] = (await desk.look_at(world.teller, task)).steps
    assert (step.authoriser_id, step.on_site) == ("100104", True)


async def test_an_auditor_sees_who_made_and_who_approved(world: World) -> None:
    task = await counter.submitted(world.teller)
    await counter.approve(world.teller, task)
    entry = await newest_entry(world, "0101")
    assert (entry.actor.actor_id, entry.object_id) == ("100103", task.task_id)
    assert entry.object_state == "APPROVED"
    assert entry.second_person.actor_id == "100104"
    request = GetJourneyRequest(journey_id=entry.journey_id)
    [step] = [
        each
        for each in (await world.teller.applications.GetJourney(request)).steps
        if each.action.endswith("ApproveOnSite")
    ]
    assert step.second_person == entry.second_person.display_name
    assert step.second_person not in {"", step.actor}


async def test_the_makers_tablet_shows_what_will_be_executed_and_nobody_elses_does(
    world: World,
) -> None:
    task = await counter.submitted(world.teller)
    shown = await desk.look_at(world.teller, task)
    assert hashlib.sha256(shown.content).digest() == task.content_hash
    assert tuple(item.item_id for item in shown.checklist) == desk.ITEMS
    assert not (await desk.look_at(world.second_teller, task)).content
    with refused("TASK_NOT_FOUND"):
        await desk.look_at(world.other_teller, task)
    with refused("TASK_NOT_FOUND"):
        await desk.look_at(world.authoriser, task)
    await counter.approve(world.teller, task)
    assert not (await desk.look_at(world.teller, task)).content


async def test_the_centre_is_never_offered_what_waits_on_site(world: World) -> None:
    await counter.submitted(world.teller)
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser)
    assert not (await world.centre_supervisor.authorization.ListTasks(ListTasksRequest())).tasks
    async with screen(world.teller, WatchRequest(branch_id="0101")) as branch:
        assert any(event.task.state == Task.STATE_ON_SITE for event in branch.shown)


async def test_the_second_person_is_somebody_else_who_may_decide(world: World) -> None:
    task = await counter.submitted(world.teller_with_two_accounts)
    for number, reason in (
        ("100105", "FOUR_EYES"),
        # The same natural person under his account in the centre.
        ("900105", "FOUR_EYES"),
        ("100202", "OTHER_BRANCH"),
        ("100101", "PERMISSION_MISSING"),
        ("100107", "NOT_ON_SHIFT"),
    ):
        with refused(reason):
            await counter.approve(world.teller_with_two_accounts, task, counter.second(number))
    await counter.approve(world.teller_with_two_accounts, task)


async def test_the_customer_does_not_decide_about_his_own_account(
    world: World, database: Database
) -> None:
    await database.as_owner(
        "UPDATE staff SET customer_id = $1::uuid WHERE staff_id = '100104'", paper.customer_id()
    )
    task = await counter.submitted(world.teller)
    with refused("FOUR_EYES") as caught:
        await counter.approve(world.teller, task)
    assert caught.value.metadata == {"rule": "customer"}


async def test_only_at_the_makers_tablet_somebody_decides(world: World) -> None:
    task = await counter.submitted(world.teller)
    with refused("NOT_THE_MAKER"):
        await counter.approve(world.teller_with_two_accounts, task, counter.second("100104"))
    with refused("PERMISSION_MISSING"):
        await counter.approve(world.authoriser, task)


async def test_the_same_rules_hold_as_in_a_centre(world: World) -> None:
    task = await counter.submitted(world.teller)
    other = counter.approval(task)
    other.content_hash = b"x" * 32
    with refused("CONTENT_CHANGED"):
        await world.teller.authorization.ApproveOnSite(other)
    unfinished = counter.approval(task)
    unfinished.findings.pop()
    with refused("CHECKLIST_INCOMPLETE"):
        await world.teller.authorization.ApproveOnSite(unfinished)
    in_the_centre = await paper.submitted(world.teller)
    claimed = await desk.claim(world.authoriser)
    assert claimed.task_id == in_the_centre.task_id
    with refused("TASK_NOT_FOUND"):
        await counter.approve(world.teller, claimed)


async def test_what_nobody_decides_on_site_in_time_expires(
    world: World, clock: Clock, database: Database
) -> None:
    task = await counter.submitted(world.teller)
    await database.as_owner("UPDATE task SET expire_time = fingertip_now()")
    with refused("TASK_EXPIRED"):
        await counter.approve(world.teller, task)
    await clock.advance(1_801)
    await paper.stay_signed_in(database)
    shown = (await paper.get(world.teller, task.subject_id)).application
    assert shown.state == Application.STATE_EXPIRED


async def test_the_second_teller_refuses_or_sends_back(world: World) -> None:
    first = await counter.submitted(world.teller)
    rejected = await world.teller.authorization.RejectOnSite(counter.rejection(first))
    assert rejected.task.state == Task.STATE_REJECTED
    second = await counter.submitted(world.teller)
    returned = await world.teller.authorization.ReturnOnSite(counter.sending_back(second))
    assert returned.task.state == Task.STATE_RETURNED
    application = (await paper.get(world.teller, second.subject_id)).application
    assert application.state == Application.STATE_RETURNED
    again = await paper.submit(world.teller, application, Task.ROUTE_ON_SITE)
    task = await counter.shown(world.teller, again)
    assert task.previous_task_id == second.task_id
    await counter.approve(world.teller, task)


async def test_a_repeated_approval_answers_the_same_to_who_knows_the_password(
    world: World, database: Database
) -> None:
    task = await counter.submitted(world.teller)
    request = counter.approval(task)
    answers = await asyncio.gather(
        *(world.teller.authorization.ApproveOnSite(request) for _ in range(8))
    )
    assert all(answer == answers[0] for answer in answers)
    assert len(await database.as_owner("SELECT FROM work_item WHERE has_effect")) == 1
    assert len(await database.as_owner("SELECT FROM task_decision")) == 1
    # Whoever does not know the password learns nothing from repeating, however often.
    request.second_person.password = "not-the-password"
    for _ in range(_ATTEMPTS_MAX):
        with refused("WRONG_CREDENTIALS"):
            await world.teller.authorization.ApproveOnSite(request)
    for password in ("not-the-password", PASSWORD):
        request.second_person.password = password
        with refused("LOCKED_OUT"):
            await world.teller.authorization.ApproveOnSite(request)
    kept = await database.as_owner("SELECT answer FROM idempotency")
    assert not any(PASSWORD.encode() in row["answer"] for row in kept)


async def test_who_is_locked_out_decides_nothing_until_the_lock_is_over(
    world: World, clock: Clock, database: Database
) -> None:
    task = await counter.submitted(world.teller)
    wrong = counter.second(password="not-the-password")
    for _ in range(_ATTEMPTS_MAX):
        with refused("WRONG_CREDENTIALS"):
            await counter.approve(world.teller, task, wrong)
    entry = await newest_entry(world, "security")
    assert (entry.actor.actor_id, entry.object_id) == ("100103", "100104")
    assert (entry.object_state, entry.outcome) == ("LOCKED", AuditEntry.OUTCOME_REFUSED)
    with refused("LOCKED_OUT"):
        await counter.approve(world.teller, task)
    # The maker himself works on, and so does whoever else stands by.
    other = await counter.submitted(world.teller)
    await counter.approve(world.teller, other, counter.second("100105"))
    await database.as_owner("UPDATE task SET expire_time = expire_time + interval '1 h'")
    await clock.advance(30 * 60 + 1)
    await paper.stay_signed_in(database)
    await counter.approve(world.teller, task)


async def test_approval_withdrawal_and_expiry_leave_exactly_onefinal_outcome(
    world: World, clock: Clock, database: Database
) -> None:
    task = await counter.submitted(world.teller)
    application = (await paper.get(world.teller, task.subject_id)).application
    await database.as_owner(
        "UPDATE task SET expire_time = fingertip_now() + interval '300 milliseconds'"
    )
    await database.as_owner("UPDATE timer SET due_at = fingertip_now() WHERE kind LIKE '%expire_%'")
    deeds: list[Awaitable[str]] = []
    # More at a time than a person has attempts would be taken for guesses.
    for _ in range(_ATTEMPTS_MAX // 2):
        deeds += [
            final_outcome(world.teller.authorization.ApproveOnSite, counter.approval(task)),
            final_outcome(world.teller.authorization.RejectOnSite, counter.rejection(task)),
            final_outcome(
                world.teller.applications.WithdrawApplication, paper.withdrawal(application)
            ),
            final_outcome(world.teller.authorization.RouteToCentre, counter.rerouting(task)),
        ]
    outcomes = Counter(await asyncio.gather(*deeds))
    await clock.advance(1_801)
    [counts] = await database.as_owner(
        "SELECT (SELECT count(*) FROM task_decision) AS decisions,"
        " (SELECT count(*) FROM work_item WHERE has_effect) AS items,"
        " (SELECT count(*) FROM task WHERE state = 'APPROVED') AS approvals,"
        " (SELECT count(*) FROM task WHERE state IN ('WITHDRAWN', 'EXPIRED')) AS others,"
        " (SELECT state FROM task) AS task_state,"
        " (SELECT state FROM application) AS application_state"
    )
    assert counts["decisions"] + counts["others"] == 1, outcomes
    assert counts["items"] == counts["approvals"]
    assert counts["task_state"] == counts["application_state"]
    ended = {"TASK_STATE", "TASK_EXPIRED", "APPLICATION_STATE", "ETAG_MISMATCH", "TASK_NOT_FOUND"}
    assert set(outcomes) <= ended | {"DONE"}, outcomes


async def test_what_nobody_on_site_may_decide_goes_to_the_centre_as_it_was_signed(
    world: World, database: Database
) -> None:
    task = await counter.submitted(world.teller)
    await database.as_owner("UPDATE task SET level = 2")
    with refused("AUTHORITY_TOO_LOW") as caught:
        await counter.approve(world.teller, task)
    assert caught.value.metadata == {"level": "2"}
    async with screen(world.teller, WatchRequest(branch_id="0101")) as branch:
        request = counter.rerouting(task)
        moved = (await world.teller.authorization.RouteToCentre(request)).task
        gone = await branch.until(
            lambda event: event.task.task_id == task.task_id and event.task.centre_id == "C001"
        )
        assert gone.task.state == Task.STATE_QUEUED
        await branch.until(lambda event: event.application.state_note == "等待授权中心审核。")
    assert (await world.teller.authorization.RouteToCentre(request)).task == moved
    assert (moved.revision, moved.content_hash) == (task.revision, task.content_hash)
    claimed = await desk.claim(world.authoriser)
    assert claimed.task_id == task.task_id
    await desk.approve(world.authoriser, claimed)


async def test_a_manager_stands_by_where_it_takes_his_level(
    world: World, database: Database
) -> None:
    task = await counter.submitted(world.teller)
    await database.as_owner("UPDATE task SET level = 3")
    await counter.approve(world.teller, task, counter.second("100108"))


async def test_what_the_scene_does_not_admit_on_site_is_not_submitted_like_that(
    world: World, server: App
) -> None:
    draft = await paper.fill(world.teller, await paper.start(world.teller), paper.ANSWERS)
    for update in ({"routes": ("centre",)}, {"authorisers": 2}):
        change_scene(server, **update)
        with refused("ROUTE_NOT_ADMITTED") as caught:
            await paper.submit(world.teller, draft, Task.ROUTE_ON_SITE)
        assert caught.value.metadata == {"route": "on_site"}
    await paper.submit(world.teller, draft)
