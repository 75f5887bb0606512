"""A credit report is queried by the customer's consent, or not at all."""

from datetime import UTC, timedelta

import pytest

from fingertip.applications.v1.application_pb2 import Application, ApplicationInquiry
from fingertip.applications.v1.applications_service_pb2 import (
    ApplicationFault,
    GetFormRequest,
    StartInquiryRequest,
)
from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.customer.v1.consent_pb2 import Consent
from fingertip.customer.v1.customer_service_pb2 import (
    ListConsentsRequest,
    RecordConsentRequest,
    WithdrawConsentRequest,
)
from fingertip.customer.v1.restriction_pb2 import CustomerChanged
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.fulfilment.v1.fulfilment_service_pb2 import (
    CompleteWorkItemRequest,
    FailWorkItemRequest,
    LeaseWorkItemsRequest,
)
from fingertip.fulfilment.v1.work_item_pb2 import CreditReport, LeasedWorkItem, WorkResult
from fingertip_server.app import App
from tests.applications import paper, papers
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock
from tests.packs.policies import change_policy
from tests.world import PASSWORD, World, refused

_LOAN = papers.CONSUMER_LOAN


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


def _consenting(application_id: str = "") -> RecordConsentRequest:
    return RecordConsentRequest(
        request_id=paper.request_id(),
        customer_id=paper.customer_id(),
        agreement_code="credit_report_consent",
        agreement_version=1,
        channel=Consent.CHANNEL_WRITTEN,
        application_id=application_id,
    )


async def _consent(world: World, application_id: str = "") -> Consent:
    return (await world.teller.customer.RecordConsent(_consenting(application_id))).consent


def _withdrawing(consent: Consent) -> WithdrawConsentRequest:
    return WithdrawConsentRequest(
        request_id=paper.request_id(), consent_id=consent.consent_id, purpose="客户撤回授权"
    )


def _asking(application: Application, kind: str = "credit_report") -> StartInquiryRequest:
    return StartInquiryRequest(
        request_id=paper.request_id(),
        application_id=application.application_id,
        etag=application.etag,
        inquiry_kind=kind,
    )


async def _ask(world: World, application: Application) -> Application:
    return (await world.teller.applications.StartInquiry(_asking(application))).application


async def _lease(world: World) -> list[LeasedWorkItem]:
    response = await world.core_adapter.fulfilment.LeaseWorkItems(
        LeaseWorkItemsRequest(kinds=["credit.query_report"], max_items=1)
    )
    return list(response.items)


async def _answer(world: World) -> None:
    [item] = await _lease(world)
    await world.core_adapter.fulfilment.CompleteWorkItem(
        CompleteWorkItemRequest(
            request_id=paper.request_id(),
            work_item_id=item.work_item.work_item_id,
            fence=item.fence,
            result=WorkResult(credit_report=CreditReport(report_reference="CR-1")),
        )
    )


async def _now(world: World, application: Application) -> Application:
    return (await paper.get(world.teller, application.application_id)).application


async def _check(world: World, application: Application) -> list[tuple[str, int]]:
    faults = await paper.faults_of(world.teller, application)
    return [(fault.subject, fault.kind) for fault in faults]


async def _loan(world: World) -> Application:
    draft = await paper.start(world.teller, form=_LOAN.form)
    return await paper.fill(world.teller, draft, _LOAN.answers, images=_LOAN.images)


