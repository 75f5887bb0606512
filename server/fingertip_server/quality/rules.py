"""The rules of quality: what counts how much, who may say so, and what is drawn. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.packs.schema_quality import ErrorCategory

_WHOLE = 1_000
# A weight is in hundredths of a task; the score is in tenths of a point of a hundred.
_TENTHS_PER_WEIGHT = 10
_DAYS_MAX = 366


class State(StrEnum):
    """The states of an entry, called as the contract calls them."""

    AT_BRANCH = "AT_BRANCH"
    AT_SUPERVISOR = "AT_SUPERVISOR"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Parts:
    """Who has a part in an entry; `answered` is nobody where the branch did not answer.

    `checkers` answer for the decision that the entry is about, whoever raised it.
    """

    maker: UUID
    raised: UUID
    answered: UUID | None
    checkers: frozenset[UUID] = frozenset()


def category(
    categories: Sequence[ErrorCategory], subjects: Iterable[str], *, is_rejection: bool
) -> str:
    """Returns the gravest category among those of the subjects, and of a refusal as a whole."""
    found = [each for each in categories if is_rejection and each.rejections]
    for subject in subjects:
        found += [each for each in categories if subject in each.subjects] or _others(categories)
    return max(found or _others(categories), key=lambda each: each.weight).code


def score_tenths(decided: int, errors_of: Mapping[str, int], weights: Mapping[str, int]) -> int:
    """Returns 1000 less what the confirmed errors weigh for each task decided, at least 0.

    A category that the pack lost weighs nothing any more.
    """
    if not decided:
        return _WHOLE
    weight = sum(weights.get(code, 0) * count for code, count in errors_of.items())
    return max(_WHOLE - weight * _TENTHS_PER_WEIGHT // decided, 0)


def per_mille(part: int, whole: int) -> int:
    """Returns a share in thousandths, rounded down; of nothing it is nothing."""
    return part * _WHOLE // whole if whole else 0


def draw(mac: bytes) -> int:
    """Returns the number, 0 to 999, that a task's HMAC draws."""
    return int.from_bytes(mac) % _WHOLE


def require_answerable(state: State, parts: Parts, person: UUID) -> None:
    """Raises ERROR_ENTRY_STATE when it is not the branch's turn, FOUR_EYES for who found it."""
    if state != State.AT_BRANCH:
        raise wrong_state(state)
    if person == parts.raised:
        raise _four_eyes("raised")


def require_settleable(state: State, parts: Parts, person: UUID, *, upheld: bool) -> None:
    """Raises unless a supervisor may settle an entry so.

    ERROR_ENTRY_STATE when it is over, or would count before the branch's turn is; FOUR_EYES for who
    has another part in it.
    """
    turn = {State.AT_SUPERVISOR} if upheld else {State.AT_BRANCH, State.AT_SUPERVISOR}
    if state not in turn:
        raise wrong_state(state)
    for rule, other in (
        ("maker", parts.maker),
        ("raised", parts.raised),
        ("answered", parts.answered),
    ):
        if person == other:
            raise _four_eyes(rule)
    if person in parts.checkers:
        raise _four_eyes("earlier_step")


def require_reviewer(person: UUID, maker: UUID, checkers: Collection[UUID]) -> None:
    """Raises FOUR_EYES for who made or approved what is looked at again."""
    if person == maker:
        raise _four_eyes("maker")
    if person in checkers:
        raise _four_eyes("earlier_step")


def require_no_customer(own: UUID | None, customer_id: UUID) -> None:
    """Raises FOUR_EYES for the customer of what is looked at again."""
    if own == customer_id:
        raise _four_eyes("customer")


def require_period(since: date, until: date) -> None:
    """Raises INVALID_REQUEST for a period that ends before it begins, or is longer than a year."""
    if not since <= until <= since + timedelta(days=_DAYS_MAX):
        raise errors.InvalidArgument(
            ErrorReason.ERROR_REASON_INVALID_REQUEST,
            "The period is none, or longer than a year.",
            violations=[errors.Violation("to_date", "must be from_date or up to a year after it")],
        )


def no_day() -> errors.InvalidArgument:
    """Returns the refusal of a period whose ends are no days."""
    return errors.InvalidArgument(
        ErrorReason.ERROR_REASON_INVALID_REQUEST,
        "A period is from a day to a day.",
        violations=[errors.Violation("from_date", "must be a day, as must to_date")],
    )


def unit_of(own: str, wanted: str, *, is_branch: bool) -> str:
    """Returns the branch whose figures are shown; "" means all. Raises OTHER_BRANCH."""
    if not is_branch:
        return wanted
    if wanted not in {"", own}:
        raise errors.PermissionDenied(
            ErrorReason.ERROR_REASON_OTHER_BRANCH, "These figures are another branch's."
        )
    return own


def wrong_state(state: str) -> errors.InvalidState:
    """Returns the refusal of what an entry's state does not admit."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_ERROR_ENTRY_STATE,
        "The entry's state does not admit this.",
        state=state,
    )


def no_entry() -> errors.NotFound:
    """Returns the refusal for an entry that is not there, or not the caller's to see."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_ERROR_ENTRY_NOT_FOUND, "There is no such entry here."
    )


def no_second_look() -> errors.NotFound:
    """Returns the refusal for a task that was not drawn, or is not for the caller to look at."""
    return errors.NotFound(ErrorReason.ERROR_REASON_TASK_NOT_FOUND, "There is no such task here.")


def already_reviewed(state: str) -> errors.InvalidState:
    """Returns the refusal to look once more."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_TASK_STATE, "Somebody looked already.", state=state
    )


def not_on_shift() -> errors.InvalidState:
    """Returns the refusal to somebody off duty."""
    return errors.InvalidState(ErrorReason.ERROR_REASON_NOT_ON_SHIFT, "The caller is not on shift.")


def _others(categories: Sequence[ErrorCategory]) -> list[ErrorCategory]:
    return [each for each in categories if each.others]


def _four_eyes(rule: str) -> errors.InvalidState:
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_FOUR_EYES, "Somebody else has to do this.", rule=rule
    )
