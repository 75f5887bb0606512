"""Entries of the error file and second looks in the database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select, tuple_

from fingertip_server.authorization import centre_store
from fingertip_server.quality.rules import State
from fingertip_server.quality.tables import ErrorEntry, SecondLook
from fingertip_server.rpc.call import Call

_OPEN = "OPEN"


def lock_entry(call: Call, error_entry_id: UUID) -> ErrorEntry | None:
    """Returns an entry, locked until the end of the transaction."""
    return call.session.scalars(
        select(ErrorEntry)
        .where(ErrorEntry.error_entry_id == error_entry_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def entries(
    call: Call,
    *,
    branch_id: str,
    centre_id: str,
    states: Collection[str],
    after: tuple[datetime, UUID] | None,
    size: int,
) -> Sequence[ErrorEntry]:
    """Returns entries, newest first: of a branch, of a centre, or of all with both empty."""
    key = (ErrorEntry.create_time, ErrorEntry.error_entry_id)
    statement = select(ErrorEntry).order_by(*(column.desc() for column in key)).limit(size)
    if branch_id:
        statement = statement.where(ErrorEntry.branch_id == branch_id)
    if centre_id:
        statement = statement.where(ErrorEntry.centre_id == centre_id)
    if states:
        statement = statement.where(ErrorEntry.state.in_(states))
    if after is not None:
        statement = statement.where(tuple_(*key) < after)
    return call.session.scalars(statement).all()


def confirmed(
    connection: Connection,
    branch_ids: Collection[str],
    centre_id: str,
    since: datetime,
    until: datetime,
) -> list[tuple[str, str, str, int]]:
    """Counts the confirmed errors of a period by branch, maker and category."""
    columns = (ErrorEntry.branch_id, ErrorEntry.maker_id, ErrorEntry.category_code)
    statement = (
        select(*columns, func.count().label("errors"))
        .where(
            ErrorEntry.branch_id.in_(branch_ids),
            ErrorEntry.create_time >= since,
            ErrorEntry.create_time < until,
            ErrorEntry.state == State.CONFIRMED,
        )
        .group_by(*columns)
    )
    if centre_id:
        # What was decided on site is its to settle, and no work of its own.
        statement = statement.where(centre_store.was_decided_in(ErrorEntry.task_id, centre_id))
    return [
        (row.branch_id, row.maker_id, row.category_code, row.errors)
        for row in connection.execute(statement)
    ]


def lock_second_look(call: Call, task_id: UUID) -> SecondLook | None:
    """Returns a second look, locked until the end of the transaction."""
    return call.session.scalars(
        select(SecondLook)
        .where(SecondLook.task_id == task_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def find_second_look(call: Call, task_id: UUID) -> SecondLook | None:
    """Returns a second look."""
    return call.session.get(SecondLook, task_id)


def second_looks(
    call: Call,
    centre_id: str,
    states: Collection[str],
    after: tuple[datetime, UUID] | None,
    size: int,
) -> Sequence[SecondLook]:
    """Returns second looks of a centre, oldest first; by default those that are open."""
    key = (SecondLook.create_time, SecondLook.task_id)
    statement = (
        select(SecondLook)
        .where(SecondLook.centre_id == centre_id, SecondLook.state.in_(states or [_OPEN]))
        .order_by(*key)
        .limit(size)
    )
    if after is not None:
        statement = statement.where(tuple_(*key) > after)
    return call.session.scalars(statement).all()
