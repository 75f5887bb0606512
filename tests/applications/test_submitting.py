"""From the submission to the account, seen from the branch."""

import asyncio
import hashlib
from collections.abc import Awaitable
from datetime import timedelta
from uuid import UUID

import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import (
    GetJourneyRequest,
    SubmitApplicationRequest,
)
from fingertip.applications.v1.content_pb2 import ApplicationContent, SignedForm
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    CompleteWorkItemRequest,
    FailWorkItemRequest,
    LeaseWorkItemsRequest,
    ReportOutcomeUnknownRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import ExecutedApplication, LeasedWorkItem, WorkResult
from fingertip_client.refusal import Refused
from fingertip_server.app import App
from fingertip_server.applications import rules
from tests.applications import paper
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.packs.policies import change_policy
from tests.world import PASSWORD, World, refused

ACCOUNT = "6299900000810408999"


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def test_what_is_approved_is_executed_and_the_account_shown_masked(world: World) -> None:
    application = await paper.submitted(world.teller)
    assert (application.state, application.revision) == (Application.STATE_SUBMITTED, 1)
    assert application.state_note == "等待授权中心审核。"
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    item = await _lease(world)
    assert item.work_item.operation_id == str(
        rules.operation_id(UUID(application.application_id), 1)
    )
    assert item.work_item.has_effect
    order = item.order.application
    assert hashlib.sha256(order.content).digest() == order.content_hash
    assert order.content_hash == application.content_hash
    await _open_account(world, item, order.content_hash)
    shown = await paper.get(world.teller, application.application_id)
    assert shown.application.state == Application.STATE_EXECUTED
    assert shown.result.account_number == "629990*********8999"
    assert shown.result.core_reference == "CORE-1"


@pytest.mark.parametrize(("minutes", "head_start"), [(1, 90), (30, 90 + 120)])
async def test_how_long_a_customer_counts_as_waiting_is_policy(
    server: App, world: World, clock: Clock, database: Database, minutes: int, head_start: int
) -> None:
    # Her tier is worth 90 seconds anyway.
    change_policy(server, "applications.customer_waits", timedelta(minutes=minutes))
    draft = await paper.fill(world.teller, await paper.start(world.teller))
    await clock.advance(120)
    await paper.submit(world.teller, draft)
    [row] = await database.as_owner(
        "SELECT extract(epoch FROM create_time - rank_at)::int AS seconds FROM task"
    )
    assert row["seconds"] == head_start


async def test_the_content_says_what_the_customer_signed_and_what_shows_it(world: World) -> None:
    application = await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    seen = (await desk.look_at(world.authoriser, task)).content
    assert hashlib.sha256(seen).digest() == task.content_hash == application.content_hash
    content = ApplicationContent.FromString(seen)
    assert (content.maker_id, content.branch_id) == ("100103", "0101")
    assert (content.work_kind, content.customer_number) == ("core.open_account", "DEMO000000001")
    assert content.form_hash == hashlib.sha256(content.signed_form).digest()
    signed = SignedForm.FromString(content.signed_form)
    assert {answer.field_key: answer.value for answer in signed.answers} == dict(paper.ANSWERS)
    evidence = {each.kind: each.sha256 for each in content.evidence}
    assert evidence == {
        kind: hashlib.sha256(image).digest() for kind, (_, image) in paper.IMAGES.items()
    }
    assert len(content.sightings) == 3


async def test_an_outcome_for_another_content_is_refused(world: World) -> None:
    application = await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    item = await _lease(world)
    with refused("CONTENT_CHANGED"):
        await _open_account(world, item, b"x" * 32)
    shown = await paper.get(world.teller, application.application_id)
    assert shown.application.state == Application.STATE_APPROVED
    assert not shown.HasField("result")


async def test_an_unknown_outcome_and_a_refusal_of_the_bank_are_shown(world: World) -> None:
    application = await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    item = await _lease(world)
    await world.core_adapter.fulfilment.ReportOutcomeUnknown(
        ReportOutcomeUnknownRequest(
            request_id=paper.request_id(),
            work_item_id=item.work_item.work_item_id,
            fence=item.fence,
            failure_code="TIMEOUT",
        )
    )
    shown = (await paper.get(world.teller, application.application_id)).application
    assert shown.state == Application.STATE_EXECUTION_UNKNOWN
    assert "不明" in shown.state_note


