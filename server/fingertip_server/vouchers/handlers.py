"""The methods of VouchersService."""

from datetime import datetime
from uuid import UUID

from fingertip.vouchers.v1.vouchers_service_pb2 import (
    CloseStockDayRequest,
    CloseStockDayResponse,
    DestroyVouchersRequest,
    DestroyVouchersResponse,
    GetStockRequest,
    GetStockResponse,
    HandOverStockRequest,
    HandOverStockResponse,
    ListStockMovementsRequest,
    ListStockMovementsResponse,
    ListStocksRequest,
    ListStocksResponse,
    ReceiveStockRequest,
    ReceiveStockResponse,
    ResolveStockDifferenceRequest,
    ResolveStockDifferenceResponse,
    ReturnStockRequest,
    ReturnStockResponse,
    SpoilVoucherRequest,
    SpoilVoucherResponse,
)
from fingertip_server import errors
from fingertip_server.identity import second_person
from fingertip_server.identity.rules import Attempt
from fingertip_server.rpc import paging
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import Outside
from fingertip_server.vouchers import access, days, messages, moves, rules, serials, stocks, store
from fingertip_server.vouchers.access import HOLD, KEEP, READ
from fingertip_server.vouchers.rules import Move
from fingertip_server.vouchers.stocks import VAULT

prepare_receive_stock = prepare_hand_over_stock = prepare_return_stock = second_person.prepare
prepare_spoil_voucher = prepare_destroy_vouchers = second_person.prepare
replay_receive_stock = replay_hand_over_stock = replay_return_stock = second_person.replay
replay_spoil_voucher = replay_destroy_vouchers = second_person.replay
refuse_receive_stock = refuse_hand_over_stock = refuse_return_stock = second_person.refuse
refuse_spoil_voucher = refuse_destroy_vouchers = second_person.refuse


def receive_stock(call: Call, request: ReceiveStockRequest) -> ReceiveStockResponse:
    """Takes new vouchers into the vault."""
    access.require_on_shift(call)
    second = second_person.verified(call, request, READ)
    keys = serials.moved_at_once(call, request.ranges)
    vault = stocks.lock(call, call.home, VAULT, Move.RECEIVED)
    known = store.lock_vouchers(call.connection, keys)
    if known:
        raise rules.exists(min(known)[1])
    moving = moves.of(call, call.home, Move.RECEIVED, second_person_id=second.staff_id)
    store.add(call.connection, call.home, keys, moving)
    call.record("stock", vault.stock_id, Move.RECEIVED)
    return ReceiveStockResponse(stock=stocks.moved(call, vault, Move.RECEIVED))


def hand_over_stock(call: Call, request: HandOverStockRequest) -> HandOverStockResponse:
    """Moves vouchers from the vault into the hands of the teller who stands by."""
    access.require_on_shift(call)
    teller = second_person.verified(call, request, HOLD)
    keys = serials.moved_at_once(call, request.ranges)
    vault = stocks.lock(call, call.home, VAULT, Move.HANDED_OVER)
    stock = stocks.lock(call, call.home, teller.staff_id, Move.HANDED_OVER)
    moving = moves.of(
        call,
        call.home,
        Move.HANDED_OVER,
        to_holder_id=teller.staff_id,
        second_person_id=teller.staff_id,
    )
    moves.out_of(call, vault, keys, moving)
    access.require_room(call, teller.staff_id)
    call.record("stock", stock.stock_id, Move.HANDED_OVER)
    return HandOverStockResponse(
        stock=stocks.moved(call, stock, Move.HANDED_OVER),
        vault=stocks.moved(call, vault, Move.HANDED_OVER),
    )


def return_stock(call: Call, request: ReturnStockRequest) -> ReturnStockResponse:
    """Moves the caller's vouchers back into the vault, to whoever keeps it."""
    access.require_on_shift(call)
    keeper = second_person.verified(call, request, KEEP)
    keys = serials.moved_at_once(call, request.ranges)
    vault = stocks.lock(call, call.home, VAULT, Move.RETURNED)
    stock = stocks.lock(call, call.home, call.principal.id, Move.RETURNED)
    moving = moves.of(
        call,
        call.home,
        Move.RETURNED,
        second_person_id=keeper.staff_id,
        purpose=request.purpose,
    )
    moves.out_of(call, stock, keys, moving)
    call.record("stock", stock.stock_id, Move.RETURNED, request.purpose)
    return ReturnStockResponse(
        stock=stocks.moved(call, stock, Move.RETURNED),
        vault=stocks.moved(call, vault, Move.RETURNED),
    )


def spoil_voucher(call: Call, request: SpoilVoucherRequest) -> SpoilVoucherResponse:
    """Makes one of the caller's vouchers useless; he keeps it until he returns it."""
    access.require_on_shift(call)
    witness = second_person.verified(call, request, READ)
    keys = serials.one(call, request.voucher_type, request.serial)
    stock = stocks.lock(call, call.home, call.principal.id, Move.SPOILED)
    moving = moves.of(
        call,
        call.home,
        Move.SPOILED,
        to_holder_id=call.principal.id,
        second_person_id=witness.staff_id,
        purpose=request.purpose,
    )
    [voucher] = moves.out_of(call, stock, keys, moving)
    call.record("voucher", voucher.voucher_id, voucher.state, request.purpose)
    return SpoilVoucherResponse(
        stock=stocks.moved(call, stock, Move.SPOILED), voucher=messages.voucher(voucher)
    )


