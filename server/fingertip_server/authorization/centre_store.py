"""What the work of a centre asks the database: who is busy, how long the queue is and was."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Interval,
    Row,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    select,
    text,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute

from fingertip_server.authorization.tables import Task
from fingertip_server.db.base import NOW

_QUEUED = Task.state == literal_column("'QUEUED'")
_WAITS = Task.state.in_([literal_column("'PARKED'"), literal_column("'QUEUED'")])
_LONGER = bindparam("longer", type_=Interval())
_IN_ORDER = (Task.rank_at, Task.task_id)
_IN_QUEUE = (
    Task.centre_id == bindparam("the_centre_id"),
    Task.skill == bindparam("the_skill"),
    _QUEUED,
)

_BUSY = text(
    "SELECT holder FROM task WHERE state = 'CLAIMED' AND holder = ANY(CAST(:staff_ids AS text[]))"
    " UNION ALL"
    " SELECT offered_to FROM task WHERE state = 'QUEUED'"
    " AND offered_to = ANY(CAST(:staff_ids AS text[]))"
    " AND offered_until > (SELECT fingertip_now())"
)
_counted = select(Task.task_id).where(*_IN_QUEUE).limit(bindparam("at_most")).subquery()
_LENGTH = select(func.count()).select_from(_counted)
_NEXT = select(NOW - Task.centre_since).where(*_IN_QUEUE).order_by(*_IN_ORDER).limit(1)
_ahead = (
    select(Task.task_id)
    .where(
        *_IN_QUEUE,
        tuple_(Task.rank_at, Task.task_id)
        < tuple_(bindparam("the_rank_at"), bindparam("the_task_id")),
    )
    .limit(bindparam("at_most"))
    .subquery()
)
_AHEAD = select(func.count()).select_from(_ahead)
_took = (Task.decide_time - Task.claim_time).label("took")
_recent = (
    select(_took)
    .where(
        Task.centre_id == bindparam("the_centre_id"),
        Task.skill == bindparam("the_skill"),
        Task.decide_time.is_not(None),
    )
    .order_by(Task.decide_time.desc())
    .limit(bindparam("at_most"))
    .subquery()
)
_HANDLING = select(func.percentile_disc(0.5).within_group(_recent.c.took))
_WAITING_LONG = (
    select(Task.task_id, Task.centre_id)
    .where(_WAITS, Task.escalated_time.is_(None), Task.waiting_since <= NOW - _LONGER)
    .order_by(Task.waiting_since)
    .limit(bindparam("at_most"))
)
_NOT_REMINDED = _WAITING_LONG.where(Task.reminded_time.is_(None))
_CLAIMED_LONG = (
    select(Task.task_id)
    .where(
        Task.state == literal_column("'CLAIMED'"),
        Task.claim_reminded_time.is_(None),
        Task.claim_time <= NOW - _LONGER,
    )
    .limit(bindparam("at_most"))
)
_LEFT_OVER = (
    select(Task.task_id)
    .where(
        Task.centre_id == bindparam("the_centre_id"),
        _WAITS,
        # By an index; what was supplied since then waits since then.
        Task.create_time <= bindparam("closed_at"),
        Task.waiting_since <= bindparam("closed_at"),
    )
    .order_by(Task.create_time)
    .limit(bindparam("at_most"))
)
_STUCK = (
    select(Task.task_id)
    .where(*_IN_QUEUE, Task.centre_since <= NOW - _LONGER)
    .order_by(*_IN_ORDER)
    .limit(bindparam("at_most"))
)
_OFFERED = select(Task.task_id).where(
    Task.offered_to == bindparam("staff_id"), _QUEUED, Task.offered_until > NOW
)

_OPEN = (
    select(
        Task.skill,
        Task.state,
        func.count().label("tasks"),
        (NOW - func.min(Task.waiting_since)).label("oldest"),
    )
    .where(
        Task.centre_id == bindparam("the_centre_id"),
        Task.state.in_([literal_column(f"'{s}'") for s in ("PARKED", "QUEUED", "CLAIMED")]),
    )
    .group_by(Task.skill, Task.state)
)
_is_first = Task.previous_task_id.is_(None)
_FIRST_PASS = (
    func.count().filter(_is_first, Task.state == "APPROVED", Task.revision == 1).label("first_pass")
)
_DECIDED = (
    select(
        Task.skill,
        func.count().label("decided"),
        func.percentile_disc(0.5).within_group(_took).label("median"),
        func.percentile_disc(0.95).within_group(_took).label("p95"),
        func.count().filter(_is_first).label("first"),
        _FIRST_PASS,
    )
    .where(
        Task.centre_id == bindparam("the_centre_id"),
        Task.decide_time >= bindparam("since"),
    )
    .group_by(Task.skill)
)


@dataclass(frozen=True, slots=True)
class DecidedCount:
    """How many tasks of a branch or maker were decided, and how: `first` are first submissions."""

    branch_id: str
    maker_id: str
    decided: int
    first: int
    first_pass: int
    not_approved: int


@dataclass(frozen=True, slots=True, order=True)
class Lane:
    """The tasks of one skill in one centre."""

    centre_id: str
    skill: str

    @property
    def parameters(self) -> Mapping[str, object]:
        """Names the lane to a statement."""
        return {"the_centre_id": self.centre_id, "the_skill": self.skill}


def busy(connection: Connection, staff_ids: Collection[str]) -> frozenset[str]:
    """Returns those of some staff who have a task in hand, or one that is theirs to claim."""
    found = connection.execute(_BUSY, {"staff_ids": list(staff_ids)}).scalars()
    return frozenset(found)


def length(connection: Connection, lane: Lane, at_most: int) -> int:
    """Counts the tasks queued in a lane, no further than `at_most`."""
    parameters = {**lane.parameters, "at_most": at_most}
    return connection.execute(_LENGTH, parameters).scalar_one()


def next_waits(connection: Connection, lane: Lane) -> timedelta:
    """Returns for how long the task that is due next in a lane has waited in its centre."""
    waited = connection.execute(_NEXT, lane.parameters).scalar_one_or_none()
    return waited or timedelta(0)


def ahead(
    connection: Connection, lane: Lane, rank_at: datetime, task_id: UUID, at_most: int
) -> int:
    """Counts the tasks of a lane that are due before one, no further than `at_most`."""
    place = {"the_rank_at": rank_at, "the_task_id": task_id, "at_most": at_most}
    return connection.execute(_AHEAD, {**lane.parameters, **place}).scalar_one()


def handling(connection: Connection, lane: Lane, sample: int) -> timedelta | None:
    """Returns the median time from claim to decision of a lane's last decided tasks, if any."""
    parameters = {**lane.parameters, "at_most": sample}
    took: timedelta | None = connection.execute(_HANDLING, parameters).scalar_one()
    return took


