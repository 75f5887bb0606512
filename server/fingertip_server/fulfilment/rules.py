"""What becomes of a work item after a report, a lapsed lease, or the passing of its time.

An item with an effect is never repeated blindly. Once nobody can say whether the bank acted, the
only way on is an inquiry, and "never seen" counts only when the bank has had time to settle.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.fulfilment.states import ENDED, Purpose, State


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the bank wants the queue to be, from its policies."""

    lease: timedelta
    attempts_max: int
    back_off_first: timedelta
    back_off_max: timedelta
    settle: timedelta


@dataclass(frozen=True, slots=True)
class Standing:
    """What a decision about an item depends on.

    `attempts` counts the leases since the item was made or an operator gave it new ones.
    `executed_at` is when the last attempt to execute was over; None before.
    """

    operation_id: UUID
    has_effect: bool
    purpose: Purpose
    attempts: int
    executed_at: datetime | None
    deadline_at: datetime | None


@dataclass(frozen=True, slots=True)
class Move:
    """Where an item goes: its state, what is asked for next, and from when it may be leased."""

    state: State
    purpose: Purpose
    ready_at: datetime


def wanted_kinds(asked: Iterable[str], enrolled: frozenset[str]) -> list[str]:
    """Returns the kinds to lease: those asked for, or all that the adapter was enrolled for.

    Raises PERMISSION_DENIED for a kind that it was not enrolled for.
    """
    kinds = sorted(asked)
    for kind in kinds:
        if kind not in enrolled:
            raise errors.PermissionDenied(
                ErrorReason.ERROR_REASON_WORK_KIND_NOT_ALLOWED,
                "The adapter was not enrolled for this kind of work.",
                kind=kind,
            )
    return kinds or sorted(enrolled)


def require_held(
    state: State, *, quoted_fence: int, fence: int, caller: str, holder: str | None
) -> None:
    """Raises unless the caller's lease holds: ABORTED when it is lost, else the wrong state.

    A lease that ran out while nobody noticed still holds: the fence says that nobody else has had
    the item since, and what an adapter knows of the bank is worth more than its punctuality.
    """
    if quoted_fence == fence and state in ENDED:
        raise wrong_state(state)
    if quoted_fence != fence or caller != holder or state != State.LEASED:
        raise errors.Conflict(
            ErrorReason.ERROR_REASON_LEASE_LOST,
            "The lease lapsed, or the item is another adapter's by now.",
            fence=str(fence),
        )


def require_second_person(asked_by: UUID, person_id: UUID | None) -> None:
    """Raises FOUR_EYES for whoever asked himself to give an item up."""
    if person_id == asked_by:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_FOUR_EYES, "Another person has to agree.", rule="give_up"
        )


def wrong_state(state: State) -> errors.InvalidState:
    """Returns the refusal of what the item's state does not allow."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_WORK_ITEM_STATE,
        "The work item's state does not allow this.",
        state=state.value,
    )


def after_not_acting(standing: Standing, pace: Pace, now: datetime) -> Move:
    """Decides about an item whose adapter did not reach the bank: the same again, later."""
    return _again(standing, pace, now, now)


def after_unknown(standing: Standing, pace: Pace, now: datetime) -> Move:
    """Decides about an item of which the adapter cannot say whether the bank acted.

    The first inquiry is due at once, because a customer may be waiting. When the bank itself does
    not know, it is asked again only when it has settled.
    """
    if not standing.has_effect:
        return _again(standing, pace, now, now)
    if standing.purpose is Purpose.EXECUTE:
        return _inquiry(standing, pace, now)
    return _again(standing, pace, now, settled_at(standing, pace, now))


def after_lapse(standing: Standing, pace: Pace, now: datetime) -> Move:
    """Decides about an item whose adapter fell silent: it may have acted, or be about to."""
    if standing.has_effect and standing.purpose is Purpose.EXECUTE:
        return _inquiry(standing, pace, now)
    return _again(standing, pace, now, now)


def after_never_seen(standing: Standing, pace: Pace, now: datetime) -> Move:
    """Decides about an item that the bank has never seen: it is executed, as the same operation.

    Raises FAILED_PRECONDITION for what was no inquiry, and until the bank has settled.
    """
    if standing.purpose is not Purpose.INQUIRE:
        raise wrong_state(State.LEASED)
    settled = settled_at(standing, pace, now)
    if now < settled:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_NOT_SETTLED,
            "The bank may still act: inquire again when it has settled.",
            retry_time=settled.isoformat(),
        )
    if standing.attempts >= pace.attempts_max:
        return Move(State.PARKED, Purpose.INQUIRE, now)
    return Move(State.READY, Purpose.EXECUTE, now)


def after_retry(standing: Standing, now: datetime) -> Move:
    """Decides about a parked item that an operator gave new attempts: inquire before acting."""
    if standing.has_effect:
        return Move(State.UNKNOWN, Purpose.INQUIRE, now)
    return Move(State.READY, Purpose.EXECUTE, now)


def settled_at(standing: Standing, pace: Pace, now: datetime) -> datetime:
    """Returns from when the bank's "never seen" is believed."""
    return (standing.executed_at or now) + pace.settle


def back_off(pace: Pace, operation_id: UUID, attempts: int) -> timedelta:
    """Returns how long to wait after so many attempts: doubling, capped, and spread.

    Half of it is the operation's own share, so that what failed together does not return together.
    """
    doublings = min(max(attempts - 1, 0), 32)
    doubled = min(pace.back_off_first * (1 << doublings), pace.back_off_max)
    share = zlib.crc32(operation_id.bytes + attempts.to_bytes(4)) / 2**32
    return doubled * (0.5 + share / 2)


def _inquiry(standing: Standing, pace: Pace, now: datetime) -> Move:
    parked = standing.attempts >= pace.attempts_max
    return Move(State.PARKED if parked else State.UNKNOWN, Purpose.INQUIRE, now)


def _again(standing: Standing, pace: Pace, now: datetime, earliest: datetime) -> Move:
    """Returns the item to the queue, unless its attempts or its time are used up."""
    ready_at = max(earliest, now + back_off(pace, standing.operation_id, standing.attempts))
    used_up = standing.attempts >= pace.attempts_max
    if standing.deadline_at is not None and (used_up or ready_at >= standing.deadline_at):
        # Whoever asked has long been told that there is no answer.
        return Move(State.FAILED, standing.purpose, now)
    if used_up:
        return Move(State.PARKED, standing.purpose, now)
    inquiring = standing.purpose is Purpose.INQUIRE
    return Move(State.UNKNOWN if inquiring else State.READY, standing.purpose, ready_at)
