"""Attends to customers: one press, one ticket, one slip; and settles with the server meanwhile."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fingertip.lobby.v1.lobby_service_pb2 import Identification
from fingertip_client import tracing
from fingertip_client.caller import Caller
from fingertip_client.credentials import DeviceFile
from fingertip_client.retry import Patience
from fingertip_ticket_machine.journal import Journal
from fingertip_ticket_machine.machine import Issued, TicketMachine
from fingertip_ticket_machine.printers import Printer, PrinterFault, printer_at
from fingertip_ticket_machine.settling import Settlement, Settling
from fingertip_ticket_machine.slips import Slip

JOURNAL = "journal.sqlite3"
_PATIENCE = Patience(attempt_seconds=4.0, budget_seconds=8.0)
_SETTLING_SECONDS = 5.0
_CONNECTION_SECONDS = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a machine stands and what it is set up with.

    `lines` are the service lines that it offers, by code, with their names for people.
    """

    targets: Sequence[str]
    device: DeviceFile
    state: Path
    branch_name: str
    lines: Mapping[str, str]
    printer: str


@dataclass(frozen=True, slots=True)
class Served:
    """What a customer got; `printed_at` is empty when the printer failed."""

    issued: Issued
    slip: Slip
    printed_at: str


class Attendant:
    """A ticket machine at work."""

    def __init__(
        self, machine: TicketMachine, settling: Settling, printer: Printer, place: Place
    ) -> None:
        self._machine = machine
        self._settling = settling
        self._printer = printer
        self._place = place
        self._trouble = ""

    async def serve(self, service_line_code: str, who: Identification | None) -> Served:
        """Issues and prints a ticket; raises what TicketMachine.issue raises.

        A ticket that could not be printed counts all the same: its number is on the screen.
        """
        issued = await self._machine.issue(service_line_code, who)
        slip = Slip(
            branch_name=self._place.branch_name,
            line_name=self._place.lines.get(issued.service_line_code, ""),
            number=issued.number,
            waiting_count=issued.waiting_count,
            time=issued.time,
        )
        with tracing.in_journey(issued.journey_id):
            try:
                printed_at = await asyncio.to_thread(self._printer.print_slip, slip)
            except PrinterFault as fault:
                _log.error("printer: %s", fault)
                printed_at = ""
            _log.info("issued %s%s", issued.number, " offline" if issued.is_offline else "")
        return Served(issued, slip, printed_at)

    async def settle(self, connection_seconds: float = 0.0) -> Settlement:
        """Settles what can be settled now, and logs what could not."""
        settlement = await self._settling.settle(connection_seconds)
        for number in settlement.refused:
            _log.error("refused for good: %s", number)
        trouble = str(settlement.trouble or "")
        if trouble != self._trouble:
            # Once, and not every few seconds.
            _log.warning("settling: %s", trouble or "works again")
            self._trouble = trouble
        return settlement


@contextlib.asynccontextmanager
async def attending(place: Place) -> AsyncIterator[Attendant]:
    """Puts a machine to work; raises ValueError when it is set up wrongly."""
    printer = printer_at(place.printer)
    async with Caller(place.targets, device=place.device.credential, patience=_PATIENCE) as caller:
        with Journal(place.state / JOURNAL) as journal:
            machine = TicketMachine(caller, journal)
            settling = Settling(caller, journal, list(place.lines))
            yield Attendant(machine, settling, printer, place)


@contextlib.asynccontextmanager
async def settling_meanwhile(attendant: Attendant) -> AsyncIterator[None]:
    """Settles every few seconds; a fault of the machine's own, a full disk, ends it loudly."""

    async def keep_settling() -> None:
        while True:
            await attendant.settle(_CONNECTION_SECONDS)
            await asyncio.sleep(_SETTLING_SECONDS)

    task = asyncio.create_task(keep_settling())
    task.add_done_callback(_say_if_failed)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _say_if_failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _log.critical("the machine does not settle any more", exc_info=error)