def not_reminded(connection: Connection, longer: timedelta, at_most: int) -> Sequence[UUID]:
    """Returns tasks that wait longer than this, and of which nobody was reminded."""
    parameters = {"longer": longer, "at_most": at_most}
    return connection.execute(_NOT_REMINDED, parameters).scalars().all()


def not_escalated(connection: Connection, longer: timedelta, at_most: int) -> Sequence[UUID]:
    """Returns tasks that wait longer than this and were not escalated."""
    parameters = {"longer": longer, "at_most": at_most}
    return connection.execute(_WAITING_LONG, parameters).scalars().all()


def claimed_long(connection: Connection, longer: timedelta, at_most: int) -> Sequence[UUID]:
    """Returns tasks claimed longer than this, and of which the holder was not reminded."""
    parameters = {"longer": longer, "at_most": at_most}
    return connection.execute(_CLAIMED_LONG, parameters).scalars().all()


def left_over(
    connection: Connection, centre_id: str, closed_at: datetime, at_most: int
) -> Sequence[UUID]:
    """Returns tasks that still wait in a centre since before it closed."""
    parameters = {"the_centre_id": centre_id, "closed_at": closed_at, "at_most": at_most}
    return connection.execute(_LEFT_OVER, parameters).scalars().all()


def stuck(connection: Connection, lane: Lane, longer: timedelta, at_most: int) -> Sequence[UUID]:
    """Returns the tasks of a lane that are due next and wait in its centre longer than this."""
    parameters = {**lane.parameters, "longer": longer, "at_most": at_most}
    return connection.execute(_STUCK, parameters).scalars().all()


def offered(connection: Connection, staff_id: str) -> Sequence[UUID]:
    """Returns the tasks that are a member of staff's to claim."""
    return connection.execute(_OFFERED, {"staff_id": staff_id}).scalars().all()


def open_tasks(connection: Connection, centre_id: str) -> Sequence[Row[Any]]:
    """Returns how many tasks a centre has, by `skill` and `state`, and how old the `oldest` is."""
    return connection.execute(_OPEN, {"the_centre_id": centre_id}).all()


def decided_since(connection: Connection, centre_id: str, since: datetime) -> Sequence[Row[Any]]:
    """Returns by `skill` what a centre decided since then.

    That is how many were `decided`, the `median` and the `p95` from claim to decision, how many of
    them were `first` submissions, and how many of those were approved as they were (`first_pass`).
    """
    return connection.execute(_DECIDED, {"the_centre_id": centre_id, "since": since}).all()


def was_decided_in(task_id: InstrumentedAttribute[UUID], centre_id: str) -> ColumnElement[bool]:
    """Tells a statement of another domain whether a task that it names was a centre's to decide."""
    return exists().where(Task.task_id == task_id, Task.centre_id == centre_id)


def decided_in(  # noqa: PLR0913 - whose work, when, and which page of it
    connection: Connection,
    *,
    branch_id: str,
    centre_id: str,
    since: datetime,
    until: datetime,
    by_maker: bool,
    after: tuple[str, str] | None,
    size: int,
) -> list[DecidedCount]:
    """Returns what was decided in a period by branch, or by branch and maker, after a key.

    An empty `branch_id` or `centre_id` keeps all. `until` is no part of the period.
    """
    groups = [Task.branch_id, Task.maker_id] if by_maker else [Task.branch_id]
    statement = (
        select(
            Task.branch_id,
            (Task.maker_id if by_maker else literal("")).label("maker_id"),
            func.count().label("decided"),
            func.count().filter(_is_first).label("first"),
            _FIRST_PASS,
            func.count().filter(Task.state != "APPROVED").label("not_approved"),
        )
        .where(Task.decide_time >= since, Task.decide_time < until)
        .group_by(*groups)
        .order_by(*groups)
        .limit(size)
    )
    if branch_id:
        statement = statement.where(Task.branch_id == branch_id)
    if centre_id:
        statement = statement.where(Task.centre_id == centre_id)
    if after is not None:
        statement = statement.where(tuple_(*groups) > after[: len(groups)])
    return [
        DecidedCount(
            branch_id=row.branch_id,
            maker_id=row.maker_id,
            decided=row.decided,
            first=row.first,
            first_pass=row.first_pass,
            not_approved=row.not_approved,
        )
        for row in connection.execute(statement)
    ]
