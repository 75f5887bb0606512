"""Values of Google's own types that are none are refused by name, wherever they stand."""

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from fingertip.customer.v1.customer_view_pb2 import (
    Holdings,
    Profile,
    SectionContent,
    Transactions,
)
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    CompleteWorkItemRequest,
    LeaseWorkItemsRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import WorkResult
from fingertip.lobby.v1.lobby_service_pb2 import IssueTicketRequest
from fingertip_server import errors
from fingertip_server.rpc import validation

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_CENT = 10_000_000


def _faulty_fields(request: Message) -> list[str]:
    try:
        validation.parse(type(request), request.SerializeToString())
    except errors.InvalidArgument as refusal:
        return [violation.field for violation in refusal.violations]
    return []


def _report(content: SectionContent) -> CompleteWorkItemRequest:
    return CompleteWorkItemRequest(result=WorkResult(section=content))


@pytest.mark.parametrize(
    ("currency", "units", "nanos"),
    [
        ("CNY", 0, 0),
        ("CNY", _INT64_MAX, 99 * _CENT),
        ("CNY", _INT64_MIN, -99 * _CENT),
        ("CNY", 0, -_CENT),
        # What a currency has in decimals is the bank's own business, down to the cent.
        ("JPY", 1_000, 0),
        ("KWD", 1, 50 * _CENT),
    ],
)
def test_an_amount_is_taken(currency: str, units: int, nanos: int) -> None:
    amount = Money(currency_code=currency, units=units, nanos=nanos)
    holding = Holdings.Holding(balance=amount)
    assert not _faulty_fields(_report(SectionContent(holdings=Holdings(holdings=[holding]))))


@pytest.mark.parametrize(
    ("currency", "units", "nanos"),
    [
        ("", 1, 0),
        ("cny", 1, 0),
        ("CNYX", 1, 0),
        ("￥", 1, 0),
        ("CN\u202e", 1, 0),
        ("CNY", 1, -_CENT),
        ("CNY", -1, _CENT),
        ("CNY", 1, 1),
        ("KWD", 1, _CENT // 10),
        ("CNY", 0, 1_000_000_000),
        ("CNY", 0, -1_000_000_000),
        ("CNY", 0, 2**31 - 1),
    ],
)
def test_an_amount_that_is_none_is_named(currency: str, units: int, nanos: int) -> None:
    good = Transactions.Transaction(amount=Money(currency_code="CNY", units=-5))
    bad = Transactions.Transaction(amount=Money(currency_code=currency, units=units, nanos=nanos))
    content = SectionContent(transactions=Transactions(transactions=[good, bad]))
    assert _faulty_fields(_report(content)) == [
        "result.section.transactions.transactions[1].amount"
    ]


@pytest.mark.parametrize("day", [(2024, 2, 29), (2000, 2, 29), (1, 1, 1), (9999, 12, 31)])
def test_a_day_is_taken(day: tuple[int, int, int]) -> None:
    year, month, number = day
    profile = Profile(customer_since=Date(year=year, month=month, day=number))
    assert not _faulty_fields(_report(SectionContent(profile=profile)))


@pytest.mark.parametrize(
    "day",
    [
        (2023, 2, 29),
        (1900, 2, 29),
        (2023, 4, 31),
        (0, 1, 1),
        (10_000, 1, 1),
        (2023, 0, 1),
        (2023, 1, 0),
        (2023, 13, 1),
        (-1, -1, -1),
        (0, 0, 0),
    ],
)
def test_a_day_that_never_was_is_named(day: tuple[int, int, int]) -> None:
    year, month, number = day
    profile = Profile(customer_since=Date(year=year, month=month, day=number))
    fields = _faulty_fields(_report(SectionContent(profile=profile)))
    assert fields == ["result.section.profile.customer_since"]


@pytest.mark.parametrize(
    ("seconds", "nanos", "is_one"),
    [
        (0, 0, True),
        (-1, 0, True),
        (951_782_400, 999_999_999, True),
        (-62_135_596_800, 0, True),
        (253_402_300_799, 0, True),
        (-62_135_596_801, 0, False),
        (253_402_300_800, 0, False),
        (_INT64_MAX, 0, False),
        (_INT64_MIN, 0, False),
        (0, -1, False),
        (0, 1_000_000_000, False),
    ],
)
def test_a_time_is_one_of_the_calendar(seconds: int, nanos: int, *, is_one: bool) -> None:
    request = IssueTicketRequest(capture_time=Timestamp(seconds=seconds, nanos=nanos))
    assert _faulty_fields(request) == ([] if is_one else ["capture_time"])


@pytest.mark.parametrize(
    ("seconds", "nanos", "is_one"),
    [
        (0, 0, True),
        (20, 0, True),
        (-1, -5, True),
        (315_576_000_000, 0, True),
        (315_576_000_001, 0, False),
        (_INT64_MIN, 0, False),
        (5, -1, False),
        (-5, 1, False),
        (0, 1_000_000_000, False),
    ],
)
def test_a_span_has_parts_of_one_sign(seconds: int, nanos: int, *, is_one: bool) -> None:
    request = LeaseWorkItemsRequest(wait=Duration(seconds=seconds, nanos=nanos))
    assert _faulty_fields(request) == ([] if is_one else ["wait"])
