"""What every change of a task has in common: its version, its timers, and who is told."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from fingertip_server.authorization import anchors, eligibility, hooks, messages, routing, store
from fingertip_server.authorization.rules import State
from fingertip_server.authorization.tables import Task
from fingertip_server.db import leases
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import Announced, Audience

LAPSE_CLAIM = "authorization.lapse_claim"
EXPIRE_TASK = "authorization.expire_task"
REVIEW_PARKED = "authorization.review_parked"
REVIEW_CENTRE = "authorization.review_centre"
REVIEW_TASK = "authorization.review_task"
TAKE_BACK = "authorization.take_back"
OFFER_AGAIN = "authorization.offer_again"
TELL_FORMER_CENTRE = "authorization.tell_former_centre"

# Parked tasks are looked at again when a shift changes, and this often in case a submission and a
# shift's start passed each other unseen.
_REVIEW_EVERY = timedelta(seconds=10)

_READ = "authorization.read"
# Those of a branch who may stand by.
_ON_SITE = Audience(permission="authorization.decide_on_site")
# The supervisor's, who has no skill of his own.
_OVERSIGHT = Audience(permission="authorization.tasks.oversee")


def announced(task: Task, *, to_branch: bool = False) -> list[Announced]:
    """Returns the task for those on shift who have its skill, and for the centre's supervisors.

    In the branch of its maker it is for those who may stand by.
    """
    resource = messages.task(task)
    if to_branch or task.centre_id == task.branch_id:
        return [Announced(resource, _ON_SITE)]
    skilled = Audience(permission=_READ, skill=task.skill, on_shift=True)
    return [Announced(resource, skilled), Announced(resource, _OVERSIGHT)]


def announce(call: Call, task: Task, *, topic: str = "") -> None:
    """Announces a task on its centre's topic, or on its branch's."""
    for each in announced(task, to_branch=bool(topic)):
        call.publish(each.resource, each.audience, topic=topic or task.centre_id)


def begin_revision(task: Task, revision: int, content_hash: bytes) -> None:
    """Makes a locked task be about another revision: what was approved of the former is void.

    The steps stay as rows of their revision; who took one may take one again.
    """
    task.revision = revision
    task.content_hash = content_hash
    task.steps_done = 0
    task.taken_by = list(task.barred)


def give_up(
    call: Call, task: Task, state: State, *, park_reason: str = "", to_staff_id: str = ""
) -> None:
    """Takes a locked task from whoever holds it, into a state in which nobody does.

    A queued task is offered to one of the others by lot, or to whom it is given.
    """
    former = task.holder or ""
    leases.give_up(task, state)
    task.park_reason = park_reason
    task.offered_to = task.offered_until = None
    if to_staff_id:
        routing.give_to(call, task, to_staff_id, "authorization.assignment")
    elif state == State.QUEUED:
        routing.offer(call, task, not_to=former)
    call.flush()
    announce(call, task)


def move(call: Call, task: Task, centre_id: str) -> None:
    """Queues a locked task in another centre, with the rank and the age that it has.

    The call goes on in that centre; the watchers of the former one are told in a moment.
    """
    former, task.centre_id = task.centre_id, centre_id
    task.centre_since = call.now
    call.home = centre_id
    was_parked = task.state == State.PARKED
    give_up(call, task, State.QUEUED)
    if was_parked:
        decisions_of(call, task).parked(call, subject_of(task), "")
    call.start_timer(TELL_FORMER_CENTRE, f"{former}/{task.task_id}", call.now)


def expire(call: Call, task: Task, note: str = "") -> None:
    """Ends a locked task that nobody decided, and tells its owner why it ended before its time."""
    task.end_note = note
    give_up(call, task, State.EXPIRED)
    decisions_of(call, task).expired(call, subject_of(task), note)


def lock(call: Call, task_id: UUID, *, of_centre: str = "", of_branch: str = "") -> Task | None:
    """Locks a task's subject, then the task; the call goes on in the task's centre and journey.

    Returns nothing when there is no such task, or none of the centre or branch named, also when it
    went to another centre before it was locked.
    """
    reference = store.reference(call, task_id)
    if (
        reference is None
        or of_centre not in {"", reference.centre_id}
        or of_branch not in {"", reference.branch_id}
    ):
        return None
    call.hooks.decisions[reference.subject_kind].lock(call, reference.subject_id)
    task = store.lock(call, task_id)
    if of_centre not in {"", task.centre_id}:
        return None
    call.home = task.centre_id
    call.journey_id = task.journey_id
    return task


def watch_over_parked(call: Call, centre_id: str) -> None:
    """Has what is parked looked at again for a centre."""
    call.start_timer(REVIEW_PARKED, centre_id, call.now + _REVIEW_EVERY)


def settle(call: Call, task: Task) -> None:
    """Queues or parks a locked task that nobody holds any more, and tells its owner if it parks."""
    reason = eligibility.reason_to_park(call.connection, call.bank, task)
    give_up(call, task, State.PARKED if reason else State.QUEUED, park_reason=reason)
    if reason:
        decisions_of(call, task).parked(call, subject_of(task), reason)
        watch_over_parked(call, task.centre_id)


def subject_of(task: Task) -> hooks.Subject:
    """Returns what the owning domain is told of a task."""
    return hooks.Subject(task.subject_id, task.revision, task.content_hash, task.task_id)


def decisions_of(call: Call, task: Task) -> hooks.Decisions:
    """Returns the functions of the domain that owns the task's subject."""
    return call.hooks.decisions[task.subject_kind]


def names_of(call: Call, task: Task) -> anchors.Names:
    """Returns what something said about a task may be anchored to."""
    checklist = {item_id: evidence for item_id, _, evidence in task.checklist}
    names = decisions_of(call, task).dialogue.names(call, task.subject_id)
    return replace(names, checklist=checklist)
