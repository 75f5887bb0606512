"""The rules of dual control: who may decide about what, when, and what comes first."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors


class State(StrEnum):
    """The states of a task, called as the contract calls them."""

    ON_SITE = "ON_SITE"
    PARKED = "PARKED"
    QUEUED = "QUEUED"
    CLAIMED = "CLAIMED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    RETURNED = "RETURNED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    SUPPLEMENT_REQUESTED = "SUPPLEMENT_REQUESTED"


# Those that have not ended.
OPEN = frozenset(
    {State.ON_SITE, State.PARKED, State.QUEUED, State.CLAIMED, State.SUPPLEMENT_REQUESTED}
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may have to decide. `customer_id` is who he is to the bank as a customer."""

    person_id: UUID
    customer_id: UUID | None


@dataclass(frozen=True, slots=True)
class Parties:
    """Whom a task concerns, and who therefore never decides about it, or not once more."""

    maker_person_id: UUID
    customer_id: UUID
    taken_by: frozenset[UUID] = frozenset()
    # Who is close to the customer, or made what is undone.
    barred: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Need:
    """What authority it takes to decide about a task."""

    level: int
    scene_code: str


@dataclass(frozen=True, slots=True)
class Authority:
    """By what a person may decide: his own level, or one that somebody lent him.

    `scene_code` limits what was lent to a scene; it is empty where every scene counts.
    """

    level: int
    delegation_id: UUID | None = None
    lender: Person | None = None
    scene_code: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decider:
    """A person with all by which he may decide, his own authority first.

    `lenders` are who lent him anything, whatever for: he never decides about their work.
    """

    person: Person
    authorities: tuple[Authority, ...]
    lenders: frozenset[UUID] = frozenset()

    def excluded_by(self, authority: Authority) -> "Excluded":
        """Returns whose tasks he does not decide about by one of his authorities."""
        persons = [each for each in (self.person, authority.lender) if each is not None]
        ids = [each.person_id for each in persons]
        return Excluded(
            persons=ids,
            makers=sorted({*ids, *self.lenders}),
            customers=[each.customer_id for each in persons if each.customer_id is not None],
        )


@dataclass(frozen=True, slots=True)
class Excluded:
    """Tasks that an authority does not reach: with a step of these persons, made by, or about."""

    persons: Sequence[UUID]
    makers: Sequence[UUID]
    customers: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Held:
    """A task as far as a decision depends on it."""

    state: State
    holder: str | None
    fence: int
    lease_until: datetime | None
    revision: int
    content_hash: bytes
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Quote:
    """What a decision quotes of what its maker saw."""

    staff_id: str
    fence: int
    revision: int
    content_hash: bytes


def rank_at(
    created: datetime, *, tier_rank: int, per_tier_rank: timedelta, waiting: timedelta
) -> datetime:
    """Returns since when a task counts as waiting: the earlier, the sooner it is claimed.

    `waiting` is the head start for a customer who waits at the counter, zero for others.
    """
    return created - tier_rank * per_tier_rank - waiting


def expire_time(
    created: datetime, lifetime: timedelta, closes: time | None, zone: ZoneInfo
) -> datetime:
    """Returns when a task expires: after its lifetime, and no later than the branch next closes.

    Where `closes` is absent, closing does not matter.
    """
    end = created + lifetime
    if closes is None:
        return end
    day = created.astimezone(zone).date()
    closing = datetime.combine(day, closes, zone)
    if closing <= created:
        closing = datetime.combine(day + timedelta(days=1), closes, zone)
    return min(end, closing.astimezone(created.tzinfo))


def four_eyes_rule(person: Person, parties: Parties) -> str:
    """Returns the rule by which a person may not decide; "" if he may.

    That is "maker", "customer", "related" for who is close to the customer or made what is undone,
    or "earlier_step" for who took one of the same revision.
    """
    if person.person_id == parties.maker_person_id:
        return "maker"
    if person.customer_id is not None and person.customer_id == parties.customer_id:
        return "customer"
    if person.person_id in parties.barred:
        return "related"
    if person.person_id in parties.taken_by:
        return "earlier_step"
    return ""


