"""An execution that nobody answered for is found by the bank's list of its operations."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from fingertip.applications.v1.application_pb2 import Application
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.fulfilment.v1.fulfilment_service_pb2 import ListDifferencesRequest
from fingertip.fulfilment.v1.operation_pb2 import OperationDifference
from fingertip_core_banking.reconciliation import reconcile
from fingertip_core_banking.simulated.customers import CustomerFile
from fingertip_core_banking.simulated.faults import FaultPlan, Faults
from fingertip_core_banking.simulated.simulated_bank import SimulatedBank
from tests.applications import paper, undoing
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
        bank = SimulatedBank(
            books,
            CustomerFile(tmp_path / "customers.jsonl"),
            FaultPlan(Faults()),
            card_bin=_CARD_BIN,
        )
        booked_at = datetime.fromtimestamp(booking.booked_at, ZoneInfo("Asia/Shanghai"))
        day = await reconcile(world.core_adapter, bank, "core", booked_at.date())
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
        day = await reconcile(
            world.core_adapter, bank, "core", booked_at.date(), piece_operations=1
        )
        assert day.operation_count == 2
        await clock.advance(0)
    listing = ListDifferencesRequest(states=[OperationDifference.STATE_OPEN])
    assert not (await world.operations.fulfilment.ListDifferences(listing)).differences
