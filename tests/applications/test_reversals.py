"""How what was executed is undone, and when it is not."""

import asyncio
import hashlib

import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import (
    GetJourneyRequest,
    WithdrawReversalRequest,
)
from fingertip.applications.v1.content_pb2 import ReversalContent
from fingertip.applications.v1.reversal_pb2 import Reversal
from fingertip.authorization.v1.authorization_service_pb2 import ReturnTaskRequest
from fingertip.authorization.v1.task_pb2 import Task, TaskDefect
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_client.caller import Caller
from tests.applications import paper, undoing
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.customer.master import changed, people, sync, wang
from tests.world import World, refused


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


_CARD = "SELECT state FROM voucher WHERE application_id::text = $1"


def withdrawal(reversal: Reversal) -> WithdrawReversalRequest:
    return WithdrawReversalRequest(
        request_id=paper.request_id(), reversal_id=reversal.reversal_id, purpose="核实后无误"
    )


async def current(world: World, application: Application) -> Application:
    return (await paper.get(world.teller, application.application_id)).application


async def test_what_was_executed_is_undone_by_another_tellers_request(
    world: World, database: Database
) -> None:
    places = "SELECT application_id::text FROM account_slot"
    application = await undoing.executed(world)
    reversal = await undoing.request(world.second_teller, application)
    assert (reversal.state, reversal.maker_id) == (Reversal.STATE_REQUESTED, "100104")
    under_way = await current(world, application)
    assert (under_way.state, under_way.reversing) == (Application.STATE_EXECUTED, True)
    task = await desk.claim(world.authoriser)
    assert (task.subject_kind, task.subject_id) == ("reversal", reversal.reversal_id)
    seen = await desk.look_at(world.authoriser, task)
    assert hashlib.sha256(seen.content).digest() == task.content_hash == reversal.content_hash
    content = ReversalContent.FromString(seen.content)
    assert content.undone_content_hash == application.content_hash
    assert content.undone_core_reference == f"CORE-{application.application_id}"
    assert (content.account_number, content.undone_maker_id) == (undoing.ACCOUNT, "100103")
    await world.authoriser.authorization.ApproveTask(undoing.approval(task))
    leased = await undoing.lease(world)
    assert leased.work_item.kind == undoing.REVERSE
    assert leased.work_item.has_effect
    assert leased.order.reversal.content == seen.content
    assert leased.order.reversal.undone_operation_id == content.undone_operation_id
    assert len(await database.as_owner(places)) == 1
    await undoing.complete(world, leased, "CORE-R")
    final = await current(world, application)
    assert (final.state, final.reversing) == (Application.STATE_REVERSED, False)
    assert final.HasField("reverse_time")
    [reversal] = await undoing.reversals(world.teller, application)
    assert (reversal.state, reversal.core_reference) == (Reversal.STATE_EXECUTED, "CORE-R")
    # She may have another account; the card stays hers, which the core makes void.
    assert not await database.as_owner(places)
    assert [row["state"] for row in await database.as_owner(_CARD, application.application_id)] == [
        "ISSUED"
    ]
    with refused("APPLICATION_STATE") as caught:
        await undoing.request(world.teller, final)
    assert caught.value.metadata == {"state": "REVERSED"}


async def test_the_journey_tells_of_it(world: World) -> None:
    application = await undoing.executed(world)
    await undoing.undone(world, application)
    response = await world.teller.applications.GetJourney(
        GetJourneyRequest(journey_id=application.journey_id)
    )
    steps = [(step.action.rpartition("/")[2], step.object_state) for step in response.steps]
    assert ("RequestReversal", "REQUESTED") in steps
    assert steps[-2][0] == "CompleteWorkItem"


async def test_neither_the_requester_nor_the_maker_nor_the_customer_decides(
    world: World, database: Database
) -> None:
    # The maker of what is undone is an authoriser too, under another number.
    application = await undoing.executed(world, world.teller_with_two_accounts)
    await undoing.request(world.teller, application)
    await desk.start_shift(world.authoriser_with_two_accounts)
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser_with_two_accounts)
    await database.as_owner(
        "UPDATE task SET state = 'CLAIMED', holder = '900105', fence = fence + 1,"
        " lease_until = fingertip_now() + interval '1 minute' WHERE subject_kind = 'reversal'"
    )
    [row] = await database.as_owner("SELECT * FROM task WHERE subject_kind = 'reversal'")
    task = await desk.look_at(world.authoriser_with_two_accounts, Task(task_id=str(row["task_id"])))
    with refused("FOUR_EYES"):
        await world.authoriser_with_two_accounts.authorization.ApproveTask(
            undoing.approval(task.task)
        )


