"""The clocks of a centre: what waits or is held for too long, and what is left when it closes.

Neither queueing nor claiming a task writes a timer: most are done in time. A standing sweep looks
for what is overdue, and only that gets a timer each, so that each reminder and each escalation
happens once, in a transaction of its own, on any number of servers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fingertip_server.authorization import centre_store, changes, routing
from fingertip_server.authorization.centre_store import Lane
from fingertip_server.authorization.rules import State
from fingertip_server.authorization.tables import Task
from fingertip_server.identity import directory
from fingertip_server.packs.schema_bank import BranchKind
from fingertip_server.rpc.call import Call

SWEEP = "authorization.sweep"
REMIND = "authorization.remind"
ESCALATE = "authorization.escalate"
REMIND_HOLDER = "authorization.remind_holder"
OVERFLOW = "authorization.overflow"
CLOSE = "authorization.close_task"

_EVERY = timedelta(seconds=2)
# Of each kind, so that one turn ends in time whatever has piled up.
_TASKS_PER_TURN = 100
_OVERFLOW_WAIT = "authorization.overflow_wait"
_OVERSEE = "authorization.tasks.oversee"
_WAITS = frozenset({State.PARKED, State.QUEUED})


def sweep(call: Call, subject: str) -> None:
    """Starts a timer for each task that is overdue in some way, and itself again."""
    connection, policies = call.connection, call.bank.policies
    alert = policies.duration("authorization.queued_alert")
    escalation = policies.duration("authorization.queued_escalation")
    held = policies.duration("authorization.claimed_alert")
    _start(call, REMIND, centre_store.not_reminded(connection, alert, _TASKS_PER_TURN))
    _start(call, ESCALATE, centre_store.not_escalated(connection, escalation, _TASKS_PER_TURN))
    _start(call, REMIND_HOLDER, centre_store.claimed_long(connection, held, _TASKS_PER_TURN))
    _start(call, OVERFLOW, _stuck(call))
    for centre in call.bank.pack.branches:
        if centre.kind == BranchKind.CENTRE:
            _start(call, CLOSE, _left_over(call, centre.code))
    call.start_timer(SWEEP, subject, call.now + _EVERY)


def remind(call: Call, task_id: str) -> None:
    """Reminds those who may act of a task that waits for long, once."""
    task = changes.lock(call, UUID(task_id))
    if task is None or task.state not in _WAITS or task.reminded_time is not None:
        return
    if not _has_waited(call, task, "authorization.queued_alert"):
        return
    task.reminded_time = call.now
    _changed(call, task, "REMINDED")


def remind_holder(call: Call, task_id: str) -> None:
    """Reminds the holder of a claim, and the supervisors, that he has had it for long, once."""
    task = changes.lock(call, UUID(task_id))
    if task is None or task.state != State.CLAIMED or task.claim_reminded_time is not None:
        return
    alert = call.bank.policies.duration("authorization.claimed_alert")
    if task.claim_time is None or task.claim_time > call.now - alert:
        # Somebody else's by now.
        return
    task.claim_reminded_time = call.now
    _changed(call, task, "HOLDER_REMINDED")


def escalate(call: Call, task_id: str) -> None:
    """Sends a task that waited too long to another centre, or to a supervisor, once."""
    task = changes.lock(call, UUID(task_id))
    if task is None or task.state not in _WAITS or task.escalated_time is not None:
        return
    if not _has_waited(call, task, "authorization.queued_escalation"):
        return
    task.escalated_time = call.now
    # What came from another centre just now does not go back there.
    settled = task.centre_since <= call.now - call.bank.policies.duration(_OVERFLOW_WAIT)
    centre_id = _other_centre(call, task, free_only=False) if settled else None
    if centre_id is None:
        task.escalated_to = _supervisor(call, task.centre_id)
        _changed(call, task, "ESCALATED")
        return
    changes.move(call, task, centre_id)
    call.record("task", task_id, "ESCALATED")


def overflow(call: Call, task_id: str) -> None:
    """Moves a task that waits for long to a centre where somebody has nothing to do."""
    task = changes.lock(call, UUID(task_id))
    if task is None or task.state != State.QUEUED:
        return
    if task.centre_since > call.now - call.bank.policies.duration(_OVERFLOW_WAIT):
        return
    centre_id = _other_centre(call, task, free_only=True)
    if centre_id is not None:
        changes.move(call, task, centre_id)
        call.record("task", task_id, task.state)


def close_task(call: Call, task_id: str) -> None:
    """Ends a task that its centre left undone when it closed, unless another centre can take it."""
    task = changes.lock(call, UUID(task_id))
    if task is None or task.state not in _WAITS:
        return
    if _is_open_for(call, task, task.centre_id):
        return
    centre_id = _other_centre(call, task, free_only=False)
    if centre_id is not None:
        changes.move(call, task, centre_id)
    else:
        closing = call.bank.branch(task.centre_id).closes
        note = f"授权中心已于{closing:%H:%M}营业终了，任务当日未审核，请于下一营业日重新办理。"
        changes.expire(call, task, note)
    call.record("task", task_id, task.state)


def last_closing(now: datetime, closes: time, zone: ZoneInfo) -> datetime:
    """Returns when an office last closed."""
    day = now.astimezone(zone).date()
    closing = datetime.combine(day, closes, zone)
    if closing > now:
        closing = datetime.combine(day - timedelta(days=1), closes, zone)
    return closing.astimezone(now.tzinfo)


def _start(call: Call, kind: str, task_ids: Iterable[UUID]) -> None:
    for task_id in task_ids:
        call.start_timer(kind, task_id, call.now)


def _stuck(call: Call) -> Iterator[UUID]:
    """Yields tasks that wait for long, as many as somebody is free for in their other centres."""
    longer = call.bank.policies.duration(_OVERFLOW_WAIT)
    for lane, others in sorted(routing.overflowing(call.bank).items()):
        if centre_store.stuck(call.connection, lane, longer, 1):
            free = sum(routing.free_count(call, Lane(other, lane.skill)) for other in others)
            yield from centre_store.stuck(call.connection, lane, longer, free)


def _left_over(call: Call, centre_id: str) -> Iterable[UUID]:
    closed_at = _closed_at(call, centre_id)
    return centre_store.left_over(call.connection, centre_id, closed_at, _TASKS_PER_TURN)


def _has_waited(call: Call, task: Task, policy: str) -> bool:
    """Tells whether a task still waits for as long as a policy says: a timer may come late."""
    return task.waiting_since <= call.now - call.bank.policies.duration(policy)


def _other_centre(call: Call, task: Task, *, free_only: bool) -> str | None:
    """Returns another centre that can take a task, and has not closed since it waits."""
    return routing.other_centre(
        call, task, free_only=free_only, among=lambda each: _is_open_for(call, task, each)
    )


def _is_open_for(call: Call, task: Task, centre_id: str) -> bool:
    return task.waiting_since > _closed_at(call, centre_id)


def _closed_at(call: Call, centre_id: str) -> datetime:
    closes = call.bank.branch(centre_id).closes
    return last_closing(call.now, closes, call.bank.time_zone(centre_id))


def _supervisor(call: Call, centre_id: str) -> str:
    """Names a supervisor on shift in a centre, one at work before one on a break; "" for none."""
    found = [
        row
        for row in directory.on_shift(call.connection, centre_id)
        if _OVERSEE in call.bank.permissions(row.roles)
    ]
    return min(found, key=lambda row: (row.on_break, row.staff_id)).staff_id if found else ""


def _changed(call: Call, task: Task, done: str) -> None:
    task.version += 1
    call.flush()
    changes.announce(call, task)
    call.record("task", task.task_id, done)


TIMERS: Mapping[str, Callable[[Call, str], None]] = {
    SWEEP: sweep,
    REMIND: remind,
    ESCALATE: escalate,
    REMIND_HOLDER: remind_holder,
    OVERFLOW: overflow,
    CLOSE: close_task,
}