async def test_a_permanent_refusal_of_the_bank_fails_the_application(world: World) -> None:
    application = await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    item = await _lease(world)
    await world.core_adapter.fulfilment.FailWorkItem(
        FailWorkItemRequest(
            request_id=paper.request_id(),
            work_item_id=item.work_item.work_item_id,
            fence=item.fence,
            failure=FailWorkItemRequest.FAILURE_PERMANENT,
            failure_code="CLASS-ONE-EXISTS",
        )
    )
    shown = (await paper.get(world.teller, application.application_id)).application
    assert shown.state == Application.STATE_EXECUTION_FAILED
    assert "CLASS-ONE-EXISTS" in shown.state_note


async def test_what_was_returned_is_corrected_resubmitted_and_approved(world: World) -> None:
    application = await paper.submitted(world.teller)
    first = await desk.send_back(world.authoriser, await desk.claim(world.authoriser))
    returned = (await paper.get(world.teller, application.application_id)).application
    assert returned.state == Application.STATE_RETURNED
    assert [(each.subject, each.note) for each in returned.defects] == [
        ("id_back", "有效期限反光，请重拍")
    ]
    corrected = await paper.attach(world.teller, returned, "id_back")
    again = await paper.submit(world.teller, corrected)
    assert (again.revision, list(again.defects)) == (2, [])
    assert again.content_hash != application.content_hash
    task = await desk.claim(world.authoriser)
    assert (task.previous_task_id, task.revision) == (first.task_id, 2)
    shown = await desk.look_at(world.authoriser, task)
    assert [each.subject for each in shown.previous_defects] == ["id_back"]
    await desk.approve(world.authoriser, task)
    final = (await paper.get(world.teller, application.application_id)).application
    assert final.state == Application.STATE_APPROVED


async def test_a_rejection_is_final_and_says_why(world: World) -> None:
    application = await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    await world.authoriser.authorization.RejectTask(desk.rejection(task))
    shown = (await paper.get(world.teller, application.application_id)).application
    assert (shown.state, shown.state_note) == (Application.STATE_REJECTED, "非本人办理")
    with refused("APPLICATION_STATE") as caught:
        await paper.save(world.teller, shown, {"occupation": "clerk"})
    assert caught.value.metadata == {"state": "REJECTED"}


async def test_a_submitted_application_is_frozen(world: World) -> None:
    application = await paper.submitted(world.teller)
    with refused("APPLICATION_STATE"):
        await paper.save(world.teller, application, {"occupation": "clerk"})
    with refused("APPLICATION_STATE"):
        await paper.attach(world.teller, application, "id_front")
    with refused("APPLICATION_STATE"):
        await paper.submit(world.teller, application)


async def test_twins_of_a_submission_make_one_task(world: World, database: Database) -> None:
    application = await paper.fill(world.teller, await paper.start(world.teller))
    request = SubmitApplicationRequest(
        request_id=paper.request_id(),
        application_id=application.application_id,
        etag=application.etag,
    )
    answers = await asyncio.gather(
        *(world.teller.applications.SubmitApplication(request) for _ in range(16))
    )
    assert all(answer == answers[0] for answer in answers)
    [row] = await database.as_owner("SELECT count(*) FROM task")
    assert row["count"] == 1


async def test_withdrawing_ends_the_task_too(world: World) -> None:
    application = await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    withdrawn = await paper.withdraw(world.teller, application)
    assert withdrawn.state == Application.STATE_WITHDRAWN
    with refused("TASK_STATE") as caught:
        await desk.approve(world.authoriser, task)
    assert caught.value.metadata == {"state": "WITHDRAWN"}
    with refused("NO_TASK_WAITING"):
        await desk.claim(world.authoriser)


async def test_only_the_maker_withdraws_and_a_draft_as_well(world: World) -> None:
    draft = await paper.start(world.teller)
    with refused("NOT_THE_MAKER"):
        await paper.withdraw(world.second_teller, draft)
    assert (await paper.withdraw(world.teller, draft)).state == Application.STATE_WITHDRAWN


@pytest.mark.parametrize("attempt", range(3))
async def test_of_withdrawal_and_approval_exactly_one_succeeds(world: World, attempt: int) -> None:
    application = await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)

    deeds: list[Awaitable[object]] = [
        paper.withdraw(world.teller, application),
        desk.approve(world.authoriser, task),
    ]
    outcomes = await asyncio.gather(*deeds, return_exceptions=True)
    [refusal] = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert refusal.reason in {"APPLICATION_STATE", "TASK_STATE"}
    withdrawn = outcomes[0] is not refusal
    shown = (await paper.get(world.teller, application.application_id)).application
    state = (await desk.look_at(world.authoriser, task)).task.state
    assert (shown.state, state) == (
        (Application.STATE_WITHDRAWN, Task.STATE_WITHDRAWN)
        if withdrawn
        else (Application.STATE_APPROVED, Task.STATE_APPROVED)
    )


