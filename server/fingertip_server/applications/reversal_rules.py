"""The rules of a reversal's life, and of what may still be reversed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors


class State(StrEnum):
    """The states of a reversal, called as the contract calls them."""

    REQUESTED = "REQUESTED"
    RETURNED = "RETURNED"
    APPROVED = "APPROVED"
    EXECUTED = "EXECUTED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    EXECUTION_UNKNOWN = "EXECUTION_UNKNOWN"
    EXECUTION_FAILED = "EXECUTION_FAILED"


class Step(StrEnum):
    """What happens to a reversal."""

    WITHDRAW = "withdraw"
    APPROVE = "approve"
    REJECT = "reject"
    RETURN = "return"
    EXPIRE = "expire"
    EXECUTE = "execute"
    LOSE_SIGHT = "lose_sight"
    FAIL = "fail"


_AFTER: Mapping[tuple[State, Step], State] = MappingProxyType(
    {
        (State.REQUESTED, Step.WITHDRAW): State.WITHDRAWN,
        (State.REQUESTED, Step.APPROVE): State.APPROVED,
        (State.REQUESTED, Step.REJECT): State.REJECTED,
        (State.REQUESTED, Step.RETURN): State.RETURNED,
        (State.REQUESTED, Step.EXPIRE): State.EXPIRED,
        (State.APPROVED, Step.EXECUTE): State.EXECUTED,
        (State.EXECUTION_UNKNOWN, Step.EXECUTE): State.EXECUTED,
        (State.APPROVED, Step.LOSE_SIGHT): State.EXECUTION_UNKNOWN,
        (State.EXECUTION_UNKNOWN, Step.LOSE_SIGHT): State.EXECUTION_UNKNOWN,
        (State.APPROVED, Step.FAIL): State.EXECUTION_FAILED,
        (State.EXECUTION_UNKNOWN, Step.FAIL): State.EXECUTION_FAILED,
    }
)

# An approval is good for these: what the bank did not do yet, as far as anybody knows.
EXECUTABLE = frozenset({State.APPROVED, State.EXECUTION_UNKNOWN})
# While it is one of these, the application cannot be reversed by another one.
OPEN = EXECUTABLE | {State.REQUESTED}


def after(state: State, step: Step) -> State:
    """Returns the state that a step leads to. Raises REVERSAL_STATE where it leads nowhere."""
    following = _AFTER.get((state, step))
    if following is None:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_REVERSAL_STATE,
            "The reversal's state does not allow this.",
            state=state,
        )
    return following


def require_in_time(executed: datetime, window: timedelta, now: datetime, zone: ZoneInfo) -> None:
    """Raises REVERSAL_TOO_LATE after the branch's business day, unless within the bank's window."""
    same_day = executed.astimezone(zone).date() == now.astimezone(zone).date()
    if not same_day and now >= executed + window:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_REVERSAL_TOO_LATE,
            "It is too late for a reversal.",
            expire_time=(executed + window).isoformat(),
        )


def operation_id(reversal_id: UUID) -> UUID:
    """Returns the bank's idempotency key for the execution of a reversal: always the same."""
    return uuid5(reversal_id, "reverse")


def no_reversal() -> errors.NotFound:
    """Returns the refusal for a reversal that is not there, or not of the caller's branch."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_REVERSAL_NOT_FOUND, "There is no such reversal here."
    )


def under_way(reversal_id: str = "") -> errors.InvalidState:
    """Returns the refusal for a second reversal of an application."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_REVERSAL_OPEN,
        "A reversal of the application is under way.",
        reversal_id=reversal_id,
    )
