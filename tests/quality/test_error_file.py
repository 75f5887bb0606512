"""The error file: made by refusals and returns, answered by the branch, settled by the centre."""

import pytest

from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.quality.v1.error_entry_pb2 import ErrorEntry
from fingertip.quality.v1.quality_service_pb2 import GetQualityRequest
from tests.applications import paper
from tests.authorization import counter, desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.quality import file
from tests.world import World, refused


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _returned(world: World) -> ErrorEntry:
    await paper.submitted(world.teller)
    await desk.send_back(world.authoriser, await desk.claim(world.authoriser))
    return (await file.entries(world.teller))[0]


async def test_a_return_makes_an_entry_that_both_sides_see(world: World) -> None:
    async with screen(world.branch_manager, WatchRequest(branch_id="0101")) as branch:
        entry = await _returned(world)
        told = await branch.until(lambda event: event.HasField("error_entry"))
        assert told.error_entry == entry
    assert (entry.state, entry.source) == (
        ErrorEntry.STATE_AT_BRANCH,
        ErrorEntry.SOURCE_RETURNED,
    )
    assert (entry.category_code, entry.maker_id, entry.raised_by) == ("image", "100103", "900102")
    assert [(each.subject, each.note) for each in entry.details] == [
        ("id_back", "有效期限反光，请重拍")
    ]
    assert await file.entries(world.centre_supervisor) == [entry]
    assert await file.entries(world.operations) == [entry]
    assert await file.entries(world.branch_manager) == [entry]
    with refused("PERMISSION_MISSING"):
        await file.entries(world.authoriser)


async def test_a_refusal_is_graver_than_a_return(world: World) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    await world.authoriser.authorization.RejectTask(desk.rejection(task))
    [entry] = await file.entries(world.teller)
    assert (entry.category_code, entry.source) == ("refusal", ErrorEntry.SOURCE_REJECTED)
    assert [each.note for each in entry.details] == ["非本人办理"]


async def test_an_entry_is_answered_and_settled_once_by_persons_apart(world: World) -> None:
    entry = await _returned(world)
    with refused("ERROR_ENTRY_STATE"):
        await world.centre_supervisor.quality.SettleError(file.settle(entry))
    with refused("PERMISSION_MISSING"):
        await world.authoriser.quality.AnswerError(file.answer(entry))
    with refused("PERMISSION_MISSING"):
        await world.teller.quality.SettleError(file.settle(entry))
    with refused("ERROR_ENTRY_NOT_FOUND"):
        await world.other_teller.quality.AnswerError(file.answer(entry))
    request = file.answer(entry, disputed=True)
    async with screen(world.centre_supervisor, WatchRequest(centre_id="C001")) as centre:
        answered = (await world.teller.quality.AnswerError(request)).entry
        assert (await world.teller.quality.AnswerError(request)).entry == answered
        await centre.until(lambda event: event.error_entry == answered)
    assert (answered.state, answered.is_disputed) == (ErrorEntry.STATE_AT_SUPERVISOR, True)
    assert answered.version == 2
    with refused("ERROR_ENTRY_STATE"):
        await world.second_teller.quality.AnswerError(file.answer(entry))
    settling = file.settle(entry)
    settled = (await world.centre_supervisor.quality.SettleError(settling)).entry
    assert (await world.centre_supervisor.quality.SettleError(settling)).entry == settled
    assert (settled.state, settled.settled_by) == (ErrorEntry.STATE_CONFIRMED, "900109")
    with refused("ERROR_ENTRY_STATE") as caught:
        await world.centre_supervisor.quality.SettleError(file.settle(entry, upheld=False))
    assert caught.value.metadata == {"state": "CONFIRMED"}


