"""A teller's day ends when what he has is what the book says, or when it is said why it is not."""

import pytest

from fingertip.events.v1.event_pb2 import Event
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.identity.v1.identity_service_pb2 import EndShiftRequest, StartShiftRequest
from fingertip.vouchers.v1.stock_pb2 import Stock, StockDifference
from fingertip.vouchers.v1.voucher_pb2 import Voucher
from tests.applications.paper import request_id, stay_signed_in
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.lobby.tickets import move_to_midnight
from tests.vouchers import vault
from tests.vouchers.vault import counting, span
from tests.world import World, refused


async def test_a_count_without_a_difference_closes_the_day(world: World) -> None:
    await vault.supply(world, 1, 5)
    await world.teller.vouchers.SpoilVoucher(vault.spoiling(3))
    stock = await vault.stock_of(world.teller)
    assert stock.day_state == Stock.DAY_STATE_OPEN
    closed = await world.teller.vouchers.CloseStockDay(counting(stock, span(1, 5), number=5))
    assert closed.stock.day_state == Stock.DAY_STATE_CLOSED
    assert closed.stock.business_day == stock.business_day
    # What moves afterwards is to be counted again.
    again = await vault.hand_over_more(world, 6)
    assert again.day_state == Stock.DAY_STATE_OPEN


async def test_a_day_is_closed_however_scattered_the_serials_are(world: World) -> None:
    for first in (1, 201, 401):
        await vault.receive(world, span(first, min(first + 199, 500)))
    scattered = [span(number) for number in range(1, 500, 2)]
    for first in range(0, len(scattered), 50):
        await vault.hand_over(world, *scattered[first : first + 50])
    stock = await vault.stock_of(world.teller)
    assert len(scattered) == stock.lines[0].free_count == 250
    closed = await world.teller.vouchers.CloseStockDay(counting(stock, *scattered, number=250))
    assert closed.stock.day_state == Stock.DAY_STATE_CLOSED


async def test_a_difference_is_explained_before_a_second_person(world: World) -> None:
    await vault.supply(world, 1, 5)
    stock = await vault.stock_of(world.teller)
    for explanation, witness in (
        ("", ""),
        ("点错了", ""),
        ("", vault.MANAGER),
        (" ", vault.MANAGER),
    ):
        with refused("STOCK_DIFFERENCE") as caught:
            await world.teller.vouchers.CloseStockDay(
                counting(stock, span(2, 6), number=5, explanation=explanation, witness=witness)
            )
        assert caught.value.metadata == {"missing": "1", "surplus": "1"}
    async with screen(world.branch_manager, WatchRequest(branch_id="0101")) as shown:
        closed = await world.teller.vouchers.CloseStockDay(
            counting(stock, span(2, 6), number=5, explanation="待查", witness=vault.SECOND_TELLER)
        )
        await shown.until(lambda event: event.stock == closed.stock)
    assert closed.stock.day_state == Stock.DAY_STATE_DIFFERENT
    assert closed.stock.explanation == "待查"
    assert [(each.serial, each.kind) for each in closed.stock.differences] == [
        (vault.serial(1), StockDifference.KIND_MISSING),
        (vault.serial(6), StockDifference.KIND_SURPLUS),
    ]


async def _different(world: World) -> Stock:
    """Has the first two of five cards missing."""
    stock = await vault.supply(world, 1, 5)
    response = await world.teller.vouchers.CloseStockDay(
        counting(stock, span(3, 5), number=3, explanation="待查", witness=vault.MANAGER)
    )
    return response.stock


async def test_the_manager_says_which_of_the_missing_are_lost(world: World) -> None:
    stock = await _different(world)
    with refused("STOCK_DAY_STATE"):
        await world.teller.vouchers.CloseStockDay(counting(stock, span(1, 5), number=5))
    with refused("VOUCHER_NOT_HELD"):
        await world.branch_manager.vouchers.ResolveStockDifference(vault.resolution(stock, span(3)))
    resolved = await world.branch_manager.vouchers.ResolveStockDifference(
        vault.resolution(stock, span(2))
    )
    assert resolved.stock.day_state == Stock.DAY_STATE_CLOSED
    assert not resolved.stock.differences
    assert resolved.stock.lines[0].free_count == 4
    [*_, last] = await vault.movements(world.branch_manager, 2)
    assert (last.state, last.purpose) == (Voucher.STATE_LOST, "已调阅监控")
    with refused("STOCK_DAY_STATE"):
        await world.branch_manager.vouchers.ResolveStockDifference(vault.resolution(resolved.stock))
    await world.teller.vouchers.SpoilVoucher(vault.spoiling(1))
    with refused("VOUCHER_NOT_HELD"):
        await world.teller.vouchers.SpoilVoucher(vault.spoiling(2))


