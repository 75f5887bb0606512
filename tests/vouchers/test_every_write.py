"""What every writing method of the vouchers has in common, method by method."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from google.protobuf.message import Message

from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.vouchers.v1.stock_pb2 import Stock
from tests.authorization.screen import screen
from tests.vouchers import vault
from tests.vouchers.vault import counting, span
from tests.world import World, refused

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


async def _twice(write: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    """Calls twice under one request_id, and returns the answer that was the same."""
    first = await write(request)
    assert await write(request) == first
    return first


async def test_each_write_repeated_has_one_answer_one_entry_and_one_event(world: World) -> None:
    keeper, teller = world.branch_manager.vouchers, world.teller.vouchers
    async with screen(world.branch_manager, WatchRequest(branch_id="0101")) as shown:
        vault_id = (await _twice(keeper.ReceiveStock, vault.receipt(span(1, 5)))).stock.stock_id
        stock = (await _twice(keeper.HandOverStock, vault.handing_over(span(1, 5)))).stock
        spoilt = await _twice(teller.SpoilVoucher, vault.spoiling(2))
        await _twice(teller.ReturnStock, vault.giving_back(span(2)))
        await _twice(keeper.DestroyVouchers, vault.destruction(span(2)))
        stock = await vault.stock_of(world.teller)
        different = counting(
            stock, span(1), span(3, 4), number=3, explanation="待查", witness=vault.SECOND_TELLER
        )
        stock = (await _twice(teller.CloseStockDay, different)).stock
        resolved = await _twice(keeper.ResolveStockDifference, vault.resolution(stock, span(5)))
        await _twice(teller.CloseStockDay, counting(resolved.stock, span(1), span(3, 4), number=3))
        closed = await vault.stock_of(world.teller)
        await shown.until(lambda event: event.stock == closed)
    versions = {
        stock_id: [e.stock.version for e in shown.shown if e.stock.stock_id == stock_id]
        for stock_id in (vault_id, stock.stock_id)
    }
    assert versions == {vault_id: [1, 2, 3, 4], stock.stock_id: [1, 2, 3, 4, 5, 6]}
    entries = await world.auditor.audit.ListEntries(ListEntriesRequest(chain="0101", page_size=200))
    told = [
        (entry.action.rpartition("/")[2], entry.object_id, entry.object_state)
        for entry in reversed(entries.entries)
        if entry.object_id in {vault_id, stock.stock_id, spoilt.voucher.voucher_id}
    ]
    assert sorted(told) == sorted(
        [
            ("ReceiveStock", vault_id, "RECEIVED"),
            ("HandOverStock", stock.stock_id, "HANDED_OVER"),
            ("SpoilVoucher", spoilt.voucher.voucher_id, "SPOILED"),
            ("ReturnStock", stock.stock_id, "RETURNED"),
            ("DestroyVouchers", vault_id, "DESTROYED"),
            ("CloseStockDay", stock.stock_id, "DIFFERENT"),
            ("ResolveStockDifference", stock.stock_id, "CLOSED"),
            ("CloseStockDay", stock.stock_id, "CLOSED"),
        ]
    )


WRONG_ROLES = [
    ("teller", vault.receipt(span(1))),
    ("second_teller", vault.handing_over(span(1))),
    ("branch_manager", vault.giving_back(span(1))),
    ("lobby_manager", vault.spoiling(1)),
    ("teller", vault.destruction(span(1))),
    ("branch_manager", counting(Stock(etag="1"), number=0)),
    ("teller", vault.resolution(Stock(etag="1"))),
]


@pytest.mark.parametrize(
    ("role", "request_"), WRONG_ROLES, ids=[type(request).__name__ for _, request in WRONG_ROLES]
)
async def test_the_wrong_role_is_refused(world: World, role: str, request_: Message) -> None:
    method = type(request_).__name__.removesuffix("Request")
    with refused("PERMISSION_MISSING"):
        await getattr(getattr(world, role).vouchers, method)(request_)