async def test_consent_query_answer_and_the_authoriser_sees_when(world: World) -> None:
    draft = await _loan(world)
    missing = ("inquiry.credit_report", ApplicationFault.KIND_MISSING)
    assert await _check(world, draft) == [missing]
    with refused("APPLICATION_INCOMPLETE"):
        await paper.submit(world.teller, draft)
    form = await world.teller.applications.GetForm(GetFormRequest(form_code=_LOAN.form))
    [rule] = form.form.inquiry_rules
    consent = await _consent(world, draft.application_id)
    assert consent.agreement_sha256 == rule.consent_text.sha256
    assert consent.purpose == "credit_report_query"
    async with screen(world.teller, WatchRequest(branch_id="0101")) as shown:
        asked = await _ask(world, draft)
        pending = ("inquiry.credit_report", ApplicationFault.KIND_PENDING)
        assert await _check(world, asked) == [pending]
        await _answer(world)
        await shown.until(
            lambda event: any(each.reference == "CR-1" for each in event.application.inquiries)
        )
    answered = await _now(world, draft)
    assert await _check(world, answered) == []
    await paper.submit(world.teller, answered)
    task = await desk.claim(world.authoriser)
    content = ApplicationContent.FromString((await desk.look_at(world.authoriser, task)).content)
    [inquiry] = content.inquiries
    assert (inquiry.state, inquiry.reference) == (ApplicationInquiry.STATE_ANSWERED, "CR-1")
    assert inquiry.consent_id == consent.consent_id
    assert inquiry.consent_text == "credit_report_consent.v1"
    times = (inquiry.consent_time, inquiry.ask_time, inquiry.answer_time)
    assert sorted(time.ToDatetime(UTC) for time in times) == [t.ToDatetime(UTC) for t in times]
    assert inquiry.asked_by == "100103"


async def test_without_a_consent_that_holds_nothing_is_asked(world: World, clock: Clock) -> None:
    draft = await paper.start(world.teller, form=_LOAN.form)
    with refused("CONSENT_MISSING") as caught:
        await _ask(world, draft)
    assert caught.value.metadata == {"purpose": "credit_report_query"}
    # For another application, withdrawn, or too old.
    await _consent(world, paper.request_id())
    with refused("CONSENT_MISSING"):
        await _ask(world, draft)
    await world.teller.customer.WithdrawConsent(_withdrawing(await _consent(world)))
    with refused("CONSENT_MISSING"):
        await _ask(world, draft)
    await _consent(world)
    await clock.advance(timedelta(days=29, hours=23).total_seconds())
    await world.teller.sign_in("100103", PASSWORD)
    await paper.save(world.teller, draft, {"employer": "示范设计院"})
    await clock.advance(timedelta(hours=2).total_seconds())
    await world.teller.sign_in("100103", PASSWORD)
    with refused("CONSENT_MISSING"):
        await _ask(world, await _now(world, draft))
    assert not await _lease(world)


async def test_a_consent_withdrawn_before_the_bank_is_asked_stops_the_query(
    world: World, clock: Clock
) -> None:
    draft = await paper.start(world.teller, form=_LOAN.form)
    consent = await _consent(world)
    await _ask(world, draft)
    await world.teller.customer.WithdrawConsent(_withdrawing(consent))
    assert not await _lease(world)
    await clock.advance(0)
    [inquiry] = (await _now(world, draft)).inquiries
    assert inquiry.state == ApplicationInquiry.STATE_UNAVAILABLE


async def test_nothing_is_asked_for_an_application_that_is_over(world: World, clock: Clock) -> None:
    draft = await paper.start(world.teller, form=_LOAN.form)
    await _consent(world)
    asked = await _ask(world, draft)
    await paper.withdraw(world.teller, asked)
    assert not await _lease(world)
    await clock.advance(0)
    [inquiry] = (await _now(world, draft)).inquiries
    assert inquiry.state == ApplicationInquiry.STATE_UNAVAILABLE


async def test_the_bank_is_asked_once_at_a_time_and_again_when_it_could_not_answer(
    world: World,
) -> None:
    draft = await paper.start(world.teller, form=_LOAN.form)
    await _consent(world)
    request = _asking(draft)
    asked = (await world.teller.applications.StartInquiry(request)).application
    assert (await world.teller.applications.StartInquiry(request)).application == asked
    with refused("INQUIRY_RUNNING"):
        await _ask(world, asked)
    [item] = await _lease(world)
    await world.core_adapter.fulfilment.FailWorkItem(
        FailWorkItemRequest(
            request_id=paper.request_id(),
            work_item_id=item.work_item.work_item_id,
            fence=item.fence,
            failure=FailWorkItemRequest.FAILURE_PERMANENT,
            failure_code="BUREAU_AWAY",
        )
    )
    again = await _ask(world, await _now(world, draft))
    assert [each.state for each in again.inquiries] == [
        ApplicationInquiry.STATE_UNAVAILABLE,
        ApplicationInquiry.STATE_ASKED,
    ]


