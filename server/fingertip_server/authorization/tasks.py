"""What domains with something to be authorised call."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from fingertip.authorization.v1.task_pb2 import ChecklistItem
from fingertip_server.authorization import (
    amounts,
    changes,
    deciding,
    eligibility,
    messages,
    routing,
    rules,
    store,
)
from fingertip_server.authorization.deciding import Verdict
from fingertip_server.authorization.hooks import Decided
from fingertip_server.authorization.rules import State
from fingertip_server.authorization.tables import Task, TaskDecision
from fingertip_server.packs.schema_forms import Route, Scene
from fingertip_server.rpc.call import Call


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """What somebody else has to decide about.

    `tier_rank` and `is_waiting` are the customer's: what gives the task precedence.
    """

    subject_kind: str
    subject_id: UUID
    revision: int
    content_hash: bytes
    scene: Scene
    branch_id: str
    maker_id: str
    maker_person_id: UUID
    customer_id: UUID
    tier_rank: int
    is_waiting: bool
    previous_task_id: UUID | None
    # What it is about in money, where its scene goes by it.
    amount: Decimal | None = None
    on_site: bool = False
    # Persons besides the maker and the customer who must not decide.
    barred: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said about a subject: how many messages, and the hash that binds them all."""

    messages: int
    messages_hash: bytes


@dataclass(frozen=True, slots=True)
class OpenedTask:
    """A task just made; `park_reason` says why nobody can decide about it yet, or is empty."""

    task_id: UUID
    park_reason: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A task that was decided, with who took part in it and whether it is done."""

    decided: Decided
    subject_kind: str
    journey_id: UUID | None
    checkers: frozenset[UUID]
    checklist: list[ChecklistItem]
    was_executed: bool


def open_task(call: Call, draft: TaskDraft) -> OpenedTask:
    """Makes a task, queued in the first centre of the scene where somebody may decide, or parked.

    The subject's row is locked by the caller. The task is announced on the centre's topic, which is
    the call's second.
    """
    task = _task(call, draft)
    if draft.on_site:
        return _open_on_site(call, task, draft)
    place = routing.place(call, draft.scene, task)
    task.centre_id = place.centre_id
    task.park_reason = place.park_reason
    task.state = State.PARKED if place.park_reason else State.QUEUED
    if not place.park_reason:
        routing.offer(call, task)
    call.session.add(task)
    call.flush()
    call.start_timer(changes.EXPIRE_TASK, task.task_id, task.expire_time)
    if place.park_reason:
        for centre_id in draft.scene.centres:
            changes.watch_over_parked(call, centre_id)
    changes.announce(call, task)
    return OpenedTask(task.task_id, place.park_reason)


def send_to_centre(call: Call, task: Task) -> None:
    """Queues or parks a locked task in a centre that waited for a second person on site."""
    branch_id, scene = task.centre_id, call.bank.scene(task.scene_code)
    place = routing.place(call, scene, task)
    task.centre_id = place.centre_id
    # Until now it was the branch that had it wait.
    task.centre_since = task.waiting_since = call.now
    changes.give_up(
        call,
        task,
        State.PARKED if place.park_reason else State.QUEUED,
        park_reason=place.park_reason,
    )
    changes.announce(call, task, topic=branch_id)
    changes.decisions_of(call, task).parked(call, changes.subject_of(task), place.park_reason)
    if place.park_reason:
        for centre_id in scene.centres:
            changes.watch_over_parked(call, centre_id)


def withdraw(call: Call, subject_kind: str, subject_id: UUID) -> None:
    """Ends the open task about a subject. The subject's row is locked by the caller."""
    task = store.lock_open(call, subject_kind, subject_id)
    if task is None:
        raise LookupError(f"The {subject_kind} {subject_id} has no open task.")
    changes.give_up(call, task, State.WITHDRAWN)


def approvers(call: Call, task_id: UUID) -> list[str]:
    """Returns who approved what a task is about now, by staff number, in the order of the steps."""
    task = store.find(call, task_id)
    steps = store.steps(call, task) if task is not None else ()
    return [step.checker_id for step in steps if step.outcome == State.APPROVED]


def checkers(call: Call, task_id: UUID) -> frozenset[UUID]:
    """Returns who answers for the steps of what a task is about, by whose authority as well."""
    task = store.find(call, task_id)
    return _answering(store.steps(call, task)) if task is not None else frozenset()


def deadline(call: Call, scene: Scene, branch_id: str, lifetime: timedelta) -> datetime:
    """Returns when what a scene's task waits for from now on is too late."""
    closes = call.bank.branch(branch_id).closes if scene.expires_at_closing else None
    return rules.expire_time(call.now, lifetime, closes, call.bank.time_zone(branch_id))


def conversation(call: Call, subject_kind: str, subject_id: UUID) -> Conversation:
    """Returns what was said about a subject until now. The caller has locked the subject's row."""
    return Conversation(
        messages=store.last_number(call, subject_kind, subject_id),
        messages_hash=store.last_link(call, subject_kind, subject_id) or b"",
    )