def destroy_vouchers(call: Call, request: DestroyVouchersRequest) -> DestroyVouchersResponse:
    """Ends the life of spoiled vouchers that lie in the vault."""
    access.require_on_shift(call)
    witness = second_person.verified(call, request, READ)
    keys = serials.moved_at_once(call, request.ranges)
    vault = stocks.lock(call, call.home, VAULT, Move.DESTROYED)
    moving = moves.of(
        call,
        call.home,
        Move.DESTROYED,
        second_person_id=witness.staff_id,
        purpose=request.purpose,
    )
    moves.out_of(call, vault, keys, moving)
    call.record("stock", vault.stock_id, Move.DESTROYED, request.purpose)
    return DestroyVouchersResponse(stock=stocks.moved(call, vault, Move.DESTROYED))


def get_stock(call: Call, request: GetStockRequest) -> GetStockResponse:
    """Returns a stock with a page of its vouchers."""
    holder_id = access.holder(call, request)
    page = paging.open_page(call, request)
    after = (page.after[0], page.after[1]) if page.after else None
    found = store.held(call.connection, call.home, holder_id, after, page.size + 1)
    shown = found[: page.size]
    response = GetStockResponse(
        stock=access.shown(call, holder_id), vouchers=[messages.voucher(row) for row in shown]
    )
    if len(found) > page.size:
        last = (shown[-1].voucher_type, shown[-1].serial)
        response.next_page_token = paging.next_token(call, request, last)
    return response


def list_stocks(call: Call, request: ListStocksRequest) -> ListStocksResponse:
    """Lists the branch's stocks by holder."""
    page = paging.open_page(call, request)
    after = page.after[0] if page.after else None
    found = store.stocks(call.connection, call.home, after, page.size + 1)
    shown = found[: page.size]
    response = ListStocksResponse(
        stocks=[stocks.shown(call.connection, row, call.bank) for row in shown]
    )
    if len(found) > page.size:
        response.next_page_token = paging.next_token(call, request, (shown[-1].holder_id,))
    return response


async def prepare_close_stock_day(
    outside: Outside, request: CloseStockDayRequest
) -> Attempt | None:
    """Checks the second person's password where one stands by."""
    is_witnessed = request.HasField("second_person")
    return await second_person.prepare(outside, request) if is_witnessed else None


def replay_close_stock_day(
    call: Call, request: CloseStockDayRequest, stored: CloseStockDayResponse
) -> CloseStockDayResponse:
    """Gives the former answer, to a second person once he has proven himself again."""
    is_witnessed = request.HasField("second_person")
    return second_person.replay(call, request, stored) if is_witnessed else stored


def refuse_close_stock_day(
    call: Call, request: CloseStockDayRequest, error: errors.DomainError
) -> None:
    """Keeps what the refusal leaves of the second person's attempt."""
    if request.HasField("second_person"):
        second_person.refuse(call, request, error)
    else:
        call.home = call.principal.branch_id


def close_stock_day(call: Call, request: CloseStockDayRequest) -> CloseStockDayResponse:
    """Holds the caller's count against the book, and closes his day or keeps the difference."""
    is_witnessed = request.HasField("second_person")
    witness = second_person.verified(call, request, READ).staff_id if is_witnessed else ""
    limit = call.bank.policies.count("vouchers.held_max")
    counted = serials.read(call, request.counted, "counted", limit)
    rules.require_number(counted, request.counted_number)
    locked = days.lock(call, call.principal.id, request.etag, is_different=False)
    return CloseStockDayResponse(
        stock=days.close(call, locked, counted, request.explanation, witness)
    )


def resolve_stock_difference(
    call: Call, request: ResolveStockDifferenceRequest
) -> ResolveStockDifferenceResponse:
    """Says what became of somebody else's difference."""
    holder = access.colleague(call, request.holder_id)
    rules.require_somebody_else(holder.person_id, call.principal.person_id)
    lost = serials.moved_at_once(call, request.lost, "lost")
    locked = days.lock(call, holder.staff_id, request.etag, is_different=True)
    return ResolveStockDifferenceResponse(stock=days.resolve(call, locked, lost, request.purpose))


def list_stock_movements(
    call: Call, request: ListStockMovementsRequest
) -> ListStockMovementsResponse:
    """Lists the branch's movements, or those that the caller was a part of."""
    if request.voucher_type:
        call.bank.voucher_type(request.voucher_type)
    page = paging.open_page(call, request)
    found = store.movements(
        call.connection,
        call.home,
        part_of="" if KEEP in call.principal.permissions else call.principal.id,
        voucher_type=request.voucher_type,
        serial=request.serial,
        after=(
            (datetime.fromisoformat(page.after[0]), UUID(page.after[1]), int(page.after[2]))
            if page.after
            else None
        ),
        size=page.size + 1,
    )
    shown = found[: page.size]
    response = ListStockMovementsResponse(movements=[messages.movement(row) for row in shown])
    if len(found) > page.size:
        last = shown[-1]
        key = (last.move_time.isoformat(), str(last.voucher_id), str(last.version))
        response.next_page_token = paging.next_token(call, request, key)
    return response
