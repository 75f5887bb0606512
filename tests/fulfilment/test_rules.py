"""What becomes of a work item: the decisions without the database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from fingertip_server import errors
from fingertip_server.fulfilment import rules
from fingertip_server.fulfilment.rules import Move, Pace, Standing
from fingertip_server.fulfilment.states import Purpose, State

NOW = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)
PACE = Pace(
    lease=timedelta(seconds=15),
    attempts_max=4,
    back_off_first=timedelta(seconds=2),
    back_off_max=timedelta(seconds=60),
    settle=timedelta(seconds=30),
)
OPERATION = UUID("6a2f0a52-2f4e-4a6c-9f0e-0d6c8f1f7a11")


def effect(
    purpose: Purpose = Purpose.EXECUTE, attempts: int = 1, executed_at: datetime | None = None
) -> Standing:
    return Standing(OPERATION, True, purpose, attempts, executed_at, None)


def read(attempts: int = 1, deadline_s: float | None = None) -> Standing:
    deadline_at = None if deadline_s is None else NOW + timedelta(seconds=deadline_s)
    return Standing(OPERATION, False, Purpose.EXECUTE, attempts, None, deadline_at)


def waited(move: Move) -> float:
    return (move.ready_at - NOW).total_seconds()


def test_an_adapter_gets_all_its_kinds_or_those_that_it_asks_for() -> None:
    enrolled = frozenset({"core.view", "core.open_account"})
    assert rules.wanted_kinds([], enrolled) == ["core.open_account", "core.view"]
    assert rules.wanted_kinds(["core.view"], enrolled) == ["core.view"]
    with pytest.raises(errors.PermissionDenied) as refused:
        rules.wanted_kinds(["core.view", "crm.view"], enrolled)
    assert refused.value.reason_name == "WORK_KIND_NOT_ALLOWED"
    assert refused.value.metadata == {"kind": "crm.view"}


@pytest.mark.parametrize(
    ("state", "quoted", "caller", "reason"),
    [
        (State.LEASED, 3, "a", None),
        (State.LEASED, 2, "a", "LEASE_LOST"),
        (State.LEASED, 4, "a", "LEASE_LOST"),
        (State.LEASED, 3, "b", "LEASE_LOST"),
        (State.UNKNOWN, 3, "a", "LEASE_LOST"),
        (State.READY, 3, "a", "LEASE_LOST"),
        (State.PARKED, 3, "a", "LEASE_LOST"),
        (State.DONE, 3, "a", "WORK_ITEM_STATE"),
        (State.FAILED, 3, "a", "WORK_ITEM_STATE"),
        (State.DONE, 2, "a", "LEASE_LOST"),
    ],
)
def test_only_the_holder_of_the_last_lease_reports(
    state: State, quoted: int, caller: str, reason: str | None
) -> None:
    # An item that ended has no holder any more: who ended it is told by the fence alone.
    holder = "a" if state is State.LEASED else None
    if reason is None:
        rules.require_held(state, quoted_fence=quoted, fence=3, caller=caller, holder=holder)
        return
    with pytest.raises(errors.DomainError) as refused:
        rules.require_held(state, quoted_fence=quoted, fence=3, caller=caller, holder=holder)
    assert refused.value.reason_name == reason


def test_back_off_doubles_is_capped_and_spread() -> None:
    pauses = [rules.back_off(PACE, OPERATION, attempts).total_seconds() for attempts in range(12)]
    for attempts, pause in enumerate(pauses[1:], start=1):
        doubled = min(2.0 * 2 ** (attempts - 1), 60.0)
        assert doubled / 2 <= pause <= doubled
    assert pauses == [rules.back_off(PACE, OPERATION, n).total_seconds() for n in range(12)]
    assert len({rules.back_off(PACE, uuid4(), 3) for _ in range(50)}) > 40
    assert rules.back_off(PACE, OPERATION, 10_000) <= PACE.back_off_max


def test_what_did_not_reach_the_bank_is_executed_again_later() -> None:
    move = rules.after_not_acting(effect(), PACE, NOW)
    assert (move.state, move.purpose) == (State.READY, Purpose.EXECUTE)
    assert 1 <= waited(move) <= 2


def test_an_inquiry_that_did_not_reach_the_bank_stays_an_inquiry() -> None:
    move = rules.after_not_acting(effect(Purpose.INQUIRE, 2, NOW), PACE, NOW)
    assert (move.state, move.purpose) == (State.UNKNOWN, Purpose.INQUIRE)
    assert 2 <= waited(move) <= 4


@pytest.mark.parametrize("purpose", Purpose)
def test_used_up_attempts_park_what_has_an_effect(purpose: Purpose) -> None:
    move = rules.after_not_acting(effect(purpose, 4, NOW), PACE, NOW)
    assert (move.state, move.purpose) == (State.PARKED, purpose)


def test_a_read_without_anybody_waiting_is_parked_and_one_with_a_deadline_fails() -> None:
    assert rules.after_not_acting(read(4), PACE, NOW).state is State.PARKED
    assert rules.after_not_acting(read(4, deadline_s=600), PACE, NOW).state is State.FAILED
    assert rules.after_not_acting(read(1, deadline_s=600), PACE, NOW).state is State.READY


def test_a_read_that_cannot_be_answered_in_time_fails_at_once() -> None:
    assert rules.after_not_acting(read(1, deadline_s=0.5), PACE, NOW).state is State.FAILED
    assert rules.after_lapse(read(1, deadline_s=-3), PACE, NOW).state is State.FAILED


def test_an_unknown_execution_is_inquired_about_at_once() -> None:
    for decide in (rules.after_unknown, rules.after_lapse):
        move = decide(effect(), PACE, NOW)
        assert (move.state, move.purpose, waited(move)) == (State.UNKNOWN, Purpose.INQUIRE, 0)


def test_a_bank_that_cannot_tell_is_asked_again_when_it_has_settled() -> None:
    executed_at = NOW - timedelta(seconds=1)
    move = rules.after_unknown(effect(Purpose.INQUIRE, 2, executed_at), PACE, NOW)
    assert (move.state, waited(move)) == (State.UNKNOWN, 29)
    settled = rules.after_unknown(effect(Purpose.INQUIRE, 2, NOW - PACE.settle), PACE, NOW)
    assert 2 <= waited(settled) <= 4


def test_an_adapter_that_dies_again_and_again_is_not_given_the_item_for_ever() -> None:
    assert rules.after_lapse(effect(attempts=4), PACE, NOW).state is State.PARKED
    parked = rules.after_lapse(effect(Purpose.INQUIRE, 4, NOW), PACE, NOW)
    assert (parked.state, parked.purpose) == (State.PARKED, Purpose.INQUIRE)


def test_a_lapsed_or_unknown_read_is_read_again() -> None:
    for decide in (rules.after_unknown, rules.after_lapse):
        move = decide(read(1, deadline_s=30), PACE, NOW)
        assert (move.state, move.purpose) == (State.READY, Purpose.EXECUTE)


def test_never_seen_counts_only_when_the_bank_has_settled() -> None:
    executed_at = NOW - PACE.settle + timedelta(microseconds=1)
    with pytest.raises(errors.InvalidState) as refused:
        rules.after_never_seen(effect(Purpose.INQUIRE, 2, executed_at), PACE, NOW)
    assert refused.value.reason_name == "NOT_SETTLED"
    retry_time = datetime.fromisoformat(refused.value.metadata["retry_time"])
    assert retry_time == executed_at + PACE.settle
    move = rules.after_never_seen(effect(Purpose.INQUIRE, 2, executed_at), PACE, retry_time)
    assert (move.state, move.purpose) == (State.READY, Purpose.EXECUTE)


def test_never_seen_is_no_answer_to_an_execution() -> None:
    with pytest.raises(errors.InvalidState) as refused:
        rules.after_never_seen(effect(attempts=1), PACE, NOW)
    assert refused.value.reason_name == "WORK_ITEM_STATE"


def test_never_seen_by_the_last_attempt_is_left_to_an_operator() -> None:
    move = rules.after_never_seen(effect(Purpose.INQUIRE, 4, NOW - PACE.settle), PACE, NOW)
    assert (move.state, move.purpose) == (State.PARKED, Purpose.INQUIRE)


def test_an_operator_has_the_bank_asked_before_anything_is_repeated() -> None:
    assert rules.after_retry(effect(), NOW) == Move(State.UNKNOWN, Purpose.INQUIRE, NOW)
    assert rules.after_retry(read(), NOW) == Move(State.READY, Purpose.EXECUTE, NOW)
