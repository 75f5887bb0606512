"""Who decides by lent authority: within its scope, while it lasts, and never about the lender's."""

import asyncio

import pytest
from google.type.money_pb2 import Money

from fingertip.authorization.v1.authorization_service_pb2 import ApproveTaskRequest
from fingertip.authorization.v1.task_pb2 import Task
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_server.app import App
from tests.applications import paper
from tests.authorization import counter, desk
from tests.authorization.scenes import change_scene
from tests.conftest import Clock, Database
from tests.identity.lending import lend, lending, revoke
from tests.world import World, refused

AMOUNT = Money(currency_code="CNY", units=60000)


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    """Has only an authoriser of the lowest level at work."""
    await paper.synchronise(world)
    await desk.end_shift(world.authoriser)
    await desk.start_shift(world.authoriser_who_is_a_customer)


async def _submitted(world: World) -> str:
    return (
        await paper.submitted(
            world.teller, account_class="class_one", remote_daily_limit="60000.00"
        )
    ).task_id


def _approval(task: Task) -> ApproveTaskRequest:
    approval = desk.approval(task)
    approval.amount.CopyFrom(AMOUNT)
    return approval


async def _looked_again(clock: Clock) -> None:
    for _ in range(3):
        await clock.advance(1)


@pytest.mark.parametrize(
    ("skills", "scenes"),
    [(["account_opening"], []), ([], ["debit_card_account"])],
    ids=["skill", "scene"],
)
async def test_what_is_lent_opens_what_is_above_ones_own_level(
    world: World, clock: Clock, database: Database, skills: list[str], scenes: list[str]
) -> None:
    low = world.authoriser_who_is_a_customer
    task_id = await _submitted(world)
    with refused("NO_TASK_WAITING"):
        await desk.claim(low)
    made = await lend(world.centre_supervisor, lending("900101", skills=skills, scene_codes=scenes))
    await _looked_again(clock)
    task = await desk.claim(low)
    assert task.task_id == task_id
    done = (await low.authorization.ApproveTask(_approval(task))).task
    assert done.state == Task.STATE_APPROVED
    [step] = (await desk.look_at(low, task)).steps
    assert step.delegation_id == made.delegation_id
    [row] = await database.as_owner("SELECT * FROM task_decision")
    assert (row["checker_id"], str(row["delegation_id"])) == ("900101", made.delegation_id)


@pytest.mark.parametrize(
    ("skills", "scenes"),
    [(["lending"], []), ([], ["consumer_loan"])],
    ids=["skill", "scene"],
)
async def test_what_is_lent_for_something_else_opens_nothing(
    world: World, clock: Clock, skills: list[str], scenes: list[str]
) -> None:
    await _submitted(world)
    await lend(world.centre_supervisor, lending("900101", skills=skills, scene_codes=scenes))
    await _looked_again(clock)
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser_who_is_a_customer)


async def test_what_is_lent_ends_in_the_middle_of_a_task(world: World, clock: Clock) -> None:
    low = world.authoriser_who_is_a_customer
    await _submitted(world)
    await lend(world.centre_supervisor, lending("900101", hours=100 / 3600))
    await _looked_again(clock)
    task = await desk.claim(low)
    await clock.advance(59)
    await _renew(low, task)
    await clock.advance(45)
    for deed in (
        low.authorization.ApproveTask(_approval(task)),
        low.authorization.RejectTask(desk.rejection(task)),
        low.authorization.ReturnTask(desk.sending_back(task)),
    ):
        with refused("AUTHORITY_TOO_LOW") as caught:
            await deed
        assert caught.value.metadata == {"level": "2"}


async def test_what_is_lent_is_taken_back_in_the_middle_of_a_task(
    world: World, clock: Clock
) -> None:
    low = world.authoriser_who_is_a_customer
    await _submitted(world)
    made = await lend(world.centre_supervisor, lending("900101"))
    await _looked_again(clock)
    task = await desk.claim(low)
    await revoke(world.centre_supervisor, made)
    with refused("AUTHORITY_TOO_LOW"):
        await low.authorization.ApproveTask(_approval(task))