async def test_the_customer_under_another_number_does_not_decide(
    world: World, database: Database
) -> None:
    application = await undoing.executed(world)
    # The master learns that he is an authoriser, whom it has under another number.
    authoriser = people()[1]
    twin = changed(wang(), version=2, name=authoriser.name, resident_id=authoriser.resident_id)
    await sync(world, twin)
    await undoing.request(world.second_teller, application)
    await desk.start_shift(world.authoriser_who_is_a_customer)
    await database.as_owner(
        "UPDATE task SET state = 'CLAIMED', holder = '900101', fence = fence + 1,"
        " lease_until = fingertip_now() + interval '1 minute' WHERE subject_kind = 'reversal'"
    )
    [row] = await database.as_owner("SELECT task_id FROM task WHERE subject_kind = 'reversal'")
    shown = await desk.look_at(
        world.authoriser_who_is_a_customer, Task(task_id=str(row["task_id"]))
    )
    with refused("FOUR_EYES"):
        await world.authoriser_who_is_a_customer.authorization.ApproveTask(
            undoing.approval(shown.task)
        )


async def test_a_requester_with_a_second_account_does_not_decide(
    world: World, database: Database
) -> None:
    # He has learned what it takes: nothing but who he is keeps him from it.
    await database.as_owner("UPDATE staff SET skills = skills || '{account_maintenance}'")
    application = await undoing.executed(world)
    await undoing.request(world.teller_with_two_accounts, application)
    await desk.start_shift(world.authoriser_with_two_accounts)
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser_with_two_accounts)
    await undoing.approve(world)


async def test_a_refusal_of_the_bank_leaves_it_executed_and_another_may_be_asked_for(
    world: World,
) -> None:
    application = await undoing.executed(world)
    await undoing.request(world.teller, application)
    await undoing.approve(world)
    await undoing.fail(world, await undoing.lease(world))
    kept = await current(world, application)
    assert (kept.state, kept.reversing) == (Application.STATE_EXECUTED, False)
    assert "USED_SINCE" in kept.state_note
    [reversal] = await undoing.reversals(world.teller, application)
    assert reversal.state == Reversal.STATE_EXECUTION_FAILED
    again = await undoing.request(world.teller, kept)
    assert again.state == Reversal.STATE_REQUESTED


async def test_an_unknown_outcome_is_inquired_about_and_admits_no_other(world: World) -> None:
    application = await undoing.executed(world)
    await undoing.request(world.teller, application)
    await undoing.approve(world)
    await undoing.lose_sight(world, await undoing.lease(world))
    unknown = await current(world, application)
    assert (unknown.state, unknown.reversing) == (Application.STATE_EXECUTED, True)
    assert "不明" in unknown.state_note
    with refused("REVERSAL_OPEN") as caught:
        await undoing.request(world.second_teller, unknown)
    assert caught.value.metadata == {"reversal_id": unknown.reversal_id}
    inquiry = await undoing.lease(world)
    assert inquiry.work_item.purpose == inquiry.work_item.PURPOSE_INQUIRE
    await undoing.complete(world, inquiry, "CORE-R")
    assert (await current(world, application)).state == Application.STATE_REVERSED


async def test_a_parked_one_stays_open_until_two_persons_gave_it_up(
    world: World, database: Database
) -> None:
    application = await undoing.executed(world)
    await undoing.request(world.teller, application)
    await undoing.approve(world)
    await database.as_owner("UPDATE work_item SET attempts = 5 WHERE state = 'READY'")
    await undoing.lose_sight(world, await undoing.lease(world))
    parked = await current(world, application)
    assert (parked.reversing, "运营" in parked.state_note) == (True, True)
    with refused("REVERSAL_OPEN"):
        await undoing.request(world.teller, parked)


async def test_a_returned_one_is_over_and_the_next_is_linked_to_it(world: World) -> None:
    application = await undoing.executed(world)
    await undoing.request(world.teller, application)
    first = await desk.claim(world.authoriser)
    await world.authoriser.authorization.ReturnTask(
        ReturnTaskRequest(
            request_id=paper.request_id(),
            task_id=first.task_id,
            revision=first.revision,
            fence=first.fence,
            content_hash=first.content_hash,
            defects=[TaskDefect(subject="reason_sound", note="请写明具体错误")],
        )
    )
    [returned] = await undoing.reversals(world.teller, application)
    assert returned.state == Reversal.STATE_RETURNED
    assert [each.note for each in returned.defects] == ["请写明具体错误"]
    with refused("REVERSAL_STATE"):
        await world.teller.applications.WithdrawReversal(withdrawal(returned))
    await undoing.request(world.teller, await current(world, application))
    second = await desk.claim(world.authoriser)
    assert second.previous_task_id == first.task_id
    shown = await desk.look_at(world.authoriser, second)
    assert [each.subject for each in shown.previous_defects] == ["reason_sound"]


async def test_a_rejection_and_a_withdrawal_leave_it_executed(world: World) -> None:
    application = await undoing.executed(world)
    await undoing.request(world.teller, application)
    task = await desk.claim(world.authoriser)
    await world.authoriser.authorization.RejectTask(desk.rejection(task))
    kept = await current(world, application)
    assert (kept.state, kept.reversing) == (Application.STATE_EXECUTED, False)
    assert kept.state_note == "非本人办理"
    reversal = await undoing.request(world.teller, kept)
    with refused("NOT_THE_MAKER"):
        await world.second_teller.applications.WithdrawReversal(withdrawal(reversal))
    request = withdrawal(reversal)
    answer = await world.teller.applications.WithdrawReversal(request)
    assert answer.reversal.state == Reversal.STATE_WITHDRAWN
    assert not answer.application.reversing
    assert await world.teller.applications.WithdrawReversal(request) == answer
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser)


