"""The one way to lease rows: tasks to people, work items to adapters.

A lease is for progress only: it lets somebody else go on when its holder is gone. Safety is the
fence, which grows with every lease and stands in every later WHERE.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Interval,
    Table,
    Update,
    bindparam,
    func,
    null,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import UnaryExpression

from fingertip_server.db.base import Timestamp

Order = Sequence[ColumnElement[Any] | UnaryExpression[Any]]


class Leased:
    """The columns of a row that can be leased."""

    state: Mapped[str]
    fence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    holder: Mapped[str | None]
    lease_until: Mapped[Timestamp | None]
    attempts: Mapped[int] = mapped_column(server_default="0")


def claim(table: Table, *, where: ColumnElement[bool], order_by: Order, to_state: str) -> Update:
    """Returns the statement that leases the first rows in order, skipping those being leased.

    Its parameters are `lease_holder`, `lease_span` (a timedelta) and `lease_limit`, besides those
    of `where`. It returns the rows as they are then. A partial index that fits `where` and
    `order_by` keeps its cost flat.
    """
    key = _key(table)
    chosen = (
        select(key)
        .where(where)
        .order_by(*order_by)
        .limit(bindparam("lease_limit"))
        .with_for_update(skip_locked=True, key_share=True)
        .scalar_subquery()
    )
    return (
        update(table)
        .where(key == func.any(func.array(chosen)))
        .values(
            state=to_state,
            fence=table.c.fence + 1,
            holder=bindparam("lease_holder"),
            lease_until=_until(),
            attempts=table.c.attempts + 1,
        )
        .returning(table)
    )


def extend(table: Table, *, leased_state: str) -> Update:
    """Returns the statement that extends one lease, and gives no row when it is lost.

    Its parameters are `lease_key`, `lease_fence`, `lease_holder` and `lease_span`.
    """
    return (
        update(table)
        .where(
            _key(table) == bindparam("lease_key"),
            table.c.state == leased_state,
            table.c.fence == bindparam("lease_fence"),
            table.c.holder == bindparam("lease_holder"),
            table.c.lease_until > func.fingertip_now(),
        )
        .values(lease_until=_until())
        .returning(table)
    )


def given_up(**values: object) -> dict[str, object]:
    """Returns the values of a row that nobody holds any more, with others beside them."""
    return {"holder": null(), "lease_until": null(), **values}


def span(seconds: float) -> timedelta:
    """Returns a lease's length as the statements take it."""
    return timedelta(seconds=seconds)


def _key(table: Table) -> ColumnElement[Any]:
    return next(iter(table.primary_key.columns))


def _until() -> ColumnElement[Any]:
    return func.fingertip_now() + bindparam("lease_span", type_=Interval)
