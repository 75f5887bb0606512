"""Levels of authority: what takes a higher one is offered, and decided, by those who have it."""

from decimal import Decimal

import pytest
from google.type.money_pb2 import Money

from fingertip.authorization.v1.authorization_service_pb2 import (
    ListTasksRequest,
)
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_server.app import App
from fingertip_server.packs.schema_forms import Rung
from tests.applications import paper
from tests.applications.papers import LIMITS
from tests.authorization import counter, desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.identity.enrolling import newest_entry
from tests.world import World, read_demo, refused

_CLASS_TWO_MAX = "accounts.class_two_daily_max"
NOBODY_OF_LEVEL = "当班的“个人开户”授权员均无2级授权权限，待有权限的授权员签到后自动排队。"


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _submitted(world: World, amount: str) -> str:
    """Submits with a limit, for an account of the class that admits it."""
    account_class = "class_one" if Decimal(amount) > LIMITS[_CLASS_TWO_MAX] else "class_two"
    application = await paper.submitted(
        world.teller, account_class=account_class, remote_daily_limit=amount
    )
    return application.task_id


@pytest.mark.parametrize(
    ("amount", "level", "steps", "is_typed_again"),
    [
        ("50000.00", 1, 1, False),
        ("50000.01", 2, 1, True),
        ("200000.00", 2, 1, True),
        ("200000.01", 2, 2, True),
    ],
)
async def test_the_amount_says_who_decides(
    world: World, amount: str, level: int, steps: int, *, is_typed_again: bool
) -> None:
    await _submitted(world, amount)
    task = await desk.claim(world.authoriser)
    assert (task.level, task.steps_required, task.reenter_amount) == (level, steps, is_typed_again)
    units, _, cents = amount.partition(".")
    shown = (await desk.look_at(world.authoriser, task)).amount
    assert shown == Money(currency_code="CNY", units=int(units), nanos=int(cents) * 10**7)
    assert not (await desk.look_at(world.centre_supervisor, task)).HasField("amount")


async def test_what_is_above_somebodys_level_is_not_offered_to_him(world: World) -> None:
    low = world.authoriser_who_is_a_customer
    await desk.start_shift(low)
    above = await _submitted(world, "60000.00")
    with refused("NO_TASK_WAITING"):
        await desk.claim(low)
    below = await _submitted(world, "5000.00")
    assert (await desk.claim(low)).task_id == below
    assert (await desk.claim(world.authoriser)).task_id == above


async def test_where_nobody_has_the_level_it_waits_visibly_for_somebody_who_does(
    world: World, clock: Clock
) -> None:
    await desk.end_shift(world.authoriser)
    await desk.start_shift(world.authoriser_who_is_a_customer)
    application = await paper.submitted(
        world.teller, account_class="class_one", remote_daily_limit="60000.00"
    )
    assert application.state_note == NOBODY_OF_LEVEL
    [parked] = (await world.centre_supervisor.authorization.ListTasks(ListTasksRequest())).tasks
    assert (parked.state, parked.park_reason) == (Task.STATE_PARKED, NOBODY_OF_LEVEL)
    await desk.start_shift(world.authoriser)
    await clock.advance(1)
    await clock.advance(1)
    assert (await desk.claim(world.authoriser)).task_id == application.task_id


async def test_what_waits_for_a_level_is_parked_when_the_last_who_has_it_leaves(
    world: World, clock: Clock
) -> None:
    await desk.start_shift(world.authoriser_who_is_a_customer)
    above, below = await _submitted(world, "60000.00"), await _submitted(world, "5000.00")
    await desk.end_shift(world.authoriser)
    await clock.advance(1)
    await clock.advance(1)
    tasks = (await world.centre_supervisor.authorization.ListTasks(ListTasksRequest())).tasks
    assert {task.task_id: task.state for task in tasks} == {
        above: Task.STATE_PARKED,
        below: Task.STATE_QUEUED,
    }


async def test_the_amount_is_typed_once_more(world: World, database: Database) -> None:
    await _submitted(world, "60000.00")
    task = await desk.claim(world.authoriser)
    for wrong in (
        None,
        Money(currency_code="CNY", units=6000),
        Money(currency_code="USD", units=60000),
        Money(currency_code="CNY", units=60000, nanos=10**7),
    ):
        approval = desk.approval(task)
        if wrong is not None:
            approval.amount.CopyFrom(wrong)
        with refused("AMOUNT_MISMATCH"):
            await world.authoriser.authorization.ApproveTask(approval)
    assert not await database.as_owner("SELECT FROM task_decision")
    # Whoever refuses types nothing, and neither does whoever is not asked.
    approval = desk.approval(task)
    approval.amount.CopyFrom(Money(currency_code="CNY", units=60000))
    approved = await world.authoriser.authorization.ApproveTask(approval)
    assert approved.task.state == Task.STATE_APPROVED


