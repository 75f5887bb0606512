"""Calls tickets to desks. Every call of a branch locks its day, so that no two take one ticket."""

from datetime import date
from uuid import UUID

from fingertip_server.db.hot import AnyRow
from fingertip_server.lobby import rules, store
from fingertip_server.lobby.rules import Head, PriorityCap
from fingertip_server.rpc.call import Call


def call_next(call: Call, desk: str, codes: list[str]) -> AnyRow:
    """Calls the ticket that is due next in the lines. Raises NO_TICKET_WAITING and DESK_BUSY."""
    day, streak = _lock_day(call)
    _require_free(call, desk, day)
    lines = {line.code: line for line in call.bank.service_lines(call.home)}
    wanted = [call.bank.service_line(call.home, code).code for code in codes] or list(lines)
    heads = [
        Head(row.ticket_id, lines[row.service_line_code].priority, row.issued_at)
        for row in call.connection.execute(
            store.HEADS, {"branch_id": call.home, "business_day": day, "codes": wanted}
        )
    ]
    policies = call.bank.policies
    cap = PriorityCap(
        policies.count("lobby.vip_calls_in_a_row_max"),
        policies.duration("lobby.waiting_before_vip_cap"),
    )
    chosen = rules.next_head(heads, streak=streak, now=call.now, cap=cap)
    if chosen is None:
        raise rules.no_ticket_waiting()
    streak = streak + 1 if chosen.is_priority else 0
    call.connection.execute(
        store.SET_STREAK, {"streak": streak, "branch_id": call.home, "business_day": day}
    )
    return _call_to(call, chosen.ticket_id, desk)


def call_chosen(call: Call, ticket_id: UUID, desk: str) -> AnyRow:
    """Calls a chosen ticket. Raises TICKET_NOT_FOUND, TICKET_STATE and DESK_BUSY."""
    day, _ = _lock_day(call)
    ticket = lock(call, ticket_id)
    rules.move(ticket.state, "call")
    rules.check_day(ticket.business_day, day, ticket.state)
    _require_free(call, desk, day)
    return _call_to(call, ticket_id, desk)


def lock(call: Call, ticket_id: UUID) -> AnyRow:
    """Returns a ticket of the caller's branch, locked. Raises TICKET_NOT_FOUND."""
    ticket = call.connection.execute(
        store.LOCK_TICKET, {"the_ticket_id": ticket_id, "the_branch_id": call.home}
    ).one_or_none()
    if ticket is None:
        raise rules.ticket_not_found()
    call.journey_id = ticket.journey_id
    return ticket


def _lock_day(call: Call) -> tuple[date, int]:
    row = call.connection.execute(
        store.LOCK_DAY,
        {"branch_id": call.home, "time_zone": str(call.bank.time_zone(call.home))},
    ).one()
    return row.business_day, row.priority_streak


def _require_free(call: Call, desk: str, day: date) -> None:
    occupant = call.connection.execute(
        store.AT_DESK, {"branch_id": call.home, "business_day": day, "desk": desk}
    ).scalar_one_or_none()
    if occupant is not None:
        raise rules.desk_busy(str(occupant))


def _call_to(call: Call, ticket_id: UUID, desk: str) -> AnyRow:
    return call.connection.execute(
        store.CALL,
        {"the_ticket_id": ticket_id, "the_desk": desk, "the_staff_id": call.principal.id},
    ).one()