async def test_a_stock_that_moved_after_its_count_is_counted_again(world: World) -> None:
    stock = await _different(world)
    spoilt = await world.teller.vouchers.SpoilVoucher(vault.spoiling(4))
    assert spoilt.stock.day_state == Stock.DAY_STATE_DIFFERENT
    with refused("ETAG_MISMATCH"):
        await world.branch_manager.vouchers.ResolveStockDifference(vault.resolution(stock))
    resolved = await world.branch_manager.vouchers.ResolveStockDifference(
        vault.resolution(spoilt.stock)
    )
    assert resolved.stock.day_state == Stock.DAY_STATE_OPEN


async def test_nobody_resolves_a_difference_of_his_own(world: World, database: Database) -> None:
    stock = await _different(world)
    # The same person under another account, as 100105 and 900105 are.
    await database.as_owner(
        "UPDATE staff SET person_id = (SELECT person_id FROM staff WHERE staff_id = '100108')"
        " WHERE staff_id = '100103'"
    )
    with refused("FOUR_EYES"):
        await world.branch_manager.vouchers.ResolveStockDifference(vault.resolution(stock))


async def test_a_count_is_about_the_stock_as_it_was_read(world: World) -> None:
    stock = await vault.supply(world, 1, 5)
    await vault.hand_over_more(world, 6)
    with refused("ETAG_MISMATCH"):
        await world.teller.vouchers.CloseStockDay(counting(stock, span(1, 5), number=5))


async def test_the_number_counted_is_that_of_the_serials(world: World) -> None:
    stock = await vault.supply(world, 1, 5)
    with refused("INVALID_REQUEST"):
        await world.teller.vouchers.CloseStockDay(counting(stock, span(1, 5), number=4))


async def test_who_never_had_any_has_nothing_to_count(world: World) -> None:
    with refused("STOCK_NOT_FOUND"):
        await world.teller.vouchers.CloseStockDay(counting(Stock(etag="1"), number=0))
    with refused("STOCK_NOT_FOUND"):
        await world.branch_manager.vouchers.ResolveStockDifference(
            vault.resolution(Stock(etag="1"))
        )
    with refused("STAFF_NOT_FOUND"):
        await world.branch_manager.vouchers.ResolveStockDifference(
            vault.resolution(Stock(etag="1"), holder=vault.OTHER_TELLER)
        )


async def test_an_unclosed_day_keeps_the_next_from_beginning(
    world: World, clock: Clock, database: Database
) -> None:
    stock = await vault.supply(world, 1, 5)
    await vault.receive(world, span(6, 9))
    await move_to_midnight(clock, database, 60)
    await stay_signed_in(database)
    await _everybody_on_shift(world)
    with refused("STOCK_DAY_OPEN") as caught:
        await vault.hand_over(world, span(6))
    day = stock.business_day
    assert caught.value.metadata == {
        "business_day": f"{day.year:04d}-{day.month:02d}-{day.day:02d}"
    }
    # What helps to close it is possible.
    await world.teller.vouchers.SpoilVoucher(vault.spoiling(1))
    stock = await vault.stock_of(world.teller)
    assert stock.business_day == day
    closed = await world.teller.vouchers.CloseStockDay(counting(stock, span(1, 5), number=5))
    assert (closed.stock.day_state, closed.stock.business_day) == (Stock.DAY_STATE_CLOSED, day)
    handed = await vault.hand_over(world, span(6))
    assert handed.business_day != day


async def test_a_difference_keeps_the_next_day_from_beginning_until_it_is_resolved(
    world: World, clock: Clock, database: Database
) -> None:
    stock = await _different(world)
    await vault.receive(world, span(6, 9))
    await vault.hand_over(world, span(6))
    await move_to_midnight(clock, database, 60)
    await stay_signed_in(database)
    await _everybody_on_shift(world)
    with refused("STOCK_DAY_OPEN"):
        await vault.hand_over(world, span(7))
    stock = await vault.stock_of(world.teller)
    resolved = (
        await world.branch_manager.vouchers.ResolveStockDifference(
            vault.resolution(stock, span(1, 2))
        )
    ).stock
    # One was handed over after the count.
    assert resolved.day_state == Stock.DAY_STATE_OPEN
    with refused("STOCK_DAY_OPEN"):
        await vault.hand_over(world, span(7))
    await world.teller.vouchers.CloseStockDay(counting(resolved, span(3, 6), number=4))
    await vault.hand_over(world, span(7))