def rule_against(decider: Decider, parties: Parties) -> str:
    """Returns the rule by which somebody may not decide, whatever his authority; "" if he may.

    Beside those of four eyes that is "delegate_of_maker" or "delegate_of_related".
    """
    rule = four_eyes_rule(decider.person, parties)
    if rule:
        return rule
    if parties.maker_person_id in decider.lenders:
        return "delegate_of_maker"
    return "delegate_of_related" if parties.barred & decider.lenders else ""


def admits(authority: Authority, need: Need, parties: Parties) -> bool:
    """Tells whether an authority is enough. Lent, it is not where its lender could not decide."""
    if authority.level < need.level or authority.scene_code not in {"", need.scene_code}:
        return False
    return authority.lender is None or not four_eyes_rule(authority.lender, parties)


def may(decider: Decider, need: Need, parties: Parties) -> bool:
    """Tells whether somebody may decide."""
    return not rule_against(decider, parties) and any(
        admits(authority, need, parties) for authority in decider.authorities
    )


def authority_too_low(level: int) -> errors.InvalidState:
    """Returns the refusal to somebody whose authority is not enough."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_AUTHORITY_TOO_LOW,
        "Somebody of a higher level has to decide.",
        level=str(level),
    )


def require_amount(amount: Decimal | None, typed: Decimal | None, *, is_asked: bool) -> None:
    """Raises AMOUNT_MISMATCH when the amount typed once more is another one, or missing."""
    if typed == amount or (typed is None and not is_asked):
        return
    raise errors.InvalidState(
        ErrorReason.ERROR_REASON_AMOUNT_MISMATCH, "The amount typed once more is not the task's."
    )


def require_higher_level(level: int, highest: int) -> None:
    """Raises NO_HIGHER_LEVEL when a task cannot be handed up."""
    if level >= highest:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_NO_HIGHER_LEVEL,
            "Nobody of the centre has a higher level.",
            level=str(level),
        )


def require_four_eyes(decider: Decider, parties: Parties) -> None:
    """Raises FOUR_EYES for the maker, his delegate, the customer, and who took an earlier step."""
    rule = rule_against(decider, parties)
    if rule:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_FOUR_EYES, "Somebody else has to decide.", rule=rule
        )


def somebody_may(deciders: Iterable[Decider], need: Need, parties: Parties) -> bool:
    """Tells whether any of them may decide."""
    return any(may(decider, need, parties) for decider in deciders)


def require_shift(*, on_shift: bool) -> None:
    """Raises NOT_ON_SHIFT for somebody off duty."""
    if not on_shift:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_NOT_ON_SHIFT, "The caller is not on shift."
        )


def require_no_break(*, on_break: bool) -> None:
    """Raises ON_BREAK for somebody who is on a break."""
    if on_break:
        raise errors.InvalidState(ErrorReason.ERROR_REASON_ON_BREAK, "The caller is on a break.")


def require_decidable(task: Held, quote: Quote, now: datetime) -> None:
    """Raises unless the quote is of the claimed task as it is.

    TASK_EXPIRED from the deadline on, TASK_STATE when it has ended otherwise, LEASE_LOST when the
    claim is not the caller's any more, CONTENT_CHANGED when he saw something else.
    """
    require_open(task, now)
    if not holds(task, quote.staff_id, now) or quote.fence != task.fence:
        raise lease_lost(task.fence)
    if (quote.revision, quote.content_hash) != (task.revision, task.content_hash):
        raise content_changed(task.revision, task.content_hash)


def require_open(task: Held, now: datetime) -> None:
    """Raises TASK_EXPIRED from the deadline on, TASK_STATE when it has ended otherwise."""
    if task.state == State.EXPIRED or (task.state in OPEN and now >= task.expire_time):
        raise task_expired(task.expire_time)
    if task.state not in OPEN:
        raise task_state(task.state)


def require_supplement_open(task: Held, now: datetime) -> None:
    """Raises TASK_EXPIRED or TASK_STATE unless the task waits for more evidence, and still may."""
    require_open(task, now)
    if task.state != State.SUPPLEMENT_REQUESTED:
        raise task_state(task.state)


def require_maker(maker_id: str, staff_id: str) -> None:
    """Raises NOT_THE_MAKER for anybody but who made the task's content."""
    if staff_id != maker_id:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_NOT_THE_MAKER, "Only who made the content may do this."
        )


