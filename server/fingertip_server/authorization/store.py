"""Tasks in the database."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    TIMESTAMP,
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    Uuid,
    all_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
    text,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from fingertip_server.authorization import anchors
from fingertip_server.authorization.anchors import Anchored
from fingertip_server.authorization.rules import Decider, State
from fingertip_server.authorization.tables import Task, TaskDecision, TaskMessage, TaskSupplement
from fingertip_server.db import leases
from fingertip_server.db.base import NOW
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.measuring import Waiting

# Written out, so that the planner sees that the partial indexes fit.
_QUEUED: ColumnElement[str] = literal_column("'QUEUED'")
_PARKED: ColumnElement[str] = literal_column("'PARKED'")
_IS_OPEN = Task.state.in_(
    [
        literal_column(f"'{state}'")
        for state in ("ON_SITE", "PARKED", "QUEUED", "CLAIMED", "SUPPLEMENT_REQUESTED")
    ]
)

_IN_ORDER = (Task.rank_at, Task.task_id)
_RENEW = leases.extend(Task, leased_state=State.CLAIMED, span=Task.lease_span).returning(Task)
_LOCK = leases.lock(Task)
_HELD = select(Task.task_id).where(
    Task.holder == bindparam("staff_id"), Task.state == literal_column("'CLAIMED'")
)
_OFFERED = (
    select(Task.task_id)
    .where(
        Task.offered_to == bindparam("staff_id"),
        Task.state == _QUEUED,
        Task.offered_until > NOW,
    )
    .order_by(*_IN_ORDER)
    .limit(1)
)
_AT_HAND = select(
    _HELD.scalar_subquery().label("held"), _OFFERED.scalar_subquery().label("offered")
)
# What was checked before is checked again where it counts: nobody's clock or lock is trusted.
_AS_SEEN = (
    Task.task_id == bindparam("the_task_id"),
    Task.revision == bindparam("the_revision"),
    Task.content_hash == bindparam("the_content_hash"),
    Task.steps_done == bindparam("the_step") - 1,
    bindparam("the_person_id", type_=Uuid()) != all_(Task.taken_by),
    Task.expire_time > NOW,
    # Of authority that was lent; the other's own never ends.
    func.coalesce(bindparam("authority_ends", type_=TIMESTAMP(timezone=True)) > NOW, true()),
)
_STEP = {
    "state": bindparam("new_state"),
    "lease_until": null(),
    "steps_done": Task.steps_done + bindparam("is_approval", type_=Integer),
    "version": Task.version + 1,
}
_POPULATE = {"synchronize_session": False, "populate_existing": True}
_DECIDE = (
    update(Task)
    .where(
        *_AS_SEEN,
        Task.state == State.CLAIMED,
        Task.holder == bindparam("staff_id"),
        Task.fence == bindparam("the_fence"),
        Task.lease_until > NOW,
    )
    .values(
        **_STEP,
        park_reason=bindparam("new_park_reason"),
        # Who ended it stays its holder.
        holder=case((bindparam("is_final", type_=Boolean), Task.holder), else_=null()),
        decide_time=case((bindparam("is_final", type_=Boolean), NOW), else_=null()),
        taken_by=case(
            (bindparam("is_final", type_=Boolean), Task.taken_by),
            else_=func.array_cat(Task.taken_by, bindparam("the_takers", type_=ARRAY(Uuid))),
        ),
    )
    .returning(Task)
    .execution_options(**_POPULATE)
)
_DECIDE_ON_SITE = (
    update(Task)
    .where(*_AS_SEEN, Task.state == State.ON_SITE, Task.steps_required == bindparam("the_step"))
    .values(**_STEP, holder=bindparam("staff_id"), decide_time=NOW)
    .returning(Task)
    .execution_options(**_POPULATE)
)
_WAITING = (
    select(
        Task.centre_id,
        Task.skill,
        func.count().label("waiting"),
        func.extract("epoch", func.fingertip_now() - func.min(Task.create_time)).label("seconds"),
    )
    .where(Task.state == _QUEUED)
    .group_by(Task.centre_id, Task.skill)
)
_REFERENCE = select(Task.subject_kind, Task.subject_id, Task.centre_id, Task.branch_id)
_MESSAGES = (
    select(TaskMessage)
    .where(
        TaskMessage.subject_kind == bindparam("the_kind"),
        TaskMessage.subject_id == bindparam("the_id"),
        TaskMessage.number > bindparam("the_number"),
    )
    .order_by(TaskMessage.number)
)
# Whether somebody of those on shift may decide about a task, by any of his authorities.
_SOMEBODY = (
    "EXISTS (SELECT 1 FROM jsonb_to_recordset(CAST(:present AS jsonb)) AS present (persons uuid[],"
    " barred_makers uuid[], barred_customers uuid[], level integer, scene_code text)"
    " WHERE task.level <= present.level AND present.scene_code IN ('', task.scene_code)"
    " AND task.maker_person_id <> ALL (present.barred_makers)"
    " AND task.customer_id <> ALL (present.barred_customers)"
    " AND NOT task.barred && present.barred_makers"
    " AND NOT task.taken_by && present.persons)"
)
_SOMEBODY_MAY, _NOBODY_MAY = text(_SOMEBODY), text(f"NOT {_SOMEBODY}")


@dataclass(frozen=True, slots=True)
class Reference:
    """Whose task it is, and about what."""

    subject_kind: str
    subject_id: UUID
    centre_id: str
    branch_id: str


def reference(call: Call, task_id: UUID) -> Reference | None:
    """Returns what must be known of a task before its subject is locked."""
    row = call.connection.execute(_REFERENCE.where(Task.task_id == task_id)).one_or_none()
    return Reference(*row) if row else None


def find(call: Call, task_id: UUID) -> Task | None:
    """Returns a task."""
    return call.session.get(Task, task_id)


def lock(call: Call, task_id: UUID) -> Task:
    """Returns a task, locked until the end of the transaction. Its subject is locked already."""
    return call.session.scalars(_LOCK, {"lease_key": task_id}).one()


def lock_open(call: Call, subject_kind: str, subject_id: UUID) -> Task | None:
    """Returns the open task about a subject, locked. Its subject is locked already."""
    return call.session.scalars(
        select(Task)
        .where(Task.subject_kind == subject_kind, Task.subject_id == subject_id, _IS_OPEN)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def held_by(call: Call, staff_id: str) -> UUID | None:
    """Returns the task that a member of staff has claimed."""
    return call.connection.execute(_HELD, {"staff_id": staff_id}).scalar_one_or_none()


def at_hand(call: Call, staff_id: str) -> tuple[UUID | None, UUID | None]:
    """Returns the task that a member of staff has claimed, and the first that is offered to him."""
    row = call.connection.execute(_AT_HAND, {"staff_id": staff_id}).one()
    return row.held, row.offered


def renew(call: Call, task_id: UUID, fence: int) -> Task | None:
    """Renews the caller's claim; returns nothing when it is over."""
    parameters = {
        "lease_keys": [task_id],
        "lease_fences": [fence],
        "lease_holder": call.principal.id,
    }
    return call.session.scalars(_RENEW, parameters).one_or_none()


