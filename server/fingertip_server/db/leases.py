"""The one way to lease rows: tasks to people, work items to adapters.

Rows wait in lanes, which are skills or kinds of work. A lease is for progress only: it lets
somebody else go on when its holder is gone. Safety is the fence, which grows with every lease and
stands in every later WHERE.

Whoever locks several rows does so in one order and changes none before he has them all: an append
waits for an item that is being changed, and never for one that is merely locked.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Interval,
    Select,
    Text,
    Update,
    Uuid,
    bindparam,
    func,
    inspect,
    select,
    true,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from fingertip_server.db.base import NOW, Timestamp

Order = Sequence[InstrumentedAttribute[Any]]
Span = ColumnElement[timedelta] | InstrumentedAttribute[timedelta]

_SPAN = bindparam("lease_span", type_=Interval)
_OPTIONS = {"synchronize_session": False, "populate_existing": True}


class Leased:
    """The columns of a row that can be leased."""

    state: Mapped[str]
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    holder: Mapped[str | None]
    lease_until: Mapped[Timestamp | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    version: Mapped[int] = mapped_column(BigInteger, server_default="1")


Row = TypeVar("Row", bound=Leased)


def claim(
    entity: type[Row],
    *,
    lane: InstrumentedAttribute[str],
    where: Sequence[ColumnElement[bool]],
    order_by: Order,
    to_state: str,
    span: Span = _SPAN,
) -> Update:
    """Returns the statement that leases the first rows of some lanes, skipping those being leased.

    Its parameters are `lease_lanes`, `lease_limit`, `lease_holder` and, unless the rows say how
    long, `lease_span`, besides those of `where`. It looks at no more rows of a lane than it takes:
    a partial index on the lane and the order, which fits `where`, keeps its cost flat.
    """
    key = _key(entity)
    limit = bindparam("lease_limit", type_=Integer)
    lanes = (
        func.unnest(bindparam("lease_lanes", type_=ARRAY(Text)))
        .table_valued("lane")
        .render_derived(name="wanted")
    )
    first = (
        select(key, *order_by)
        .where(lane == lanes.c.lane, *where)
        .order_by(*order_by)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
        .correlate(lanes)
        .lateral("first")
    )
    chosen = (
        select(first.c[key.name])
        .select_from(lanes.join(first, true()))
        .order_by(*(first.c[column.key] for column in order_by))
        .limit(limit)
        .scalar_subquery()
    )
    return (
        update(entity)
        # An array, because a join with what a parameter limits is planned for the whole table.
        .where(key == func.any(func.array(chosen)))
        .values(
            state=to_state,
            fence=entity.fence + 1,
            holder=bindparam("lease_holder", type_=Text),
            lease_until=NOW + span,
            attempts=entity.attempts + 1,
            version=entity.version + 1,
        )
        .execution_options(**_OPTIONS)
    )


def extend(
    entity: type[Row],
    *,
    leased_state: str,
    where: Sequence[ColumnElement[bool]] = (),
    span: Span = _SPAN,
) -> Update:
    """Returns the statement that extends those of a holder's leases that are not lost.

    Its parameters are `lease_keys` and `lease_fences`, two arrays, `lease_holder` and, unless the
    rows say how long, `lease_span`.
    """
    key = _key(entity)
    quoted = (
        func.unnest(
            bindparam("lease_keys", type_=ARRAY(Uuid)),
            bindparam("lease_fences", type_=ARRAY(BigInteger)),
        )
        .table_valued("key", "fence")
        .render_derived(name="quoted")
    )
    held = (
        select(key)
        .join_from(entity, quoted, (key == quoted.c.key) & (entity.fence == quoted.c.fence))
        .where(
            entity.holder == bindparam("lease_holder", type_=Text),
            entity.state == leased_state,
            entity.lease_until > NOW,
            *where,
        )
        .order_by(key)
        .with_for_update(key_share=True, of=entity)
        .scalar_subquery()
    )
    return (
        update(entity)
        .where(key == func.any(func.array(held)))
        .values(lease_until=NOW + span, version=entity.version + 1)
        .execution_options(**_OPTIONS)
    )


def lock(entity: type[Row]) -> Select[Row]:
    """Returns the statement that locks one row and reads it anew; its parameter is `lease_key`."""
    return (
        select(entity)
        .where(_key(entity) == bindparam("lease_key", type_=Uuid))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def give_up(row: Leased, state: str) -> None:
    """Takes a locked row from whoever holds it, into a state in which nobody does."""
    row.state = state
    row.holder = None
    row.lease_until = None
    row.version += 1


def has_lapsed(row: Leased, now: datetime) -> bool:
    """Tells whether a row's lease has run out, and nobody has taken it back yet."""
    return row.lease_until is not None and row.lease_until <= now


def _key(entity: type[Row]) -> ColumnElement[Any]:
    key: ColumnElement[Any] = inspect(entity).primary_key[0]
    return key
