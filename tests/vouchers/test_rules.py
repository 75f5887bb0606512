"""The rules of counted vouchers, without a bank around them."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from fingertip_server import errors
from fingertip_server.packs.schema_vouchers import VoucherKind, VoucherType
from fingertip_server.vouchers import rules
from fingertip_server.vouchers.rules import DayState, Move, State

_TYPE = VoucherType(
    code="key", name="K", kind=VoucherKind.SECURITY_DEVICE, serial_prefix="K", serial_digits=3
)
_ZONE = ZoneInfo("Asia/Shanghai")
_DAY = date(2026, 3, 2)


def test_a_voucher_only_moves_where_the_table_leads() -> None:
    allowed = {
        (State.IN_VAULT, Move.HANDED_OVER): State.WITH_TELLER,
        (State.WITH_TELLER, Move.RETURNED): State.IN_VAULT,
        (State.WITH_TELLER, Move.RESERVED): State.RESERVED,
        (State.WITH_TELLER, Move.SPOILED): State.SPOILED,
        (State.WITH_TELLER, Move.LOST): State.LOST,
        (State.RESERVED, Move.RELEASED): State.WITH_TELLER,
        (State.RESERVED, Move.COMMITTED): State.ISSUING,
        (State.RESERVED, Move.ISSUED): State.ISSUED,
        (State.RESERVED, Move.SPOILED): State.SPOILED,
        (State.RESERVED, Move.LOST): State.LOST,
        (State.ISSUING, Move.RELEASED): State.WITH_TELLER,
        (State.ISSUING, Move.ISSUED): State.ISSUED,
        (State.SPOILED, Move.RETURNED): State.SPOILED,
        (State.SPOILED, Move.DESTROYED): State.DESTROYED,
        (State.SPOILED, Move.LOST): State.LOST,
    }
    for state in State:
        for move in Move:
            if (state, move) in allowed:
                assert rules.after(state, move, "1") == allowed[state, move]
            else:
                with pytest.raises(errors.InvalidState):
                    rules.after(state, move, "1")


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("K001", "", ["K001"]),
        ("K098", "K101", ["K098", "K099", "K100", "K101"]),
        ("K999", "K999", ["K999"]),
    ],
)
def test_serials_follow_one_another(first: str, last: str, expected: list[str]) -> None:
    keys = rules.serials(_TYPE, first, last, limit=4, field="f")
    assert keys == [("key", each) for each in expected]


@pytest.mark.parametrize("wrong", ["K1", "K0001", "001", "X001", "K00A", "K٠٠١"])
def test_what_is_no_serial_is_refused(wrong: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        rules.serials(_TYPE, wrong, "", limit=4, field="f")


def test_a_range_is_as_long_as_policy_allows() -> None:
    with pytest.raises(errors.LimitReached):
        rules.serials(_TYPE, "K000", "K004", limit=4, field="f")


def test_count_and_book_differ_in_what_only_one_has() -> None:
    found = rules.difference([("a", "1"), ("a", "2")], [("a", "2"), ("b", "1")])
    assert (found.missing, found.surplus) == ([("a", "1")], [("b", "1")])
    assert not rules.difference([("a", "1")], [("a", "1")])


@pytest.mark.parametrize(
    ("day_state", "day", "move", "blocks", "is_refused"),
    [
        (DayState.OPEN, _DAY - timedelta(days=1), Move.RESERVED, True, True),
        (DayState.DIFFERENT, _DAY - timedelta(days=1), Move.HANDED_OVER, True, True),
        (DayState.OPEN, _DAY - timedelta(days=1), Move.RESERVED, False, False),
        (DayState.OPEN, _DAY - timedelta(days=1), Move.SPOILED, True, False),
        (DayState.OPEN, _DAY - timedelta(days=1), Move.ISSUED, True, False),
        (DayState.OPEN, _DAY, Move.RESERVED, True, False),
        (DayState.CLOSED, _DAY - timedelta(days=1), Move.RESERVED, True, False),
        (DayState.CLOSED, None, Move.RESERVED, True, False),
    ],
)
def test_an_earlier_day_is_counted_first(
    day_state: DayState, day: date | None, move: Move, blocks: bool, is_refused: bool
) -> None:
    if is_refused:
        with pytest.raises(errors.InvalidState):
            rules.require_counted(day_state, day, _DAY, move, blocks=blocks)
    else:
        rules.require_counted(day_state, day, _DAY, move, blocks=blocks)


@pytest.mark.parametrize(
    ("hour", "expected"),
    [(9, datetime(2026, 3, 2, 9, 30, tzinfo=UTC)), (20, datetime(2026, 3, 2, 12, 30, tzinfo=UTC))],
)
def test_a_reminder_comes_after_closing_or_after_a_late_beginning(
    hour: int, expected: datetime
) -> None:
    now = datetime(2026, 3, 2, hour, tzinfo=_ZONE)
    due = rules.reminder_time(_DAY, time(17), _ZONE, now=now, grace=timedelta(minutes=30))
    assert due == expected
