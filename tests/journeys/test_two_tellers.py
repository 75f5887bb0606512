"""Two tellers at one tablet: their word is executed, and lent authority ends in the middle."""

from pathlib import Path

from google.type.money_pb2 import Money

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import GetJourneyRequest
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from tests.applications import paper
from tests.authorization import counter, desk
from tests.authorization.screen import screen
from tests.conftest import Clock
from tests.identity.enrolling import who_am_i
from tests.identity.lending import lend, lending, listed
from tests.journeys.bank import bank_at_work
from tests.world import World, refused

_BRANCH = WatchRequest(branch_id="0101")
_AMOUNT = Money(currency_code="CNY", units=60_000)
_SPAN_SECONDS = 100


async def test_two_tellers_at_the_customers_door_open_an_account(
    world: World, tmp_path: Path
) -> None:
    maker = world.teller_with_two_accounts
    async with (
        bank_at_work(world, tmp_path, {}) as books,
        screen(maker, _BRANCH) as shown,
    ):
        session = (await who_am_i(maker)).session
        task = await counter.submitted(maker)
        # Nobody's second pair of eyes is his own, under whichever account.
        for number in ("100105", "900105"):
            with refused("FOUR_EYES"):
                await counter.approve(maker, task, counter.second(number))
        assert not books.bookings()
        await counter.approve(maker, task)
        event = await shown.until(lambda e: e.application.state == Application.STATE_EXECUTED)
        application = event.application
        [booking] = books.bookings()
        assert booking.work_kind == "core.open_account"
        # The maker was never signed out, and goes on with the next customer.
        assert (await who_am_i(maker)).session == session
        await paper.start(maker, customer=1)
    told = await maker.applications.GetJourney(GetJourneyRequest(journey_id=application.journey_id))
    [decided] = [
        step for step in told.steps if step.action.endswith("ApproveOnSite") and not step.refusal
    ]
    assert decided.second_person not in {"", decided.actor}


async def test_authority_that_ends_in_the_middle_of_a_task_leaves_it_to_the_centre(
    world: World, clock: Clock, tmp_path: Path
) -> None:
    async with (
        bank_at_work(world, tmp_path, {}) as books,
        screen(world.teller, _BRANCH) as shown,
    ):
        scope = lending(skills=[], scene_codes=["debit_card_account"], hours=_SPAN_SECONDS / 3600)
        made = await lend(world.branch_manager, scope)
        # Whom the manager lent his authority stands by already, and everybody sees until when.
        assert await listed(world.teller) == [made]
        task = await counter.submitted(
            world.teller, account_class="class_one", remote_daily_limit="60000.00"
        )
        await clock.advance(_SPAN_SECONDS + 1)
        approval = counter.approval(task)
        approval.amount.CopyFrom(_AMOUNT)
        with refused("AUTHORITY_TOO_LOW") as caught:
            await world.teller.authorization.ApproveOnSite(approval)
        assert caught.value.metadata == {"level": "2"}
        assert await listed(world.teller) == []

        moved = (await world.teller.authorization.RouteToCentre(counter.rerouting(task))).task
        assert (moved.revision, moved.content_hash) == (task.revision, task.content_hash)
        claimed = await desk.claim(world.authoriser)
        assert (claimed.task_id, claimed.level) == (task.task_id, 2)
        by_centre = desk.approval(claimed)
        by_centre.amount.CopyFrom(_AMOUNT)
        approved = (await world.authoriser.authorization.ApproveTask(by_centre)).task
        assert approved.state == Task.STATE_APPROVED
        await shown.until(lambda e: e.application.state == Application.STATE_EXECUTED)
        assert len(books.bookings()) == 1
    [step] = (await desk.look_at(world.authoriser, claimed)).steps
    assert (step.authoriser_id, step.on_site, step.delegation_id) == ("900102", False, "")
