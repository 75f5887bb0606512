"""The one story that everything serves: from the ticket to the account, and what each one sees."""

import asyncio
import hashlib
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import (
    GetJourneyRequest,
    JourneyStep,
    ReadAttachmentRequest,
)
from fingertip.applications.v1.content_pb2 import ApplicationContent, SignedForm
from fingertip.applications.v1.identity_pb2 import PartyIdentity
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.customer.v1.customer_service_pb2 import (
    GetCustomerViewRequest,
    GetCustomerViewResponse,
    LookUpCustomerRequest,
)
from fingertip.customer.v1.customer_view_pb2 import Section, SectionKind
from fingertip.events.v1.event_pb2 import Event
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.lobby.v1.arrival_pb2 import Arrival
from fingertip.lobby.v1.lobby_service_pb2 import (
    ClaimArrivalRequest,
    CompleteTicketRequest,
    StartServingRequest,
)
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from tests.applications import paper
from tests.authorization import desk
from tests.authorization.screen import Screen, screen
from tests.customer.master import wang
from tests.journeys.bank import bank_at_work
from tests.lobby import tickets
from tests.world import World

_BRANCH = WatchRequest(branch_id="0101")
_CENTRE = WatchRequest(centre_id="C001")
# Sections come later than the view waits; the account is opened, and nobody is told.
_FAULTS: dict[str, dict[str, float | str]] = {
    "view_section": {"latency_s": 2.0},
    "execute": {"timeout_rate": 1.0, "timeout": "acts"},
}
_STORY = [
    "IssueTicket",
    "ClaimArrival",
    "GetCustomerView",
    *["CompleteWorkItem"] * 5,
    "GetCustomerView",
    "CallNextTicket",
    "StartServing",
    "LookUpCustomer",
    "StartApplication",
    "SaveApplication",
    "SaveApplication",
    "CheckIdentity",
    "CompleteWorkItem",
    *["StartAttachment", "CompleteAttachment"] * 3,
    "ShowAgreement",
    "StartAttachment",
    "CompleteAttachment",
    "SignApplication",
    *["AttestSighting"] * 3,
    "AssignVoucher",
    "SubmitApplication",
    "ClaimNextTask",
    "GetTask",
    *["ReadAttachment"] * 5,
    "ApproveTask",
    "ReportOutcomeUnknown",
    "CompleteWorkItem",
    "GetApplication",
    "CompleteTicket",
]


