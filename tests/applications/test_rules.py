"""The life of an application, as a table."""

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from fingertip_server import errors
from fingertip_server.applications import rules
from fingertip_server.applications.rules import State, Step

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("step", [Step.APPROVE, Step.REJECT, Step.RETURN])
def test_only_what_was_submitted_is_decided(step: Step) -> None:
    for state in set(State) - {State.SUBMITTED}:
        with pytest.raises(errors.InvalidState) as caught:
            rules.after(state, step)
        assert caught.value.metadata == {"state": state.value}


def test_nothing_happens_to_what_has_ended() -> None:
    for state, step in set(itertools.product(rules.FINAL, Step)) - {(State.EXECUTED, Step.REVERSE)}:
        with pytest.raises(errors.InvalidState):
            rules.after(state, step)


def test_the_bank_is_believed_whenever_it_tells_what_it_did() -> None:
    for state in (State.APPROVED, State.EXECUTION_UNKNOWN, State.EXECUTION_FAILED):
        assert rules.after(state, Step.EXECUTE) == State.EXECUTED


def test_an_operation_keeps_its_id_and_another_revision_has_another() -> None:
    application_id = UUID(int=7)
    first = rules.operation_id(application_id, 1)
    assert rules.operation_id(application_id, 1) == first
    assert rules.operation_id(application_id, 2) != first


@pytest.mark.parametrize(
    ("last_seen", "waits"),
    [
        (None, False),
        (NOW, True),
        (NOW - timedelta(minutes=30), True),
        (NOW - timedelta(minutes=31), False),
    ],
)
def test_a_customer_waits_when_somebody_has_seen_him_lately(
    last_seen: datetime | None, waits: bool
) -> None:
    assert rules.is_waiting(last_seen, timedelta(minutes=30), NOW) is waits
