"""Pure decisions about tickets, calls and arrivals."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.lobby.values import Arrival, ArrivalState, Block, Head, Ticket, TicketState
from fingertip_server.packs.schema_bank import ServiceLine

_CALL = "call"
_RECALL = "recall"
_MARK_NO_SHOW = "mark_no_show"
_START_SERVING = "start_serving"
_COMPLETE = "complete"

# A ticket that came back after a no-show may be called, but is no longer in a queue.
_TRANSITIONS = MappingProxyType(
    {
        (TicketState.WAITING, _CALL): TicketState.CALLED,
        (TicketState.NO_SHOW, _CALL): TicketState.CALLED,
        (TicketState.CALLED, _RECALL): TicketState.CALLED,
        (TicketState.CALLED, _MARK_NO_SHOW): TicketState.NO_SHOW,
        (TicketState.CALLED, _START_SERVING): TicketState.SERVING,
        (TicketState.SERVING, _COMPLETE): TicketState.COMPLETED,
    }
)
# Whose customer is in the lobby, or may be.
_PRESENT = frozenset({TicketState.WAITING, TicketState.CALLED})

# Everybody has written his last ticket of the day by then.
_CLOSING_DELAY = timedelta(minutes=1)


def business_day(now: datetime, zone: ZoneInfo) -> date:
    """Returns the day it is in the branch."""
    return now.astimezone(zone).date()


def closing_time(day: date, zone: ZoneInfo) -> datetime:
    """Returns when what is open of a business day is closed: just after midnight in the branch."""
    midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
    return midnight + _CLOSING_DELAY


def line_for(requested: ServiceLine, tier_code: str, lines: Iterable[ServiceLine]) -> ServiceLine:
    """Returns the line that a known customer is put into.

    A line that names tiers is for these; a customer of another tier goes to the line that names
    his, if there is one. A line without tiers is for everybody: who asks for it stays.
    """
    if not requested.tiers or tier_code in requested.tiers:
        return requested
    return next((line for line in lines if tier_code in line.tiers), requested)


def next_head(
    heads: Sequence[Head], priority_calls: int, now: datetime, *, calls_max: int, waiting: timedelta
) -> Head | None:
    """Chooses among the heads of the lines; None when nobody waits.

    Priority lines go first. After `calls_max` calls of them in a row, somebody else who has waited
    longer than `waiting` is called. Among equals, who has waited longest.
    """
    priority = _oldest(head for head in heads if head.is_priority)
    other = _oldest(head for head in heads if not head.is_priority)
    if priority is None or other is None:
        return priority or other
    if priority_calls >= calls_max and now - other.issued_at > waiting:
        return other
    return priority


def priority_calls_after(head: Head, priority_calls: int) -> int:
    """Counts how many calls in a row went to priority lines, this one included."""
    return priority_calls + 1 if head.is_priority else 0


def called(ticket: Ticket, *, desk: str, staff_id: str, today: date, now: datetime) -> Ticket:
    """Returns the ticket called to a desk. Raises TICKET_STATE, for another day's ticket too."""
    state = _next_state(ticket, _CALL)
    if ticket.business_day != today:
        raise _ticket_state(ticket)
    return replace(
        ticket,
        state=state,
        desk=desk,
        staff_id=staff_id,
        call_count=ticket.call_count + 1,
        called_at=now,
        ended_at=None,
    )


def recalled(ticket: Ticket, *, recalls_max: int, now: datetime) -> Ticket:
    """Returns the ticket called once more. Raises TICKET_STATE and RECALL_LIMIT."""
    state = _next_state(ticket, _RECALL)
    if ticket.call_count > recalls_max:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_RECALL_LIMIT,
            "The ticket was recalled as often as is allowed.",
            recall_max=str(recalls_max),
        )
    return replace(ticket, state=state, call_count=ticket.call_count + 1, called_at=now)


def missed(ticket: Ticket, now: datetime) -> Ticket:
    """Returns the ticket of a customer who did not come. Raises TICKET_STATE."""
    return replace(ticket, state=_next_state(ticket, _MARK_NO_SHOW), ended_at=now)


def served(ticket: Ticket, staff_id: str) -> Ticket:
    """Returns the ticket of a customer who is at the desk now. Raises TICKET_STATE."""
    return replace(ticket, state=_next_state(ticket, _START_SERVING), staff_id=staff_id)


def completed(ticket: Ticket, now: datetime) -> Ticket:
    """Returns the ticket of a customer who was served. Raises TICKET_STATE."""
    return replace(ticket, state=_next_state(ticket, _COMPLETE), ended_at=now)


