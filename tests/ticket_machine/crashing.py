"""A ticket machine that kills itself at a chosen point, as a power switch would.

Arguments: the server's target, the state folder, the point, and what to do, in order: settle,
press.
"""

import asyncio
import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from fingertip_client.caller import Caller
from fingertip_client.retry import Backoff, Patience
from fingertip_ticket_machine.blocks import Block
from fingertip_ticket_machine.journal import Journal, Taken
from fingertip_ticket_machine.machine import TicketMachine, Waiting
from fingertip_ticket_machine.settling import Settling


class CrashingJournal(Journal):
    """A journal that dies before or after one of its entries is on the disk."""

    def __init__(self, path: Path, point: str) -> None:
        """Opens the journal."""
        super().__init__(path)
        self._point = point

    def reach(self, point: str) -> None:
        """Dies, without a word, if this is the point."""
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)

    def take(
        self, ticket_id: str, service_line_code: str, *, now: datetime, traceparent: str
    ) -> Taken:
        """Takes a number."""
        self.reach("before the number is taken")
        taken = super().take(ticket_id, service_line_code, now=now, traceparent=traceparent)
        self.reach("after the number is taken")
        return taken

    def mark_registered(self, ticket_id: str) -> None:
        """Marks a ticket."""
        self.reach("before the ticket is marked")
        super().mark_registered(ticket_id)
        self.reach("after the ticket is marked")

    def begin_renewal(self, service_line_code: str) -> str:
        """Begins a renewal."""
        request_id = super().begin_renewal(service_line_code)
        self.reach("before numbers are asked for")
        return request_id

    def end_renewal(self, service_line_code: str, request_id: str, block: Block | None) -> None:
        """Ends a renewal."""
        self.reach("before the block is kept")
        super().end_renewal(service_line_code, request_id, block)
        self.reach("after the block is kept")


async def main(target: str, state: Path, point: str, deeds: list[str]) -> None:
    """Does what it is told, until the point."""
    paper = state / "tickets"
    paper.mkdir(exist_ok=True)
    patience = Patience(attempt_seconds=2.0, budget_seconds=2.0, backoff=Backoff(0.01, 0.02))
    with CrashingJournal(state / "journal.sqlite3", point) as journal:
        async with Caller([target], patience=patience) as caller:
            machine = TicketMachine(caller, journal, waiting=Waiting(connection=2.0, answer=0.1))
            settling = Settling(caller, journal, ["B"])
            for deed in deeds:
                if deed == "settle":
                    settlement = await settling.settle(5.0)
                    if settlement.trouble is not None:
                        raise settlement.trouble
                    continue
                issued = await machine.issue("B", None)
                journal.reach("before the slip is printed")
                (paper / issued.number).touch(exist_ok=False)
                journal.reach("after the slip is printed")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4:]))
