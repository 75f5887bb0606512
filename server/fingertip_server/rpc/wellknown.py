"""Finds values of Google's own types that are none: the contract's rules do not look into them.

A time outside of the calendar, a day that does not exist, an amount whose parts disagree: whatever
reads one of them later would fail on it, or show it to a customer.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from typing import cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from fingertip_server.errors import Violation

# 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z, as the type's own definition has it.
_SECONDS_MIN, _SECONDS_MAX = -62_135_596_800, 253_402_300_799
# 10,000 years, as the type's own definition has it.
_SPAN_SECONDS_MAX = 315_576_000_000
_NANOS_PER_SECOND = 1_000_000_000
_NANOS_PER_CENT = 10_000_000
_CURRENCY = re.compile("[A-Z]{3}")


def faults(message: Message, path: str = "") -> Iterator[Violation]:
    """Yields the values in a message that are none, each with its field."""
    for field, sentence_of in _plan(cast("Descriptor", message.DESCRIPTOR)):
        for name, value in _values(message, field, path):
            if sentence_of is None:
                yield from faults(value, f"{name}.")
            elif sentence := sentence_of(value):
                yield Violation(name, sentence)


def _values(message: Message, field: FieldDescriptor, path: str) -> Iterator[tuple[str, Message]]:
    if field.is_repeated:
        for index, element in enumerate(getattr(message, field.name)):
            yield f"{path}{field.name}[{index}]", element
    elif message.HasField(field.name):
        yield f"{path}{field.name}", getattr(message, field.name)


def _of_time(value: Message) -> str:
    time = cast("Timestamp", value)
    is_one = _SECONDS_MIN <= time.seconds <= _SECONDS_MAX and 0 <= time.nanos < _NANOS_PER_SECOND
    return "" if is_one else "must be a time of the years 1 to 9999"


def _of_span(value: Message) -> str:
    span = cast("Duration", value)
    is_one = abs(span.seconds) <= _SPAN_SECONDS_MAX and _agree(span.seconds, span.nanos)
    return "" if is_one else "must be a span of time whose parts have one sign"


def _of_day(value: Message) -> str:
    day = cast("Date", value)
    try:
        date(day.year, day.month, day.day)
    except ValueError:
        return "must be a day of the calendar"
    return ""


def _of_amount(value: Message) -> str:
    amount = cast("Money", value)
    if not _CURRENCY.fullmatch(amount.currency_code):
        return "must have a currency of ISO 4217"
    if amount.nanos % _NANOS_PER_CENT or not _agree(amount.units, amount.nanos):
        return "must be whole cents, with parts of one sign"
    return ""


def _agree(whole: int, nanos: int) -> bool:
    """Tells whether units and their fraction have one sign and the fraction is less than one."""
    return abs(nanos) < _NANOS_PER_SECOND and whole * nanos >= 0


_TYPES: dict[str, Callable[[Message], str]] = {
    "google.protobuf.Timestamp": _of_time,
    "google.protobuf.Duration": _of_span,
    "google.type.Date": _of_day,
    "google.type.Money": _of_amount,
}


@cache
def _plan(
    message: Descriptor,
) -> tuple[tuple[FieldDescriptor, Callable[[Message], str] | None], ...]:
    """Returns a message's fields of such types, and those in which there are some."""
    found: list[tuple[FieldDescriptor, Callable[[Message], str] | None]] = []
    for field in message.fields:
        inner = field.message_type
        if inner is None:
            continue
        if inner.full_name in _TYPES:
            found.append((field, _TYPES[inner.full_name]))
        elif inner.full_name.startswith("fingertip.") and _plan(inner):
            found.append((field, None))
    return tuple(found)
