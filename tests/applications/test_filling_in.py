"""Filling in an application: form, answers, signature, faults."""

import hashlib

import pytest

from fingertip.applications.v1.application_pb2 import Answer, Application, Sighting
from fingertip.applications.v1.applications_service_pb2 import (
    ApplicationFault,
    AttestSightingRequest,
    GetFormRequest,
    ListApplicationsRequest,
    SaveApplicationRequest,
    SignApplicationRequest,
    StartApplicationRequest,
)
from tests.applications import paper
from tests.world import World, refused


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def test_the_form_of_the_pack_is_shown_whole(world: World) -> None:
    form = (await world.teller.applications.GetForm(GetFormRequest(form_code=paper.FORM))).form
    assert (form.form_code, form.version, form.title) == (paper.FORM, 2, "借记卡开户申请书")
    assert {field.field_key for section in form.sections for field in section.fields} >= set(
        paper.ANSWERS
    )
    always = [rule for rule in form.attachment_rules if rule.required]
    assert [rule.kind for rule in always if not rule.HasField("only_when")] == [
        "id_front",
        "id_back",
        "customer_photo",
        "signature",
    ]
    [agreement] = form.agreements
    assert agreement.sha256 == hashlib.sha256(agreement.text.encode()).digest()
    with refused("FORM_NOT_FOUND"):
        await world.teller.applications.GetForm(GetFormRequest(form_code=paper.FORM, version=9))


async def test_a_draft_is_filled_in_checked_and_shown_whole_to_its_maker(world: World) -> None:
    application = await paper.start(world.teller)
    assert application.state == Application.STATE_DRAFT
    assert (application.revision, application.signed) == (0, False)
    application = await paper.fill(world.teller, application)
    assert application.signed
    faults = await _check(world, application)
    assert faults == []
    shown = await paper.get(world.teller, application.application_id)
    assert {answer.field_key: answer.value for answer in shown.answers} == dict(paper.ANSWERS)
    assert shown.application == application


async def test_others_of_the_branch_see_answers_masked_and_other_branches_nothing(
    world: World,
) -> None:
    application = await paper.fill(world.teller, await paper.start(world.teller))
    shown = await paper.get(world.lobby_manager, application.application_id)
    answers = {answer.field_key: answer.value for answer in shown.answers}
    assert answers["applicant_name"] == "王**"
    assert answers["resident_id"] == "190***********9021"
    assert answers["mobile"] == "154****0201"
    assert answers["occupation"] == "****"
    assert answers["account_class"] == "class_two"
    with refused("APPLICATION_NOT_FOUND"):
        await paper.get(world.other_teller, application.application_id)
    listed = await world.other_teller.applications.ListApplications(ListApplicationsRequest())
    assert not listed.applications


async def test_after_submission_even_the_maker_sees_answers_masked(world: World) -> None:
    application = await paper.submitted(world.teller)
    shown = await paper.get(world.teller, application.application_id)
    answers = {answer.field_key: answer.value for answer in shown.answers}
    assert answers["mobile"] == "154****0201"


async def test_wrong_answers_are_stored_and_all_faults_told_at_once(world: World) -> None:
    application = await paper.start(world.teller)
    wrong = {"resident_id": "190102197805209022", "mobile": "123", "sex": "male"}
    application = await paper.save(world.teller, application, wrong)
    faults = {fault.subject: fault.kind for fault in await _check(world, application)}
    assert faults["resident_id"] == ApplicationFault.KIND_CHECK_DIGIT
    assert faults["mobile"] == ApplicationFault.KIND_MALFORMED
    assert faults["applicant_name"] == ApplicationFault.KIND_MISSING
    assert faults["id_front"] == ApplicationFault.KIND_MISSING
    assert faults["sighting.applicant"] == ApplicationFault.KIND_MISSING
    assert faults["signature"] == ApplicationFault.KIND_MISSING
    with refused("APPLICATION_INCOMPLETE") as caught:
        await paper.submit(world.teller, application)
    assert {violation.field for violation in caught.value.violations} == set(faults)


async def test_answers_that_contradict_the_customer_master_hinder_the_submission(
    world: World,
) -> None:
    application = await paper.start(world.teller, customer=2)
    application = await paper.fill(world.teller, application)
    with refused("APPLICATION_INCOMPLETE") as caught:
        await paper.submit(world.teller, application)
    assert [violation.field for violation in caught.value.violations] == [
        "applicant_name",
        "resident_id",
    ]


async def test_an_answer_is_stored_in_its_one_spelling_and_cleared_by_an_empty_one(
    world: World,
) -> None:
    application = await paper.start(world.teller)
    given = {"mobile": "+86 154 2026 0201", "employer": "示范公司"}
    application = await paper.save(world.teller, application, given)
    application = await paper.save(world.teller, application, {"employer": ""})
    shown = await paper.get(world.teller, application.application_id)
    assert [(each.field_key, each.value) for each in shown.answers] == [("mobile", "15420260201")]