async def test_who_found_it_neither_answers_nor_settles_it(
    world: World, database: Database
) -> None:
    entry = await _returned(world)
    await database.as_owner(
        "UPDATE error_entry SET raised_person_id ="
        " (SELECT person_id FROM staff WHERE staff_id = '100104')"
    )
    with refused("FOUR_EYES") as caught:
        await world.second_teller.quality.AnswerError(file.answer(entry))
    assert caught.value.metadata == {"rule": "raised"}
    await world.teller.quality.AnswerError(file.answer(entry))
    for rule in ("maker", "raised", "answered"):
        column = f"{rule}_person_id"
        supervisor = "(SELECT person_id FROM staff WHERE staff_id = '900109')"
        await database.as_owner(f"UPDATE error_entry SET {column} = {supervisor}")  # noqa: S608 - from this list
        with refused("FOUR_EYES") as caught:
            await world.centre_supervisor.quality.SettleError(file.settle(entry))
        assert caught.value.metadata == {"rule": rule}
        await database.as_owner(f"UPDATE error_entry SET {column} = gen_random_uuid()")  # noqa: S608 - as above


async def test_a_supervisor_may_cancel_what_was_found_by_mistake(world: World) -> None:
    entry = await _returned(world)
    cancelled = (
        await world.centre_supervisor.quality.SettleError(file.settle(entry, upheld=False))
    ).entry
    assert cancelled.state == ErrorEntry.STATE_CANCELLED


async def test_what_the_branch_does_not_answer_in_time_goes_on_without_it(
    world: World, clock: Clock, database: Database
) -> None:
    entry = await _returned(world)
    await clock.advance(3 * 86_400 + 1)
    await paper.stay_signed_in(database)
    with refused("ERROR_ENTRY_STATE"):
        await world.second_teller.quality.AnswerError(file.answer(entry))
    settled = (await world.centre_supervisor.quality.SettleError(file.settle(entry))).entry
    assert (settled.state, settled.answered_by) == (ErrorEntry.STATE_CONFIRMED, "")


async def test_a_score_falls_by_what_confirmed_errors_weigh(world: World) -> None:
    entry = await _returned(world)
    for caller in (world.teller, world.second_teller, world.teller):
        await paper.submitted(caller)
        await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    [before] = await file.quality(world.branch_manager)
    assert (before.branch_id, before.decided, before.score_tenths) == ("0101", 4, 1000)
    assert (before.first_pass_per_mille, before.rejected_per_mille) == (750, 250)
    await world.teller.quality.AnswerError(file.answer(entry))
    await world.centre_supervisor.quality.SettleError(file.settle(entry))
    # One unreadable image costs a fifth of a task, of four.
    [after] = await file.quality(world.centre_supervisor)
    assert (after.score_tenths, after.errors[0].category_code) == (950, "image")
    first, second = await file.quality(world.operations, by_teller=True)
    assert (first.maker_id, first.decided, first.first_pass_per_mille) == ("100103", 3, 666)
    assert (first.score_tenths, second.maker_id, second.score_tenths) == (934, "100104", 1000)


async def test_a_branch_sees_its_own_figures_only(world: World) -> None:
    with refused("OTHER_BRANCH"):
        await file.quality(world.branch_manager, branch_id="0102")
    assert await file.quality(world.operations, branch_id="0102") == []
    with refused("PERMISSION_MISSING"):
        await file.quality(world.teller)
    backwards = GetQualityRequest(from_date=file.LAST, to_date=file.FIRST)
    with refused("INVALID_REQUEST"):
        await world.branch_manager.quality.GetQuality(backwards)


async def test_what_was_sent_back_on_site_is_settled_by_the_centre_and_no_figure_of_its_own(
    world: World,
) -> None:
    task = await counter.submitted(world.teller)
    await world.teller.authorization.ReturnOnSite(counter.sending_back(task))
    [entry] = await file.entries(world.teller)
    assert await file.entries(world.centre_supervisor) == [entry]
    await world.teller.quality.AnswerError(file.answer(entry))
    settled = (await world.centre_supervisor.quality.SettleError(file.settle(entry))).entry
    assert settled.state == ErrorEntry.STATE_CONFIRMED
    other = await counter.submitted(world.teller)
    await world.teller.authorization.RouteToCentre(counter.rerouting(other))
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    [own] = await file.quality(world.centre_supervisor)
    assert (own.decided, own.score_tenths, list(own.errors)) == (1, 1000, [])
    [of_branch] = await file.quality(world.branch_manager)
    assert (of_branch.decided, of_branch.errors[0].count) == (2, 1)
