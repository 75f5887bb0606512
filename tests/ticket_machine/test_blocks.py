"""Which reserved numbers may be printed now, and when new ones are wanted."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from fingertip_ticket_machine import blocks
from fingertip_ticket_machine.blocks import Block, Shortage

# 2026-11-23, 09:00 in Shanghai.
NINE = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
BLOCK = Block("B", "block-1", 21, 50, 30, TODAY, "Asia/Shanghai", TODAY)


@pytest.mark.parametrize(
    ("block", "now", "shortage"),
    [
        (BLOCK, NINE, None),
        (replace(BLOCK, next_number=50), NINE, None),
        (replace(BLOCK, next_number=51), NINE, Shortage.USED_UP),
        (None, NINE, Shortage.NEVER_RESERVED),
        # The last second of the branch's day, and the first of the next.
        (BLOCK, MIDNIGHT - timedelta(seconds=1), None),
        (BLOCK, MIDNIGHT, Shortage.OTHER_DAY),
        # The machine's clock is a day behind.
        (BLOCK, NINE - timedelta(days=1), Shortage.OTHER_DAY),
    ],
)
def test_a_number_is_printed_only_on_its_own_day(
    block: Block | None, now: datetime, shortage: Shortage | None
) -> None:
    assert blocks.shortage(block, now) is shortage


@pytest.mark.parametrize(
    ("block", "now", "is_due"),
    [
        (None, NINE, True),
        (BLOCK, NINE, False),
        (replace(BLOCK, next_number=41), NINE, False),
        (replace(BLOCK, next_number=42), NINE, True),
        # The last number of the day was all that the server had.
        (replace(BLOCK, next_number=50, size=1), NINE, False),
        (replace(BLOCK, next_number=51, size=1), NINE, True),
        # After its midnight the server may still be in yesterday.
        (BLOCK, MIDNIGHT + timedelta(minutes=29), False),
        (BLOCK, MIDNIGHT + timedelta(minutes=30), True),
        # The server was in today already, and what it gave is as good as any.
        (replace(BLOCK, asked_day=date(2026, 11, 22)), NINE, False),
        # A machine whose date is wrong asks once, not again and again.
        (replace(BLOCK, business_day=date(2026, 11, 22), next_number=50), NINE, False),
    ],
)
def test_numbers_are_asked_for_in_time(block: Block | None, now: datetime, is_due: bool) -> None:
    assert blocks.is_renewal_due(block, now) is is_due


def test_a_number_is_printed_as_the_server_does() -> None:
    assert blocks.printed_number("A", 7) == "A007"
    assert blocks.printed_number("B", 999) == "B999"