async def test_a_changed_answer_voids_signature_and_its_sighting_and_the_same_one_does_not(
    world: World,
) -> None:
    application = await paper.fill(world.teller, await paper.start(world.teller))
    signed = application.form_hash
    application = await paper.save(world.teller, application, {"mobile": "15420260201"})
    assert (application.signed, application.form_hash) == (True, signed)
    application = await paper.save(world.teller, application, {"occupation": "clerk"})
    assert not application.signed
    assert application.form_hash != signed
    assert Sighting.KIND_SIGNATURE not in {seen.kind for seen in application.sightings}
    with refused("FORM_HASH_MISMATCH"):
        await world.teller.applications.SignApplication(
            SignApplicationRequest(
                request_id=paper.request_id(),
                application_id=application.application_id,
                etag=application.etag,
                form_hash=signed,
                attachment_id=paper.in_use(application, "signature"),
            )
        )
    application = await paper.sign(world.teller, application)
    assert application.signed


async def test_a_sighting_needs_a_complete_image_that_may_show_it(world: World) -> None:
    application = await paper.start(world.teller)
    application = await paper.attach(world.teller, application, "id_front")
    request = AttestSightingRequest(
        request_id=paper.request_id(),
        application_id=application.application_id,
        etag=application.etag,
        kind=Sighting.KIND_APPLICANT,
        attachment_id=paper.in_use(application, "id_front"),
        place="3号柜台",
    )
    with refused("ATTACHMENT_NOT_FOUND"):
        await world.teller.applications.AttestSighting(request)
    request.request_id = paper.request_id()
    request.kind = Sighting.KIND_ORIGINAL_DOCUMENT
    attested = (await world.teller.applications.AttestSighting(request)).application
    [sighting] = attested.sightings
    assert (sighting.staff_id, sighting.place) == ("100103", "3号柜台")
    assert sighting.device_id


async def test_only_the_maker_changes_his_application_and_only_as_he_saw_it_last(
    world: World,
) -> None:
    application = await paper.start(world.teller)
    with refused("NOT_THE_MAKER"):
        await paper.save(world.second_teller, application, {"mobile": "1"})
    with refused("APPLICATION_NOT_FOUND"):
        await paper.save(world.other_teller, application, {"mobile": "1"})
    with refused("PERMISSION_MISSING"):
        await paper.save(world.lobby_manager, application, {"mobile": "1"})
    newer = await paper.save(world.teller, application, {"mobile": "1"})
    with refused("ETAG_MISMATCH") as caught:
        await paper.save(world.teller, application, {"mobile": "2"})
    assert caught.value.metadata == {"etag": newer.etag}
    with refused("FIELD_UNKNOWN") as caught:
        await paper.save(world.teller, newer, {"mobile": "3", "shoe_size": "44"})
    assert caught.value.metadata == {"field_key": "shoe_size"}
    assert [violation.field for violation in caught.value.violations] == ["answers[1].field_key"]


async def test_a_repeated_save_answers_the_same_and_changes_nothing(world: World) -> None:
    application = await paper.start(world.teller)
    request = SaveApplicationRequest(
        request_id=paper.request_id(),
        application_id=application.application_id,
        etag=application.etag,
        answers=[Answer(field_key="mobile", value="15420260201")],
    )
    first = await world.teller.applications.SaveApplication(request)
    assert await world.teller.applications.SaveApplication(request) == first
    request.answers[0].value = "15420260202"
    with refused("REQUEST_ID_REUSED"):
        await world.teller.applications.SaveApplication(request)


async def test_a_client_made_id_is_kept_and_taken_once(world: World) -> None:
    request = StartApplicationRequest(
        request_id=paper.request_id(),
        application_id=paper.request_id(),
        form_code=paper.FORM,
        customer_id=paper.customer_id(),
    )
    started = (await world.teller.applications.StartApplication(request)).application
    assert started.application_id == request.application_id
    request.request_id = paper.request_id()
    with refused("APPLICATION_EXISTS"):
        await world.teller.applications.StartApplication(request)
    request.request_id = paper.request_id()
    request.customer_id = paper.request_id()
    with refused("CUSTOMER_NOT_FOUND"):
        await world.teller.applications.StartApplication(request)


async def test_applications_are_listed_newest_first_by_pages(world: World) -> None:
    started = [await paper.start(world.teller, customer=index) for index in (0, 1, 0)]
    request = ListApplicationsRequest(page_size=2)
    first = await world.teller.applications.ListApplications(request)
    assert [each.application_id for each in first.applications] == [
        started[2].application_id,
        started[1].application_id,
    ]
    request.page_token = first.next_page_token
    second = await world.teller.applications.ListApplications(request)
    assert [each.application_id for each in second.applications] == [started[0].application_id]
    own = ListApplicationsRequest(
        customer_id=paper.customer_id(1), states=[Application.STATE_DRAFT]
    )
    [only] = (await world.teller.applications.ListApplications(own)).applications
    assert only == started[1]


async def _check(world: World, application: Application) -> list[ApplicationFault]:
    return await paper.faults_of(world.teller, application)
