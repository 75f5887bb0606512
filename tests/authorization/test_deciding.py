"""Claiming and deciding: leases, fences, deadlines, and one outcome."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable

import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.authorization.v1.authorization_service_pb2 import (
    ClaimNextTaskRequest,
    ListTasksRequest,
    ListTasksResponse,
    ReleaseTaskRequest,
    RenewClaimRequest,
)
from fingertip.authorization.v1.task_pb2 import ChecklistFinding, Task
from fingertip_client.caller import Caller
from fingertip_server.packs import synthetic
from tests.applications import paper
from tests.authorization import desk
from tests.conftest import Clock, Database
from tests.outcomes import final_outcome
from tests.world import World, read_demo, refused


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _filled_by(world: World, customer: int) -> Application:
    """Returns the complete draft of one of the demo bank's customers."""
    population = synthetic.population_of(read_demo())
    person = list(synthetic.customers(population, customer + 1))[customer]
    draft = await paper.start(world.teller, customer=customer)
    return await paper.fill(world.teller, draft, paper.answers_of(person))


async def _submitted_by(world: World, customer: int) -> Application:
    return await paper.submit(world.teller, await _filled_by(world, customer))


async def test_a_claim_shows_the_task_with_what_to_check(world: World) -> None:
    application = await paper.submitted(world.teller)
    response = await world.authoriser.authorization.ClaimNextTask(
        ClaimNextTaskRequest(request_id=paper.request_id())
    )
    task = response.task
    assert response.renew_after.seconds == 20
    assert (task.state, task.fence, task.authoriser_id) == (Task.STATE_CLAIMED, 1, "900102")
    assert (task.subject_id, task.maker_id) == (application.application_id, "100103")
    assert task.lease_expire_time.seconds - task.create_time.seconds in range(59, 75)
    assert task.expire_time.seconds - task.create_time.seconds <= 1_800
    shown = await desk.look_at(world.authoriser, task)
    assert tuple(item.item_id for item in shown.checklist) == desk.ITEMS
    assert shown.content


async def test_who_does_not_hold_the_claim_sees_no_content(world: World) -> None:
    await paper.submitted(world.teller)
    [queued] = (await _list(world.centre_supervisor)).tasks
    task = await desk.claim(world.authoriser)
    assert queued.task_id == task.task_id
    for caller in (world.centre_supervisor, world.authoriser_with_two_accounts):
        shown = await desk.look_at(caller, task)
        assert shown.task.state == Task.STATE_CLAIMED
        assert shown.content == b""
    with refused("TASK_NOT_FOUND"):
        await desk.look_at(world.teller, task)
    with refused("PERMISSION_MISSING"):
        await desk.look_at(world.lobby_manager, task)


async def test_claiming_needs_a_shift_and_one_hand(world: World) -> None:
    await paper.submitted(world.teller)
    await paper.submitted(world.teller)
    with refused("NOT_ON_SHIFT"):
        await desk.claim(world.authoriser_who_is_a_customer)
    with refused("PERMISSION_MISSING"):
        await desk.claim(world.teller)
    first = await desk.claim(world.authoriser)
    with refused("CLAIM_HELD") as caught:
        await desk.claim(world.authoriser)
    assert caught.value.metadata == {"task_id": first.task_id}
    await desk.approve(world.authoriser, first)
    assert (await desk.claim(world.authoriser)).task_id != first.task_id
    with refused("CLAIM_HELD"):
        await desk.end_shift(world.authoriser)


async def test_a_repeated_claim_answers_with_the_same_task(world: World) -> None:
    await paper.submitted(world.teller)
    await paper.submitted(world.teller)
    request = ClaimNextTaskRequest(request_id=paper.request_id())
    first = await world.authoriser.authorization.ClaimNextTask(request)
    assert await world.authoriser.authorization.ClaimNextTask(request) == first


async def test_who_lacks_the_skill_gets_nothing(world: World) -> None:
    await paper.submitted(world.teller)
    await desk.start_shift(world.authoriser_without_the_skill)
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser_without_the_skill)


async def test_a_higher_tier_goes_before_an_earlier_submission(world: World) -> None:
    ordinary = await _submitted_by(world, customer=2)
    private = await _submitted_by(world, customer=0)
    assert (await desk.claim(world.authoriser)).subject_id == private.application_id
    await desk.start_shift(world.authoriser_who_is_a_customer)
    second = await desk.claim(world.authoriser_who_is_a_customer)
    assert second.subject_id == ordinary.application_id


async def test_a_customer_at_the_counter_goes_before_one_who_left(
    world: World, clock: Clock, database: Database
) -> None:
    """Who left is the earlier one, and of the same tier."""
    left = await _filled_by(world, customer=2)
    await clock.advance(31 * 60)
    await paper.stay_signed_in(database)
    left = await paper.submit(world.teller, left)
    waiting = await _submitted_by(world, customer=1)
    first = await desk.claim(world.authoriser)
    assert first.subject_id == waiting.application_id
    await desk.approve(world.authoriser, first)
    # Age tells in the end: what came two minutes earlier is before whoever waits.
    await clock.advance(121)
    await _submitted_by(world, customer=1)
    assert (await desk.claim(world.authoriser)).subject_id == left.application_id