async def test_the_bank_has_as_long_to_answer_as_policy_says(
    server: App, world: World, clock: Clock
) -> None:
    change_policy(server, "applications.inquiry_patience", timedelta(minutes=6))
    draft = await paper.start(world.teller, form=_LOAN.form)
    await _consent(world)
    await _ask(world, draft)
    for minutes, state in (
        (5, ApplicationInquiry.STATE_ASKED),
        (2, ApplicationInquiry.STATE_UNAVAILABLE),
    ):
        await clock.advance(timedelta(minutes=minutes).total_seconds())
        [inquiry] = (await _now(world, draft)).inquiries
        assert inquiry.state == state


async def test_who_may_ask_for_what_and_when(world: World) -> None:
    await _consent(world)
    draft = await paper.start(world.teller, form=_LOAN.form)
    with refused("FIELD_UNKNOWN"):
        await world.teller.applications.StartInquiry(_asking(draft, "horoscope"))
    card = await paper.start(world.teller)
    with refused("FIELD_UNKNOWN"):
        await _ask(world, card)
    with refused("NOT_THE_MAKER"):
        await world.second_teller.applications.StartInquiry(_asking(draft))
    with refused("PERMISSION_MISSING"):
        await world.lobby_manager.applications.StartInquiry(_asking(draft))
    stale = _asking(draft)
    await paper.save(world.teller, draft, {"employer": "示范设计院"})
    with refused("ETAG_MISMATCH"):
        await world.teller.applications.StartInquiry(stale)
    withdrawn = await paper.withdraw(world.teller, await _now(world, draft))
    with refused("APPLICATION_STATE"):
        await _ask(world, withdrawn)


async def test_consents_are_recorded_withdrawn_listed_and_told(world: World) -> None:
    teller = world.teller.customer
    async with screen(world.teller, WatchRequest(branch_id="0101")) as shown:
        request = _consenting()
        consent = (await teller.RecordConsent(request)).consent
        assert (await teller.RecordConsent(request)).consent == consent
        withdrawing = _withdrawing(consent)
        withdrawn = (await teller.WithdrawConsent(withdrawing)).consent
        assert (await teller.WithdrawConsent(withdrawing)).consent == withdrawn
        await shown.until(lambda event: event.customer_changed.version == 2)
    kinds = {e.customer_changed.kind for e in shown.shown if e.HasField("customer_changed")}
    assert kinds == {CustomerChanged.KIND_CONSENTS}
    listed = await teller.ListConsents(ListConsentsRequest(customer_id=paper.customer_id()))
    assert list(listed.consents) == [withdrawn]
    with refused("CONSENT_STATE") as caught:
        await teller.WithdrawConsent(_withdrawing(consent))
    assert caught.value.metadata == {"state": "WITHDRAWN"}
    entries = await world.auditor.audit.ListEntries(ListEntriesRequest(chain="0101", page_size=200))
    told = [
        (entry.action.rpartition("/")[2], entry.object_state)
        for entry in reversed(entries.entries)
        if entry.action.endswith("Consent") and not entry.reason
    ]
    assert told == [("RecordConsent", "RECORDED"), ("WithdrawConsent", "WITHDRAWN")]


async def test_consents_are_refused_for_what_nobody_consents_by(world: World) -> None:
    request = _consenting()
    for code, version in (("credit_report_consent", 2), ("consumer_loan", 1), ("nothing", 1)):
        request.request_id = paper.request_id()
        request.agreement_code, request.agreement_version = code, version
        with refused("CONSENT_TEXT_NOT_FOUND"):
            await world.teller.customer.RecordConsent(request)
    request = _consenting()
    request.customer_id = paper.request_id()
    with refused("CUSTOMER_NOT_FOUND"):
        await world.teller.customer.RecordConsent(request)
    with refused("PERMISSION_MISSING"):
        await world.lobby_manager.customer.RecordConsent(_consenting())
    with refused("PERMISSION_MISSING"):
        await world.auditor.customer.WithdrawConsent(_withdrawing(Consent(consent_id=_ID)))
    with refused("CONSENT_NOT_FOUND"):
        await world.teller.customer.WithdrawConsent(_withdrawing(Consent(consent_id=_ID)))


_ID = "d4fa6d5e-4b7c-4a4a-9a55-0c4f1d1c2a3b"
