"""What the customer takes home."""

import asyncio

import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import (
    GetReceiptRequest,
    PrintReceiptRequest,
)
from fingertip.applications.v1.receipt_pb2 import Receipt
from fingertip_client.caller import Caller
from fingertip_server.applications import receipt_text
from tests.applications import paper, undoing
from tests.authorization import desk
from tests.conftest import Database
from tests.world import World, refused

EXECUTION, REVERSAL = Receipt.KIND_EXECUTION, Receipt.KIND_REVERSAL


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def get(
    caller: Caller, application: Application, kind: Receipt.Kind.ValueType = EXECUTION
) -> Receipt:
    request = GetReceiptRequest(application_id=application.application_id, kind=kind)
    return (await caller.applications.GetReceipt(request)).receipt


def printing(
    application: Application, kind: Receipt.Kind.ValueType = EXECUTION
) -> PrintReceiptRequest:
    return PrintReceiptRequest(
        request_id=paper.request_id(), application_id=application.application_id, kind=kind
    )


async def print_one(caller: Caller, application: Application) -> Receipt:
    return (await caller.applications.PrintReceipt(printing(application))).receipt


async def test_a_receipt_says_what_was_done_and_who_answers_for_it(world: World) -> None:
    application = await undoing.executed(world)
    receipt = await get(world.teller, application)
    assert receipt.receipt_number.startswith("0101-")
    assert receipt.receipt_number.endswith("-000001")
    assert receipt.account_number == "629990*********8999"
    assert (receipt.maker.staff_id, receipt.maker.name) == ("100103", "陈思远")
    assert [(each.staff_id, each.name) for each in receipt.authorisers] == [("900102", "曹慧敏")]
    assert receipt.core_reference == f"CORE-{application.application_id}"
    assert receipt.content_code.replace(" ", "").lower() == application.content_hash[:6].hex()
    text = "\n".join(receipt.lines)
    for said in (receipt.receipt_number, "629990*********8999", "陈思远", "曹慧敏", "示范银行"):
        assert said in text
    assert undoing.ACCOUNT not in text
    assert "副本" not in text
    assert all(receipt_text.width(line) <= receipt_text.COLUMNS for line in receipt.lines)


async def test_from_the_second_print_on_it_is_a_copy(world: World, database: Database) -> None:
    application = await undoing.executed(world)
    request = printing(application)
    first = await world.teller.applications.PrintReceipt(request)
    assert await world.teller.applications.PrintReceipt(request) == first
    assert first.receipt.print_count == 1
    assert not any("副本" in line for line in first.receipt.lines)
    second = await print_one(world.second_teller, application)
    assert second.print_count == 2
    assert any("副本 第2次打印" in line for line in second.lines)
    assert await get(world.teller, application) == second
    entries = await database.as_owner(
        "SELECT * FROM audit_entry WHERE action LIKE '%PrintReceipt' ORDER BY time"
    )
    assert [(entry["object_id"], entry["object_state"]) for entry in entries] == [
        (second.receipt_number, "PRINTED_1"),
        (second.receipt_number, "PRINTED_2"),
    ]


async def test_racing_prints_are_all_counted(world: World) -> None:
    application = await undoing.executed(world)
    printed = await asyncio.gather(*(print_one(world.teller, application) for _ in range(6)))
    assert sorted(each.print_count for each in printed) == list(range(1, 7))


async def test_numbers_have_no_gaps_whoever_comes_at_once(world: World) -> None:
    applications = []
    for _ in range(4):
        applications.append(await paper.submitted(world.teller))
        await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    leased = [await undoing.lease_some(world) for _ in applications]
    # What is refused takes no number.
    wrong = undoing.completion(leased[0])
    wrong.result.executed_application.content_hash = b"x" * 32
    with refused("CONTENT_CHANGED"):
        await world.core_adapter.fulfilment.CompleteWorkItem(wrong)
    await asyncio.gather(*(undoing.complete(world, each) for each in leased))
    numbers = [(await get(world.teller, each)).receipt_number for each in applications]
    assert sorted(number.rpartition("-")[2] for number in numbers) == [
        "000001",
        "000002",
        "000003",
        "000004",
    ]


async def test_what_was_undone_has_a_receipt_of_its_own(world: World) -> None:
    application = await undoing.undone(world, await undoing.executed(world))
    execution = await get(world.teller, application)
    reversal = await get(world.teller, application, REVERSAL)
    assert reversal.receipt_number != execution.receipt_number
    assert (reversal.core_reference, reversal.maker.staff_id) == ("CORE-R", "100104")
    assert reversal.reversal_id == application.reversal_id
    assert reversal.title.startswith("冲正")
    assert any("冲 正 回 单" in line for line in reversal.lines)


async def test_there_is_none_of_what_was_not_done_nor_for_others(
    world: World, database: Database
) -> None:
    submitted = await paper.submitted(world.teller)
    with refused("RECEIPT_NOT_FOUND"):
        await get(world.teller, submitted)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    await undoing.complete(world, await undoing.lease(world))
    with refused("RECEIPT_NOT_FOUND"):
        await get(world.teller, submitted, REVERSAL)
    with refused("RECEIPT_NOT_FOUND"):
        await world.teller.applications.PrintReceipt(printing(submitted, REVERSAL))
    with refused("APPLICATION_NOT_FOUND"):
        await get(world.other_teller, submitted)
    with refused("PERMISSION_MISSING"):
        await print_one(world.lobby_manager, submitted)
    await get(world.teller, submitted)
    read = await database.as_owner("SELECT 1 FROM audit_entry WHERE action LIKE '%GetReceipt'")
    assert read


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("回单", 4), ("（0101）", 8), ("·", 2), ("𠮷", 2)]
)
def test_a_chinese_character_takes_two_columns(text: str, width: int) -> None:
    assert receipt_text.width(text) == width
