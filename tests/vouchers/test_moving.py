"""Vouchers go from hand to hand: before two persons, and never out of anybody else's."""

import pytest

from fingertip.vouchers.v1.voucher_pb2 import SerialRange, Voucher, VoucherMovement
from tests.vouchers import vault
from tests.vouchers.vault import span
from tests.world import World, refused


async def test_a_card_goes_from_the_head_office_to_its_destruction(world: World) -> None:
    received = await vault.receive(world, span(1, 10), span(1, 2, vault.DEVICE))
    assert [(line.voucher_type, line.free_count) for line in received.lines] == [
        (vault.CARD, 10),
        (vault.DEVICE, 2),
    ]
    handed = await world.branch_manager.vouchers.HandOverStock(vault.handing_over(span(1, 4)))
    assert (handed.stock.holder_id, handed.stock.lines[0].free_count) == (vault.TELLER, 4)
    assert (handed.vault.holder_id, handed.vault.lines[0].free_count) == ("", 6)
    spoilt = await world.teller.vouchers.SpoilVoucher(vault.spoiling(2))
    assert (spoilt.voucher.state, spoilt.voucher.holder_id) == (
        Voucher.STATE_SPOILED,
        vault.TELLER,
    )
    assert (spoilt.stock.lines[0].free_count, spoilt.stock.lines[0].spoiled_count) == (3, 1)
    back = await world.teller.vouchers.ReturnStock(vault.giving_back(span(2, 3)))
    assert (back.stock.lines[0].free_count, back.stock.lines[0].spoiled_count) == (2, 0)
    assert (back.vault.lines[0].free_count, back.vault.lines[0].spoiled_count) == (7, 1)
    destroyed = await world.branch_manager.vouchers.DestroyVouchers(vault.destruction(span(2)))
    assert destroyed.stock.lines[0].spoiled_count == 0
    life = await vault.movements(world.branch_manager, 2)
    assert [(each.kind, each.from_holder_id, each.to_holder_id) for each in life] == [
        (VoucherMovement.KIND_RECEIVED, "", ""),
        (VoucherMovement.KIND_HANDED_OVER, "", vault.TELLER),
        (VoucherMovement.KIND_SPOILED, vault.TELLER, vault.TELLER),
        (VoucherMovement.KIND_RETURNED, vault.TELLER, ""),
        (VoucherMovement.KIND_DESTROYED, "", ""),
    ]
    assert [(each.actor_id, each.second_person_id) for each in life] == [
        (vault.MANAGER, vault.TELLER),
        (vault.MANAGER, vault.TELLER),
        (vault.TELLER, vault.MANAGER),
        (vault.TELLER, vault.MANAGER),
        (vault.MANAGER, vault.TELLER),
    ]
    assert [each.version for each in life] == [1, 2, 3, 4, 5]
    assert life[2].purpose == "磁条损坏"


async def test_a_teller_sees_his_own_stock_and_the_keeper_the_branch_s(world: World) -> None:
    await vault.receive(world, span(1, 30))
    await vault.hand_over(world, span(1, 10))
    await vault.hand_over(world, span(11, 12), to=vault.SECOND_TELLER)
    own = await vault.vouchers_of(world.teller)
    assert [each.serial for each in own] == [vault.serial(n) for n in range(1, 11)]
    assert len(await vault.vouchers_of(world.branch_manager, vault.SECOND_TELLER)) == 2
    assert len(await vault.vouchers_of(world.branch_manager, vault=True)) == 18
    with refused("PERMISSION_MISSING"):
        await vault.stock_of(world.teller, vault.SECOND_TELLER)
    with refused("PERMISSION_MISSING"):
        await vault.stock_of(world.teller, vault=True)
    with refused("STAFF_NOT_FOUND"):
        await vault.stock_of(world.branch_manager, vault.OTHER_TELLER)
    nothing = await vault.stock_of(world.relationship_manager)
    assert (nothing.etag, list(nothing.lines)) == ("", [])
    theirs = await vault.movements(world.second_teller)
    assert {each.serial for each in theirs} == {vault.serial(11), vault.serial(12)}
    assert len(await vault.movements(world.branch_manager)) == 42


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (vault.MANAGER, "FOUR_EYES"),
        (vault.OTHER_TELLER, "OTHER_BRANCH"),
        ("100101", "PERMISSION_MISSING"),
        ("100107", "NOT_ON_SHIFT"),
        ("999999", "WRONG_CREDENTIALS"),
    ],
)
async def test_nobody_takes_vouchers_but_another_who_may_and_is_there(
    world: World, second: str, reason: str
) -> None:
    await vault.receive(world, span(1, 10))
    with refused(reason):
        await world.branch_manager.vouchers.HandOverStock(vault.handing_over(span(1, 4), to=second))
    assert len(await vault.vouchers_of(world.branch_manager, vault=True)) == 10


