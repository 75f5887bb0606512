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
from tests.authorization import counter, desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.identity.lending import lend, lending
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


async def test_what_was_approved_on_site_is_looked_at_again_in_the_centre(world: World) -> None:
    task = await counter.submitted(world.teller)
    await counter.approve(world.teller, task)
    assert [each.task_id for each in await file.second_looks(world.authoriser)] == [task.task_id]
    look = GetSecondLookRequest(task_id=task.task_id)
    assert (await world.authoriser.quality.GetSecondLook(look)).content
    found = (await world.authoriser.quality.ReviewTask(file.review(task.task_id))).second_look
    assert found.state == SecondLook.STATE_AGREED


async def test_who_approved_it_does_not_settle_what_was_wrong_with_it(
    world: World, server: App, database: Database
) -> None:
    task_id = await _approved(world)
    other = world.authoriser_who_is_a_customer
    await desk.start_shift(other)
    await other.quality.ReviewTask(file.review(task_id, "sex"))
    [entry] = await file.entries(world.teller)
    # The authoriser leads the centre under another number.
    await database.as_owner(
        "UPDATE staff SET person_id = (SELECT person_id FROM staff WHERE staff_id = '900102')"
        " WHERE staff_id = '900109'"
    )
    server.authenticator.invalidate("staff:900109")
    with refused("FOUR_EYES") as caught:
        await world.centre_supervisor.quality.SettleError(file.settle(entry, upheld=False))
    assert caught.value.metadata == {"rule": "earlier_step"}


async def test_who_lent_the_authority_for_it_does_not_look_again(
    world: World, server: App, clock: Clock, database: Database
) -> None:
    await database.as_owner("UPDATE staff SET level = 2 WHERE staff_id = '900101'")
    await database.as_owner(
        "UPDATE staff SET roles = roles || '{centre_supervisor}' WHERE staff_id = '900102'"
    )
    server.authenticator.invalidate("staff:900102")
    await lend(world.authoriser, lending("900105", level=2))
    await database.as_owner("UPDATE staff SET level = 1 WHERE staff_id = '900105'")
    server.authenticator.invalidate("staff:900105")
    await paper.submitted(world.teller)
    await database.as_owner("UPDATE task SET level = 2")
    borrower = world.authoriser_with_two_accounts
    await desk.start_shift(borrower)
    task = await desk.approve(borrower, await desk.claim(borrower))
    with refused("FOUR_EYES"):
        await world.authoriser.quality.ReviewTask(file.review(task.task_id))
