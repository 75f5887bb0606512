"""What the bank did and nobody knows here, or otherwise than approved, is found by its list."""

import sqlite3
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from fingertip.applications.v1.application_pb2 import Application
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    ExplainDifferenceRequest,
    ListDifferencesRequest,
    ListOperationsRequest,
)
from fingertip.fulfilment.v1.operation_pb2 import OperationDifference
from fingertip_core_banking.reconciliation import reconcile
from fingertip_core_banking.simulated.amounts import money
from fingertip_core_banking.simulated.customers import CustomerFile
from fingertip_core_banking.simulated.faults import FaultPlan, Faults
from fingertip_core_banking.simulated.ledger import Booking, Ledger
from fingertip_core_banking.simulated.simulated_bank import SimulatedBank
from tests.applications import paper, papers, undoing
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.fulfilment.queue import until
from tests.journeys.bank import bank_at_work
from tests.world import World

# The bank acts and does not answer; asked what became of it, it does not know at first.
_FAULTS: dict[str, dict[str, float | str]] = {
    "execute": {"timeout_rate": 1.0, "timeout": "acts"},
    "inquire": {"timeout_rate": 1.0},
}
_CARD_BIN = "629990"


async def test_a_time_out_after_the_approval_is_found_by_reconciliation(
    world: World, clock: Clock, database: Database, tmp_path: Path
) -> None:
    async with (
        bank_at_work(world, tmp_path, _FAULTS) as books,
        screen(world.teller, WatchRequest(branch_id="0101")) as branch,
        screen(world.operations, WatchRequest(branch_id="0000")) as operators,
    ):
        application = await paper.submitted(world.teller)
        await desk.approve(world.authoriser, await desk.claim(world.authoriser))
        await branch.until(
            lambda event: event.application.state == Application.STATE_EXECUTION_UNKNOWN
        )

        async def was_inquired_about() -> bool:
            rows = await database.as_owner(
                "SELECT 1 FROM work_item WHERE state = 'UNKNOWN' AND attempts = 2"
            )
            return bool(rows)

        # From now on the bank is asked again only when it has settled.
        await until(was_inquired_about)
        (tmp_path / "faults.json").unlink()
        [booking] = books.bookings()
        bank, business_day = _list_of(books, booking, tmp_path)
        day = await reconcile(world.core_adapter, bank, "core", business_day)
        assert (day.closed, day.operation_count) == (True, 1)
        event = await operators.until(lambda event: event.HasField("difference"))
        assert event.difference.kind == OperationDifference.KIND_NOT_DONE
        assert event.difference.operation_id == str(booking.operation_id)
        await branch.until(lambda event: event.application.state == Application.STATE_EXECUTED)
        await operators.until(
            lambda event: event.difference.state == OperationDifference.STATE_SETTLED
        )
        shown = await paper.get(world.teller, application.application_id)
        assert shown.result.core_reference == booking.core_reference
        # It is undone the same day, and then the whole day agrees.
        await undoing.request(world.second_teller, shown.application)
        await undoing.approve(world)
        await branch.until(lambda event: event.application.state == Application.STATE_REVERSED)
        day = await reconcile(world.core_adapter, bank, "core", business_day, piece_operations=1)
        assert day.operation_count == 2
        await clock.advance(0)
    assert not await _differences(world, OperationDifference.STATE_OPEN)


async def test_a_loan_that_was_booked_with_another_amount_is_found_and_settled(
    world: World, clock: Clock, tmp_path: Path
) -> None:
    async with (
        bank_at_work(world, tmp_path, {}) as books,
        screen(world.teller, WatchRequest(branch_id="0101")) as branch,
    ):
        loan = papers.CONSUMER_LOAN
        draft = await paper.start(world.teller, form=loan.form)
        await papers.ask(world.teller, draft)
        answered = await branch.until(lambda e: any(i.reference for i in e.application.inquiries))
        draft = await paper.fill(
            world.teller, answered.application, loan.answers, images=loan.images
        )
        await paper.submit(world.teller, draft)
        await desk.approve_whole(world.authoriser, await desk.claim(world.authoriser))
        await branch.until(lambda e: e.application.state == Application.STATE_EXECUTED)
        [booking] = books.bookings()
        bank, business_day = _list_of(books, booking, tmp_path)
        await reconcile(world.core_adapter, bank, "core", business_day)
        await clock.advance(0)
        assert not await _differences(world)
        _correct(tmp_path, cents=30_000_001)
        await reconcile(world.core_adapter, bank, "core", business_day)
        [found] = await _differences(world)
        assert found.kind == OperationDifference.KIND_AMOUNT
        assert found.operation_id == str(booking.operation_id)
        listed = await world.operations.fulfilment.ListOperations(
            ListOperationsRequest(source="core", business_day=found.business_day)
        )
        assert [each.amount for each in listed.operations] == [money(30_000_001)]
        await world.operations.fulfilment.ExplainDifference(
            ExplainDifferenceRequest(
                request_id=paper.request_id(),
                difference_id=found.difference_id,
                etag=str(found.version),
                purpose="核心系统录入差错，已通知冲正",
            )
        )
        await reconcile(world.core_adapter, bank, "core", business_day)
        [found] = await _differences(world)
        assert found.state == OperationDifference.STATE_EXPLAINED
        _correct(tmp_path, cents=30_000_000)
        await reconcile(world.core_adapter, bank, "core", business_day)
        [found] = await _differences(world)
        assert found.state == OperationDifference.STATE_SETTLED


def _list_of(books: Ledger, booking: Booking, folder: Path) -> tuple[SimulatedBank, date]:
    """Returns the bank whose books these are, without faults, and the day of a booking."""
    customers = CustomerFile(folder / "customers.jsonl")
    bank = SimulatedBank(books, customers, FaultPlan(Faults()), card_bin=_CARD_BIN)
    return bank, datetime.fromtimestamp(booking.booked_at, ZoneInfo("Asia/Shanghai")).date()


def _correct(folder: Path, *, cents: int) -> None:
    """Writes another amount into the bank's books."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as books, books:
        assert books.execute("UPDATE amount SET cents = ?", (cents,)).rowcount == 1


async def _differences(
    world: World, *states: OperationDifference.State.ValueType
) -> list[OperationDifference]:
    listing = ListDifferencesRequest(states=states)
    return list((await world.operations.fulfilment.ListDifferences(listing)).differences)
