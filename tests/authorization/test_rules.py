"""Who may decide about what, when, and what comes first."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from fingertip_server import errors
from fingertip_server.authorization import rules
from fingertip_server.authorization.rules import (
    Authority,
    Decider,
    Held,
    Need,
    Parties,
    Person,
    Quote,
    State,
)

NOW = datetime(2026, 6, 1, 2, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
MAKER, CHECKER, CUSTOMER = UUID(int=1), UUID(int=2), UUID(int=3)
PARTIES = Parties(MAKER, CUSTOMER)
OTHER = Person(UUID(int=8), None)
NEED = Need(1, "debit_card_account")
TASK = Held(
    state=State.CLAIMED,
    holder="900102",
    fence=4,
    lease_until=NOW + timedelta(seconds=1),
    revision=2,
    content_hash=b"h" * 32,
    expire_time=NOW + timedelta(seconds=2),
)
QUOTE = Quote("900102", 4, 2, b"h" * 32)


def _decider(person: Person) -> Decider:
    return Decider(person, (Authority(level=1),))


def _reason(task: Held, quote: Quote, now: datetime = NOW) -> str:
    with pytest.raises(errors.DomainError) as caught:
        rules.require_decidable(task, quote, now)
    return caught.value.reason_name


def test_who_lent_is_as_close_to_the_customer_as_who_is() -> None:
    related = replace(PARTIES, barred=frozenset({CHECKER}))
    himself = _decider(Person(CHECKER, None))
    assert rules.rule_against(himself, related) == "related"
    delegate = replace(himself, person=OTHER, lenders=frozenset({CHECKER}))
    assert rules.rule_against(delegate, related) == "delegate_of_related"
    assert not rules.may(delegate, NEED, related)
    assert not rules.rule_against(delegate, PARTIES)


def test_the_holder_decides_about_what_he_saw() -> None:
    rules.require_decidable(TASK, QUOTE, NOW)


@pytest.mark.parametrize(
    "quote",
    [replace(QUOTE, fence=3), replace(QUOTE, fence=5), replace(QUOTE, staff_id="900101")],
)
def test_a_claim_of_others_or_of_before_decides_nothing(quote: Quote) -> None:
    assert _reason(TASK, quote) == "LEASE_LOST"


def test_a_claim_ends_exactly_with_its_lease() -> None:
    assert _reason(TASK, QUOTE, NOW + timedelta(seconds=1)) == "LEASE_LOST"


def test_a_task_expires_exactly_at_its_deadline_whatever_the_claim() -> None:
    held = replace(TASK, lease_until=NOW + timedelta(hours=1))
    rules.require_decidable(held, QUOTE, NOW + timedelta(seconds=2) - timedelta(microseconds=1))
    assert _reason(held, QUOTE, NOW + timedelta(seconds=2)) == "TASK_EXPIRED"


@pytest.mark.parametrize(
    "quote", [replace(QUOTE, revision=1), replace(QUOTE, content_hash=b"x" * 32)]
)
def test_what_was_not_seen_is_not_decided_about(quote: Quote) -> None:
    assert _reason(TASK, quote) == "CONTENT_CHANGED"


@pytest.mark.parametrize("state", sorted(set(State) - rules.OPEN - {State.EXPIRED}))
def test_what_has_ended_is_not_decided_again(state: State) -> None:
    assert _reason(replace(TASK, state=state), QUOTE) == "TASK_STATE"


@pytest.mark.parametrize("state", [State.PARKED, State.QUEUED])
def test_what_nobody_holds_is_decided_by_nobody(state: State) -> None:
    assert _reason(replace(TASK, state=state, holder=None), QUOTE) == "LEASE_LOST"


@pytest.mark.parametrize(
    ("person", "rule"),
    [
        (Person(MAKER, None), "maker"),
        (Person(MAKER, CUSTOMER), "maker"),
        (Person(CHECKER, CUSTOMER), "customer"),
        (Person(CHECKER, None), ""),
        (Person(CHECKER, UUID(int=9)), ""),
    ],
)
def test_neither_the_maker_nor_the_customer_decides(person: Person, rule: str) -> None:
    assert rules.four_eyes_rule(person, PARTIES) == rule


def test_somebody_else_must_be_there() -> None:
    alone = [_decider(Person(MAKER, None)), _decider(Person(CHECKER, CUSTOMER))]
    assert not rules.somebody_may(alone, NEED, PARTIES)
    assert rules.somebody_may([*alone, _decider(OTHER)], NEED, PARTIES)


def test_who_lacks_the_level_may_not_and_a_lender_gives_it_within_his_scope() -> None:
    lender = Person(UUID(int=7), None)
    low = Authority(level=1)
    lent = Authority(level=2, delegation_id=UUID(int=5), lender=lender, scene_code="loan")
    by = Decider(OTHER, (low, lent), frozenset({lender.person_id}))
    assert rules.may(by, Need(1, "card"), PARTIES)
    assert rules.may(by, Need(2, "loan"), PARTIES)
    assert not rules.may(by, Need(2, "card"), PARTIES)
    assert not rules.may(by, Need(3, "loan"), PARTIES)


@pytest.mark.parametrize(
    "lender",
    [Person(UUID(int=7), CUSTOMER), Person(CHECKER, None)],
    ids=["customer", "took_a_step"],
)
def test_what_somebody_lent_does_not_reach_what_he_may_not_decide_himself(lender: Person) -> None:
    lent = Authority(level=2, delegation_id=UUID(int=5), lender=lender)
    by = Decider(OTHER, (Authority(level=1), lent), frozenset({lender.person_id}))
    taken = replace(PARTIES, taken_by=frozenset({CHECKER}))
    assert rules.may(by, Need(1, ""), taken)
    assert not rules.may(by, Need(2, ""), taken)


def test_to_whom_the_maker_lent_anything_decides_nothing_of_his() -> None:
    lent = Authority(level=2, delegation_id=UUID(int=5), lender=Person(MAKER, None))
    by = Decider(OTHER, (Authority(level=9), lent), frozenset({MAKER}))
    assert rules.rule_against(by, PARTIES) == "delegate_of_maker"
    assert not rules.may(by, NEED, PARTIES)


def test_the_amount_is_typed_once_more_where_it_is_asked_for() -> None:
    amount = Decimal("1200.00")
    rules.require_amount(amount, None, is_asked=False)
    rules.require_amount(amount, Decimal("1200.0"), is_asked=True)
    for typed, is_asked in ((None, True), (Decimal(12), True), (Decimal(12), False)):
        with pytest.raises(errors.InvalidState):
            rules.require_amount(amount, typed, is_asked=is_asked)


def test_every_item_of_the_checklist_has_to_pass() -> None:
    rules.require_checklist(["a", "b"], ["b", "a"])
    with pytest.raises(errors.InvalidState) as caught:
        rules.require_checklist(["a", "b", "c"], ["b"])
    assert caught.value.metadata == {"item_ids": "a,c"}


def test_tier_and_a_waiting_customer_move_a_task_forward() -> None:
    rank = rules.rank_at(
        NOW, tier_rank=3, per_tier_rank=timedelta(seconds=30), waiting=timedelta(seconds=120)
    )
    assert rank == NOW - timedelta(seconds=210)


@pytest.mark.parametrize(
    ("created", "closes", "expires"),
    [
        # 10:00 in Shanghai: half an hour, long before closing.
        (NOW, time(17), NOW + timedelta(minutes=30)),
        # 16:50: closing comes first.
        (NOW.replace(hour=8, minute=50), time(17), NOW.replace(hour=9)),
        # 18:00 and exactly 17:00: the next closing is tomorrow's.
        (NOW.replace(hour=10), time(17), NOW.replace(hour=10, minute=30)),
        (NOW.replace(hour=9), time(17), NOW.replace(hour=9, minute=30)),
        (NOW.replace(hour=8, minute=50), None, NOW.replace(hour=9, minute=20)),
    ],
)
def test_a_task_expires_after_its_lifetime_or_when_the_branch_closes(
    created: datetime, closes: time | None, expires: datetime
) -> None:
    assert rules.expire_time(created, timedelta(minutes=30), closes, SHANGHAI) == expires
