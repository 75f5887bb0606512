"""What every change of a stock has in common: it is locked, it counts on, its branch is told."""

from datetime import date

from sqlalchemy import Connection

from fingertip.vouchers.v1 import stock_pb2
from fingertip_server.db.hot import AnyRow
from fingertip_server.packs.bank import Bank
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.drafts import Announced, Audience
from fingertip_server.vouchers import messages, rules, store
from fingertip_server.vouchers.rules import OPENING, DayState, Move

VAULT = ""
REMIND = "vouchers.remind"


def today(call: Call, branch_id: str) -> date:
    """Returns the branch's business day."""
    return rules.business_day(call.now, call.bank.time_zone(branch_id))


def lock(call: Call, branch_id: str, holder_id: str, move: Move) -> AnyRow:
    """Returns a stock that something is about to move into or out of, locked.

    Whoever locks two locks the vault's first. Raises STOCK_DAY_OPEN where the teller is to count an
    earlier day before this.
    """
    locked = store.lock_stock(call.connection, branch_id, holder_id)
    rules.require_counted(
        locked.day_state,
        locked.business_day,
        today(call, branch_id),
        move,
        blocks=call.bank.policies.flag("vouchers.unclosed_day_blocks"),
    )
    return locked


def moved(call: Call, locked: AnyRow, move: Move) -> stock_pb2.Stock:
    """Counts a locked stock on after something moved; returns it as it was announced.

    A teller's first movement that changes what he has to count opens his day.
    """
    is_opened = (
        locked.holder_id != VAULT and move in OPENING and locked.day_state == DayState.CLOSED
    )
    day = today(call, locked.branch_id) if is_opened else locked.business_day
    changed = store.change_stock(
        call.connection,
        locked,
        day_state=DayState.OPEN if is_opened else DayState(locked.day_state),
        business_day=day,
        is_overdue=locked.is_overdue,
        stock_count_id=locked.stock_count_id,
    )
    if is_opened:
        remind_later(call, changed)
    return announce(call, changed)


def announce(call: Call, row: AnyRow) -> stock_pb2.Stock:
    """Tells a stock's teller and those who keep the vault of it, and returns it."""
    message = shown(call.connection, row, call.bank)
    call.publish(message, audience(row), topic=row.branch_id)
    return message


def shown(connection: Connection, row: AnyRow, bank: Bank) -> stock_pb2.Stock:
    """Returns a stock as it is now."""
    lines = store.lines(connection, row.branch_id, row.holder_id)
    return messages.stock(row, lines, _count(connection, row), bank)


def audience(row: AnyRow) -> Audience:
    """Returns who sees a stock: its teller, and those who keep the vault."""
    staff = (row.holder_id,) if row.holder_id else ()
    return Audience(permission="vouchers.keep", staff=staff)


def branch(connection: Connection, bank: Bank, branch_id: str) -> list[Announced]:
    """Returns the branch's stocks that are to be counted, as a new watcher is shown them."""
    lines = store.lines(connection, branch_id)
    return [
        Announced(
            messages.stock(
                row,
                [line for line in lines if line.holder_id == row.holder_id],
                _count(connection, row),
                bank,
            ),
            audience(row),
        )
        for row in store.stocks(connection, branch_id)
        if row.day_state != DayState.CLOSED
    ]


def remind_later(call: Call, row: AnyRow) -> None:
    """Has a teller whose day is open reminded to count when the branch has closed."""
    office = call.bank.branch(row.branch_id)
    due_at = rules.reminder_time(
        row.business_day,
        office.closes,
        call.bank.time_zone(row.branch_id),
        now=call.now,
        grace=call.bank.policies.duration("vouchers.closing_grace"),
    )
    call.start_timer(REMIND, f"{row.branch_id}/{row.holder_id}", due_at)


def _count(connection: Connection, row: AnyRow) -> AnyRow | None:
    if row.stock_count_id is None:
        return None
    return store.count(connection, row.stock_count_id)
