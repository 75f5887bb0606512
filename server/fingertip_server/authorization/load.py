"""How much a centre has to do, and where a task stands there."""

from datetime import datetime, time, timedelta

from google.protobuf.duration_pb2 import Duration
from google.type.date_pb2 import Date

from fingertip.authorization.v1.centre_load_pb2 import CentreLoad, QueuePosition, SkillLoad
from fingertip.authorization.v1.task_pb2 import Task as TaskMessage
from fingertip_server.authorization import centre_store, crowding, eligibility
from fingertip_server.authorization.centre_store import Lane
from fingertip_server.authorization.rules import State
from fingertip_server.authorization.tables import Task
from fingertip_server.identity import directory
from fingertip_server.rpc.call import Call

# Further than this nobody counts, so that a look costs the same however long the queue.
_COUNTED_MAX = 200
# What was usual lately.
_SAMPLE = 50


def position(call: Call, task: Task) -> QueuePosition:
    """Returns where a task stands in its queue, and how long it will wait."""
    found = QueuePosition(state=TaskMessage.State.Value(f"STATE_{task.state}"))
    if task.state != State.QUEUED:
        return found
    lane = Lane(task.centre_id, task.skill)
    ahead = centre_store.ahead(call.connection, lane, task.rank_at, task.task_id, _COUNTED_MAX + 1)
    found.is_further = ahead > _COUNTED_MAX
    found.position = min(ahead, _COUNTED_MAX) + 1
    present = eligibility.present(call.connection, call.bank, lane.centre_id, lane.skill)
    busy = centre_store.busy(call.connection, present)
    handling = centre_store.handling(call.connection, lane, _SAMPLE)
    wait = crowding.expected_wait(
        ahead=ahead,
        free=len(present) - len(busy),
        present=len(present),
        handling=handling or call.bank.policies.duration("authorization.handling"),
    )
    if wait is not None and not found.is_further:
        found.expected_wait.FromTimedelta(wait)
    return found


def of_centre(call: Call, centre_id: str) -> CentreLoad:
    """Returns what a centre has to do, who is there, and what was done on its business day."""
    today = call.now.astimezone(call.bank.time_zone(centre_id)).date()
    able = [
        row
        for row in directory.on_shift(call.connection, centre_id)
        if eligibility.DECIDE in call.bank.permissions(row.roles)
    ]
    at_work = {row.staff_id: row for row in able if not row.on_break}
    busy = centre_store.busy(call.connection, at_work)
    skills: dict[str, SkillLoad] = {}

    def of_skill(skill: str) -> SkillLoad:
        return skills.setdefault(skill, SkillLoad(skill=skill))

    for row in at_work.values():
        for skill in row.skills:
            of_skill(skill).present += 1
    for found in centre_store.open_tasks(call.connection, centre_id):
        _count(of_skill(found.skill), State(found.state), found.tasks, found.oldest)
    midnight = datetime.combine(today, time(), call.bank.time_zone(centre_id))
    for done in centre_store.decided_since(call.connection, centre_id, midnight):
        load = of_skill(done.skill)
        load.decided = done.decided
        load.first_pass_per_mille = crowding.per_mille(done.first_pass, done.first)
        if done.median is not None:
            load.handling_median.FromTimedelta(done.median)
            load.handling_p95.FromTimedelta(done.p95)
    return CentreLoad(
        centre_id=centre_id,
        business_day=Date(year=today.year, month=today.month, day=today.day),
        on_shift=len(able),
        free=len(at_work) - len(busy),
        on_break=len(able) - len(at_work),
        skills=[skills[skill] for skill in sorted(skills)],
    )


def _count(load: SkillLoad, state: State, tasks: int, oldest: timedelta) -> None:
    if state == State.CLAIMED:
        load.claimed = tasks
        return
    if state == State.QUEUED:
        load.queued = tasks
    else:
        load.parked = tasks
    known = load.oldest_wait.ToTimedelta() if load.HasField("oldest_wait") else timedelta(0)
    wait = Duration()
    wait.FromTimedelta(max(known, oldest))
    load.oldest_wait.CopyFrom(wait)