async def test_two_authorisers_claiming_together_get_two_tasks(world: World) -> None:
    await paper.submitted(world.teller)
    await paper.submitted(world.teller)
    await desk.start_shift(world.authoriser_who_is_a_customer)
    # He is no customer of these: his number is the second of the bank, the tasks are the first's.
    claimed = await asyncio.gather(
        desk.claim(world.authoriser), desk.claim(world.authoriser_who_is_a_customer)
    )
    assert len({task.task_id for task in claimed}) == 2


async def test_a_lapsed_claim_goes_back_keeps_its_age_and_its_holder_decides_nothing(
    world: World, clock: Clock
) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    await clock.advance(61)
    [lapsed] = (await _list(world.authoriser)).tasks
    assert (lapsed.state, lapsed.authoriser_id) == (Task.STATE_QUEUED, "")
    for decide in _decisions(world.authoriser, task):
        with refused("LEASE_LOST") as caught:
            await decide
        assert caught.value.metadata == {"fence": "1"}
    again = await desk.claim(world.authoriser)
    assert (again.task_id, again.fence) == (task.task_id, 2)
    with refused("LEASE_LOST") as caught:
        await desk.approve(world.authoriser, task)
    assert caught.value.metadata == {"fence": "2"}
    await desk.approve(world.authoriser, again)


async def test_a_renewed_claim_holds(world: World, clock: Clock) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    for _ in range(3):
        await clock.advance(40)
        response = await world.authoriser.authorization.RenewClaim(
            RenewClaimRequest(task_id=task.task_id, fence=task.fence)
        )
        assert response.task.state == Task.STATE_CLAIMED
    await desk.approve(world.authoriser, task)
    with refused("LEASE_LOST"):
        await world.authoriser.authorization.RenewClaim(
            RenewClaimRequest(task_id=task.task_id, fence=task.fence)
        )
    with refused("TASK_NOT_FOUND"):
        await world.authoriser.authorization.RenewClaim(
            RenewClaimRequest(task_id=paper.request_id(), fence=1)
        )


async def test_a_released_task_goes_to_the_next(world: World) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    release = ReleaseTaskRequest(
        request_id=paper.request_id(), task_id=task.task_id, fence=task.fence, purpose="需离岗"
    )
    released = (await world.authoriser.authorization.ReleaseTask(release)).task
    assert released.state == Task.STATE_QUEUED
    assert (await world.authoriser.authorization.ReleaseTask(release)).task == released
    release.request_id = paper.request_id()
    with refused("LEASE_LOST"):
        await world.authoriser.authorization.ReleaseTask(release)
    await desk.claim(world.authoriser)


async def test_a_decision_is_about_what_was_seen(world: World) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    other = desk.approval(task)
    other.content_hash = b"x" * 32
    with refused("CONTENT_CHANGED") as caught:
        await world.authoriser.authorization.ApproveTask(other)
    assert caught.value.metadata == {
        "revision": "1",
        "content_hash": task.content_hash.hex(),
    }
    later = desk.rejection(task)
    later.revision = 2
    with refused("CONTENT_CHANGED"):
        await world.authoriser.authorization.RejectTask(later)


async def test_every_item_of_the_checklist_has_to_pass(world: World) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    approval = desk.approval(task)
    approval.findings[2].passed = False
    approval.findings.pop()
    with refused("CHECKLIST_INCOMPLETE") as caught:
        await world.authoriser.authorization.ApproveTask(approval)
    assert caught.value.metadata == {"item_ids": "identity_matches,purpose_plausible"}


async def test_a_task_expires_at_its_deadline_even_in_somebodys_hands(
    world: World, clock: Clock, database: Database
) -> None:
    application = await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    # Exactly at the deadline, before any timer has run, and with a claim that still holds.
    await database.as_owner(
        "UPDATE task SET expire_time = fingertip_now(), lease_until = lease_until + interval '1 h'"
    )
    for decide in _decisions(world.authoriser, task):
        with refused("TASK_EXPIRED"):
            await decide
    await clock.advance(1_801)
    await paper.stay_signed_in(database)
    shown = (await paper.get(world.teller, application.application_id)).application
    assert (shown.state, shown.state_note) == (
        Application.STATE_EXPIRED,
        "授权超时，申请已失效。",
    )
    with refused("TASK_EXPIRED"):
        await desk.approve(world.authoriser, task)
    assert not (await _list(world.authoriser)).tasks


