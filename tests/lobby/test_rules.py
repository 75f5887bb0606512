"""What is decided in a lobby without asking anybody."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from fingertip_server import errors
from fingertip_server.lobby import rules
from fingertip_server.lobby.rules import Head, PriorityCap, TicketState
from tests.world import read_demo

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
CAP = PriorityCap(calls_in_a_row_max=3, waiting_max=timedelta(minutes=20))
VERBS = ("call", "recall", "mark_no_show", "serve", "complete")
POSSIBLE = {
    ("WAITING", "call"): "CALLED",
    ("NO_SHOW", "call"): "CALLED",
    ("CALLED", "recall"): "CALLED",
    ("CALLED", "mark_no_show"): "NO_SHOW",
    ("CALLED", "serve"): "SERVING",
    ("SERVING", "complete"): "COMPLETED",
}


def head(number: int, minutes: float, *, is_priority: bool = False) -> Head:
    """Returns the head of a line that has waited so long."""
    return Head(UUID(int=number), is_priority, NOW - timedelta(minutes=minutes))


VIP = head(1, 1, is_priority=True)
OLDER_VIP = head(2, 2, is_priority=True)
PATIENT = head(3, 20)
IMPATIENT = head(4, 20.1)


@pytest.mark.parametrize(
    ("heads", "streak", "expected"),
    [
        ((), 0, None),
        ((PATIENT,), 0, PATIENT),
        ((VIP,), 7, VIP),
        # Priority goes first, however long others have waited,
        ((IMPATIENT, VIP), 0, VIP),
        ((IMPATIENT, VIP), 2, VIP),
        # but after three in a row, one who has waited longer than 20 minutes is served.
        ((IMPATIENT, VIP), 3, IMPATIENT),
        ((IMPATIENT, VIP), 9, IMPATIENT),
        ((PATIENT, VIP), 3, VIP),
        # Among equals, who has waited longest.
        ((VIP, OLDER_VIP), 0, OLDER_VIP),
        ((PATIENT, IMPATIENT), 0, IMPATIENT),
        ((PATIENT, IMPATIENT, VIP, OLDER_VIP), 3, IMPATIENT),
        ((PATIENT, VIP, OLDER_VIP), 3, OLDER_VIP),
    ],
)
def test_priority_lines_go_first_within_limits(
    heads: tuple[Head, ...], streak: int, expected: Head | None
) -> None:
    assert rules.next_head(heads, streak=streak, now=NOW, cap=CAP) is expected


@pytest.mark.parametrize("state", list(TicketState))
@pytest.mark.parametrize("verb", VERBS)
def test_a_ticket_moves_as_its_state_allows(state: TicketState, verb: str) -> None:
    expected = POSSIBLE.get((state.value, verb))
    if expected:
        assert rules.move(state, verb).value == expected
        return
    with pytest.raises(errors.InvalidState) as refusal:
        rules.move(state, verb)
    assert refusal.value.reason_name == "TICKET_STATE"
    assert refusal.value.metadata == {"state": state.value}


@pytest.mark.parametrize(
    ("before", "meanwhile", "afterwards"),
    [
        # On the slip's day, and when that is over.
        ("WAITING", "WAITING", "EXPIRED"),
        ("CALLED", "CALLED", "EXPIRED"),
        ("SERVING", "SERVING", "SERVING"),
        ("COMPLETED", "COMPLETED", "COMPLETED"),
        # Nobody knew that he was meant.
        ("NO_SHOW", "WAITING", "NO_SHOW"),
        # It expired with the day before its slip's.
        ("EXPIRED", "WAITING", "EXPIRED"),
    ],
)
def test_who_was_called_by_another_number_than_his_own_was_not_called(
    before: str, meanwhile: str, afterwards: str
) -> None:
    assert rules.state_under_another_number(before, is_over=False) == meanwhile
    assert rules.state_under_another_number(before, is_over=True) == afterwards


@pytest.mark.parametrize(
    ("line", "number", "printed"), [("A", 7, "A007"), ("B", 42, "B042"), ("C", 999, "C999")]
)
def test_a_number_is_printed_with_three_digits(line: str, number: int, printed: str) -> None:
    assert rules.printed_number(line, number) == printed


@pytest.mark.parametrize(
    ("chosen", "tier_code", "expected"),
    [
        ("B", "private", "A"),
        ("A", "private", "A"),
        ("B", "standard", "B"),
        ("A", "standard", "B"),
        # Business that is not of a tier: who chooses it stays.
        ("C", "private", "C"),
        ("C", "standard", "C"),
        # Nobody knows him, or the pack no longer has his tier.
        ("A", "", "A"),
        ("B", "", "B"),
        ("A", "unheard_of", "A"),
    ],
)
def test_a_known_customer_waits_in_the_line_of_his_tier(
    chosen: str, tier_code: str, expected: str
) -> None:
    lines = [line for line in read_demo().service_lines if line.branch == "0101"]
    [wanted] = [line for line in lines if line.code == chosen]
    assert rules.line_for(lines, wanted, tier_code).code == expected


@pytest.mark.parametrize(
    ("captured", "reserved", "issued"),
    [
        (-30, -60, -30),
        # The machine's clock is behind: before it had the number it did not print it.
        (-61, -60, -60),
        (-600, -60, -60),
        # Or it is ahead, up to half an hour.
        (5, -60, 0),
        (30, -60, 0),
    ],
)
def test_a_slip_s_time_is_between_the_reservation_and_now(
    captured: int, reserved: int, issued: int
) -> None:
    captured_at, reserved_at, expected = (
        NOW + timedelta(minutes=minutes) for minutes in (captured, reserved, issued)
    )
    assert rules.issue_time(captured_at, reserved_at=reserved_at, now=NOW) == expected


def test_no_slip_is_of_the_future() -> None:
    captured = NOW + timedelta(minutes=30, seconds=1)
    with pytest.raises(errors.InvalidArgument) as refusal:
        rules.issue_time(captured, reserved_at=NOW - timedelta(hours=1), now=NOW)
    assert [violation.field for violation in refusal.value.violations] == ["capture_time"]


def test_a_day_ends_at_the_branch_s_own_midnight() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    before = datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC)
    assert rules.business_day(before, zone) == date(2026, 3, 2)
    assert rules.business_day(before + timedelta(seconds=1), zone) == date(2026, 3, 3)
    closing = rules.closing_time(date(2026, 3, 2), zone)
    assert closing.astimezone(UTC) == datetime(2026, 3, 2, 16, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        # The clocks of Cairo go forward at midnight, and back at midnight.
        ("Africa/Cairo", date(2025, 4, 24)),
        ("Africa/Cairo", date(2025, 4, 25)),
        ("Africa/Cairo", date(2025, 10, 30)),
        ("Africa/Cairo", date(2025, 10, 31)),
        # Those of New York in the night.
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
        ("Asia/Shanghai", date(2024, 2, 29)),
        ("Asia/Shanghai", date(2026, 12, 31)),
    ],
)
def test_every_minute_is_of_one_day_whatever_the_clocks_do(zone: str, day: date) -> None:
    there = ZoneInfo(zone)
    closing = rules.closing_time(day, there).astimezone(UTC)
    assert rules.business_day(closing, there) == day + timedelta(days=1)
    last = closing - timedelta(minutes=1, seconds=1)
    assert rules.business_day(last, there) == day
    minutes = [last - timedelta(minutes=minute) for minute in range(26 * 60)]
    days = [rules.business_day(moment, there) for moment in minutes]
    assert days == sorted(days, reverse=True)
