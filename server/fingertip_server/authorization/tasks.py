"""What domains with something to be authorised call."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from fingertip_server.authorization import amounts, changes, routing, rules, store
from fingertip_server.authorization.rules import State
from fingertip_server.authorization.tables import Task
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
    task.centre_since = call.now
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
