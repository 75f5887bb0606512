"""The queue's statements, built once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Interval,
    Text,
    Uuid,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    tuple_,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from fingertip_server.fulfilment.states import LEASABLE, TROUBLED, State
from fingertip_server.fulfilment.tables import WorkItem
from fingertip_server.rpc.measuring import Waiting

# One value for a whole statement, and one that an index can be searched by: a volatile function
# compared with each row could not.
_NOW = select(func.fingertip_now()).scalar_subquery()
_LEASE_UNTIL = _NOW + bindparam("lease", type_=Interval)


def _is(
    column: ColumnElement[str] | InstrumentedAttribute[str], states: Sequence[State]
) -> ColumnElement[bool]:
    """Names the states in the statement's text, so that the planner sees a partial index fit."""
    return column.in_([literal_column(f"'{state.value}'") for state in states])


_items = WorkItem.__table__.alias("waiting_item")
_kinds = (
    func.unnest(bindparam("kinds", type_=ARRAY(Text)))
    .table_valued("kind", name="wanted")
    .render_derived()
)
# The oldest of each kind, so that a claim looks at no more rows than it takes, however many wait
# and whatever else the adapter could do.
_oldest = (
    select(_items.c.work_item_id, _items.c.ready_at)
    .where(
        _items.c.kind == _kinds.c.kind,
        _is(_items.c.state, LEASABLE),
        _items.c.ready_at <= _NOW,
        or_(_items.c.deadline_at.is_(None), _items.c.deadline_at > _NOW),
    )
    .order_by(_items.c.ready_at)
    .limit(bindparam("items_max", type_=Integer))
    .with_for_update(skip_locked=True, key_share=True)
    .lateral("oldest")
)
_chosen = (
    select(_oldest.c.work_item_id)
    .select_from(_kinds.join(_oldest, true()))
    .order_by(_oldest.c.ready_at)
    .limit(bindparam("items_max", type_=Integer))
    .scalar_subquery()
)
LEASE = (
    update(WorkItem)
    # An array, because a join with what a parameter limits is planned for the whole table.
    .where(WorkItem.work_item_id == func.any(func.array(_chosen)))
    .values(
        state=State.LEASED.value,
        fence=WorkItem.fence + 1,
        holder=bindparam("by", type_=Text),
        lease_until=_LEASE_UNTIL,
        attempts=WorkItem.attempts + 1,
    )
    .returning(WorkItem)
    .execution_options(synchronize_session=False)
)

_quoted = (
    func.unnest(bindparam("ids", type_=ARRAY(Uuid)), bindparam("fences", type_=ARRAY(BigInteger)))
    .table_valued("work_item_id", "fence", name="quoted")
    .render_derived()
)
_EXTEND = (
    update(WorkItem)
    .where(
        WorkItem.work_item_id == _quoted.c.work_item_id,
        WorkItem.fence == _quoted.c.fence,
        WorkItem.holder == bindparam("by", type_=Text),
        WorkItem.state == State.LEASED.value,
        WorkItem.lease_until > _NOW,
        # Whoever asked has been told that there is no answer: the adapter may stop.
        or_(WorkItem.deadline_at.is_(None), WorkItem.deadline_at > _NOW),
    )
    .values(lease_until=_LEASE_UNTIL)
    .returning(WorkItem.work_item_id, WorkItem.lease_until)
    .execution_options(synchronize_session=False)
)

_HELD = (
    select(WorkItem)
    .where(WorkItem.work_item_id == bindparam("id", type_=Uuid))
    .with_for_update(key_share=True)
)

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
    parameters = {"kinds": list(kinds), "items_max": items_max, "by": by, "lease": span}
    leased = session.scalars(LEASE, parameters).all()
    return sorted(leased, key=lambda row: row.ready_at)


def extend(
    connection: Connection, quotes: Sequence[tuple[UUID, int]], by: str, span: timedelta
) -> dict[UUID, datetime]:
    """Extends the leases that still hold and returns until when, by item."""
    parameters = {
        "ids": [work_item_id for work_item_id, _ in quotes],
        "fences": [fence for _, fence in quotes],
        "by": by,
        "lease": span,
    }
    rows = connection.execute(_EXTEND, parameters)
    return {row.work_item_id: row.lease_until for row in rows}


def locked(session: Session, work_item_id: UUID) -> WorkItem | None:
    """Returns an item that nobody else can change until the transaction ends."""
    return session.scalars(_HELD, {"id": work_item_id}).one_or_none()


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