async def test_deciding_and_taking_back_come_one_after_the_other(
    world: World, clock: Clock, database: Database
) -> None:
    low = world.authoriser_who_is_a_customer
    await _submitted(world)
    made = await lend(world.centre_supervisor, lending("900101"))
    await _looked_again(clock)
    task = await desk.claim(low)
    outcome, _ = await asyncio.gather(_outcome(low, task), revoke(world.centre_supervisor, made))
    rows = await database.as_owner(
        "SELECT d.decide_time < g.revoked_at AS in_time FROM task_decision AS d"
        " JOIN delegation AS g USING (delegation_id)"
    )
    assert [row["in_time"] for row in rows] == ([True] if outcome == "DONE" else [])


async def test_nobody_decides_about_the_work_of_who_lent_to_him(
    world: World, server: App, database: Database
) -> None:
    """The ban is on the delegate of the maker, whatever his own level."""
    task = await counter.submitted(world.teller)
    await database.as_owner(
        "UPDATE staff SET roles = roles || '{branch_manager}' WHERE staff_id = '100103'"
    )
    server.authenticator.invalidate("staff:100103")
    await lend(world.teller, lending("100104", level=1))
    with refused("FOUR_EYES") as caught:
        await counter.approve(world.teller, task)
    assert caught.value.metadata == {"rule": "delegate_of_maker"}
    await counter.approve(world.teller, task, counter.second("100105"))


async def test_in_the_centre_the_delegate_of_the_maker_is_offered_nothing(
    world: World, clock: Clock, database: Database
) -> None:
    """The maker's person leads the centre under another account, and lends there."""
    await database.as_owner(
        "UPDATE staff SET person_id = (SELECT person_id FROM staff WHERE staff_id = '100103')"
        " WHERE staff_id = '900109'"
    )
    await paper.submitted(world.teller)
    await lend(world.centre_supervisor, lending("900101", level=1))
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser_who_is_a_customer)
    await desk.start_shift(world.authoriser)
    await _looked_again(clock)
    await desk.claim(world.authoriser)


async def test_two_steps_are_not_taken_on_the_authority_of_one_person(
    world: World, server: App, clock: Clock, database: Database
) -> None:
    """900102 approves, and has lent his level to the one who would approve next."""
    change_scene(server, level=2, authorisers=2)
    await database.as_owner(
        "UPDATE staff SET roles = roles || '{centre_supervisor}' WHERE staff_id = '900102'"
    )
    await desk.start_shift(world.authoriser)
    await lend(world.authoriser, lending("900101", level=2))
    await paper.submitted(world.teller)
    waits = await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    assert waits.state == Task.STATE_PARKED
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser_who_is_a_customer)
    await desk.start_shift(world.authoriser_with_two_accounts)
    await _looked_again(clock)
    second = await desk.claim(world.authoriser_with_two_accounts)
    await desk.approve(world.authoriser_with_two_accounts, second)


async def test_on_site_a_teller_stands_in_for_the_manager(world: World) -> None:
    task = await counter.submitted(
        world.teller, account_class="class_one", remote_daily_limit="60000.00"
    )
    approval = counter.approval(task)
    approval.amount.CopyFrom(AMOUNT)
    with refused("AUTHORITY_TOO_LOW"):
        await world.teller.authorization.ApproveOnSite(approval)
    made = await lend(world.branch_manager, lending(skills=[], scene_codes=["debit_card_account"]))
    await world.teller.authorization.ApproveOnSite(approval)
    [step] = (await desk.look_at(world.teller, task)).steps
    assert (step.authoriser_id, step.delegation_id) == ("100104", made.delegation_id)


async def _renew(caller: Caller, task: Task) -> None:
    await caller.authorization.RenewClaim(desk.renewal(task))


async def _outcome(caller: Caller, task: Task) -> str:
    try:
        await caller.authorization.ApproveTask(_approval(task))
    except Refused as refusal:
        return refusal.reason
    return "DONE"