async def test_200_who_race_to_end_a_task_leave_exactly_one_outcome(
    world: World, database: Database
) -> None:
    application = await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    authoriser, teller = world.authoriser.authorization, world.teller.applications
    deeds: list[Awaitable[str]] = []
    for _ in range(50):
        deeds += [
            final_outcome(authoriser.ApproveTask, desk.approval(task)),
            final_outcome(authoriser.RejectTask, desk.rejection(task)),
            final_outcome(authoriser.ReturnTask, desk.sending_back(task)),
            final_outcome(teller.WithdrawApplication, paper.withdrawal(application)),
        ]
    outcomes = Counter(await asyncio.gather(*deeds))
    assert outcomes["DONE"] == 1, outcomes
    # What was returned may be withdrawn, but not by who saw it before.
    assert set(outcomes) <= {"DONE", "TASK_STATE", "APPLICATION_STATE", "ETAG_MISMATCH"}
    assert outcomes.total() == 200
    [counts] = await database.as_owner(
        "SELECT (SELECT count(*) FROM task_decision) AS decisions,"
        " (SELECT count(*) FROM task WHERE state = 'WITHDRAWN') AS withdrawals,"
        " (SELECT count(*) FROM work_item WHERE kind = 'core.open_account') AS items,"
        " (SELECT count(*) FROM task WHERE state = 'APPROVED') AS approvals,"
        " (SELECT state FROM task) AS task_state,"
        " (SELECT state FROM application) AS application_state"
    )
    assert counts["decisions"] + counts["withdrawals"] == 1
    assert counts["items"] == counts["approvals"]
    assert counts["task_state"] == counts["application_state"]


async def test_a_repeated_decision_answers_the_same(world: World, database: Database) -> None:
    await paper.submitted(world.teller)
    approval = desk.approval(await desk.claim(world.authoriser))
    answers = await asyncio.gather(
        *(world.authoriser.authorization.ApproveTask(approval) for _ in range(16))
    )
    assert all(answer == answers[0] for answer in answers)
    [row] = await database.as_owner(
        "SELECT count(*) FROM work_item WHERE kind = 'core.open_account'"
    )
    assert row["count"] == 1
    approval.findings.pop()
    with refused("REQUEST_ID_REUSED"):
        await world.authoriser.authorization.ApproveTask(approval)


async def test_decisions_and_refused_attempts_are_journalled(world: World) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    wrong = desk.approval(task)
    wrong.content_hash = b"x" * 32
    with refused("CONTENT_CHANGED"):
        await world.authoriser.authorization.ApproveTask(wrong)
    await desk.approve(world.authoriser, task)
    entries = (
        await world.auditor.audit.ListEntries(ListEntriesRequest(chain="C001", page_size=3))
    ).entries
    told = [
        (entry.action.rpartition("/")[2], entry.reason, entry.object_state) for entry in entries
    ]
    assert told == [
        ("ApproveTask", "", "APPROVED"),
        ("ApproveTask", "CONTENT_CHANGED", ""),
        ("ClaimNextTask", "", "CLAIMED"),
    ]


async def test_tasks_are_listed_oldest_first_by_pages_and_by_state(world: World) -> None:
    made = [(await paper.submitted(world.teller)).task_id for _ in range(3)]
    first = await _list(world.centre_supervisor, page_size=2)
    assert [task.task_id for task in first.tasks] == made[:2]
    second = await world.centre_supervisor.authorization.ListTasks(
        ListTasksRequest(page_size=2, page_token=first.next_page_token)
    )
    assert [task.task_id for task in second.tasks] == made[2:]
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    decided = await world.centre_supervisor.authorization.ListTasks(
        ListTasksRequest(states=[Task.STATE_APPROVED])
    )
    assert [task.task_id for task in decided.tasks] == made[:1]


def _decisions(caller: Caller, task: Task) -> list[Awaitable[object]]:
    return [
        caller.authorization.ApproveTask(desk.approval(task)),
        caller.authorization.RejectTask(desk.rejection(task)),
        caller.authorization.ReturnTask(desk.sending_back(task)),
    ]


async def _list(caller: Caller, page_size: int = 0) -> ListTasksResponse:
    return await caller.authorization.ListTasks(ListTasksRequest(page_size=page_size))


async def test_what_failed_did_not_pass_whatever_else_is_said_of_it(world: World) -> None:
    await paper.submitted(world.teller)
    approval = desk.approval(await desk.claim(world.authoriser))
    approval.findings.append(ChecklistFinding(item_id=desk.ITEMS[0], passed=False))
    with refused("CHECKLIST_INCOMPLETE") as caught:
        await world.authoriser.authorization.ApproveTask(approval)
    assert caught.value.metadata == {"item_ids": desk.ITEMS[0]}


async def test_of_the_findings_only_those_are_kept_that_the_task_asks_for(
    world: World, database: Database
) -> None:
    await paper.submitted(world.teller)
    approval = desk.approval(await desk.claim(world.authoriser))
    approval.findings.append(ChecklistFinding(item_id="made_up", passed=True))
    await world.authoriser.authorization.ApproveTask(approval)
    [row] = await database.as_owner("SELECT passed_items FROM task_decision")
    assert json.loads(row["passed_items"]) == list(desk.ITEMS)
