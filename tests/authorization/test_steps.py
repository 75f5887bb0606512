"""Where several persons have to approve, they do so one after the other, and nobody does twice."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress
from uuid import UUID, uuid4

import asyncpg
import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_server.app import App
from tests.applications import paper
from tests.authorization import desk
from tests.authorization.scenes import change_scene
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.outcomes import final_outcome
from tests.world import World, refused

_STEP = """
INSERT INTO task_decision (task_id, subject_kind, subject_id, revision, content_hash, fence,
    maker_person_id, customer_id, checker_id, step, is_final, outcome, checker_person_id)
VALUES ($1, 'application', $2, 1, $3, 1, gen_random_uuid(), gen_random_uuid(), '900102',
    $4, $5, $6, $7)
"""


@pytest.fixture(autouse=True)
async def two_persons(world: World, server: App) -> None:
    await paper.synchronise(world)
    change_scene(server, authorisers=2)
    await desk.start_shift(world.authoriser_who_is_a_customer)


async def test_the_last_of_two_approvals_decides(world: World, database: Database) -> None:
    first, second = world.authoriser, world.authoriser_who_is_a_customer
    application = await paper.submitted(world.teller)
    claimed = await desk.claim(first)
    assert (claimed.steps_required, claimed.steps_done) == (2, 0)
    waits = await desk.approve(first, claimed)
    assert (waits.state, waits.steps_done, waits.authoriser_id) == (Task.STATE_QUEUED, 1, "")
    shown = (await paper.get(world.teller, application.application_id)).application
    assert shown.state == Application.STATE_SUBMITTED
    assert shown.state_note == "已有 1 名授权员通过，共需 2 名，等待下一名授权员审核。"
    assert not await database.as_owner("SELECT FROM work_item WHERE has_effect")
    with refused("NO_TASK_WAITING"):
        await desk.claim(first)
    claimed = await desk.claim(second)
    [step] = (await desk.look_at(second, claimed)).steps
    assert (step.step, step.outcome, step.authoriser_id) == (1, Task.STATE_APPROVED, "900102")
    assert step.decide_time.seconds >= claimed.create_time.seconds
    with refused("FOUR_EYES") as caught:
        await desk.approve(first, claimed)
    assert caught.value.metadata == {"rule": "earlier_step"}
    done = await desk.approve(second, claimed)
    assert (done.state, done.steps_done, done.authoriser_id) == (Task.STATE_APPROVED, 2, "900101")
    assert len(await database.as_owner("SELECT FROM work_item WHERE has_effect")) == 1
    shown = (await paper.get(world.teller, application.application_id)).application
    assert shown.state == Application.STATE_APPROVED


async def test_a_repeated_step_answers_the_same_and_counts_once(
    world: World, database: Database
) -> None:
    await paper.submitted(world.teller)
    approval = desk.approval(await desk.claim(world.authoriser))
    first, *others = await asyncio.gather(
        *(world.authoriser.authorization.ApproveTask(approval) for _ in range(8))
    )
    assert all(answer == first for answer in others)
    [row] = await database.as_owner("SELECT steps_done, cardinality(taken_by) AS n FROM task")
    assert (row["steps_done"], row["n"]) == (1, 1)


async def test_between_steps_a_task_keeps_its_place(world: World) -> None:
    await paper.submitted(world.teller)
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    await desk.approve(world.authoriser, task)
    again = await desk.claim(world.authoriser_who_is_a_customer)
    assert (again.task_id, again.fence) == (task.task_id, task.fence + 1)
    assert again.create_time == task.create_time


async def test_a_refusal_at_any_step_ends_the_task(world: World) -> None:
    second = world.authoriser_who_is_a_customer
    refused_one = await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    response = await second.authorization.RejectTask(desk.rejection(await desk.claim(second)))
    assert (response.task.state, response.task.steps_done) == (Task.STATE_REJECTED, 1)
    returned = await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    await desk.send_back(second, await desk.claim(second))
    for application, state in (
        (refused_one, Application.STATE_REJECTED),
        (returned, Application.STATE_RETURNED),
    ):
        shown = (await paper.get(world.teller, application.application_id)).application
        assert shown.state == state


async def test_what_only_its_first_approver_could_go_on_with_is_parked(
    world: World, clock: Clock
) -> None:
    await desk.end_shift(world.authoriser_who_is_a_customer)
    application = await paper.submitted(world.teller)
    async with screen(world.teller, WatchRequest(branch_id="0101")) as branch:
        parked = await desk.approve(world.authoriser, await desk.claim(world.authoriser))
        assert parked.state == Task.STATE_PARKED
        reason = (
            "当班的“个人开户”授权员均为经办本人、客户本人或已作过授权，待其他授权员签到后自动排队。"
        )
        assert parked.park_reason == reason
        await branch.until(lambda event: event.application.state_note == reason)
    await desk.start_shift(world.authoriser_with_two_accounts)
    await clock.advance(1)
    await clock.advance(1)
    task = await desk.claim(world.authoriser_with_two_accounts)
    assert (task.task_id, task.steps_done) == (application.task_id, 1)
    # Were he to leave, nobody would be there to go on, as long as the first counts for nothing.
    await desk.approve(world.authoriser_with_two_accounts, task)


async def test_what_waits_for_its_second_step_is_parked_when_the_others_leave(
    world: World, clock: Clock
) -> None:
    await paper.submitted(world.teller)
    waits = await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    assert waits.state == Task.STATE_QUEUED
    await desk.end_shift(world.authoriser_who_is_a_customer)
    await clock.advance(1)
    await clock.advance(1)
    assert (await desk.look_at(world.authoriser, waits)).task.state == Task.STATE_PARKED


async def test_a_second_account_of_the_first_approver_takes_no_second_step(
    world: World, database: Database
) -> None:
    await database.as_owner(
        "UPDATE staff SET person_id = (SELECT person_id FROM staff WHERE staff_id = '900102')"
        " WHERE staff_id = '900105'"
    )
    await desk.start_shift(world.authoriser_with_two_accounts)
    await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser_with_two_accounts)
    task = await desk.claim(world.authoriser_who_is_a_customer)
    with refused("FOUR_EYES"):
        await desk.approve(world.authoriser_with_two_accounts, task)


async def test_200_who_race_at_the_second_step_leave_exactly_onefinal_outcome(
    world: World, database: Database
) -> None:
    application = await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    task = await desk.claim(world.authoriser_who_is_a_customer)
    second, first = world.authoriser_who_is_a_customer.authorization, world.authoriser.authorization
    shown = (await paper.get(world.teller, application.application_id)).application
    deeds: list[Awaitable[str]] = []
    for _ in range(40):
        deeds += [
            final_outcome(second.ApproveTask, desk.approval(task)),
            final_outcome(second.RejectTask, desk.rejection(task)),
            final_outcome(second.ReturnTask, desk.sending_back(task)),
            final_outcome(first.ApproveTask, desk.approval(task)),
            final_outcome(world.teller.applications.WithdrawApplication, paper.withdrawal(shown)),
        ]
    outcomes = Counter(await asyncio.gather(*deeds))
    assert outcomes["DONE"] == 1, outcomes
    assert outcomes["FOUR_EYES"] == 40, outcomes
    rest = {"DONE", "FOUR_EYES", "TASK_STATE", "APPLICATION_STATE", "ETAG_MISMATCH"}
    assert set(outcomes) <= rest, outcomes
    [counts] = await database.as_owner(
        "SELECT (SELECT count(*) FROM task_decision WHERE is_final) AS finals,"
        " (SELECT count(*) FROM task WHERE state = 'WITHDRAWN') AS withdrawals,"
        " (SELECT count(*) FROM work_item WHERE has_effect) AS items,"
        " (SELECT count(*) FROM task WHERE state = 'APPROVED') AS approvals,"
        " (SELECT count(*) FROM task_decision) AS steps"
    )
    assert counts["finals"] + counts["withdrawals"] == 1
    assert counts["items"] == counts["approvals"]
    assert counts["steps"] == 1 + counts["finals"]


async def test_two_who_take_steps_together_take_different_ones(
    world: World, database: Database
) -> None:
    """Several authorisers work through a queue at once, each as fast as he can."""
    for _ in range(4):
        await paper.submitted(world.teller)
    await desk.start_shift(world.authoriser_with_two_accounts)
    workers = (
        world.authoriser,
        world.authoriser_who_is_a_customer,
        world.authoriser_with_two_accounts,
    )
    await asyncio.gather(*(_work_off(database, worker) for worker in workers))
    rows = await database.as_owner(
        "SELECT array_agg(step ORDER BY step) AS steps,"
        " count(DISTINCT checker_person_id) AS persons, count(*) FILTER (WHERE is_final) AS finals"
        " FROM task_decision GROUP BY task_id"
    )
    assert [(row["steps"], row["persons"], row["finals"]) for row in rows] == [([1, 2], 2, 1)] * 4
    [row] = await database.as_owner("SELECT count(*) FROM work_item WHERE has_effect")
    assert row["count"] == 4


async def _work_off(database: Database, caller: Caller) -> None:
    while await database.as_owner("SELECT FROM task WHERE state NOT IN ('APPROVED') LIMIT 1"):
        with suppress(Refused):
            await desk.approve(caller, await desk.claim(caller))


async def _insert(
    database: Database, *, task: UUID, step: int, person: UUID, subject: UUID, outcome: str = ""
) -> None:
    await database.as_application(
        _STEP, task, subject, b"h" * 32, step, bool(outcome), outcome or "APPROVED", person
    )


async def test_the_database_keeps_persons_and_steps_apart_whoever_writes(
    database: Database,
) -> None:
    task, subject, first, second = uuid4(), uuid4(), uuid4(), uuid4()
    await _insert(database, task=task, step=1, person=first, subject=subject)
    with pytest.raises(asyncpg.UniqueViolationError, match="uq_task_decision_person"):
        await _insert(database, task=task, step=2, person=first, subject=subject)
    with pytest.raises(asyncpg.UniqueViolationError, match="pk_task_decision"):
        await _insert(database, task=task, step=1, person=second, subject=subject)
    await _insert(database, task=task, step=2, person=second, subject=subject, outcome="APPROVED")
    with pytest.raises(asyncpg.UniqueViolationError, match="uq_task_decision_final"):
        await _insert(
            database, task=task, step=3, person=uuid4(), subject=subject, outcome="REJECTED"
        )


async def test_the_database_has_a_refusal_end_the_task(database: Database) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="is_final"):
        await database.as_application(
            _STEP, uuid4(), uuid4(), b"h" * 32, 1, False, "REJECTED", uuid4()
        )
