"""The simulated bank's books: a file that outlives a kill of any process at any moment."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from fingertip_core_banking.simulated import accounts

_SCHEMA = """
CREATE TABLE IF NOT EXISTS booking (
    operation_id TEXT PRIMARY KEY,
    work_kind TEXT NOT NULL,
    account_number TEXT UNIQUE,
    core_reference TEXT NOT NULL UNIQUE,
    customer_number TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    booked_at REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS amount (
    operation_id TEXT PRIMARY KEY,
    cents INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS reversal (
    operation_id TEXT PRIMARY KEY,
    undone_operation_id TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE IF NOT EXISTS usage (
    account_number TEXT PRIMARY KEY
) STRICT
"""
_FIND = """
SELECT operation_id, work_kind, account_number, core_reference, customer_number, content_sha256,
    booked_at, cents
FROM booking LEFT JOIN amount USING (operation_id) WHERE operation_id = ?
"""
_REVERSE = "INSERT INTO reversal VALUES (?, ?)"
_IS_REVERSED = "SELECT 1 FROM reversal WHERE undone_operation_id = ?"
_IS_USED = "SELECT 1 FROM usage WHERE account_number = ?"
_ACCOUNT_EXISTS = "SELECT 1 FROM booking WHERE account_number = ?"
_BOOK = "INSERT INTO booking VALUES (?, ?, ?, ?, ?, ?, ?)"
_BOOK_AMOUNT = "INSERT INTO amount VALUES (?, ?)"
# What opens an account, and gets its number.
_OPENS = "core.open_"


class NotReversible(Exception):
    """Says by a code of the bank why it does not undo something."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Booking:
    """One operation that the bank carried out, or will have carried out at `booked_at`."""

    operation_id: UUID
    work_kind: str
    # Empty where the work opens no account.
    account_number: str
    core_reference: str
    customer_number: str
    content_sha256: str
    # Seconds since the epoch.
    booked_at: float
    # None where the work moves and grants nothing.
    amount_cents: int | None = None


class Ledger:
    """The books in one SQLite file, which several adapter processes may share.

    Each call opens the file anew, so that a ledger belongs to no thread and no event loop.
    """

    def __init__(self, path: Path, card_bin: str) -> None:
        self._path = path
        self._card_bin = card_bin
        with self._opened() as books:
            # A commit is on the disk when it returns: the bank never forgets what it did.
            books.execute("PRAGMA journal_mode = WAL")
            books.executescript(_SCHEMA)

    def book(
        self,
        operation_id: UUID,
        work_kind: str,
        customer_number: str,
        content_sha256: str,
        booked_at: float,
        amount_cents: int | None = None,
    ) -> Booking:
        """Books an operation, or returns its former booking, which stays as it is."""
        with self._opened() as books:
            books.execute("BEGIN IMMEDIATE")
            booking = _find(books, operation_id)
            if booking is None:
                booking = Booking(
                    operation_id,
                    work_kind,
                    self._account_number(books, operation_id, work_kind),
                    f"SIM-{operation_id.hex.upper()}",
                    customer_number,
                    content_sha256,
                    booked_at,
                    amount_cents,
                )
                books.execute(_BOOK, _row(booking))
                if amount_cents is not None:
                    books.execute(_BOOK_AMOUNT, (str(operation_id), amount_cents))
            books.execute("COMMIT")
        return booking

    def reverse(self, booking: Booking, undone_operation_id: UUID) -> Booking:
        """Books a reversal, or returns its former booking, which stays as it is.

        Raises `NotReversible` for what was not booked, is reversed already, or was used since.
        """
        with self._opened() as books:
            books.execute("BEGIN IMMEDIATE")
            former = _find(books, booking.operation_id)
            if former is None:
                _require_reversible(books, booking, undone_operation_id)
                books.execute(_BOOK, _row(booking))
                books.execute(_REVERSE, (str(booking.operation_id), str(undone_operation_id)))
            books.execute("COMMIT")
        return former or booking

    def use(self, account_number: str) -> None:
        """Notes that money moved on an account, which therefore cannot be undone any more."""
        with self._opened() as books:
            books.execute("INSERT OR IGNORE INTO usage VALUES (?)", (account_number,))

    def find(self, operation_id: UUID, now: float) -> Booking | None:
        """Returns what was booked for an operation by now."""
        with self._opened() as books:
            booking = _find(books, operation_id)
        return booking if booking and booking.booked_at <= now else None

    def bookings(self) -> list[Booking]:
        """Returns everything that was booked, in the order of booking."""
        query = _FIND.replace("WHERE operation_id = ?", "ORDER BY booking.rowid")
        with self._opened() as books:
            return [_booking(row) for row in books.execute(query)]

    def booked_between(self, start: float, end: float) -> list[Booking]:
        """Returns what was booked in a span of time, in the order of booking."""
        return [booking for booking in self.bookings() if start <= booking.booked_at < end]

    def _account_number(self, books: sqlite3.Connection, operation_id: UUID, work_kind: str) -> str:
        if not work_kind.startswith(_OPENS):
            return ""
        attempt = 0
        while True:
            number = accounts.account_number(self._card_bin, operation_id, attempt)
            if books.execute(_ACCOUNT_EXISTS, (number,)).fetchone() is None:
                return number
            attempt += 1

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as books:
            books.execute("PRAGMA synchronous = FULL")
            yield books


def _find(books: sqlite3.Connection, operation_id: UUID) -> Booking | None:
    row = books.execute(_FIND, (str(operation_id),)).fetchone()
    return _booking(row) if row else None


def _require_reversible(
    books: sqlite3.Connection, booking: Booking, undone_operation_id: UUID
) -> None:
    undone = _find(books, undone_operation_id)
    if undone is None or undone.booked_at > booking.booked_at:
        raise NotReversible("UNDONE_UNKNOWN")
    if undone.customer_number != booking.customer_number:
        raise NotReversible("UNDONE_OTHER_CUSTOMER")
    if books.execute(_IS_REVERSED, (str(undone_operation_id),)).fetchone():
        raise NotReversible("ALREADY_REVERSED")
    if books.execute(_IS_USED, (undone.account_number,)).fetchone():
        raise NotReversible("USED_SINCE")


def _row(booking: Booking) -> tuple[str, str, str | None, str, str, str, float]:
    return (
        str(booking.operation_id),
        booking.work_kind,
        booking.account_number or None,
        booking.core_reference,
        booking.customer_number,
        booking.content_sha256,
        booking.booked_at,
    )


def _booking(row: tuple[str, str, str | None, str, str, str, float, int | None]) -> Booking:
    operation_id, work_kind, account_number, core_reference, customer_number, sha256, at, cents = (
        row
    )
    return Booking(
        UUID(operation_id),
        work_kind,
        account_number or "",
        core_reference,
        customer_number,
        sha256,
        at,
        cents,
    )
