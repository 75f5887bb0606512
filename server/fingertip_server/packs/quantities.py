"""Amounts of time and of money as a pack writes them."""

import re
from dataclasses import dataclass
from datetime import timedelta

_UNITS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
DURATION_UNITS = frozenset(_UNITS)

_COUNT = re.compile(r"[0-9]{1,15}")
_DURATION = re.compile(r"([0-9]+) ?([a-z]+)")
# Up to two decimals: every currency this product keeps accounts in has hundredths.
_AMOUNT = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,2}))?")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in hundredths of its currency."""

    currency: str
    minor_units: int


def parse_count(written: str) -> int:
    """Returns a whole number of at least 0; raises `ValueError` for anything else."""
    if not _COUNT.fullmatch(written):
        raise ValueError(f"{written!r} is not a whole number.")
    return int(written)


def parse_duration(written: str) -> timedelta:
    """Returns a duration written as 90 s, 30 min, 12 h or 7 d; raises `ValueError` otherwise."""
    match = _DURATION.fullmatch(written)
    if not match or match[2] not in DURATION_UNITS:
        raise ValueError(f"{written!r} is not a duration such as 90 s, 30 min, 12 h or 7 d.")
    try:
        duration = int(match[1]) * _UNITS[match[2]]
    except (OverflowError, ValueError):
        duration = timedelta.max
    if not timedelta(0) < duration <= timedelta(days=36_600):
        raise ValueError(f"{written!r} is not between a second and a hundred years.")
    return duration


def parse_money(written: str, currency: str) -> Money:
    """Returns an amount of at least 0 written as 10000 or 10000.50; raises `ValueError`."""
    match = _AMOUNT.fullmatch(written)
    if not match:
        raise ValueError(f"{written!r} is not an amount such as 10000.00.")
    return Money(currency, int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")))
