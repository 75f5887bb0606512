"""The statements of counted vouchers, built once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
    tuple_,
    update,
)

from fingertip_server.db.hot import AnyRow
from fingertip_server.vouchers.rules import BOUND, COUNTED, DayState, Key, Move, State
from fingertip_server.vouchers.tables import (
    Stock,
    StockCount,
    StockResolution,
    Voucher,
    VoucherMovement,
)

_STOCK: Table = Stock.__table__  # type: ignore[assignment] # mapped to a plain table
_VOUCHER: Table = Voucher.__table__  # type: ignore[assignment] # as above
_MOVEMENT: Table = VoucherMovement.__table__  # type: ignore[assignment] # as above

# Locks the stock, which is made when it is first asked for.
_LOCK = text("""
INSERT INTO stock AS s (stock_id, branch_id, holder_id, version)
VALUES (:stock_id, :branch_id, :holder_id, 0)
ON CONFLICT (branch_id, holder_id) DO UPDATE SET version = s.version
RETURNING *
""")
_LOCK_KNOWN = (
    select(_STOCK)
    .where(_STOCK.c.branch_id == bindparam("branch"), _STOCK.c.holder_id == bindparam("holder"))
    .with_for_update(key_share=True)
)
_FIND = select(_STOCK).where(
    _STOCK.c.branch_id == bindparam("branch"), _STOCK.c.holder_id == bindparam("holder")
)
_OF_BRANCH = (
    select(_STOCK)
    .where(_STOCK.c.branch_id == bindparam("branch"), _STOCK.c.holder_id > bindparam("after"))
    .order_by(_STOCK.c.holder_id)
)
_CHANGE = (
    update(_STOCK)
    .where(_STOCK.c.stock_id == bindparam("the_stock_id"))
    .values(
        day_state=bindparam("the_day_state"),
        business_day=bindparam("the_business_day"),
        is_overdue=bindparam("the_is_overdue"),
        stock_count_id=bindparam("the_stock_count_id"),
        version=_STOCK.c.version + 1,
    )
    .returning(_STOCK)
)
_COUNTED = _VOUCHER.c.state.in_([literal_column(f"'{state}'") for state in COUNTED])
# By type and state, of several stocks at a time.
_LINES = (
    select(
        _VOUCHER.c.holder_id,
        _VOUCHER.c.voucher_type,
        _VOUCHER.c.state,
        func.count().label("number"),
    )
    .where(_VOUCHER.c.branch_id == bindparam("branch"), _COUNTED)
    .group_by(_VOUCHER.c.holder_id, _VOUCHER.c.voucher_type, _VOUCHER.c.state)
    .order_by(_VOUCHER.c.holder_id, _VOUCHER.c.voucher_type)
)
_HELD = select(_VOUCHER).where(
    _VOUCHER.c.branch_id == bindparam("branch"),
    _VOUCHER.c.holder_id == bindparam("holder"),
    _COUNTED,
)
# In one order for all, so that two who want the same never wait for each other.
_LOCK_VOUCHERS = text("""
SELECT v.* FROM voucher AS v
JOIN unnest(CAST(:types AS text[]), CAST(:serials AS text[])) AS k (voucher_type, serial)
  ON v.voucher_type = k.voucher_type AND v.serial = k.serial
ORDER BY v.voucher_id
FOR NO KEY UPDATE OF v
""")
_FIND_VOUCHER = select(_VOUCHER).where(_VOUCHER.c.voucher_id == bindparam("the_voucher_id"))
_LOCK_VOUCHER = (
    select(_VOUCHER)
    .where(_VOUCHER.c.voucher_id == bindparam("the_voucher_id"))
    .with_for_update(key_share=True)
)
_MOVE = text("""
UPDATE voucher AS v SET state = :state, holder_id = :holder_id,
    application_id = CAST(:application_id AS uuid), change_time = :now, version = v.version + 1
