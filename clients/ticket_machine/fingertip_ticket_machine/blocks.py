"""Blocks of reserved numbers: which may be printed now, and when a new one is wanted.

The business day is the branch's, as the server says it; the machine's own clock only says whether
that day is still today. The two disagreeing, no number is printed offline.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

# The machine's clock may be ahead of the server's, by as much as the contract lets it: at 00:20 it
# is yesterday there, perhaps.
_AFTER_MIDNIGHT = timedelta(minutes=30)


class Shortage(Enum):
    """Why no number can be printed offline."""

    NEVER_RESERVED = "never_reserved"
    OTHER_DAY = "other_day"
    USED_UP = "used_up"


@dataclass(frozen=True, slots=True)
class Block:
    """Numbers of a line that this machine alone may print on one business day.

    `next_number` is the first that was not taken yet; `size` counts those that there were at
    first. `asked_day` is the machine's own day, in the branch's time zone, on which the block was
    asked for.
    """

    service_line_code: str
    block_id: str
    next_number: int
    last_number: int
    size: int
    business_day: date
    time_zone: str
    asked_day: date

    @property
    def left(self) -> int:
        """Counts the numbers that were not taken yet."""
        return self.last_number - self.next_number + 1


def shortage(block: Block | None, now: datetime) -> Shortage | None:
    """Says why the next number may not be printed; None when it may."""
    if block is None:
        return Shortage.NEVER_RESERVED
    if block.business_day != _day(now, block.time_zone):
        return Shortage.OTHER_DAY
    return Shortage.USED_UP if block.left < 1 else None


def is_renewal_due(block: Block | None, now: datetime) -> bool:
    """Says whether to ask for a new block: none yet, less than a third left, or a new day.

    A new day is asked for once. A machine whose date is wrong would otherwise use up the day's
    numbers without being able to print any.
    """
    if block is None:
        return True
    if block.business_day == _day(now, block.time_zone):
        return block.left * 3 < block.size
    return block.asked_day != asked_day(now, block.time_zone)


def asked_day(now: datetime, time_zone: str) -> date:
    """Returns the machine's day as far as asking for numbers goes."""
    return _day(now - _AFTER_MIDNIGHT, time_zone)


def printed_number(service_line_code: str, sequence_number: int) -> str:
    """Returns the number as the server prints it, for example A007."""
    return f"{service_line_code}{sequence_number:03d}"


def _day(now: datetime, time_zone: str) -> date:
    return now.astimezone(ZoneInfo(time_zone)).date()