async def test_one_that_nobody_decides_expires(
    world: World, clock: Clock, database: Database
) -> None:
    application = await undoing.executed(world)
    await undoing.request(world.teller, application)
    await clock.advance(31 * 60)
    await paper.stay_signed_in(database)
    [reversal] = await undoing.reversals(world.teller, application)
    assert reversal.state == Reversal.STATE_EXPIRED
    assert not (await current(world, application)).reversing


async def test_it_is_too_late_after_the_banks_window(
    world: World, clock: Clock, database: Database
) -> None:
    application = await undoing.executed(world)
    await clock.advance(25 * 3600)
    await paper.stay_signed_in(database)
    with refused("REVERSAL_TOO_LATE") as caught:
        await undoing.request(world.teller, application)
    assert set(caught.value.metadata) == {"expire_time"}


async def test_only_what_was_executed_here_and_is_as_it_was_read(world: World) -> None:
    submitted = await paper.submitted(world.teller)
    with refused("APPLICATION_STATE"):
        await undoing.request(world.teller, submitted)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    await undoing.complete(world, await undoing.lease(world))
    application = await current(world, submitted)
    with refused("ETAG_MISMATCH"):
        await world.teller.applications.RequestReversal(
            undoing.reversal_request(application, etag="1")
        )
    with refused("APPLICATION_NOT_FOUND"):
        await undoing.request(world.other_teller, application)
    for caller in (world.branch_manager, world.authoriser, world.relationship_manager):
        with refused("PERMISSION_MISSING"):
            await undoing.request(caller, application)
    reversal = await undoing.request(world.teller, application)
    with refused("REVERSAL_NOT_FOUND"):
        await world.other_teller.applications.WithdrawReversal(withdrawal(reversal))
    assert await undoing.reversals(world.other_teller, application) == []


async def test_of_racing_requests_one_is_taken(world: World, database: Database) -> None:
    application = await undoing.executed(world)
    request = undoing.reversal_request(application)

    async def ask(caller: Caller) -> str:
        response = await caller.applications.RequestReversal(undoing.reversal_request(application))
        return response.reversal.reversal_id

    twins = [world.teller.applications.RequestReversal(request) for _ in range(4)]
    others = [ask(world.second_teller) for _ in range(4)]
    results = await asyncio.gather(*twins, *others, return_exceptions=True)
    refusals = {getattr(each, "reason", "") for each in results if isinstance(each, Exception)}
    assert refusals <= {"REVERSAL_OPEN"}
    [row] = await database.as_owner(
        "SELECT (SELECT count(*) FROM reversal) AS reversals,"
        " (SELECT count(*) FROM task WHERE subject_kind = 'reversal') AS tasks"
    )
    assert (row["reversals"], row["tasks"]) == (1, 1)


async def test_a_withdrawal_and_an_approval_do_not_both_win(world: World) -> None:
    for _ in range(3):
        application = await undoing.executed(world)
        reversal = await undoing.request(world.teller, application)
        task = await desk.claim(world.authoriser)
        results = await asyncio.gather(
            world.teller.applications.WithdrawReversal(withdrawal(reversal)),
            world.authoriser.authorization.ApproveTask(undoing.approval(task)),
            return_exceptions=True,
        )
        assert sum(isinstance(each, Exception) for each in results) == 1
        [now] = await undoing.reversals(world.teller, application)
        withdrew = not isinstance(results[0], Exception)
        expected = Reversal.STATE_WITHDRAWN if withdrew else Reversal.STATE_APPROVED
        assert now.state == expected
        if not withdrew:
            await undoing.complete(world, await undoing.lease(world))


async def test_the_branch_is_told_and_a_new_watcher_too(world: World) -> None:
    application = await undoing.executed(world)
    async with screen(world.teller, WatchRequest(branch_id="0101")) as branch:
        response = await world.second_teller.applications.RequestReversal(
            undoing.reversal_request(application)
        )
        event = await branch.until(lambda event: event.application.reversing)
        assert event.application == response.application
    async with screen(world.teller, WatchRequest(branch_id="0101")) as branch:
        shown = [event.application for event in branch.shown if event.HasField("application")]
        assert shown == [response.application]


async def test_requests_are_journalled_with_their_reason(world: World, database: Database) -> None:
    application = await undoing.executed(world)
    request = undoing.reversal_request(application)
    first = await world.teller.applications.RequestReversal(request)
    assert await world.teller.applications.RequestReversal(request) == first
    entries = await database.as_owner(
        "SELECT * FROM audit_entry WHERE action LIKE '%RequestReversal'"
    )
    assert [
        (entry["object_kind"], entry["object_state"], entry["purpose"]) for entry in entries
    ] == [("reversal", "REQUESTED", "客户姓名录入有误")]