WHERE v.voucher_id = ANY(:voucher_ids) AND v.state = :from_state
RETURNING v.*
""")
# Those that belong to an application.
_APPLIED = {*BOUND, State.ISSUED}
_COUNT = select(StockCount.__table__).where(StockCount.stock_count_id == bindparam("the_count_id"))


@dataclass(frozen=True, slots=True)
class Moving:
    """What a movement is besides the voucher: who took, who did it, who stood by, what for."""

    move: Move
    to_holder_id: str
    actor_id: str
    business_day: date
    now: datetime
    second_person_id: str = ""
    application_id: UUID | None = None
    account_commitment: bytes | None = None
    core_reference: str = ""
    purpose: str = ""


def lock_stock(connection: Connection, branch_id: str, holder_id: str) -> AnyRow:
    """Returns a stock, locked until the end of the transaction."""
    names = {"stock_id": uuid4(), "branch_id": branch_id, "holder_id": holder_id}
    return connection.execute(_LOCK, names).one()


def lock_known_stock(connection: Connection, branch_id: str, holder_id: str) -> AnyRow | None:
    """Returns a stock, locked until the end of the transaction, or None when there is none."""
    names = {"branch": branch_id, "holder": holder_id}
    return connection.execute(_LOCK_KNOWN, names).one_or_none()


def stock(connection: Connection, branch_id: str, holder_id: str) -> AnyRow | None:
    """Returns a stock, or None when there is none."""
    return connection.execute(_FIND, {"branch": branch_id, "holder": holder_id}).one_or_none()


def stocks(
    connection: Connection, branch_id: str, after: str | None = None, size: int | None = None
) -> Sequence[AnyRow]:
    """Returns the branch's stocks by holder, the vault's first."""
    statement = _OF_BRANCH.limit(size)
    if after is None:
        statement = (
            select(_STOCK)
            .where(_STOCK.c.branch_id == bindparam("branch"))
            .order_by(_STOCK.c.holder_id)
            .limit(size)
        )
    return connection.execute(statement, {"branch": branch_id, "after": after}).all()


def change_stock(
    connection: Connection,
    locked: AnyRow,
    *,
    day_state: DayState,
    business_day: date | None,
    is_overdue: bool = False,
    stock_count_id: UUID | None = None,
) -> AnyRow:
    """Changes a locked stock and returns it."""
    return connection.execute(
        _CHANGE,
        {
            "the_stock_id": locked.stock_id,
            "the_day_state": day_state,
            "the_business_day": business_day,
            "the_is_overdue": is_overdue,
            "the_stock_count_id": stock_count_id,
        },
    ).one()


def lines(connection: Connection, branch_id: str, holder_id: str | None = None) -> Sequence[AnyRow]:
    """Returns how many vouchers of each type and state are counted, of one stock or of all."""
    statement = _LINES
    if holder_id is not None:
        statement = statement.where(_VOUCHER.c.holder_id == holder_id)
    return connection.execute(statement, {"branch": branch_id}).all()


def held(
    connection: Connection,
    branch_id: str,
    holder_id: str,
    after: Key | None = None,
    size: int | None = None,
) -> Sequence[AnyRow]:
    """Returns the vouchers that are counted in a stock, by type and serial."""
    key = tuple_(_VOUCHER.c.voucher_type, _VOUCHER.c.serial)
    statement = _HELD.order_by(_VOUCHER.c.voucher_type, _VOUCHER.c.serial).limit(size)
    if after is not None:
        statement = statement.where(key > after)
    return connection.execute(statement, {"branch": branch_id, "holder": holder_id}).all()


def lock_vouchers(connection: Connection, keys: Iterable[Key]) -> dict[Key, AnyRow]:
    """Returns the vouchers of these that there are, locked until the end of the transaction."""
    wanted = list(keys)
    names = {"types": [kind for kind, _ in wanted], "serials": [serial for _, serial in wanted]}
    rows = connection.execute(_LOCK_VOUCHERS, names)
    return {(row.voucher_type, row.serial): row for row in rows}


def voucher(connection: Connection, voucher_id: UUID) -> AnyRow:
    """Returns a voucher that there is."""
    return connection.execute(_FIND_VOUCHER, {"the_voucher_id": voucher_id}).one()


def lock_voucher(connection: Connection, voucher_id: UUID) -> AnyRow:
    """Returns a voucher that there is, locked until the end of the transaction."""
    return connection.execute(_LOCK_VOUCHER, {"the_voucher_id": voucher_id}).one()


def add(connection: Connection, branch_id: str, keys: Sequence[Key], moving: Moving) -> None:
    """Makes vouchers that lie in the vault, with their first movement."""
    rows = [
        {
            "voucher_id": uuid4(),
            "voucher_type": kind,
            "serial": serial,
            "branch_id": branch_id,
            "state": State.IN_VAULT.value,
            "change_time": moving.now,
            "version": 1,
        }
        for kind, serial in keys
    ]
    added = connection.execute(insert(_VOUCHER).returning(_VOUCHER), rows).all()
    _remember(connection, added, {}, moving)


def move(
    connection: Connection, locked: Sequence[AnyRow], to_state: State, moving: Moving
) -> Sequence[AnyRow]:
    """Moves locked vouchers of one state, and returns them."""
    moved = connection.execute(
        _MOVE,
        {
            "voucher_ids": [row.voucher_id for row in locked],
            "from_state": locked[0].state,
            "state": to_state.value,
            "holder_id": moving.to_holder_id,
            "application_id": moving.application_id if to_state in _APPLIED else None,
            "now": moving.now,
        },
    ).all()
    if len(moved) != len(locked):
        raise AssertionError("locked vouchers of one state were moved")
    _remember(connection, moved, {row.voucher_id: row for row in locked}, moving)
    return moved


def movements(
    connection: Connection,
    branch_id: str,
    *,
    part_of: str,
    voucher_type: str,
    serial: str,
    after: tuple[datetime, UUID, int] | None,
    size: int,
) -> Sequence[AnyRow]:
    """Returns a branch's movements, newest first: all, or those that somebody was part of."""
    m, v = _MOVEMENT.c, _VOUCHER.c
    statement = (
        select(_MOVEMENT, v.voucher_type, v.serial)
        .join(_VOUCHER, v.voucher_id == m.voucher_id)
        .where(m.branch_id == branch_id)
        .order_by(m.move_time.desc(), m.voucher_id.desc(), m.version.desc())
        .limit(size)
    )
    if part_of:
        parts = (m.from_holder_id, m.to_holder_id, m.actor_id, m.second_person_id)
        statement = statement.where(bindparam("part_of", part_of).in_(parts))
    if voucher_type:
        statement = statement.where(v.voucher_type == voucher_type)
    if serial:
        statement = statement.where(v.serial == serial)
    if after is not None:
        statement = statement.where(tuple_(m.move_time, m.voucher_id, m.version) < after)
    return connection.execute(statement).all()


