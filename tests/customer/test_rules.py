"""What is decided about customers without asking anybody."""

from datetime import UTC, datetime, timedelta

import pytest

from fingertip.customer.v1.customer_service_pb2 import CustomerRecord
from fingertip.customer.v1.customer_view_pb2 import SectionKind
from fingertip_server import errors
from fingertip_server.customer import messages, rules
from fingertip_server.customer.values import IdentifierKind
from tests.world import read_demo

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TTL = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (None, rules.Freshness.UNAVAILABLE),
        (timedelta(0), rules.Freshness.FRESH),
        (TTL - timedelta(microseconds=1), rules.Freshness.FRESH),
        (TTL, rules.Freshness.STALE),
        (timedelta(days=400), rules.Freshness.STALE),
    ],
)
def test_a_part_is_fresh_until_its_time_to_live_is_over(
    age: timedelta | None, expected: rules.Freshness
) -> None:
    assert rules.freshness(None if age is None else NOW - age, NOW, TTL) is expected


def test_every_part_of_the_contract_has_a_plan_in_its_order() -> None:
    plans = rules.section_plans(read_demo().policies)
    kinds = [messages.section_kind(plan.kind) for plan in plans]
    assert kinds == [kind for kind in SectionKind.values() if kind]
    assert [messages.section_name(kind) for kind in kinds] == [plan.kind for plan in plans]


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (IdentifierKind.MOBILE, "13812345678", "+86 138-1234-5678"),
        (IdentifierKind.MOBILE, "13812345678", "8613812345678"),
        (IdentifierKind.MOBILE, "+852 9123 4567", "+85291234567"),
        (IdentifierKind.RESIDENT_ID, "11010519491231002X", "11010519491231002x"),
        (IdentifierKind.CARD, "6225881414207430", "6225 8814 1420 7430"),
    ],
)
def test_an_identifier_is_found_however_it_is_written(
    kind: IdentifierKind, one: str, other: str
) -> None:
    assert rules.identifier_key(kind, one) == rules.identifier_key(kind, other)


def test_the_same_digits_are_another_key_as_another_kind() -> None:
    keys = {rules.identifier_key(kind, "110105194912310021") for kind in IdentifierKind}
    assert len(keys) == len(IdentifierKind)


@pytest.mark.parametrize(("stored", "previous"), [("", ""), ("7", ""), ("7", "7")])
def test_a_batch_follows_the_last_one_or_starts_anew(stored: str, previous: str) -> None:
    rules.check_follows(stored, previous)


@pytest.mark.parametrize(("stored", "previous"), [("", "7"), ("7", "6"), ("7", "8")])
def test_a_batch_that_does_not_follow_is_told_where_to_go_on(stored: str, previous: str) -> None:
    with pytest.raises(errors.Conflict) as refusal:
        rules.check_follows(stored, previous)
    assert refusal.value.reason_name == "SYNC_POSITION_MISMATCH"
    assert refusal.value.metadata == {"position": stored}


def test_of_each_customer_the_newest_record_counts() -> None:
    records = [
        CustomerRecord(customer_number=number, version=version)
        for number, version in [("B", 1), ("A", 3), ("B", 4), ("A", 2), ("B", 3)]
    ]
    newest = [(r.customer_number, r.version) for r in rules.newest_of_each(records)]
    assert newest == [("A", 3), ("B", 4)]