def is_present(state: TicketState) -> bool:
    """Says whether the customer is in the lobby and nobody serves him yet."""
    return state in _PRESENT


def require_free_desk(ticket_id: UUID | None) -> None:
    """Raises DESK_BUSY when the desk still has this ticket."""
    if ticket_id is not None:
        raise desk_busy(ticket_id=str(ticket_id))


def desk_busy(**metadata: str) -> errors.InvalidState:
    """Returns the refusal for a desk that has another ticket."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_DESK_BUSY,
        "The desk still has a ticket that was called or is being served.",
        **metadata,
    )


def require_on_shift(*, on_shift: bool) -> None:
    """Raises NOT_ON_SHIFT."""
    if not on_shift:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_NOT_ON_SHIFT, "Start your shift before you do this."
        )


def check_reserved(  # noqa: PLR0913 - what is printed and what is known of its block
    block: Block | None,
    *,
    device_id: UUID | None,
    service_line_code: str,
    sequence_number: int,
    captured_at: datetime,
    now: datetime,
    zone: ZoneInfo,
) -> Block:
    """Returns the block when a machine may register a number of it as printed then.

    The register may come late, even on another day, and from a former block: a machine that lost
    the answer goes on printing from the one it knows. What counts is that the number was the
    machine's own to print at that moment. Raises NUMBER_NOT_RESERVED, and INVALID_REQUEST for a
    moment that is yet to come.
    """
    if captured_at > now:
        raise errors.InvalidArgument(
            ErrorReason.ERROR_REASON_INVALID_REQUEST,
            "A ticket cannot have been taken in the future.",
            violations=[errors.Violation("capture_time", "is not later than now")],
        )
    if block is None or not (
        block.device_id == device_id
        and block.service_line_code == service_line_code
        and block.first_number <= sequence_number <= block.last_number
        and block.created_at <= captured_at
        and business_day(captured_at, zone) == block.business_day
    ):
        raise number_not_reserved()
    return block


def number_not_reserved() -> errors.InvalidState:
    """Returns the refusal for a number that the machine had no right to print."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_NUMBER_NOT_RESERVED,
        "The number was not reserved for this machine, line and day.",
    )


def numbers_exhausted(service_line_code: str) -> errors.LimitReached:
    """Returns the refusal for a line that has no number left today."""
    return errors.LimitReached(
        ErrorReason.ERROR_REASON_TICKET_NUMBERS_EXHAUSTED,
        "The line's numbers of this business day are used up.",
        service_line_code=service_line_code,
    )


def claimed(arrival: Arrival, *, staff_id: str, name: str, now: datetime) -> Arrival:
    """Returns the arrival claimed. Claiming one's own again changes nothing.

    Raises ARRIVAL_CLAIMED, which says by whom, and ARRIVAL_STATE.
    """
    if arrival.state is ArrivalState.RESOLVED:
        raise _arrival_state(arrival)
    if arrival.state is ArrivalState.OPEN:
        return replace(
            arrival,
            state=ArrivalState.CLAIMED,
            claimed_by=staff_id,
            claimed_by_name=name,
            claimed_at=now,
        )
    _require_own(arrival, staff_id)
    return arrival


def resolved(arrival: Arrival, staff_id: str) -> Arrival:
    """Returns the arrival resolved by who claimed it. Raises ARRIVAL_STATE, ARRIVAL_CLAIMED."""
    if arrival.state is not ArrivalState.CLAIMED:
        raise _arrival_state(arrival)
    _require_own(arrival, staff_id)
    return replace(arrival, state=ArrivalState.RESOLVED)


def _oldest(heads: Iterable[Head]) -> Head | None:
    return min(heads, key=lambda head: (head.issued_at, head.ticket_id), default=None)


def _next_state(ticket: Ticket, verb: str) -> TicketState:
    state = _TRANSITIONS.get((ticket.state, verb))
    if state is None:
        raise _ticket_state(ticket)
    return state


def _ticket_state(ticket: Ticket) -> errors.InvalidState:
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_TICKET_STATE,
        "The ticket's state does not allow this.",
        state=ticket.state.value,
    )


def _arrival_state(arrival: Arrival) -> errors.InvalidState:
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_ARRIVAL_STATE,
        "The arrival's state does not allow this.",
        state=arrival.state.value,
    )


def _require_own(arrival: Arrival, staff_id: str) -> None:
    if arrival.claimed_by != staff_id:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_ARRIVAL_CLAIMED,
            "Somebody else claimed the arrival.",
            claimed_by=arrival.claimed_by,
            claimed_by_name=arrival.claimed_by_name,
        )