def decide(
    call: Call, decision: TaskDecision, *, authority_ends: datetime | None, park_reason: str = ""
) -> Task | None:
    """Ends the caller's claim by a decision and appends it; nothing when the claim is over.

    After a step that is not the last the task waits for the next person: in the queue, or parked
    for a reason.
    """
    waits = State.PARKED if park_reason else State.QUEUED
    parameters = _as_decided(decision, authority_ends) | {
        "the_fence": decision.fence,
        "new_state": decision.outcome if decision.is_final else waits,
        "new_park_reason": park_reason,
        "is_final": decision.is_final,
        "the_takers": [
            person
            for person in (decision.checker_person_id, decision.lender_person_id)
            if person is not None
        ],
    }
    return _appended(call, call.session.scalars(_DECIDE, parameters).one_or_none(), decision)


def decide_on_site(
    call: Call, decision: TaskDecision, *, authority_ends: datetime | None
) -> Task | None:
    """Ends a task on site by a decision and appends it; nothing when it is over."""
    parameters = _as_decided(decision, authority_ends) | {"new_state": decision.outcome}
    task = call.session.scalars(_DECIDE_ON_SITE, parameters).one_or_none()
    return _appended(call, task, decision)


def steps(call: Call, task: Task) -> Sequence[TaskDecision]:
    """Returns the decisions about a task's present revision, in their order."""
    return call.session.scalars(
        select(TaskDecision)
        .where(TaskDecision.task_id == task.task_id, TaskDecision.revision == task.revision)
        .order_by(TaskDecision.step)
    ).all()


def defects(call: Call, task_id: UUID) -> list[Anchored]:
    """Returns the defects for which a task was returned."""
    statement = select(TaskDecision.defects).where(
        TaskDecision.task_id == task_id, TaskDecision.is_final
    )
    return anchors.from_stored(call.session.scalars(statement).one_or_none() or [])


def supplement(call: Call, task_id: UUID) -> list[Anchored]:
    """Returns what was asked for last in a task."""
    items = call.session.scalars(
        select(TaskSupplement.items)
        .where(TaskSupplement.task_id == task_id)
        .order_by(TaskSupplement.revision.desc())
        .limit(1)
    ).one_or_none()
    return anchors.from_stored(items or ())