async def test_a_teller_is_reminded_when_the_branch_has_closed(
    world: World, clock: Clock, database: Database
) -> None:
    # Nobody goes home before: that is another reason to be reminded.
    await database.as_owner("DELETE FROM timer WHERE kind = 'identity.lapse_shift'")
    await vault.supply(world, 1, 5)
    await vault.receive(world, span(11, 12))
    closed = await vault.hand_over(world, span(11, 12), to=vault.SECOND_TELLER)
    await world.second_teller.vouchers.CloseStockDay(counting(closed, span(11, 12), number=2))
    [row] = await database.as_owner(
        "SELECT extract(epoch FROM due_at - fingertip_now()) AS seconds FROM timer"
        " WHERE kind = 'vouchers.remind' AND subject = '0101/100103'"
    )
    await clock.advance(float(row["seconds"]) - 60)
    await stay_signed_in(database)
    assert not (await vault.stock_of(world.teller)).overdue
    async with screen(world.branch_manager, WatchRequest(branch_id="0101")) as shown:
        await clock.advance(120)
        overdue = await shown.until(lambda event: event.stock.overdue)
        assert overdue.stock.holder_id == vault.TELLER
        assert not any(_is_overdue(event, vault.SECOND_TELLER) for event in shown.shown)
    stock = await vault.stock_of(world.teller)
    assert (stock.overdue, stock.day_state) == (True, Stock.DAY_STATE_OPEN)
    counted = await world.teller.vouchers.CloseStockDay(counting(stock, span(1, 5), number=5))
    assert not counted.stock.overdue


async def test_who_goes_home_without_counting_is_warned_and_not_kept(world: World) -> None:
    await vault.supply(world, 1, 5)
    async with screen(world.branch_manager, WatchRequest(branch_id="0101")) as shown:
        await world.teller.identity.EndShift(EndShiftRequest(request_id=request_id()))
        overdue = await shown.until(lambda event: event.stock.overdue)
    assert overdue.stock.holder_id == vault.TELLER
    # The count is still his.
    stock = await vault.stock_of(world.teller)
    await world.teller.vouchers.CloseStockDay(counting(stock, span(1, 5), number=5))


@pytest.mark.parametrize("caller", ["branch_manager", "teller"])
async def test_whoever_is_not_at_work_moves_nothing(world: World, caller: str) -> None:
    await vault.supply(world, 1, 5)
    await getattr(world, caller).identity.EndShift(EndShiftRequest(request_id=request_id()))
    with refused("NOT_ON_SHIFT"):
        await vault.receive(world, span(6))
    with refused("NOT_ON_SHIFT"):
        await world.teller.vouchers.SpoilVoucher(vault.spoiling(1))
    with refused("NOT_ON_SHIFT"):
        await world.teller.vouchers.ReturnStock(vault.giving_back(span(1)))


async def test_a_teller_sees_his_own_stock_on_his_screen_and_nobody_else_s(world: World) -> None:
    async with screen(world.second_teller, WatchRequest(branch_id="0101")) as shown:
        await vault.supply(world, 1, 5)
        mine = await vault.hand_over_more(world, 6, to=vault.SECOND_TELLER)
        await shown.until(lambda event: event.stock == mine)
    assert {e.stock.holder_id for e in shown.shown if e.HasField("stock")} == {vault.SECOND_TELLER}
    async with screen(world.branch_manager, WatchRequest(branch_id="0101")) as snapshot:
        holders = {e.stock.holder_id for e in snapshot.shown if e.HasField("stock")}
        # The vault's is never to be counted.
        assert holders == {vault.TELLER, vault.SECOND_TELLER}
        assert any(event.stock == mine for event in snapshot.shown)


def _is_overdue(event: Event, holder: str) -> bool:
    return event.stock.overdue and event.stock.holder_id == holder


async def _everybody_on_shift(world: World) -> None:
    """Has those come to work again whose shift has lapsed by how far the clock was moved."""
    for caller in (world.teller, world.second_teller, world.branch_manager):
        await caller.identity.StartShift(StartShiftRequest(request_id=request_id()))
