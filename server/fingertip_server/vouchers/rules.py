"""Pure decisions about counted vouchers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.packs.schema_vouchers import VoucherType


class State(StrEnum):
    """Where a voucher stands, called as the contract calls it."""

    IN_VAULT = "IN_VAULT"
    WITH_TELLER = "WITH_TELLER"
    RESERVED = "RESERVED"
    ISSUING = "ISSUING"
    ISSUED = "ISSUED"
    SPOILED = "SPOILED"
    DESTROYED = "DESTROYED"
    LOST = "LOST"


class Move(StrEnum):
    """What happens to a voucher, called as the contract calls it."""

    RECEIVED = "RECEIVED"
    HANDED_OVER = "HANDED_OVER"
    RETURNED = "RETURNED"
    RESERVED = "RESERVED"
    RELEASED = "RELEASED"
    COMMITTED = "COMMITTED"
    ISSUED = "ISSUED"
    SPOILED = "SPOILED"
    DESTROYED = "DESTROYED"
    LOST = "LOST"


class DayState(StrEnum):
    """Whether a stock was counted since it last moved."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    DIFFERENT = "DIFFERENT"


Key = tuple[str, str]
"""A voucher's type and serial."""

_AFTER: Mapping[tuple[State, Move], State] = MappingProxyType(
    {
        (State.IN_VAULT, Move.HANDED_OVER): State.WITH_TELLER,
        (State.WITH_TELLER, Move.RETURNED): State.IN_VAULT,
        (State.SPOILED, Move.RETURNED): State.SPOILED,
        (State.WITH_TELLER, Move.RESERVED): State.RESERVED,
        (State.RESERVED, Move.RELEASED): State.WITH_TELLER,
        (State.ISSUING, Move.RELEASED): State.WITH_TELLER,
        (State.RESERVED, Move.COMMITTED): State.ISSUING,
        # What the bank did is believed whenever it is told.
        (State.RESERVED, Move.ISSUED): State.ISSUED,
        (State.ISSUING, Move.ISSUED): State.ISSUED,
        (State.WITH_TELLER, Move.SPOILED): State.SPOILED,
        (State.RESERVED, Move.SPOILED): State.SPOILED,
        (State.SPOILED, Move.DESTROYED): State.DESTROYED,
        (State.WITH_TELLER, Move.LOST): State.LOST,
        (State.RESERVED, Move.LOST): State.LOST,
        (State.SPOILED, Move.LOST): State.LOST,
    }
)
# Those that a holder has to show when he counts.
COUNTED = (State.IN_VAULT, State.WITH_TELLER, State.RESERVED, State.ISSUING, State.SPOILED)
BOUND = frozenset({State.RESERVED, State.ISSUING})
# What changes what a teller has to count, or is work of his day.
OPENING = frozenset(
    {Move.HANDED_OVER, Move.RETURNED, Move.RESERVED, Move.ISSUED, Move.SPOILED, Move.LOST}
)
# What a teller may not go on with while an earlier day is not closed.
_GOING_ON = frozenset({Move.HANDED_OVER, Move.RESERVED})


@dataclass(frozen=True, slots=True)
class Difference:
    """What the count did not find, and what it found besides the book."""

    missing: Sequence[Key]
    surplus: Sequence[Key]

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus)


def after(state: str, move: Move, serial: str) -> State:
    """Returns the state that a movement leads to. Raises VOUCHER_STATE where it leads nowhere."""
    following = _AFTER.get((State(state), move))
    if following is None:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_VOUCHER_STATE,
            "The voucher's state does not allow this.",
            serial=serial,
            state=state,
        )
    return following


def serials(numbering: VoucherType, first: str, last: str, *, limit: int, field: str) -> list[Key]:
    """Returns the vouchers from the first serial to the last, which may be empty.

    Raises VOUCHER_SERIAL for what is no serial of the type and VOUCHERS_TOO_MANY beyond the limit.
    """
    start = _number(numbering, first, field)
    end = _number(numbering, last, field) if last else start
    if end < start:
        raise wrong_serial(last, field)
    if end - start >= limit:
        raise too_many(limit)
    return [(numbering.code, numbering.serial(number)) for number in range(start, end + 1)]


def require_no_twins(keys: Sequence[Key], field: str) -> None:
    """Raises VOUCHER_SERIAL when a serial is listed twice."""
    seen: set[Key] = set()
    for key in keys:
        if key in seen:
            raise wrong_serial(key[1], field)
        seen.add(key)


