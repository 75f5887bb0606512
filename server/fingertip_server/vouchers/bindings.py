"""Keeps vouchers for what needs them, and binds them to accounts; applications ask for it."""

from uuid import UUID

from fingertip_server.db.hot import AnyRow
from fingertip_server.rpc.call import Call
from fingertip_server.vouchers import moves, rules, serials, stocks, store
from fingertip_server.vouchers.rules import BOUND, Move, State


def reserve(call: Call, voucher_type: str, serial: str, application_id: UUID) -> AnyRow:
    """Keeps a voucher of the caller's own stock for an application, and returns it.

    Raises VOUCHER_TYPE_NOT_FOUND, VOUCHER_SERIAL, VOUCHER_NOT_HELD, VOUCHER_STATE and
    STOCK_DAY_OPEN.
    """
    branch_id, holder_id = call.principal.branch_id, call.principal.id
    keys = serials.one(call, voucher_type, serial)
    stock = stocks.lock(call, branch_id, holder_id, Move.RESERVED)
    moving = moves.of(
        call, branch_id, Move.RESERVED, to_holder_id=holder_id, application_id=application_id
    )
    [voucher] = moves.out_of(call, stock, keys, moving)
    stocks.moved(call, stock, Move.RESERVED)
    return voucher


def kept(call: Call, voucher_id: UUID, application_id: UUID) -> AnyRow | None:
    """Returns a voucher as long as it is kept for an application."""
    voucher = store.voucher(call.connection, voucher_id)
    return voucher if _is_bound(voucher, application_id) else None


def type_of(call: Call, voucher_id: UUID) -> str:
    """Returns the type of a voucher that there is."""
    voucher_type: str = store.voucher(call.connection, voucher_id).voucher_type
    return voucher_type


def release(call: Call, voucher_id: UUID, application_id: UUID) -> None:
    """Gives a voucher back to its teller's use; one that is not kept any more stays as it is."""
    holder = store.voucher(call.connection, voucher_id)
    if not _is_bound(holder, application_id):
        return
    stock = stocks.lock(call, holder.branch_id, holder.holder_id, Move.RELEASED)
    voucher = store.lock_voucher(call.connection, voucher_id)
    if _is_bound(voucher, application_id):
        moving = moves.of(call, voucher.branch_id, Move.RELEASED, to_holder_id=voucher.holder_id)
        store.move(call.connection, [voucher], State.WITH_TELLER, moving)
        stocks.moved(call, stock, Move.RELEASED)


def commit(call: Call, voucher_id: UUID, application_id: UUID) -> bool:
    """Says that the bank is about to bind a voucher, unless it is not kept any more.

    From then on nobody can spoil or lose it, until the bank has said what became of it. Locks the
    voucher alone: how many its teller has does not change.
    """
    voucher = store.lock_voucher(call.connection, voucher_id)
    if not _is_bound(voucher, application_id):
        return False
    if voucher.state == State.RESERVED:
        moving = moves.of(
            call,
            voucher.branch_id,
            Move.COMMITTED,
            to_holder_id=voucher.holder_id,
            application_id=application_id,
        )
        store.move(call.connection, [voucher], State.ISSUING, moving)
    return True


def issue(
    call: Call, voucher_id: UUID, application_id: UUID, account_number: str, core_reference: str
) -> bool:
    """Binds a voucher to what the bank did; says whether it was kept for that.

    `account_number` is empty where no account was opened, as for the device of online banking.
    """
    holder = store.voucher(call.connection, voucher_id)
    if not _is_bound(holder, application_id):
        return False
    stock = stocks.lock(call, holder.branch_id, holder.holder_id, Move.ISSUED)
    voucher = store.lock_voucher(call.connection, voucher_id)
    if not _is_bound(voucher, application_id):
        return False
    moving = moves.of(
        call,
        voucher.branch_id,
        Move.ISSUED,
        application_id=application_id,
        account_commitment=call.protection.commit(account_number.encode())
        if account_number
        else None,
        core_reference=core_reference,
    )
    to_state = rules.after(voucher.state, Move.ISSUED, voucher.serial)
    store.move(call.connection, [voucher], to_state, moving)
    stocks.moved(call, stock, Move.ISSUED)
    return True


def _is_bound(voucher: AnyRow, application_id: UUID) -> bool:
    return voucher.state in BOUND and voucher.application_id == application_id
