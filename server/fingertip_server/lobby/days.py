"""Ends what is open of a business day when the branch's day is over."""

from collections.abc import Callable, Mapping
from datetime import date

from fingertip_server.lobby import arrivals, messages, rules, store
from fingertip_server.packs.schema_bank import ServiceLine
from fingertip_server.rpc.call import Call

CLOSE_LINE = "lobby.close_line"

# What one transaction announces.
_BATCH = 200


def begin(call: Call, line: ServiceLine, day: date) -> None:
    """Sees to it that a line's day is closed."""
    due_at = rules.closing_time(day, call.bank.time_zone(line.branch))
    call.start_timer(CLOSE_LINE, f"{line.branch}/{line.code}/{day.isoformat()}", due_at)


def close_line(call: Call, subject: str) -> None:
    """Expires the tickets of a line's day that nobody served, and ends the day's arrivals."""
    call.home, code, written_day = subject.split("/")
    day = {"branch_id": call.home, "business_day": date.fromisoformat(written_day)}
    expired = call.connection.execute(
        store.EXPIRE, {**day, "service_line_code": code, "row_count": _BATCH}
    ).all()
    for ticket in expired:
        call.publish(messages.ticket(ticket))
    if len(expired) == _BATCH:
        call.start_timer(CLOSE_LINE, subject, call.now)
    # Each by itself: it may have a second topic of its own.
    for arrival in call.connection.execute(store.ARRIVALS_OF_DAY, day):
        call.start_timer(arrivals.CLOSE, arrival.arrival_id, call.now)
    if expired:
        call.record("line_day", subject, "CLOSED")


TIMERS: Mapping[str, Callable[[Call, str], None]] = {CLOSE_LINE: close_line}