def require_number(counted: Collection[Key], number: int) -> None:
    """Raises INVALID_REQUEST when another number was counted than there are serials."""
    if len(counted) != number:
        raise errors.InvalidArgument(
            ErrorReason.ERROR_REASON_INVALID_REQUEST,
            "The number counted is not that of the serials.",
            violations=[errors.Violation("counted_number", "must be as many as the serials are")],
        )


def require_counted(
    day_state: str, business_day: date | None, today: date, move: Move, *, blocks: bool
) -> None:
    """Raises STOCK_DAY_OPEN when a day before is not closed and the bank wants that first."""
    is_behind = day_state != DayState.CLOSED and business_day is not None and business_day < today
    if blocks and is_behind and move in _GOING_ON:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_STOCK_DAY_OPEN,
            "The stock of a day before is not closed.",
            business_day=str(business_day),
        )


def difference(booked: Iterable[Key], counted: Iterable[Key]) -> Difference:
    """Returns in what count and book differ."""
    book, count = set(booked), set(counted)
    return Difference(missing=sorted(book - count), surplus=sorted(count - book))


def require_explained(found: Difference, explanation: str, *, is_witnessed: bool) -> None:
    """Raises STOCK_DIFFERENCE for a difference that nobody explained before a second person."""
    if found and not (explanation.strip() and is_witnessed):
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_STOCK_DIFFERENCE,
            "Count and book differ.",
            missing=str(len(found.missing)),
            surplus=str(len(found.surplus)),
        )


def require_day_state(day_state: str, *, is_different: bool) -> None:
    """Raises STOCK_DAY_STATE unless a difference waits to be resolved, or none does."""
    if (day_state == DayState.DIFFERENT) is not is_different:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_STOCK_DAY_STATE,
            "The state of the stock's day does not allow this.",
            state=day_state,
        )


def require_somebody_else(holder_person_id: UUID, person_id: UUID | None) -> None:
    """Raises FOUR_EYES when somebody resolves a difference of his own, under whatever account."""
    if holder_person_id == person_id:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_FOUR_EYES,
            "Somebody else has to resolve the difference.",
            rule="same_person",
        )


def after_resolving(counted_version: int, version: int) -> DayState:
    """Returns how the day goes on: it is closed, or moved since and is to be counted again."""
    return DayState.CLOSED if counted_version == version else DayState.OPEN


def business_day(moment: datetime, zone: ZoneInfo) -> date:
    """Returns the day that it is in the branch."""
    return moment.astimezone(zone).date()


def reminder_time(
    day: date, closes: time, zone: ZoneInfo, *, now: datetime, grace: timedelta
) -> datetime:
    """Returns when a teller is reminded to count: when the branch has closed, or he began later."""
    return max(datetime.combine(day, closes, tzinfo=zone), now) + grace


def wrong_serial(serial: str, field: str) -> errors.InvalidArgument:
    """Returns the refusal for what is no serial of its type, with the request's field of it."""
    return errors.InvalidArgument(
        ErrorReason.ERROR_REASON_VOUCHER_SERIAL,
        "The serial is not one of its type, or stands where it may not.",
        violations=[errors.Violation(field, "must be a serial of the type, once and in order")],
        serial=serial,
    )


def too_many(limit: int) -> errors.LimitReached:
    """Returns the refusal for more vouchers than policy allows."""
    return errors.LimitReached(
        ErrorReason.ERROR_REASON_VOUCHERS_TOO_MANY,
        "There are more vouchers than policy allows.",
        limit=str(limit),
    )


def not_held(serial: str) -> errors.InvalidState:
    """Returns the refusal for a voucher that is not in the stock that it is to come from."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_VOUCHER_NOT_HELD,
        "The voucher is not in the stock that it is to come from.",
        serial=serial,
    )


def exists(serial: str = "") -> errors.AlreadyExists:
    """Returns the refusal for a serial that was received before."""
    return errors.AlreadyExists(
        ErrorReason.ERROR_REASON_VOUCHER_EXISTS,
        "A voucher with this serial was received before.",
        serial=serial,
    )


def no_stock() -> errors.NotFound:
    """Returns the refusal for a teller who never had any voucher."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_STOCK_NOT_FOUND, "The teller never had any voucher."
    )


def _number(numbering: VoucherType, serial: str, field: str) -> int:
    number = numbering.number(serial)
    if number is None:
        raise wrong_serial(serial, field)
    return number
