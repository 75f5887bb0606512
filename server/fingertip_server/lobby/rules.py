"""Pure decisions of the lobby."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.packs.schema_bank import ServiceLine
from fingertip_server.rpc.principal import Principal

# How far a ticket machine's clock may be ahead of ours; so long after its midnight it does not ask
# for the new day's numbers.
_CLOCK_SKEW_MAX = timedelta(minutes=30)
_CLOSING_DELAY = timedelta(minutes=1)


class TicketState(StrEnum):
    """Where a ticket stands."""

    WAITING = "WAITING"
    CALLED = "CALLED"
    SERVING = "SERVING"
    COMPLETED = "COMPLETED"
    NO_SHOW = "NO_SHOW"
    EXPIRED = "EXPIRED"


class ArrivalState(StrEnum):
    """Where an arrival stands."""

    OPEN = "OPEN"
    CLAIMED = "CLAIMED"
    RESOLVED = "RESOLVED"


_TICKET_MOVES = {
    (TicketState.WAITING, "call"): TicketState.CALLED,
    (TicketState.NO_SHOW, "call"): TicketState.CALLED,
    (TicketState.CALLED, "recall"): TicketState.CALLED,
    (TicketState.CALLED, "mark_no_show"): TicketState.NO_SHOW,
    (TicketState.CALLED, "serve"): TicketState.SERVING,
    (TicketState.SERVING, "complete"): TicketState.COMPLETED,
}


@dataclass(frozen=True, slots=True)
class Head:
    """The ticket that has waited longest in its line."""

    ticket_id: UUID
    is_priority: bool
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class PriorityCap:
    """How long priority lines may keep overtaking others."""

    calls_in_a_row_max: int
    waiting_max: timedelta


def move(state: str, verb: str) -> TicketState:
    """Returns the state after the verb. Raises TICKET_STATE when it is not possible now."""
    following = _TICKET_MOVES.get((TicketState(state), verb))
    if following is None:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_TICKET_STATE,
            "The ticket's state does not allow this.",
            state=state,
        )
    return following


def state_under_another_number(state: str, *, is_over: bool) -> TicketState:
    """Returns what becomes of a ticket whose customer has another number than it was issued with.

    Whoever was called by the former one could not know: he waits, unless the day of his slip
    `is_over`.
    """
    before = TicketState(state)
    if is_over:
        is_open = before in {TicketState.WAITING, TicketState.CALLED}
        return TicketState.EXPIRED if is_open else before
    is_missed = before in {TicketState.NO_SHOW, TicketState.EXPIRED}
    return TicketState.WAITING if is_missed else before


def next_head(
    heads: Sequence[Head], *, streak: int, now: datetime, cap: PriorityCap
) -> Head | None:
    """Returns the head to be called next, or None when nobody waits.

    Priority lines first; but after so many of them in a row, somebody who has waited too long.
    """
    by_age = sorted(heads, key=lambda head: head.issued_at)
    priority = [head for head in by_age if head.is_priority]
    others = [head for head in by_age if not head.is_priority]
    is_capped = bool(priority) and streak >= cap.calls_in_a_row_max
    if is_capped and others and now - others[0].issued_at > cap.waiting_max:
        return others[0]
    return next(iter(priority + others), None)


def line_for(lines: Sequence[ServiceLine], chosen: ServiceLine, tier_code: str) -> ServiceLine:
    """Returns the line of a customer's tier, or the one that he chose.

    A line that names no tiers is for everybody's business of its kind: who chooses it stays.
    """
    if not chosen.tiers or not tier_code or tier_code in chosen.tiers:
        return chosen
    return next((line for line in lines if tier_code in line.tiers), chosen)


def business_day(moment: datetime, zone: ZoneInfo) -> date:
    """Returns the day that it is in the branch."""
    return moment.astimezone(zone).date()


def closing_time(day: date, zone: ZoneInfo) -> datetime:
    """Returns when what is left of a business day expires, shortly after the branch's midnight."""
    midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
    # Whoever was issuing a ticket at midnight has long committed it.
    return midnight + _CLOSING_DELAY


def printed_number(line_code: str, sequence_number: int) -> str:
    """Returns the number as it is printed, for example A007."""
    return f"{line_code}{sequence_number:03d}"


