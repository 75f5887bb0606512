"""Looks again at tasks that wait, when who is on shift has changed.

A shift's start or end touches any number of tasks, each of which is told to its own branch. So a
centre's review only finds them, and each is parked or queued in a transaction of its own.
"""

from datetime import timedelta
from uuid import UUID

from fingertip_server.authorization import centre_store, changes, eligibility, rules, store
from fingertip_server.authorization.rules import Decider, State
from fingertip_server.identity import directory
from fingertip_server.packs.schema_forms import Scene
from fingertip_server.rpc.call import Call

_BATCH = 100
_NEXT_BATCH_AFTER = timedelta(seconds=1)
# A task excludes its maker, its customer and whoever took a step.
_EXCLUDED_BY_ALL = 2


def shift_changed(call: Call, staff_id: str) -> None:
    """Has a centre's waiting tasks looked at again at once, after a shift there has changed."""
    member = directory.staff(call.connection, staff_id)
    if member is None or not _scenes(call, member.branch_id):
        return
    call.start_timer(changes.REVIEW_CENTRE, member.branch_id, call.now)
    if not member.on_shift:
        held = store.held_by(call, staff_id)
        if held is not None:
            call.start_timer(changes.TAKE_BACK, f"{held}/{staff_id}", call.now)
    if member.on_break or not member.on_shift:
        for task_id in centre_store.offered(call.connection, staff_id):
            call.start_timer(changes.OFFER_AGAIN, f"{task_id}/{staff_id}", call.now)


def take_back(call: Call, subject: str) -> None:
    """Gives a task back whose holder's shift is over. The subject is "task/staff"."""
    task_id, _, staff_id = subject.partition("/")
    task = changes.lock(call, UUID(task_id))
    if task is None or task.state != State.CLAIMED or task.holder != staff_id:
        return
    member = directory.staff(call.connection, staff_id)
    if member is None or not member.on_shift:
        changes.settle(call, task)
        call.record("task", task_id, task.state)


def offer_again(call: Call, subject: str) -> None:
    """Offers a task to another when he whose own it was has gone. The subject is "task/staff"."""
    task_id, _, staff_id = subject.partition("/")
    task = changes.lock(call, UUID(task_id))
    if task is None or task.state != State.QUEUED or task.offered_to != staff_id:
        return
    changes.settle(call, task)
    call.record("task", task_id, task.state)


def may_end_shift(call: Call, staff_id: str) -> None:
    """Raises CLAIM_HELD when a member of staff has a claimed task."""
    task_id = store.held_by(call, staff_id)
    if task_id is not None:
        raise rules.claim_held(str(task_id))


def review_centre(call: Call, centre_id: str) -> None:
    """Finds what waits in vain in a centre, and what waits no longer.

    That is the queued tasks that nobody there may decide any more, and the parked ones that
    somebody there may decide by now.
    """
    scenes = _scenes(call, centre_id)
    codes = [scene.code for scene in scenes]
    found: list[UUID] = []
    for skill in sorted({skill for scene in scenes for skill in scene.skills}):
        of_skill = [scene for scene in scenes if skill in scene.skills]
        enough = _EXCLUDED_BY_ALL + max(scene.authorisers_max for scene in of_skill)
        everybody = eligibility.deciders(call.connection, call.bank, centre_id, skill)
        present, doubtful_from = _that_matter(everybody, enough)
        found += store.without_anybody(
            call, centre_id, skill, present, _BATCH, from_level=doubtful_from
        )
        if present:
            found += store.with_somebody(call, [s.code for s in of_skill], skill, present, _BATCH)
    if found or store.has_parked(call, codes):
        changes.watch_over_parked(call, centre_id)
    for task_id in found:
        call.start_timer(changes.REVIEW_TASK, f"{task_id}/{centre_id}", call.now)
    if len(found) >= _BATCH:
        call.start_timer(changes.REVIEW_CENTRE, centre_id, call.now + _NEXT_BATCH_AFTER)


def review_task(call: Call, subject: str) -> None:
    """Parks a task that nobody in its centre may decide, or queues it where somebody may.

    The subject is "task/centre".
    """
    task_id, _, centre_id = subject.partition("/")
    task = changes.lock(call, UUID(task_id))
    if task is None or task.state not in {State.PARKED, State.QUEUED}:
        return
    former = task.centre_id
    if task.state == State.PARKED:
        task.centre_id = centre_id
    reason = eligibility.reason_to_park(call.connection, call.bank, task)
    if bool(reason) == (task.state == State.PARKED):
        task.centre_id = former
        return
    call.home = task.centre_id
    changes.give_up(call, task, State.PARKED if reason else State.QUEUED, park_reason=reason)
    changes.decisions_of(call, task).parked(call, changes.subject_of(task), reason)
    if former != task.centre_id:
        task.centre_since = call.now
        call.start_timer(changes.TELL_FORMER_CENTRE, f"{former}/{task_id}", call.now)
    call.record("task", task_id, task.state)


def tell_former_centre(call: Call, subject: str) -> None:
    """Shows the watchers of a centre that a task went to another. The subject is "centre/task"."""
    centre_id, _, task_id = subject.partition("/")
    call.home = centre_id
    task = store.find(call, UUID(task_id))
    if task is not None:
        for each in changes.announced(task):
            call.publish(each.resource, each.audience)


def _scenes(call: Call, centre_id: str) -> list[Scene]:
    return [scene for scene in call.bank.pack.scenes if centre_id in scene.centres]


def _that_matter(everybody: list[Decider], enough: int) -> tuple[list[Decider], int]:
    """Returns those who matter to a task, and from which level on nobody may be left for one.

    One account for each person, the highest levels first, as many as whomever a task excludes leave
    one; and all to whom something was lent, who count for what they are lent for.
    """
    bound = [decider for decider in everybody if decider.lenders]
    ascending = sorted((each for each in everybody if not each.lenders), key=_own_level)
    free = {decider.person.person_id: decider for decider in ascending}
    highest = sorted(free.values(), key=_own_level, reverse=True)[:enough]
    doubtful_from = _own_level(highest[-1]) + 1 if len(highest) == enough else 1
    return highest + bound, doubtful_from


def _own_level(decider: Decider) -> int:
    return decider.authorities[0].level