def is_on_shift(call: Call) -> bool:
    """Tells whether the caller is on shift."""
    return eligibility.is_on_shift(call)


def lock_subject(call: Call, task_id: UUID) -> None:
    """Locks what a task is about, if there is such a task: before anything that belongs to it."""
    reference = store.reference(call, task_id)
    if reference is not None:
        call.hooks.decisions[reference.subject_kind].lock(call, reference.subject_id)


def closed(call: Call, task_id: UUID) -> Closed:
    """Returns a task that was decided, as somebody needs it who looks at it again."""
    task = store.find(call, task_id)
    if task is None:
        raise rules.no_task()
    steps = store.steps(call, task)
    last = steps[-1]
    subject = changes.subject_of(task)
    return Closed(
        decided=deciding.facts_of(
            call,
            task,
            checker_id=last.checker_id,
            checker_person_id=last.checker_person_id,
            verdict=Verdict(State(last.outcome), note=last.note),
        ),
        subject_kind=task.subject_kind,
        journey_id=task.journey_id,
        checkers=_answering(steps),
        checklist=messages.checklist(task),
        was_executed=changes.decisions_of(call, task).executed(call, subject),
    )


def content(call: Call, task: Closed) -> bytes:
    """Returns the bytes of what was decided about. Raises CONTENT_CHANGED when they are others."""
    subject = task.decided.subject
    found = call.hooks.decisions[task.subject_kind].content(
        call, subject.subject_id, subject.revision
    )
    if hashlib.sha256(found).digest() != subject.content_hash:
        raise rules.content_changed(subject.revision, subject.content_hash)
    return found


def holds_claim(call: Call, task_id: UUID) -> bool:
    """Tells whether the caller holds the claim of a task now."""
    task = store.find(call, task_id)
    return task is not None and rules.holds(held(task), call.principal.id, call.now)


def sees_content(call: Call, task: Task) -> bool:
    """Tells whether the caller is shown what a task is about: its holder, and on site its maker.

    The maker's tablet shows it to the second person.
    """
    if task.state == State.ON_SITE:
        return task.maker_id == call.principal.id
    return rules.holds(held(task), call.principal.id, call.now)


def held(task: Task) -> rules.Held:
    """Returns a task as the rules of a decision see it."""
    return rules.Held(
        state=State(task.state),
        holder=task.holder,
        fence=task.fence,
        lease_until=task.lease_until,
        revision=task.revision,
        content_hash=task.content_hash,
        expire_time=task.expire_time,
    )


def _answering(steps: Iterable[TaskDecision]) -> frozenset[UUID]:
    """Returns who took steps, and whose authority it took."""
    persons = [
        person for step in steps for person in (step.checker_person_id, step.lender_person_id)
    ]
    return frozenset(person for person in persons if person is not None)


def _open_on_site(call: Call, task: Task, draft: TaskDraft) -> OpenedTask:
    if Route.ON_SITE not in draft.scene.routes or task.steps_required > 1:
        raise rules.route_not_admitted(Route.ON_SITE)
    task.centre_id = draft.branch_id
    task.state = State.ON_SITE
    call.session.add(task)
    call.flush()
    call.start_timer(changes.EXPIRE_TASK, task.task_id, task.expire_time)
    changes.announce(call, task)
    return OpenedTask(task.task_id, "")


def _task(call: Call, draft: TaskDraft) -> Task:
    scene, policies = draft.scene, call.bank.policies
    waiting = policies.duration("authorization.head_start_waiting_customer")
    task_id = uuid4()
    rung = scene.rung(draft.amount)
    return Task(
        task_id=task_id,
        level=rung.level,
        amount=amounts.sealed(call, task_id, draft.amount),
        reenter_amount=rung.reenter_amount,
        scene_code=scene.code,
        branch_id=draft.branch_id,
        skill=scene.skill_group,
        subject_kind=draft.subject_kind,
        subject_id=draft.subject_id,
        revision=draft.revision,
        content_hash=draft.content_hash,
        maker_id=draft.maker_id,
        maker_person_id=draft.maker_person_id,
        customer_id=draft.customer_id,
        journey_id=call.journey_id,
        previous_task_id=draft.previous_task_id,
        checklist=[(item.id, item.text, list(item.evidence)) for item in scene.checklist],
        lease_span=scene.claim_lease,
        steps_required=rung.authorisers,
        steps_done=0,
        barred=list(draft.barred),
        taken_by=list(draft.barred),
        messages=store.last_number(call, draft.subject_kind, draft.subject_id),
        rank_at=rules.rank_at(
            call.now,
            tier_rank=draft.tier_rank,
            per_tier_rank=policies.duration("authorization.head_start_per_tier_rank"),
            waiting=waiting if draft.is_waiting else waiting * 0,
        ),
        create_time=call.now,
        waiting_since=call.now,
        centre_since=call.now,
        expire_time=deadline(call, scene, draft.branch_id, scene.expires_after),
        fence=0,
        attempts=0,
        version=1,
    )