def require_decidable_on_site(
    task: Held, revision: int, content_hash: bytes, now: datetime
) -> None:
    """Raises unless the quote is of a task as it is, which waits for a second person on site.

    TASK_EXPIRED from the deadline on, TASK_STATE when it does not wait for one, CONTENT_CHANGED
    when something else was shown.
    """
    require_open(task, now)
    if task.state != State.ON_SITE:
        raise task_state(task.state)
    if (revision, content_hash) != (task.revision, task.content_hash):
        raise content_changed(task.revision, task.content_hash)


def holds(task: Held, staff_id: str, now: datetime) -> bool:
    """Tells whether a member of staff holds the task's claim."""
    return (
        task.state == State.CLAIMED
        and task.holder == staff_id
        and task.lease_until is not None
        and now < task.lease_until
    )


def require_reassignable(state: State) -> None:
    """Raises TASK_STATE unless somebody decides about the task, or may."""
    if state not in {State.QUEUED, State.CLAIMED}:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_TASK_STATE, "Nobody can be given the task.", state=state
        )


def require_outsider(person_id: UUID | None, maker_person_id: UUID) -> None:
    """Raises FOUR_EYES for the maker under another account: he chooses nobody to decide."""
    if person_id == maker_person_id:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_FOUR_EYES, "Somebody else has to do this.", rule="maker"
        )


def not_eligible(rule: str) -> errors.InvalidState:
    """Returns the refusal to give a task to somebody who may not decide about it now."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_NOT_ELIGIBLE,
        "The member of staff may not decide about the task now.",
        rule=rule,
    )


def require_checklist(items: Sequence[str], passed: Collection[str]) -> None:
    """Raises CHECKLIST_INCOMPLETE unless every item passed."""
    missing = [item for item in items if item not in passed]
    if missing:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_CHECKLIST_INCOMPLETE,
            "Every item of the checklist has to pass.",
            item_ids=",".join(missing),
        )


def task_expired(expire_time: datetime) -> errors.InvalidState:
    """Returns the refusal about a task that nobody decided in time."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_TASK_EXPIRED,
        "The task expired.",
        expire_time=expire_time.isoformat(),
    )


def route_not_admitted(route: str) -> errors.InvalidState:
    """Returns the refusal of a way in which something cannot be authorised."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_ROUTE_NOT_ADMITTED,
        "This cannot be authorised in that way.",
        route=route,
    )


def task_state(state: str) -> errors.InvalidState:
    """Returns the refusal about a task that has ended, or goes another way."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_TASK_STATE, "The task does not wait for this.", state=state
    )


def no_task() -> errors.NotFound:
    """Returns the refusal for a task that is not there, or not the caller's centre's."""
    return errors.NotFound(ErrorReason.ERROR_REASON_TASK_NOT_FOUND, "There is no such task here.")


def no_picture_asked() -> errors.NotFound:
    """Returns the refusal for a picture that no message asks for, or not any more."""
    return errors.NotFound(
        ErrorReason.ERROR_REASON_MESSAGE_NOT_FOUND,
        "No such message asks for a picture that is still missing.",
    )


def no_task_waiting() -> errors.InvalidState:
    """Returns the refusal for a claim when nothing waits for the caller."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_NO_TASK_WAITING, "No task waits that the caller may claim."
    )


def claim_held(task_id: str = "") -> errors.InvalidState:
    """Returns the refusal for a second claim."""
    return errors.InvalidState(
        ErrorReason.ERROR_REASON_CLAIM_HELD, "The caller has a claimed task.", task_id=task_id
    )


def lease_lost(fence: int) -> errors.Conflict:
    """Returns the refusal for a claim that is over."""
    return errors.Conflict(
        ErrorReason.ERROR_REASON_LEASE_LOST, "The claim is over.", fence=str(fence)
    )


def content_changed(revision: int, content_hash: bytes) -> errors.Conflict:
    """Returns the refusal for a decision about something else than the task's content."""
    return errors.Conflict(
        ErrorReason.ERROR_REASON_CONTENT_CHANGED,
        "The task is about another content.",
        revision=str(revision),
        content_hash=content_hash.hex(),
    )
