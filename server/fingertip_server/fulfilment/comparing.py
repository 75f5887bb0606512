"""In what the bank's books and ours do not agree about one operation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fingertip_server.fulfilment.hooks import Booked
from fingertip_server.fulfilment.states import State


class Kind(StrEnum):
    """The kinds of differences, named as in the contract."""

    NOT_ASKED = "NOT_ASKED"
    NOT_DONE = "NOT_DONE"
    NOT_AT_BANK = "NOT_AT_BANK"
    BOOKED_TWICE = "BOOKED_TWICE"
    WORK_KIND = "WORK_KIND"
    CONTENT = "CONTENT"
    CUSTOMER = "CUSTOMER"
    ACCOUNT = "ACCOUNT"
    REFERENCE = "REFERENCE"
    AMOUNT = "AMOUNT"


@dataclass(frozen=True, slots=True)
class Ours:
    """A work item as the bank's books are compared with it; `booked` is what its owner knows."""

    state: State
    work_kind: str
    booked: Booked | None


@dataclass(frozen=True, slots=True)
class Theirs:
    """One booking of the bank's."""

    work_kind: str
    booked: Booked


def compare(ours: Ours | None, theirs: Sequence[Theirs], *, is_due: bool = False) -> set[Kind]:
    """Returns every kind of difference; `is_due` says that the bank's lists should have it by now.

    What was not done has no account and no reference yet, and is compared in the rest.
    """
    if not theirs:
        lacks = ours is not None and ours.state is State.DONE and is_due
        return {Kind.NOT_AT_BANK} if lacks else set()
    found = {Kind.BOOKED_TWICE} if len(theirs) > 1 else set()
    if ours is None:
        return found | {Kind.NOT_ASKED}
    if ours.state is not State.DONE:
        found.add(Kind.NOT_DONE)
    if any(booking.work_kind != ours.work_kind for booking in theirs):
        found.add(Kind.WORK_KIND)
    if ours.booked is not None:
        bookings = [booking.booked for booking in theirs]
        found.update(_asked(ours.booked, bookings))
        if ours.state is State.DONE:
            found.update(_done(ours.booked, bookings))
    return found


def _asked(ours: Booked, theirs: Sequence[Booked]) -> Iterator[Kind]:
    """Yields in what any of the bookings is not what was asked for."""
    if any(booking.content_hash != ours.content_hash for booking in theirs):
        yield Kind.CONTENT
    if any(booking.customer_number != ours.customer_number for booking in theirs):
        yield Kind.CUSTOMER
    if ours.amount is not None and any(booking.amount != ours.amount for booking in theirs):
        yield Kind.AMOUNT


def _done(ours: Booked, theirs: Sequence[Booked]) -> Iterator[Kind]:
    """Yields in what none of the bookings is the one that was reported as done."""
    if all(booking.account_number != ours.account_number for booking in theirs):
        yield Kind.ACCOUNT
    if all(booking.core_reference != ours.core_reference for booking in theirs):
        yield Kind.REFERENCE
