"""Claims the task that is due next: one probe of an index for each lane, however long the queue.

A lane is a skill, or a scene of it, at one level of authority. Whoever has a level decides about
what takes it or a lower one; levels are few, so that he asks for each by itself, and what is above
him costs him nothing, however much of it waits.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    Update,
    Uuid,
    all_,
    bindparam,
    literal_column,
    null,
    or_,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from fingertip_server.authorization import store
from fingertip_server.authorization.rules import Authority, Decider, State
from fingertip_server.authorization.tables import Task
from fingertip_server.db import leases
from fingertip_server.db.base import NOW
from fingertip_server.rpc.call import Call

# Written out, so that the planner sees that the partial indexes fit.
_QUEUED: ColumnElement[str] = literal_column("'QUEUED'")
# What is offered to others is passed over: as many tasks as there are free authorisers, at most.
_MAY_CLAIM = (
    Task.centre_id == bindparam("own_centre_id"),
    Task.state == _QUEUED,
    Task.maker_person_id != all_(bindparam("barred_makers", type_=ARRAY(Uuid()))),
    Task.customer_id != all_(bindparam("barred_customers", type_=ARRAY(Uuid()))),
    ~Task.barred.overlap(bindparam("barred_makers", type_=ARRAY(Uuid()))),
    ~Task.taken_by.overlap(bindparam("own_persons", type_=ARRAY(Uuid()))),
    Task.expire_time > NOW,
    or_(
        Task.offered_to.is_(None),
        Task.offered_to == bindparam("lease_holder", type_=Text()),
        Task.offered_until <= NOW,
    ),
)
_CLAIMING: Mapping[str, ColumnElement[datetime] | ColumnElement[None]] = {
    "offered_to": null(),
    "offered_until": null(),
    "claim_time": NOW,
    "claim_reminded_time": null(),
}


def _claiming(lane: InstrumentedAttribute[str], *where: ColumnElement[bool]) -> Update:
    statement = leases.claim(
        Task,
        lane=lane,
        where=(*_MAY_CLAIM, *where),
        order_by=(Task.rank_at, Task.task_id),
        to_state=State.CLAIMED,
        # Each scene has its own lease.
        span=Task.lease_span,
    )
    return statement.values(_CLAIMING)


_AT_LEVEL = Task.level == bindparam("lane_level", type_=Integer())
_OF_SKILL = Task.skill == bindparam("lane_skill", type_=Text())
_CLAIM = _claiming(Task.skill, _AT_LEVEL).returning(Task)
_CLAIM_OF_SCENE = _claiming(Task.scene_code, _OF_SKILL, _AT_LEVEL).returning(Task)
_CLAIM_OFFERED = _claiming(
    Task.skill, _AT_LEVEL, Task.task_id == bindparam("the_task_id", type_=Uuid())
).returning(Task)
_CLAIM_OFFERED_OF_SCENE = _claiming(
    Task.scene_code, _OF_SKILL, _AT_LEVEL, Task.task_id == bindparam("the_task_id", type_=Uuid())
).returning(Task)
# The lanes are claimed from one by one: a claim of all would lock the first task of each until its
# end, and somebody else's would find nothing meanwhile.
_LANES_IN_ORDER = text("""
SELECT wanted.ordinal
FROM unnest(CAST(:skills AS text[]), CAST(:scenes AS text[]), CAST(:levels AS integer[]))
        WITH ORDINALITY AS wanted (skill, scene_code, level, ordinal)
    CROSS JOIN LATERAL (
        (SELECT rank_at, task_id FROM task
         WHERE wanted.scene_code = '' AND centre_id = :own_centre_id AND skill = wanted.skill
            AND level = wanted.level AND state = 'QUEUED'
         ORDER BY rank_at, task_id LIMIT 1)
        UNION ALL
        (SELECT rank_at, task_id FROM task
         WHERE wanted.scene_code <> '' AND centre_id = :own_centre_id
            AND scene_code = wanted.scene_code AND skill = wanted.skill
            AND level = wanted.level AND state = 'QUEUED'
         ORDER BY rank_at, task_id LIMIT 1)
    ) AS first
ORDER BY first.rank_at, first.task_id, wanted.ordinal
""")


@dataclass(frozen=True, slots=True)
class Lane:
    """Tasks that somebody may claim by one of his authorities. Of every scene without one."""

    skill: str
    scene_code: str
    level: int
    decider: Decider
    authority: Authority


def lanes(deciders: Mapping[str, Decider]) -> list[Lane]:
    """Returns the lanes of a person, given as who he is to each of his skills.

    What was lent to him opens those above his own level.
    """
    found = []
    for skill, decider in deciders.items():
        own, *lent = decider.authorities
        found += [Lane(skill, "", level, decider, own) for level in range(1, own.level + 1)]
        for each in lent:
            above = range(own.level + 1, each.level + 1)
            found += [Lane(skill, each.scene_code, level, decider, each) for level in above]
    return found


def claim(call: Call, centre_id: str, wanted: Sequence[Lane]) -> Task | None:
    """Claims the task of some lanes that is due next."""
    for lane in _in_order(call, centre_id, wanted):
        statement = _CLAIM_OF_SCENE if lane.scene_code else _CLAIM
        parameters = _own(call, centre_id, lane)
        task = call.session.scalars(statement, parameters).one_or_none()
        if task is not None:
            return task
    return None


def claim_offered(call: Call, task_id: UUID, centre_id: str, wanted: Iterable[Lane]) -> Task | None:
    """Claims a task that is offered to the caller, unless it is gone by now."""
    offered = store.find(call, task_id)
    if offered is None:
        return None
    for lane in wanted:
        if (lane.skill, lane.level) != (offered.skill, offered.level):
            continue
        statement = _CLAIM_OFFERED_OF_SCENE if lane.scene_code else _CLAIM_OFFERED
        parameters = _own(call, centre_id, lane) | {"the_task_id": task_id}
        task = call.session.scalars(statement, parameters).one_or_none()
        if task is not None:
            return task
    return None


def _in_order(call: Call, centre_id: str, wanted: Sequence[Lane]) -> Collection[Lane]:
    if len(wanted) == 1:
        return wanted
    parameters = {
        "own_centre_id": centre_id,
        "skills": [lane.skill for lane in wanted],
        "scenes": [lane.scene_code for lane in wanted],
        "levels": [lane.level for lane in wanted],
    }
    ordinals = call.connection.execute(_LANES_IN_ORDER, parameters).scalars()
    return [wanted[ordinal - 1] for ordinal in ordinals]


def _own(call: Call, centre_id: str, lane: Lane) -> dict[str, object]:
    excluded = lane.decider.excluded_by(lane.authority)
    return {
        "own_centre_id": centre_id,
        "own_persons": excluded.persons,
        "barred_makers": excluded.makers,
        "barred_customers": excluded.customers,
        "lane_level": lane.level,
        "lane_skill": lane.skill,
        "lease_lanes": [lane.scene_code or lane.skill],
        "lease_limit": 1,
        "lease_holder": call.principal.id,
    }
