"""The end of a teller's day: his stock is counted, and what differs is explained and resolved."""

from collections.abc import Callable, Iterable, Mapping

from fingertip.vouchers.v1 import stock_pb2
from fingertip_server import errors
from fingertip_server.db.hot import AnyRow
from fingertip_server.identity import directory
from fingertip_server.rpc.call import Call
from fingertip_server.vouchers import moves, rules, stocks, store
from fingertip_server.vouchers.rules import DayState, Key, Move
from fingertip_server.vouchers.stocks import REMIND

_MISSING = "MISSING"
_SURPLUS = "SURPLUS"


def lock(call: Call, holder_id: str, etag: str, *, is_different: bool) -> AnyRow:
    """Returns a teller's stock as the caller last saw it, locked.

    Raises STOCK_NOT_FOUND, STOCK_DAY_STATE and ETAG_MISMATCH.
    """
    locked = store.lock_known_stock(call.connection, call.home, holder_id)
    if locked is None:
        raise rules.no_stock()
    rules.require_day_state(locked.day_state, is_different=is_different)
    errors.require_etag(locked.version, etag)
    return locked


def close(
    call: Call, locked: AnyRow, counted: Iterable[Key], explanation: str, second_person_id: str
) -> stock_pb2.Stock:
    """Holds what was counted against the book. Raises STOCK_DIFFERENCE unless that is explained."""
    present = list(counted)
    booked = store.held(call.connection, locked.branch_id, locked.holder_id)
    found = rules.difference(((row.voucher_type, row.serial) for row in booked), present)
    rules.require_explained(found, explanation, is_witnessed=bool(second_person_id))
    is_open = locked.day_state == DayState.OPEN
    day = locked.business_day if is_open else stocks.today(call, locked.branch_id)
    stock_count_id = store.add_count(
        call.connection,
        {
            "stock_id": locked.stock_id,
            "business_day": day,
            "counted_by": call.principal.id,
            "second_person_id": second_person_id,
            "counted_number": len(present),
            "differences": [
                *([*key, _MISSING] for key in found.missing),
                *([*key, _SURPLUS] for key in found.surplus),
            ],
            "explanation": explanation if found else "",
            "stock_version": locked.version + 1,
            "count_time": call.now,
        },
    )
    changed = store.change_stock(
        call.connection,
        locked,
        day_state=DayState.DIFFERENT if found else DayState.CLOSED,
        business_day=day,
        stock_count_id=stock_count_id if found else None,
    )
    return _told(call, changed)


def resolve(call: Call, locked: AnyRow, lost: Iterable[Key], purpose: str) -> stock_pb2.Stock:
    """Says which of the missing vouchers of a locked stock are lost; the others were found.

    Raises VOUCHER_NOT_HELD for one that was not missing or is gone by now, and VOUCHER_STATE.
    """
    gone = list(lost)
    count = store.count(call.connection, locked.stock_count_id)
    missing = {(kind, serial) for kind, serial, what in count.differences if what == _MISSING}
    for key in gone:
        if key not in missing:
            raise rules.not_held(key[1])
    moves.out_of(call, locked, gone, moves.of(call, locked.branch_id, Move.LOST, purpose=purpose))
    store.add_resolution(
        call.connection,
        {
            "stock_count_id": count.stock_count_id,
            "resolved_by": call.principal.id,
            "purpose": purpose,
            "lost": [list(key) for key in gone],
            "resolve_time": call.now,
        },
    )
    changed = store.change_stock(
        call.connection,
        locked,
        day_state=rules.after_resolving(count.stock_version, locked.version),
        business_day=locked.business_day,
    )
    if changed.day_state == DayState.OPEN:
        stocks.remind_later(call, changed)
    return _told(call, changed)


def remind(call: Call, subject: str) -> None:
    """Tells a teller and those who keep the vault that his stock should have been counted."""
    call.home, _, holder_id = subject.partition("/")
    _overdue(call, call.home, holder_id)


def shift_changed(call: Call, staff_id: str) -> None:
    """Reminds a teller who goes home of what he has not counted: he is warned, not kept."""
    member = directory.staff(call.connection, staff_id)
    if member is not None and not member.on_shift:
        _overdue(call, member.branch_id, staff_id)


def _overdue(call: Call, branch_id: str, holder_id: str) -> None:
    locked = store.lock_known_stock(call.connection, branch_id, holder_id)
    if locked is None or locked.day_state != DayState.OPEN or locked.is_overdue:
        return
    changed = store.change_stock(
        call.connection,
        locked,
        day_state=DayState.OPEN,
        business_day=locked.business_day,
        is_overdue=True,
    )
    _told(call, changed)


def _told(call: Call, changed: AnyRow) -> stock_pb2.Stock:
    call.record("stock", changed.stock_id, "OVERDUE" if changed.is_overdue else changed.day_state)
    return stocks.announce(call, changed)


TIMERS: Mapping[str, Callable[[Call, str], None]] = {REMIND: remind}