async def test_from_the_ticket_to_the_account(world: World, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        books = await stack.enter_async_context(bank_at_work(world, tmp_path, _FAULTS))
        lobby, second, manager, ordinary_teller = [
            await stack.enter_async_context(screen(caller, _BRANCH))
            for caller in (
                world.lobby_manager,
                world.second_lobby_manager,
                world.relationship_manager,
                world.second_teller,
            )
        ]
        centre = await stack.enter_async_context(screen(world.authoriser, _CENTRE))

        arrival = await _take_a_ticket(world, lobby, second, manager)
        assert not any(event.HasField("arrival") for event in ordinary_teller.shown)
        await _claim_at_once(world, arrival)
        await _open_the_view(world.lobby_manager, lobby, arrival)
        ticket_id = await _serve(world.teller, arrival)
        application = await _apply(world.teller, arrival, lobby)
        await _authorise(world.authoriser, centre, application)
        await _see_the_account(world.teller, lobby, application)
        [booking] = books.bookings()
        assert booking.customer_number == wang().customer_number
        await world.teller.lobby.CompleteTicket(
            CompleteTicketRequest(request_id=new_request_id(), ticket_id=ticket_id)
        )
        await _read_the_journey(world, arrival.journey_id)


async def _take_a_ticket(world: World, *screens: Screen) -> Arrival:
    """Puts Ms Wang's card in; everybody concerned is told the same, and nothing personal."""
    card = tickets.card(wang().card_numbers[0])
    ticket = await tickets.issue(world.ticket_machine, "B", identification=card)
    assert ticket.number == "A001"
    assert not ticket.customer_id
    arrivals = [(await each.until(_is_open_arrival)).arrival for each in screens]
    assert all(arrival == arrivals[0] for arrival in arrivals)
    assert arrivals[0].masked_name == "王**"
    assert arrivals[0].tier_code == "private"
    assert arrivals[0].journey_id == ticket.journey_id
    return arrivals[0]


async def _claim_at_once(world: World, arrival: Arrival) -> None:
    """Has both lobby managers claim; one wins, the other is told by whom."""
    names = {world.lobby_manager: "林晓梅", world.second_lobby_manager: "郭子昂"}
    answers = dict(
        zip(
            names,
            await asyncio.gather(
                *(
                    caller.lobby.ClaimArrival(
                        ClaimArrivalRequest(
                            request_id=new_request_id(), arrival_id=arrival.arrival_id
                        )
                    )
                    for caller in names
                ),
                return_exceptions=True,
            ),
            strict=True,
        )
    )
    [(refused_caller, refused)] = [
        (caller, answer) for caller, answer in answers.items() if isinstance(answer, Refused)
    ]
    [winner] = names.keys() - {refused_caller}
    assert refused.reason == "ARRIVAL_CLAIMED"
    assert refused.metadata["claimed_by_name"] == names[winner]


async def _open_the_view(caller: Caller, lobby: Screen, arrival: Arrival) -> None:
    """Sees who she is at once, and the rest when the bank has answered."""
    view = await _view(caller, arrival)
    assert view.customer.name == "王**"
    assert {section.freshness for section in view.sections} == {Section.FRESHNESS_UNAVAILABLE}
    for section in view.sections:
        await lobby.until(partial(_is_news_of, section.kind))
    view = await _view(caller, arrival)
    assert {section.freshness for section in view.sections} == {Section.FRESHNESS_FRESH}


async def _view(caller: Caller, arrival: Arrival) -> GetCustomerViewResponse:
    request = GetCustomerViewRequest(customer_id=arrival.customer_id, journey_id=arrival.journey_id)
    view: GetCustomerViewResponse = await caller.customer.GetCustomerView(request)
    return view


async def _serve(teller: Caller, arrival: Arrival) -> str:
    called = await tickets.call_next(teller, "3")
    assert called.ticket_id == arrival.ticket_id
    await teller.lobby.StartServing(
        StartServingRequest(request_id=new_request_id(), ticket_id=called.ticket_id)
    )
    found = await teller.customer.LookUpCustomer(LookUpCustomerRequest(ticket_id=called.ticket_id))
    assert [customer.customer_id for customer in found.customers] == [arrival.customer_id]
    assert found.journey_id == arrival.journey_id
    return called.ticket_id


async def _apply(teller: Caller, arrival: Arrival, lobby: Screen) -> Application:
    """Mistypes, is told everything that is amiss at once, and submits what is right."""
    application = await paper.start(teller, journey_id=arrival.journey_id)
    wrong = {**paper.ANSWERS, "resident_id": "190102197805209012", "account_purpose": ""}
    application = await paper.save(teller, application, wrong)
    faults = await paper.faults_of(teller, application)
    assert {fault.subject for fault in faults} >= {
        "resident_id",
        "account_purpose",
        "id_front",
        "id_back",
        "customer_photo",
        "sighting.applicant",
        "sighting.original_document",
        "sighting.signature",
        "signature",
    }
    application = await paper.save(teller, application, paper.ANSWERS)
    checking = await paper.check_identity(teller, application)
    known = await lobby.until(
        lambda event: (
            event.application.application_id == checking.application_id
            and [each.state for each in event.application.identities]
            == [PartyIdentity.STATE_CONFIRMED]
        )
    )
    application = await paper.complete_evidence(teller, known.application)
    assert not await paper.faults_of(teller, application)
    return await paper.submit(teller, application)


async def _authorise(authoriser: Caller, centre: Screen, application: Application) -> None:
    """Gets the task pushed, sees exactly what will be done, and approves it."""
    pushed = (await centre.until(lambda event: event.task.state == Task.STATE_QUEUED)).task
    task = await desk.claim(authoriser)
    assert task.task_id == pushed.task_id
    shown = await desk.look_at(authoriser, task)
    assert hashlib.sha256(shown.content).digest() == application.content_hash
    content = ApplicationContent.FromString(shown.content)
    assert hashlib.sha256(content.signed_form).digest() == application.form_hash
    answers = SignedForm.FromString(content.signed_form).answers
    assert {answer.field_key: answer.value for answer in answers} == dict(paper.ANSWERS)
    for evidence in content.evidence:
        read = await authoriser.applications.ReadAttachment(
            ReadAttachmentRequest(attachment_id=evidence.attachment_id)
        )
        assert hashlib.sha256(read.piece).digest() == evidence.sha256
    approved = await desk.approve(authoriser, task)
    assert approved.state == Task.STATE_APPROVED


async def _see_the_account(teller: Caller, lobby: Screen, application: Application) -> None:
    """Is told each step of the execution, and shown the account's number masked."""
    await lobby.until(lambda event: event.application.state == Application.STATE_EXECUTED)
    states = [
        event.application.state
        for event in lobby.shown
        if event.application.application_id == application.application_id
    ]
    assert states[-4:] == [
        Application.STATE_SUBMITTED,
        Application.STATE_APPROVED,
        Application.STATE_EXECUTION_UNKNOWN,
        Application.STATE_EXECUTED,
    ]
    got = await paper.get(teller, application.application_id)
    assert got.result.account_number.startswith("629990")
    assert "***" in got.result.account_number


async def _read_the_journey(world: World, journey_id: str) -> None:
    """Reads the whole story in order, as the teller and as the auditor."""
    request = GetJourneyRequest(journey_id=journey_id)
    steps = (await world.teller.applications.GetJourney(request)).steps
    times = [step.time.ToNanoseconds() for step in steps]
    assert times == sorted(times)
    assert [_action(step) for step in steps if not step.refusal] == _STORY
    actors = {_action(step): step.actor for step in steps}
    assert "陈思远" in actors["SubmitApplication"]
    assert "曹慧敏" in actors["ApproveTask"]
    told = (await world.auditor.applications.GetJourney(request)).steps
    assert list(told)[: len(steps)] == list(steps)


def _is_news_of(kind: SectionKind.ValueType, event: Event) -> bool:
    return event.customer_section_changed.kind == kind


def _is_open_arrival(event: Event) -> bool:
    return event.arrival.state == Arrival.STATE_OPEN


def _action(step: JourneyStep) -> str:
    return step.action.rpartition("/")[2]
