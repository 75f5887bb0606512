"""Second looks: drawn by nobody's choice, taken by somebody else, told where it matters."""

from dataclasses import replace

import pytest

from fingertip.applications.v1.applications_service_pb2 import ReadAttachmentRequest
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.quality.v1.error_entry_pb2 import ErrorEntry
from fingertip.quality.v1.quality_service_pb2 import GetSecondLookRequest
from fingertip.quality.v1.second_look_pb2 import SecondLook
from fingertip_server.app import App
from fingertip_server.packs.bank import Bank
from fingertip_server.packs.schema_policies import Policies
from fingertip_server.quality import rules
from tests.applications import paper
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.quality import file
from tests.world import World, read_demo, refused


def _draw(server: App, share: int) -> None:
    pack = read_demo()
    rows = tuple(
        row.model_copy(update={"value": str(share)})
        if row.key == "quality.second_look_share"
        else row
        for row in pack.policy_rows
    )
    pack = replace(pack, policy_rows=rows, policies=Policies.of(rows))
    server.frame.bank = Bank(pack, pack.forms, pack.agreements)


@pytest.fixture(autouse=True)
async def all_are_drawn(world: World, server: App) -> None:
    await paper.synchronise(world)
    _draw(server, 1_000)


async def _approved(world: World) -> str:
    await paper.submitted(world.teller)
    task = await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    return task.task_id


async def test_the_draw_follows_from_the_task_and_the_ring(
    world: World, server: App, database: Database
) -> None:
    task_id = await _approved(world)
    [look] = await file.second_looks(world.authoriser)
    [row] = await database.as_owner("SELECT task_id, draw, proof FROM second_look")
    assert str(row["task_id"]) == task_id
    signed = row["proof"] + row["task_id"].bytes
    assert server.protection.verify("second_look", signed) == row["task_id"].bytes
    assert look.draw == row["draw"] == rules.draw(row["proof"][3:])
    _draw(server, 0)
    await _approved(world)
    assert [each.task_id for each in await file.second_looks(world.authoriser)] == [task_id]


async def test_a_second_look_is_taken_by_who_had_no_part_in_it(
    world: World, database: Database
) -> None:
    task_id = await _approved(world)
    look = GetSecondLookRequest(task_id=task_id)
    with refused("FOUR_EYES") as caught:
        await world.authoriser.quality.GetSecondLook(look)
    assert caught.value.metadata == {"rule": "earlier_step"}
    with refused("FOUR_EYES"):
        await world.authoriser.quality.ReviewTask(file.review(task_id))
    other = world.authoriser_who_is_a_customer
    with refused("NOT_ON_SHIFT"):
        await other.quality.GetSecondLook(look)
    with refused("TASK_NOT_FOUND"):
        await world.authoriser_without_the_skill.quality.GetSecondLook(look)
    with refused("PERMISSION_MISSING"):
        await world.teller.quality.GetSecondLook(look)
    await desk.start_shift(other)
    shown = await other.quality.GetSecondLook(look)
    assert shown.content
    assert tuple(item.item_id for item in shown.checklist) == desk.ITEMS
    [image] = await database.as_owner(
        "SELECT attachment_id::text FROM attachment WHERE kind = 'id_front'"
    )
    reading = ReadAttachmentRequest(attachment_id=image["attachment_id"])
    assert (await other.applications.ReadAttachment(reading)).piece
    with refused("ATTACHMENT_NOT_FOUND"):
        await world.authoriser.applications.ReadAttachment(reading)
    request = file.review(task_id)
    agreed = (await other.quality.ReviewTask(request)).second_look
    assert (await other.quality.ReviewTask(request)).second_look == agreed
    assert (agreed.state, agreed.reviewer_id) == (SecondLook.STATE_AGREED, "900101")
    with refused("TASK_STATE"):
        await other.quality.ReviewTask(file.review(task_id, "sex"))
    with refused("ATTACHMENT_NOT_FOUND"):
        await other.applications.ReadAttachment(reading)
    assert await file.second_looks(other) == []
    assert await file.entries(world.teller) == []


async def test_an_error_goes_to_the_error_file_and_operations_hear_of_what_was_executed(
    world: World, clock: Clock, database: Database
) -> None:
    task_id = await _approved(world)
    await database.as_owner(
        "UPDATE application SET state = 'EXECUTED', execute_time = fingertip_now()"
    )
    other = world.authoriser_who_is_a_customer
    await desk.start_shift(other)
    async with screen(world.operations, WatchRequest(branch_id="0000")) as operations:
        found = (await other.quality.ReviewTask(file.review(task_id, "sex"))).second_look
        assert found.state == SecondLook.STATE_ERROR
        await clock.advance(1)
        told = await operations.until(lambda event: event.HasField("error_entry"))
    [entry] = await file.entries(world.teller)
    assert told.error_entry == entry
    assert (entry.source, entry.category_code) == (ErrorEntry.SOURCE_SECOND_LOOK, "entry")
    assert (entry.was_executed, entry.raised_by) == (True, "900101")


async def test_the_teller_himself_does_not_look_again(world: World) -> None:
    await paper.submitted(world.teller_with_two_accounts)
    task = await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    own = world.authoriser_with_two_accounts
    await desk.start_shift(own)
    with refused("FOUR_EYES") as caught:
        await own.quality.ReviewTask(file.review(task.task_id))
    assert caught.value.metadata == {"rule": "maker"}