def issue_time(captured: datetime, *, reserved_at: datetime, now: datetime) -> datetime:
    """Returns when a ticket printed offline counts as issued.

    The machine's clock may be off: it is not before the block was reserved, nor after now. Raises
    INVALID_REQUEST for a time that no honest clock could show.
    """
    if captured > now + _CLOCK_SKEW_MAX:
        raise errors.InvalidArgument(
            ErrorReason.ERROR_REASON_INVALID_REQUEST,
            "The ticket was issued in the future.",
            violations=[errors.Violation("capture_time", "must not be later than now")],
        )
    return min(max(captured, reserved_at), now)


def check_recall(call_count: int, recall_max: int) -> None:
    """Raises RECALL_LIMIT when a ticket was recalled as often as policy allows."""
    if call_count > recall_max:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_RECALL_LIMIT,
            "The ticket was recalled as often as policy allows. Mark it as a no-show.",
            recall_max=str(recall_max),
        )


def check_claim(state: str, claimed_by: str, claimed_by_name: str, caller: str) -> None:
    """Raises unless the arrival can be claimed: ARRIVAL_CLAIMED tells by whom it was."""
    if state == ArrivalState.RESOLVED:
        raise _arrival_state(state)
    if state == ArrivalState.CLAIMED and claimed_by != caller:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_ARRIVAL_CLAIMED,
            "Somebody else claimed the arrival.",
            claimed_by=claimed_by,
            claimed_by_name=claimed_by_name,
        )


def check_resolve(state: str, claimed_by: str, claimed_by_name: str, caller: str) -> None:
    """Raises unless the caller claimed the arrival and has not ended it."""
    if state != ArrivalState.CLAIMED:
        raise _arrival_state(state)
    check_claim(state, claimed_by, claimed_by_name, caller)


def check_day(ticket_day: date, today: date, state: str) -> None:
    """Raises TICKET_STATE for a ticket of another day: its customer is not here any more."""
    if ticket_day != today:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_TICKET_STATE, "The ticket is of another day.", state=state
        )


def require_on_shift(caller: Principal) -> None:
    """Raises NOT_ON_SHIFT."""
    if not caller.on_shift:
        raise errors.InvalidState(ErrorReason.ERROR_REASON_NOT_ON_SHIFT, "Start your shift first.")


def ticket_not_found() -> errors.NotFound:
    """Returns the refusal for a ticket that is not of the branch."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_TICKET_NOT_FOUND, "There is no such ticket in your branch."
    )


def arrival_not_found() -> errors.NotFound:
    """Returns the refusal for an arrival that is not of the branch."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_ARRIVAL_NOT_FOUND, "There is no such arrival in your branch."
    )


def no_ticket_waiting() -> errors.InvalidState:
    """Returns the refusal when nobody waits."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_NO_TICKET_WAITING, "No ticket waits in these lines."
    )


def desk_busy(ticket_id: str = "") -> errors.InvalidState:
    """Returns the refusal of a desk that still has a customer."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_DESK_BUSY,
        "The desk still has a ticket. Complete it or mark it as a no-show.",
        ticket_id=ticket_id,
    )


def numbers_exhausted(line_code: str) -> errors.LimitReached:
    """Returns the refusal when a line's numbers of the day are used up."""
    return errors.LimitReached(
        ErrorReason.ERROR_REASON_TICKET_NUMBERS_EXHAUSTED,
        "The line's numbers of today are used up.",
        service_line_code=line_code,
    )


def number_not_reserved() -> errors.InvalidState:
    """Returns the refusal of a number that is not of the caller's block."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_NUMBER_NOT_RESERVED,
        "The number is not one of this machine's reserved blocks.",
    )


def ticket_exists(ticket_id: str = "") -> errors.AlreadyExists:
    """Returns the refusal of a ticket that is registered already."""
    return errors.AlreadyExists(
        ErrorReason.ERROR_REASON_TICKET_EXISTS,
        "The ticket is registered already.",
        ticket_id=ticket_id,
    )


def _arrival_state(state: str) -> errors.InvalidState:
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_ARRIVAL_STATE,
        "The arrival's state does not allow this.",
        state=state,
    )
