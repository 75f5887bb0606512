"""Remembers on disk, whatever happens to the machine, which numbers it took and which it owes.

A number is on disk before it is on paper, and a request before it is sent. Nothing here says who a
customer is: a ticket taken offline is registered without identification, so that no card or
document number ever touches this disk.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from fingertip_client.request_ids import new_request_id
from fingertip_ticket_machine import blocks, durable
from fingertip_ticket_machine.blocks import Block, Shortage

_KEPT = timedelta(days=30)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS block (
    service_line_code TEXT PRIMARY KEY,
    block_id TEXT NOT NULL,
    next_number INTEGER NOT NULL,
    last_number INTEGER NOT NULL,
    size INTEGER NOT NULL,
    business_day TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    asked_day TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS renewal (
    service_line_code TEXT PRIMARY KEY,
    request_id TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS ticket (
    ticket_id TEXT PRIMARY KEY,
    request_id TEXT NOT NULL UNIQUE,
    service_line_code TEXT NOT NULL,
    block_id TEXT NOT NULL,
    sequence_number INTEGER NOT NULL,
    capture_time TEXT NOT NULL,
    traceparent TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('TAKEN', 'REGISTERED', 'REFUSED')),
    reason TEXT NOT NULL DEFAULT '',
    UNIQUE (block_id, sequence_number)
) STRICT;
"""
_BLOCK = (
    "SELECT service_line_code, block_id, next_number, last_number, size, business_day,"
    " time_zone, asked_day FROM block"
)
_TAKEN = (
    "SELECT ticket_id, request_id, service_line_code, block_id, sequence_number, capture_time,"
    " traceparent FROM ticket WHERE state = 'TAKEN'"
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A ticket that was printed, or was about to be, and that the server has to hear of."""

    ticket_id: str
    request_id: str
    service_line_code: str
    block_id: str
    sequence_number: int
    capture_time: datetime
    traceparent: str

    @property
    def number(self) -> str:
        """Is what is printed."""
        return blocks.printed_number(self.service_line_code, self.sequence_number)


class NoNumber(Exception):
    """No number can be printed offline, for this reason."""

    def __init__(self, shortage: Shortage) -> None:
        super().__init__(shortage.value)
        self.shortage = shortage


class Journal:
    """The machine's memory, one file; several processes may use it together."""

    def __init__(self, path: Path) -> None:
        """Opens the file, which is made for its owner alone."""
        self._connection = durable.open_file(path, _SCHEMA)

    def take(
        self, ticket_id: str, service_line_code: str, *, now: datetime, traceparent: str
    ) -> Taken:
        """Takes the line's next number for a ticket, for good; raises NoNumber without one."""
        with durable.transaction(self._connection):
            block = self.block(service_line_code)
            shortage = blocks.shortage(block, now)
            if block is None or shortage is not None:
                raise NoNumber(shortage or Shortage.NEVER_RESERVED)
            taken = Taken(
                ticket_id=ticket_id,
                request_id=new_request_id(),
                service_line_code=service_line_code,
                block_id=block.block_id,
                sequence_number=block.next_number,
                capture_time=now,
                traceparent=traceparent,
            )
            self._connection.execute(
                "INSERT INTO ticket (ticket_id, request_id, service_line_code, block_id,"
                " sequence_number, capture_time, traceparent, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 'TAKEN')",
                (
                    taken.ticket_id,
                    taken.request_id,
                    taken.service_line_code,
                    taken.block_id,
                    taken.sequence_number,
                    taken.capture_time.isoformat(timespec="microseconds"),
                    taken.traceparent,
                ),
            )
            self._write_block(replace(block, next_number=block.next_number + 1))
        return taken

    def owed(self) -> list[Taken]:
        """Lists the tickets that the server has to hear of, in the order of taking."""
        rows = self._connection.execute(f"{_TAKEN} ORDER BY capture_time, ticket_id")
        return [_taken(row) for row in rows]

    def mark_registered(self, ticket_id: str) -> None:
        """Remembers that the server has the ticket."""
        self._end_ticket(ticket_id, "REGISTERED", "")

    def mark_refused(self, ticket_id: str, reason: str) -> None:
        """Remembers that the server will never take the ticket."""
        self._end_ticket(ticket_id, "REFUSED", reason)

    def begin_renewal(self, service_line_code: str) -> str:
        """Returns the request_id with which to ask for new numbers, on the disk before it is sent.

        The same one until the answer is known: however often it is asked, one block comes of it.
        """
        with durable.transaction(self._connection):
            request_id = self._renewal(service_line_code)
            if request_id is None:
                request_id = new_request_id()
                self._connection.execute(
                    "INSERT INTO renewal (service_line_code, request_id) VALUES (?, ?)",
                    (service_line_code, request_id),
                )
            return request_id

    def end_renewal(self, service_line_code: str, request_id: str, block: Block | None) -> None:
        """Puts the new block, if there is one, in the old one's place.

        Does nothing when another process heard the same answer before.
        """
        with durable.transaction(self._connection):
            ended = self._connection.execute(
                "DELETE FROM renewal WHERE service_line_code = ? AND request_id = ?",
                (service_line_code, request_id),
            )
            if ended.rowcount and block is not None:
                self._write_block(block)

    def is_renewing(self, service_line_code: str) -> bool:
        """Says whether a block was asked for and the answer is not known."""
        return self._renewal(service_line_code) is not None

    def block(self, service_line_code: str) -> Block | None:
        """Returns the line's block."""
        row = self._connection.execute(
            f"{_BLOCK} WHERE service_line_code = ?", (service_line_code,)
        ).fetchone()
        return _block(row) if row else None

    def blocks(self) -> list[Block]:
        """Returns the blocks of all lines."""
        rows = self._connection.execute(f"{_BLOCK} ORDER BY service_line_code")
        return [_block(row) for row in rows]

    def time_zone(self) -> str | None:
        """Returns the branch's time zone; None before the server said it."""
        row = self._connection.execute("SELECT time_zone FROM block LIMIT 1").fetchone()
        return str(row[0]) if row else None

    def refused(self) -> list[tuple[str, str]]:
        """Lists the numbers that the server refused to register, with its reasons."""
        rows = self._connection.execute(
            "SELECT service_line_code, sequence_number, reason FROM ticket"
            " WHERE state = 'REFUSED' ORDER BY capture_time"
        )
        return [(blocks.printed_number(row[0], row[1]), row[2]) for row in rows]

    def forget_old(self, now: datetime) -> None:
        """Forgets tickets that were settled long ago."""
        self._connection.execute(
            "DELETE FROM ticket WHERE state <> 'TAKEN' AND capture_time < ?",
            ((now - _KEPT).isoformat(timespec="microseconds"),),
        )

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _renewal(self, service_line_code: str) -> str | None:
        row = self._connection.execute(
            "SELECT request_id FROM renewal WHERE service_line_code = ?", (service_line_code,)
        ).fetchone()
        return str(row[0]) if row else None

    def _write_block(self, block: Block) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO block (service_line_code, block_id, next_number, last_number,"
            " size, business_day, time_zone, asked_day) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                block.service_line_code,
                block.block_id,
                block.next_number,
                block.last_number,
                block.size,
                block.business_day.isoformat(),
                block.time_zone,
                block.asked_day.isoformat(),
            ),
        )

    def _end_ticket(self, ticket_id: str, state: str, reason: str) -> None:
        self._connection.execute(
            "UPDATE ticket SET state = ?, reason = ? WHERE ticket_id = ?",
            (state, reason, ticket_id),
        )


def _block(row: tuple[str, str, int, int, int, str, str, str]) -> Block:
    line, block_id, next_number, last_number, size, business_day, time_zone, asked_day = row
    return Block(
        service_line_code=line,
        block_id=block_id,
        next_number=next_number,
        last_number=last_number,
        size=size,
        business_day=date.fromisoformat(business_day),
        time_zone=time_zone,
        asked_day=date.fromisoformat(asked_day),
    )


def _taken(row: tuple[str, str, str, str, int, str, str]) -> Taken:
    ticket_id, request_id, line, block_id, sequence_number, capture_time, traceparent = row
    return Taken(
        ticket_id=ticket_id,
        request_id=request_id,
        service_line_code=line,
        block_id=block_id,
        sequence_number=sequence_number,
        capture_time=datetime.fromisoformat(capture_time),
        traceparent=traceparent,
    )
