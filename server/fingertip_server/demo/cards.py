"""A teller's blank cards: what he has, one to be used, and the count at the end."""

from fingertip.vouchers.v1.stock_pb2 import Stock
from fingertip.vouchers.v1.voucher_pb2 import SerialRange, Voucher
from fingertip.vouchers.v1.vouchers_service_pb2 import (
    CloseStockDayRequest,
    CloseStockDayResponse,
    GetStockRequest,
    GetStockResponse,
)
from fingertip_client.caller import Caller
from fingertip_client.request_ids import new_request_id
from fingertip_server.demo.party import Failed, Party

CARD = "debit_card"
_PAGE = 200


def free(stock: GetStockResponse) -> list[str]:
    """Returns the serials of the cards that are free to be used."""
    return [
        each.serial
        for each in stock.vouchers
        if each.voucher_type == CARD and each.state == Voucher.STATE_WITH_TELLER
    ]


async def next_serial(caller: Caller) -> str:
    """Returns a card to be used; raises Failed when there is none."""
    held = await caller.vouchers.GetStock(GetStockRequest(page_size=_PAGE))
    serials = free(held)
    if not serials:
        raise Failed("The teller has no blank card left.")
    return serials[0]


async def count(desk: Party) -> None:
    """Counts what the teller has, unless it was counted since it moved."""
    held = await desk.caller.vouchers.GetStock(GetStockRequest(page_size=_PAGE))
    if held.stock.day_state != Stock.DAY_STATE_OPEN:
        return
    await desk.reporter.timed(
        "轧账：清点空白卡",
        desk.caller.vouchers.CloseStockDay(
            CloseStockDayRequest(
                request_id=new_request_id(),
                etag=held.stock.etag,
                counted=[
                    SerialRange(voucher_type=each.voucher_type, first_serial=each.serial)
                    for each in held.vouchers
                ],
                counted_number=len(held.vouchers),
            )
        ),
        lambda response: _counted(response, len(held.vouchers)),
    )


def _counted(response: CloseStockDayResponse, number: int) -> str:
    is_closed = response.stock.day_state == Stock.DAY_STATE_CLOSED
    return f"{number} 张，{'账实相符' if is_closed else '账实不符'}"