async def test_a_draft_left_lying_expires_and_is_erased(
    world: World, clock: Clock, database: Database
) -> None:
    draft = await paper.fill(world.teller, await paper.start(world.teller))
    await clock.advance(20 * 86_400)
    await world.teller.sign_in("100103", PASSWORD)
    touched = await paper.save(world.teller, draft, {"occupation": "clerk"})
    await clock.advance(20 * 86_400)
    await world.teller.sign_in("100103", PASSWORD)
    shown = (await paper.get(world.teller, draft.application_id)).application
    assert shown == touched
    await clock.advance(11 * 86_400)
    await world.teller.sign_in("100103", PASSWORD)
    shown_answers = await paper.get(world.teller, draft.application_id)
    assert shown_answers.application.state == Application.STATE_EXPIRED
    assert not shown_answers.answers
    [row] = await database.as_owner("SELECT count(*) FROM attachment_chunk")
    assert row["count"] == 0


async def test_the_branch_sees_every_step_as_it_happens(world: World) -> None:
    async with screen(world.teller, WatchRequest(branch_id="0101")) as shown:
        application = await paper.submitted(world.teller)
        await desk.approve(world.authoriser, await desk.claim(world.authoriser))
        approved = await shown.until(
            lambda event: event.application.state == Application.STATE_APPROVED
        )
        assert approved.application.application_id == application.application_id
        versions = [
            event.application.version for event in shown.shown if event.HasField("application")
        ]
        assert versions == sorted(set(versions))
        for event in shown.shown:
            # A stock of blank cards is of no journey until one of them is used.
            if event.HasField("application"):
                assert event.journey_id == application.journey_id


async def test_a_new_watcher_of_the_application_sees_it_at_once(world: World) -> None:
    application = await paper.submitted(world.teller)
    request = WatchRequest(application_id=application.application_id)
    async with screen(world.teller, request) as shown:
        assert [event.application for event in shown.shown] == [application]


async def test_the_journey_is_told_from_the_first_field_to_the_account(world: World) -> None:
    journey_id = paper.request_id()
    application = await paper.submitted(world.teller, journey_id=journey_id)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    item = await _lease(world)
    await _open_account(world, item, item.order.application.content_hash)
    request = GetJourneyRequest(journey_id=journey_id)
    steps = (await world.teller.applications.GetJourney(request)).steps
    told = [(step.action.rpartition("/")[2], step.object_state) for step in steps]
    assert told[0] == ("StartApplication", "DRAFT")
    assert told[-4:] == [
        ("SubmitApplication", "SUBMITTED"),
        ("ClaimNextTask", "CLAIMED"),
        ("ApproveTask", "APPROVED"),
        ("CompleteWorkItem", "DONE"),
    ]
    assert [step.branch_id for step in steps[-4:]] == ["0101", "C001", "C001", "0101"]
    assert application.journey_id == journey_id
    for caller in (world.authoriser, world.auditor):
        assert (await caller.applications.GetJourney(request)).steps
    with refused("JOURNEY_NOT_FOUND"):
        await world.other_teller.applications.GetJourney(request)


async def _lease(world: World) -> LeasedWorkItem:
    response = await world.core_adapter.fulfilment.LeaseWorkItems(
        LeaseWorkItemsRequest(kinds=["core.open_account"], max_items=1)
    )
    [item] = response.items
    return item


async def _open_account(world: World, item: LeasedWorkItem, content_hash: bytes) -> None:
    await world.core_adapter.fulfilment.CompleteWorkItem(
        CompleteWorkItemRequest(
            request_id=paper.request_id(),
            work_item_id=item.work_item.work_item_id,
            fence=item.fence,
            result=WorkResult(
                executed_application=ExecutedApplication(
                    account_number=ACCOUNT, core_reference="CORE-1", content_hash=content_hash
                )
            ),
        )
    )


async def test_an_approval_is_good_for_the_content_that_it_was_given_for_alone(
    world: World, clock: Clock, database: Database
) -> None:
    application = await paper.submitted(world.teller)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    # What no method of the contract does.
    await database.as_owner("UPDATE application SET content_hash = sha256('something else')")
    leased = await world.core_adapter.fulfilment.LeaseWorkItems(
        LeaseWorkItemsRequest(kinds=["core.open_account"], max_items=1)
    )
    assert not leased.items
    await clock.advance(0)
    shown = (await paper.get(world.teller, application.application_id)).application
    assert (shown.state, shown.state_note) == (
        Application.STATE_EXECUTION_FAILED,
        "授权与现有内容不符，未予办理。",
    )
