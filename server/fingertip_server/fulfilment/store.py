"""The queue's statements, built once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, literal_column, or_, select, text, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from fingertip_server.db import leases
from fingertip_server.db.base import NOW
from fingertip_server.fulfilment.states import LEASABLE, TROUBLED, State
from fingertip_server.fulfilment.tables import WorkItem
from fingertip_server.rpc.measuring import Waiting


def _is(
    column: ColumnElement[str] | InstrumentedAttribute[str], states: Sequence[State]
) -> ColumnElement[bool]:
    """Names the states in the statement's text, so that the planner sees a partial index fit."""
    return column.in_([literal_column(f"'{state.value}'") for state in states])


# Whoever asked has been told by then that there is no answer: the adapter may stop.
_IN_TIME = or_(WorkItem.deadline_at.is_(None), WorkItem.deadline_at > NOW)
# The oldest of each kind, whatever else the adapter could do.
LEASE = leases.claim(
    WorkItem,
    lane=WorkItem.kind,
    where=(_is(WorkItem.state, LEASABLE), WorkItem.ready_at <= NOW, _IN_TIME),
    order_by=(WorkItem.ready_at,),
    to_state=State.LEASED,
).returning(WorkItem)
_EXTEND = leases.extend(WorkItem, leased_state=State.LEASED, where=(_IN_TIME,)).returning(
    WorkItem.work_item_id, WorkItem.lease_until
)
_LOCK = leases.lock(WorkItem)

_WAITING = (
    select(
        WorkItem.kind,
        func.count().label("waiting"),
        func.extract("epoch", func.fingertip_now() - func.min(WorkItem.ready_at)).label("seconds"),
    )
    .where(_is(WorkItem.state, LEASABLE))
    .group_by(WorkItem.kind)
)

# Set by set, so that nothing is written about the many items whose time does not run out.
_START_OVERDUE = text("""
INSERT INTO timer (kind, subject, due_at)
SELECT CAST(:timer AS text), overdue.work_item_id::text, overdue.now
FROM (SELECT fingertip_now() AS now) AS clock, LATERAL (
    (SELECT work_item_id, clock.now FROM work_item
     WHERE state = 'LEASED' AND lease_until <= clock.now
     ORDER BY lease_until LIMIT :items_max)
    UNION ALL
    (SELECT work_item_id, clock.now FROM work_item
     WHERE state = 'READY' AND deadline_at IS NOT NULL AND deadline_at <= clock.now
     ORDER BY deadline_at LIMIT :items_max)
) AS overdue
ON CONFLICT DO NOTHING
""")


def lease(
    session: Session, kinds: Sequence[str], items_max: int, by: str, span: timedelta
) -> Sequence[WorkItem]:
    """Leases the oldest items of these kinds that nobody else is about to take."""
    parameters = {
        "lease_lanes": list(kinds),
        "lease_limit": items_max,
        "lease_holder": by,
        "lease_span": span,
    }
    leased = session.scalars(LEASE, parameters).all()
    return sorted(leased, key=lambda row: row.ready_at)


def extend(
    connection: Connection, quotes: Sequence[tuple[UUID, int]], by: str, span: timedelta
) -> dict[UUID, datetime]:
    """Extends the leases that still hold and returns until when, by item."""
    parameters = {
        "lease_keys": [work_item_id for work_item_id, _ in quotes],
        "lease_fences": [fence for _, fence in quotes],
        "lease_holder": by,
        "lease_span": span,
    }
    rows = connection.execute(_EXTEND, parameters)
    return {row.work_item_id: row.lease_until for row in rows}


def lock(session: Session, work_item_id: UUID) -> WorkItem | None:
    """Returns an item that nobody else can change until the transaction ends."""
    return session.scalars(_LOCK, {"lease_key": work_item_id}).one_or_none()


def listed(
    session: Session,
    *,
    branch_id: str | None,
    states: Sequence[State],
    kind: str,
    after: tuple[datetime, UUID] | None,
    size: int,
) -> Sequence[WorkItem]:
    """Returns items from the newest on, those of one branch or of all."""
    query = (
        select(WorkItem)
        .order_by(WorkItem.created_at.desc(), WorkItem.work_item_id.desc())
        .limit(size)
    )
    if branch_id is not None:
        query = query.where(WorkItem.branch_id == branch_id)
    if states:
        query = query.where(_is(WorkItem.state, states))
    if kind:
        query = query.where(WorkItem.kind == kind)
    if after is not None:
        query = query.where(tuple_(WorkItem.created_at, WorkItem.work_item_id) < after)
    return session.scalars(query).all()


def troubled(session: Session, branch_id: str) -> Sequence[WorkItem]:
    """Returns the items of a branch that need a person, or may soon."""
    query = select(WorkItem).where(WorkItem.branch_id == branch_id, _is(WorkItem.state, TROUBLED))
    return session.scalars(query).all()


def troubled_about(session: Session, subject_kind: str, subject_id: str) -> Sequence[WorkItem]:
    """Returns the items about one subject that need a person, or may soon."""
    query = select(WorkItem).where(
        WorkItem.subject_kind == subject_kind,
        WorkItem.subject_id == subject_id,
        _is(WorkItem.state, TROUBLED),
    )
    return session.scalars(query).all()


def waiting(connection: Connection) -> list[Waiting]:
    """Returns how much work of each kind waits for an adapter."""
    rows = connection.execute(_WAITING)
    return [Waiting("work_item", row.kind, row.waiting, float(row.seconds)) for row in rows]


def start_overdue(connection: Connection, timer: str, items_max: int) -> None:
    """Starts a timer, due now, for each item whose lease or time has run out."""
    connection.execute(_START_OVERDUE, {"timer": timer, "items_max": items_max})
