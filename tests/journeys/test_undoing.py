"""What was opened by mistake is undone the same day, at a real bank's simulation."""

from pathlib import Path

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import GetReceiptRequest
from fingertip.applications.v1.receipt_pb2 import Receipt
from fingertip.events.v1.event_pb2 import Event
from fingertip.events.v1.events_service_pb2 import WatchRequest
from tests.applications import paper, undoing
from tests.authorization import desk
from tests.authorization.screen import Screen, screen
from tests.journeys.bank import bank_at_work
from tests.world import World

_BRANCH = WatchRequest(branch_id="0101")
# Neither the execution nor its undoing is answered, though the bank does both.
_FAULTS: dict[str, dict[str, float | str]] = {
    "execute": {"timeout_rate": 1.0, "timeout": "acts"},
    "reverse": {"timeout_rate": 1.0, "timeout": "acts"},
}


async def _opened(world: World, branch: Screen) -> Application:
    submitted = await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    event = await branch.until(
        lambda event: _is(event, submitted.application_id, Application.STATE_EXECUTED)
    )
    return event.application


def _is(event: Event, application_id: str, state: Application.State.ValueType) -> bool:
    shown = event.application
    return (shown.application_id, shown.state) == (application_id, state)


async def test_an_account_is_opened_and_undone_though_the_bank_answers_neither(
    world: World, tmp_path: Path
) -> None:
    async with (
        bank_at_work(world, tmp_path, _FAULTS) as books,
        screen(world.teller, _BRANCH) as branch,
    ):
        application = await _opened(world, branch)
        await undoing.request(world.second_teller, application)
        await undoing.approve(world)
        await branch.until(
            lambda event: _is(event, application.application_id, Application.STATE_REVERSED)
        )
        [opened, undone] = books.bookings()
        assert (opened.work_kind, undone.work_kind) == ("core.open_account", "core.reverse")
        [reversal] = await undoing.reversals(world.teller, application)
        assert reversal.core_reference == undone.core_reference
        receipt = await world.teller.applications.GetReceipt(
            GetReceiptRequest(application_id=application.application_id, kind=Receipt.KIND_REVERSAL)
        )
        assert receipt.receipt.core_reference == undone.core_reference


async def test_what_the_customer_used_by_then_stays(world: World, tmp_path: Path) -> None:
    async with (
        bank_at_work(world, tmp_path, {}) as books,
        screen(world.teller, _BRANCH) as branch,
    ):
        application = await _opened(world, branch)
        [opened] = books.bookings()
        books.use(opened.account_number)
        await undoing.request(world.second_teller, application)
        await undoing.approve(world)
        event = await branch.until(lambda event: "USED_SINCE" in event.application.state_note)
        assert event.application.state == Application.STATE_EXECUTED
        assert not event.application.reversing
        assert books.bookings() == [opened]