async def test_a_wrong_password_moves_nothing(world: World) -> None:
    await vault.receive(world, span(1, 10))
    request = vault.handing_over(span(1, 4))
    request.second_person.password = "not his password"
    with refused("WRONG_CREDENTIALS"):
        await world.branch_manager.vouchers.HandOverStock(request)
    assert len(await vault.vouchers_of(world.branch_manager, vault=True)) == 10


@pytest.mark.parametrize(
    ("ranges", "reason"),
    [
        ([span(5, 4)], "VOUCHER_SERIAL"),
        ([span(1, 5), span(5, 6)], "VOUCHER_SERIAL"),
        ([SerialRange(voucher_type=vault.CARD, first_serial="UK00000001")], "VOUCHER_SERIAL"),
        ([SerialRange(voucher_type=vault.CARD, first_serial="JK1")], "VOUCHER_SERIAL"),
        ([SerialRange(voucher_type="cheque", first_serial="1")], "VOUCHER_TYPE_NOT_FOUND"),
        ([span(1, 201)], "VOUCHERS_TOO_MANY"),
        ([span(1, 99_999_999)], "VOUCHERS_TOO_MANY"),
        ([span(1, 150), span(201, 300)], "VOUCHERS_TOO_MANY"),
        ([span(90, 100)], "VOUCHER_EXISTS"),
    ],
)
async def test_what_is_no_new_serial_is_not_received(
    world: World, ranges: list[SerialRange], reason: str
) -> None:
    await vault.receive(world, span(100))
    with refused(reason):
        await world.branch_manager.vouchers.ReceiveStock(vault.receipt(*ranges))
    assert len(await vault.vouchers_of(world.branch_manager, vault=True)) == 1


async def test_a_serial_is_in_no_second_hand(world: World) -> None:
    await vault.supply(world, 1, 5)
    await vault.receive(world, span(6, 8))
    for wanted in (span(5), span(5, 6), span(9)):
        with refused("VOUCHER_NOT_HELD"):
            await vault.hand_over(world, wanted, to=vault.SECOND_TELLER)
    for wanted in (span(6), span(4, 6), span(9)):
        with refused("VOUCHER_NOT_HELD"):
            await world.teller.vouchers.ReturnStock(vault.giving_back(wanted))
    with refused("VOUCHER_NOT_HELD"):
        await world.second_teller.vouchers.SpoilVoucher(vault.spoiling(1))
    assert len(await vault.vouchers_of(world.teller)) == 5


async def test_what_is_spoiled_is_neither_handed_out_nor_spoiled_again(world: World) -> None:
    await vault.supply(world, 1, 2)
    await world.teller.vouchers.SpoilVoucher(vault.spoiling(1))
    with refused("VOUCHER_STATE") as caught:
        await world.teller.vouchers.SpoilVoucher(vault.spoiling(1))
    assert caught.value.metadata == {"serial": vault.serial(1), "state": "SPOILED"}
    await world.teller.vouchers.ReturnStock(vault.giving_back(span(1, 2)))
    with refused("VOUCHER_STATE"):
        await vault.hand_over(world, span(1))
    with refused("VOUCHER_STATE"):
        await world.branch_manager.vouchers.DestroyVouchers(vault.destruction(span(1, 2)))
    await world.branch_manager.vouchers.DestroyVouchers(vault.destruction(span(1)))
    with refused("VOUCHER_NOT_HELD"):
        await world.branch_manager.vouchers.DestroyVouchers(vault.destruction(span(1)))
    with refused("VOUCHER_EXISTS"):
        await vault.receive(world, span(1))


async def test_nobody_holds_more_than_policy_allows(world: World) -> None:
    for first in (1, 201, 401):
        await vault.receive(world, span(first, first + 199))
    await vault.hand_over(world, span(1, 200))
    await vault.hand_over(world, span(201, 400))
    with refused("VOUCHERS_TOO_MANY"):
        await vault.hand_over(world, span(401, 501))
    await vault.hand_over(world, span(401, 500))