async def test_the_highest_amounts_take_two_persons_of_the_level(world: World) -> None:
    await desk.start_shift(world.authoriser_who_is_a_customer)
    await desk.start_shift(world.authoriser_with_two_accounts)
    task_id = await _submitted(world, "300000.00")
    amount = Money(currency_code="CNY", units=300000)
    approval = desk.approval(await desk.claim(world.authoriser))
    approval.amount.CopyFrom(amount)
    await world.authoriser.authorization.ApproveTask(approval)
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser_who_is_a_customer)
    second = await desk.claim(world.authoriser_with_two_accounts)
    assert second.task_id == task_id
    approval = desk.approval(second)
    approval.amount.CopyFrom(amount)
    done = await world.authoriser_with_two_accounts.authorization.ApproveTask(approval)
    assert done.task.state == Task.STATE_APPROVED


async def test_a_task_is_handed_up_with_a_reason_and_keeps_its_place(world: World) -> None:
    low = world.authoriser_who_is_a_customer
    await desk.end_shift(world.authoriser)
    await desk.start_shift(low)
    first = await _submitted(world, "5000.00")
    claimed = await desk.claim(low)
    await desk.start_shift(world.authoriser)
    async with screen(world.centre_supervisor, WatchRequest(centre_id="C001")) as centre:
        request = desk.escalation(claimed)
        raised = (await low.authorization.EscalateTask(request)).task
        await centre.until(lambda event: event.task.level == 2)
    assert (raised.state, raised.level) == (Task.STATE_QUEUED, 2)
    assert (await low.authorization.EscalateTask(request)).task == raised
    entry = await newest_entry(world, "C001")
    assert (entry.object_id, entry.purpose) == (first, "用途存疑，请上级审核")
    with refused("NO_TASK_WAITING"):
        await desk.claim(low)
    await _submitted(world, "5000.00")
    again = await desk.claim(world.authoriser)
    assert again.task_id == first
    shown = await desk.look_at(world.authoriser, again)
    assert shown.escalation_note == "用途存疑，请上级审核"
    with refused("LEASE_LOST"):
        await desk.approve(low, claimed)
    await desk.approve(world.authoriser, again)


async def test_a_task_is_handed_up_as_far_as_there_is_somebody(world: World) -> None:
    await _submitted(world, "5000.00")
    task = await desk.claim(world.authoriser)
    raised = (await world.authoriser.authorization.EscalateTask(desk.escalation(task))).task
    again = await desk.claim(world.authoriser)
    assert (again.task_id, again.level) == (raised.task_id, 2)
    # The supervisor has the third level, but is no authoriser.
    parked = (await world.authoriser.authorization.EscalateTask(desk.escalation(again))).task
    assert (parked.state, parked.level) == (Task.STATE_PARKED, 3)
    with refused("LEASE_LOST"):
        await world.authoriser.authorization.EscalateTask(desk.escalation(again))


async def test_nobody_hands_up_to_a_level_that_nobody_has(world: World, database: Database) -> None:
    await database.as_owner("UPDATE staff SET level = 1 WHERE branch_id = 'C001'")
    await _submitted(world, "5000.00")
    task = await desk.claim(world.authoriser)
    with refused("NO_HIGHER_LEVEL") as caught:
        await world.authoriser.authorization.EscalateTask(desk.escalation(task))
    assert caught.value.metadata == {"level": "1"}
    await desk.approve(world.authoriser, task)


async def test_who_lost_his_level_meanwhile_decides_nothing(
    world: World, server: App, database: Database
) -> None:
    await _submitted(world, "60000.00")
    task = await desk.claim(world.authoriser)
    await database.as_owner("UPDATE staff SET level = 1 WHERE staff_id = '900102'")
    server.authenticator.invalidate("staff:900102")
    approval = desk.approval(task)
    approval.amount.CopyFrom(Money(currency_code="CNY", units=60000))
    with refused("AUTHORITY_TOO_LOW") as caught:
        await world.authoriser.authorization.ApproveTask(approval)
    assert caught.value.metadata == {"level": "2"}
    with refused("AUTHORITY_TOO_LOW"):
        await desk.send_back(world.authoriser, task)


async def test_on_site_the_same_amounts_take_the_same(world: World, database: Database) -> None:
    task = await counter.submitted(
        world.teller, account_class="class_one", remote_daily_limit="60000.00"
    )
    approval = counter.approval(task)
    approval.amount.CopyFrom(Money(currency_code="CNY", units=60000))
    with refused("AUTHORITY_TOO_LOW"):
        await world.teller.authorization.ApproveOnSite(approval)
    by_manager = counter.approval(task, counter.second("100108"))
    with refused("AMOUNT_MISMATCH"):
        await world.teller.authorization.ApproveOnSite(by_manager)
    by_manager.amount.CopyFrom(Money(currency_code="CNY", units=60000))
    await world.teller.authorization.ApproveOnSite(by_manager)
    # Another customer than the first; nobody has two of class Ⅰ.
    await database.as_owner("DELETE FROM account_slot")
    with refused("ROUTE_NOT_ADMITTED"):
        await counter.submitted(
            world.teller, account_class="class_one", remote_daily_limit="300000.00"
        )


def test_an_amount_that_is_not_known_takes_the_most() -> None:
    [scene] = [each for each in read_demo().scenes if each.code == "debit_card_account"]
    assert scene.rung(None) == scene.levels[-1]
    plain = scene.model_copy(update={"amount_field": None, "levels": ()})
    assert plain.rung(None) == Rung(level=1, authorisers=1)