def add_count(connection: Connection, count: dict[str, object]) -> UUID:
    """Keeps a count, for ever, and returns its id."""
    stock_count_id = uuid4()
    connection.execute(insert(StockCount), {**count, "stock_count_id": stock_count_id})
    return stock_count_id


def count(connection: Connection, stock_count_id: UUID) -> AnyRow:
    """Returns a count that there is."""
    return connection.execute(_COUNT, {"the_count_id": stock_count_id}).one()


def add_resolution(connection: Connection, resolution: dict[str, object]) -> None:
    """Keeps what became of a count's difference, for ever."""
    connection.execute(insert(StockResolution), resolution)


def _remember(
    connection: Connection, moved: Sequence[AnyRow], before: Mapping[UUID, AnyRow], moving: Moving
) -> None:
    connection.execute(
        insert(_MOVEMENT),
        [
            {
                "voucher_id": row.voucher_id,
                "version": row.version,
                "branch_id": row.branch_id,
                "kind": moving.move.value,
                "state": row.state,
                "from_holder_id": before[row.voucher_id].holder_id if before else "",
                "to_holder_id": row.holder_id,
                "actor_id": moving.actor_id,
                "second_person_id": moving.second_person_id,
                # What it was kept for is told when it no longer is.
                "application_id": row.application_id
                or (before[row.voucher_id].application_id if before else None),
                "account_commitment": moving.account_commitment,
                "core_reference": moving.core_reference,
                "purpose": moving.purpose,
                "business_day": moving.business_day,
                "move_time": moving.now,
            }
            for row in moved
        ],
    )
