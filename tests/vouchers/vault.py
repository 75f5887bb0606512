"""What tellers and the keeper of a vault do with vouchers, through the front door."""

from collections.abc import Sequence
from uuid import uuid4

from fingertip.identity.v1.second_person_pb2 import SecondPerson
from fingertip.vouchers.v1.stock_pb2 import Stock
from fingertip.vouchers.v1.voucher_pb2 import SerialRange, Voucher, VoucherMovement
from fingertip.vouchers.v1.vouchers_service_pb2 import (
    CloseStockDayRequest,
    DestroyVouchersRequest,
    GetStockRequest,
    HandOverStockRequest,
    ListStockMovementsRequest,
    ReceiveStockRequest,
    ResolveStockDifferenceRequest,
    ReturnStockRequest,
    SpoilVoucherRequest,
)
from fingertip_client.caller import Caller
from tests.world import PASSWORD, World

CARD = "debit_card"
DEVICE = "security_device"
MANAGER = "100108"
TELLER = "100103"
SECOND_TELLER = "100104"
OTHER_TELLER = "100202"


def serial(number: int, kind: str = CARD) -> str:
    """Returns a serial of the demo bank."""
    return f"{'JK' if kind == CARD else 'UK'}{number:08d}"


def span(first: int, last: int | None = None, kind: str = CARD) -> SerialRange:
    """Returns serials that follow one another, or one."""
    return SerialRange(
        voucher_type=kind,
        first_serial=serial(first, kind),
        last_serial="" if last is None else serial(last, kind),
    )


def by(staff_number: str, password: str = PASSWORD) -> SecondPerson:
    """Returns a second person's factor."""
    return SecondPerson(staff_number=staff_number, password=password)


def receipt(*ranges: SerialRange, second: str = TELLER) -> ReceiveStockRequest:
    """Quotes what came from the head office."""
    return ReceiveStockRequest(request_id=str(uuid4()), ranges=ranges, second_person=by(second))


def handing_over(*ranges: SerialRange, to: str = TELLER) -> HandOverStockRequest:
    """Quotes what a teller takes."""
    return HandOverStockRequest(request_id=str(uuid4()), ranges=ranges, second_person=by(to))


def giving_back(*ranges: SerialRange, keeper: str = MANAGER) -> ReturnStockRequest:
    """Quotes what a teller gives back."""
    return ReturnStockRequest(
        request_id=str(uuid4()), ranges=ranges, purpose="下班缴回", second_person=by(keeper)
    )


def spoiling(number: int, kind: str = CARD, witness: str = MANAGER) -> SpoilVoucherRequest:
    """Quotes what a teller says is useless."""
    return SpoilVoucherRequest(
        request_id=str(uuid4()),
        voucher_type=kind,
        serial=serial(number, kind),
        purpose="磁条损坏",
        second_person=by(witness),
    )


def destruction(*ranges: SerialRange, witness: str = TELLER) -> DestroyVouchersRequest:
    """Quotes what is destroyed."""
    return DestroyVouchersRequest(
        request_id=str(uuid4()), ranges=ranges, purpose="当面剪角销毁", second_person=by(witness)
    )


def counting(
    stock: Stock, *ranges: SerialRange, number: int, explanation: str = "", witness: str = ""
) -> CloseStockDayRequest:
    """Quotes what a teller counted."""
    return CloseStockDayRequest(
        request_id=str(uuid4()),
        etag=stock.etag,
        counted=ranges,
        counted_number=number,
        explanation=explanation,
        second_person=by(witness) if witness else None,
    )


def resolution(
    stock: Stock, *lost: SerialRange, holder: str = TELLER
) -> ResolveStockDifferenceRequest:
    """Quotes what became of a difference."""
    return ResolveStockDifferenceRequest(
        request_id=str(uuid4()),
        holder_id=holder,
        etag=stock.etag,
        lost=lost,
        purpose="已调阅监控",
    )


async def receive(world: World, *ranges: SerialRange) -> Stock:
    """Has the manager take vouchers into the vault."""
    return (await world.branch_manager.vouchers.ReceiveStock(receipt(*ranges))).stock


async def hand_over(world: World, *ranges: SerialRange, to: str = TELLER) -> Stock:
    """Has the manager hand vouchers to a teller."""
    return (await world.branch_manager.vouchers.HandOverStock(handing_over(*ranges, to=to))).stock


async def supply(world: World, first: int, last: int, *, to: str = TELLER) -> Stock:
    """Gives a teller cards that are new to the branch."""
    await receive(world, span(first, last))
    return await hand_over(world, span(first, last), to=to)


async def stock_of(caller: Caller, holder: str = "", *, vault: bool = False) -> Stock:
    """Returns a stock."""
    request = GetStockRequest(holder_id=holder, vault=vault)
    return (await caller.vouchers.GetStock(request)).stock


async def vouchers_of(caller: Caller, holder: str = "", *, vault: bool = False) -> list[Voucher]:
    """Returns the vouchers of a stock, page by page."""
    found: list[Voucher] = []
    request = GetStockRequest(holder_id=holder, vault=vault, page_size=7)
    while True:
        response = await caller.vouchers.GetStock(request)
        found += response.vouchers
        if not response.next_page_token:
            return found
        request.page_token = response.next_page_token


async def movements(
    caller: Caller, number: int | None = None, kind: str = CARD
) -> Sequence[VoucherMovement]:
    """Returns the movements of a voucher, oldest first, or all."""
    found: list[VoucherMovement] = []
    request = ListStockMovementsRequest(page_size=5)
    if number is not None:
        request.voucher_type, request.serial = kind, serial(number, kind)
    while True:
        response = await caller.vouchers.ListStockMovements(request)
        found += response.movements
        if not response.next_page_token:
            return found[::-1]
        request.page_token = response.next_page_token


async def hand_over_more(world: World, number: int, *, to: str = TELLER) -> Stock:
    """Gives a teller one more card, new to the branch."""
    return await supply(world, number, number, to=to)