def last_link(call: Call, subject_kind: str, subject_id: UUID) -> bytes | None:
    """Returns the link of the last message about a subject; nothing before the first."""
    return call.session.scalars(
        select(TaskMessage.link)
        .where(TaskMessage.subject_kind == subject_kind, TaskMessage.subject_id == subject_id)
        .order_by(TaskMessage.number.desc())
        .limit(1)
    ).one_or_none()


def last_number(call: Call, subject_kind: str, subject_id: UUID) -> int:
    """Returns how many messages there are about a subject."""
    statement = select(func.coalesce(func.max(TaskMessage.number), 0)).where(
        TaskMessage.subject_kind == subject_kind, TaskMessage.subject_id == subject_id
    )
    return call.session.scalars(statement).one()


def others_said(call: Call, task: Task, after: int) -> bool:
    """Tells whether somebody else than the caller has said something after a message."""
    statement = _MESSAGES.where(TaskMessage.staff_id != call.principal.id).limit(1)
    return call.session.scalars(statement, _about(task, after)).one_or_none() is not None


def messages(call: Call, task: Task, after: int, limit: int) -> Sequence[TaskMessage]:
    """Returns messages about a task's subject in their order, from the one after a number on."""
    return call.session.scalars(_MESSAGES.limit(limit), _about(task, after)).all()


def page(
    call: Call,
    centre_id: str,
    states: Collection[str],
    after: tuple[datetime, UUID] | None,
    size: int,
) -> Sequence[Task]:
    """Returns tasks of a centre, oldest first; by default those that are open."""
    statement = (
        select(Task).where(Task.centre_id == centre_id).order_by(Task.create_time, Task.task_id)
    )
    statement = statement.where(Task.state.in_(states) if states else _IS_OPEN)
    if after is not None:
        statement = statement.where(tuple_(Task.create_time, Task.task_id) > after)
    return call.session.scalars(statement.limit(size)).all()


def without_anybody(
    call: Call,
    centre_id: str,
    skill: str,
    present: Sequence[Decider],
    limit: int,
    *,
    from_level: int,
) -> Sequence[UUID]:
    """Returns queued tasks of a centre that nobody present may decide, in the queue's order.

    Of those below a level it is known that somebody may.
    """
    statement = (
        select(Task.task_id)
        .where(
            Task.centre_id == centre_id,
            Task.skill == skill,
            Task.level >= from_level,
            Task.state == _QUEUED,
        )
        .where(_NOBODY_MAY)
        .order_by(*_IN_ORDER)
        .limit(limit)
    )
    return call.connection.execute(statement, _present(present)).scalars().all()


def with_somebody(
    call: Call, scenes: Collection[str], skill: str, present: Sequence[Decider], limit: int
) -> Sequence[UUID]:
    """Returns parked tasks of scenes and a skill that somebody present may decide, in order."""
    statement = (
        select(Task.task_id)
        .where(Task.scene_code.in_(scenes), Task.skill == skill, Task.state == _PARKED)
        .where(_SOMEBODY_MAY)
        .order_by(*_IN_ORDER)
        .limit(limit)
    )
    return call.connection.execute(statement, _present(present)).scalars().all()


def waiting(connection: Connection) -> list[Waiting]:
    """Returns how many tasks of each centre and skill wait for an authoriser."""
    rows = connection.execute(_WAITING)
    return [
        Waiting("task", f"{row.centre_id}/{row.skill}", row.waiting, float(row.seconds))
        for row in rows
    ]


def has_parked(call: Call, scenes: Collection[str]) -> bool:
    """Tells whether tasks of some scenes are parked."""
    statement = select(Task.task_id).where(Task.scene_code.in_(scenes), Task.state == _PARKED)
    return call.connection.execute(statement.limit(1)).one_or_none() is not None


def _present(present: Sequence[Decider]) -> dict[str, str]:
    return {
        "present": json.dumps(
            [
                {
                    "persons": [str(each) for each in excluded.persons],
                    "barred_makers": [str(each) for each in excluded.makers],
                    "barred_customers": [str(each) for each in excluded.customers],
                    "level": authority.level,
                    "scene_code": authority.scene_code,
                }
                for decider in present
                for authority in decider.authorities
                for excluded in (decider.excluded_by(authority),)
            ]
        )
    }


def _about(task: Task, after: int) -> Mapping[str, object]:
    return {"the_kind": task.subject_kind, "the_id": task.subject_id, "the_number": after}


def _as_decided(decision: TaskDecision, authority_ends: datetime | None) -> dict[str, object]:
    return {
        "the_task_id": decision.task_id,
        "staff_id": decision.checker_id,
        "the_person_id": decision.checker_person_id,
        "the_revision": decision.revision,
        "the_content_hash": decision.content_hash,
        "the_step": decision.step,
        "is_approval": int(decision.outcome == State.APPROVED),
        "authority_ends": authority_ends,
    }


def _appended(call: Call, task: Task | None, decision: TaskDecision) -> Task | None:
    if task is not None:
        call.session.add(decision)
    return task
