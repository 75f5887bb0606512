"""The check of identities with the police (联网核查), and what becomes of those not confirmed."""

import asyncio
from collections.abc import Mapping
from datetime import UTC

import pytest

from fingertip.applications.v1 import identity_pb2 as identity
from fingertip.applications.v1.application_pb2 import Application, Attachment, Sighting
from fingertip.applications.v1.applications_service_pb2 import (
    ApplicationFault,
    AttestSightingRequest,
    ReadAttachmentRequest,
)
from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.applications.v1.identity_pb2 import PartyIdentity
from fingertip.authorization.v1.authorization_service_pb2 import GetTaskResponse
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_client.caller import Caller
from tests.applications import paper
from tests.applications.images import JPEG, png
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.customer.master import changed, sync, wang
from tests.world import World, refused

_UNRESOLVED = {
    "name": identity.IDENTITY_OUTCOME_NAME_DIFFERS,
    "number": identity.IDENTITY_OUTCOME_NUMBER_UNKNOWN,
}
_DAY = 24 * 3600


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _checked(
    world: World, outcome: identity.IdentityOutcome.ValueType, photo: bytes = b""
) -> Application:
    """Returns Ms Wang's filled-in application after the register said this of her."""
    application = await paper.save(world.teller, await paper.start(world.teller), paper.ANSWERS)
    application = await paper.identify(world.teller, application, outcome, photo)
    return await paper.complete_evidence(world.teller, application)


async def _faults(caller: Caller, application: Application) -> dict[str, str]:
    faults = await paper.faults_of(caller, application)
    return {
        fault.subject: ApplicationFault.Kind.Name(fault.kind).removeprefix("KIND_")
        for fault in faults
    }


def _states(application: Application) -> Mapping[str, str]:
    return {
        identity.Party.Name(each.party).removeprefix("PARTY_"): PartyIdentity.State.Name(
            each.state
        ).removeprefix("STATE_")
        for each in application.identities
    }


async def _prove(world: World, application: Application, kind: str) -> Application:
    """Attaches another proof and states to have seen its original."""
    application = await paper.attach(world.teller, application, kind, ("image/jpeg", JPEG))
    response = await world.teller.applications.AttestSighting(
        AttestSightingRequest(
            request_id=paper.request_id(),
            application_id=application.application_id,
            etag=application.etag,
            kind=Sighting.KIND_IDENTITY_PROOF,
            attachment_id=paper.in_use(application, kind),
            place="3号柜台",
        )
    )
    return response.application


async def _claimed(world: World) -> tuple[GetTaskResponse, ApplicationContent]:
    seen = await desk.look_at(world.authoriser, await desk.claim(world.authoriser))
    return seen, ApplicationContent.FromString(seen.content)


async def test_nobody_is_submitted_unchecked(world: World) -> None:
    application = await paper.save(world.teller, await paper.start(world.teller), paper.ANSWERS)
    application = await paper.complete_evidence(world.teller, application)
    assert await _faults(world.teller, application) == {"identity.applicant": "IDENTITY_UNCHECKED"}
    with refused("APPLICATION_INCOMPLETE"):
        await paper.submit(world.teller, application)
    application = await paper.check_identity(world.teller, application)
    assert _states(application) == {"APPLICANT": "CHECKING"}
    with refused("APPLICATION_INCOMPLETE"):
        await paper.submit(world.teller, application)


async def test_the_register_is_asked_for_name_and_number_and_its_photo_is_evidence(
    world: World,
) -> None:
    application = await paper.save(world.teller, await paper.start(world.teller), paper.ANSWERS)
    async with screen(world.teller, WatchRequest(branch_id="0101")) as branch:
        await paper.check_identity(world.teller, application)
        [asked] = await paper.answer(world, identity.IDENTITY_OUTCOME_CONSISTENT_WITH_PHOTO, JPEG)
        told = await branch.until(
            lambda event: _states(event.application) == {"APPLICANT": "CONFIRMED"}
        )
    assert (asked.name, asked.document_number) == ("王若兰", paper.ANSWERS["resident_id"])
    application = await paper.complete_evidence(world.teller, told.application)
    await paper.submit(world.teller, application)
    seen, content = await _claimed(world)
    [photo] = [each for each in content.evidence if each.kind == "police_photo"]
    read = await world.authoriser.applications.ReadAttachment(
        ReadAttachmentRequest(attachment_id=photo.attachment_id)
    )
    assert read.piece == JPEG
    [known] = content.identities
    assert known.state == PartyIdentity.STATE_CONFIRMED
    assert known.outcome == identity.IDENTITY_OUTCOME_CONSISTENT_WITH_PHOTO
    assert len(seen.checklist) == len(desk.ITEMS)


async def test_nobody_brings_a_photo_of_his_own_as_the_registers(world: World) -> None:
    application = await paper.start(world.teller)
    with refused("FIELD_UNKNOWN"):
        await paper.announce(world.teller, application, "police_photo", "image/jpeg", 10)


async def test_bytes_that_are_no_photo_are_no_answer(world: World) -> None:
    application = await paper.save(world.teller, await paper.start(world.teller), paper.ANSWERS)
    await paper.check_identity(world.teller, application)
    with refused("ATTACHMENT_TYPE"):
        await paper.answer(world, identity.IDENTITY_OUTCOME_CONSISTENT_WITH_PHOTO, b"GIF89a")


async def test_a_photo_comes_with_the_outcome_that_says_so(world: World) -> None:
    application = await paper.save(world.teller, await paper.start(world.teller), paper.ANSWERS)
    await paper.check_identity(world.teller, application)
    with refused("INVALID_REQUEST"):
        await paper.answer(world, identity.IDENTITY_OUTCOME_NAME_DIFFERS, JPEG)


@pytest.mark.parametrize("outcome", _UNRESOLVED.values(), ids=_UNRESOLVED)
async def test_who_is_not_confirmed_is_not_refused_but_proven_otherwise(
    world: World, outcome: identity.IdentityOutcome.ValueType
) -> None:
    application = await _checked(world, outcome)
    assert _states(application) == {"APPLICANT": "IDENTITY_UNRESOLVED"}
    assert application.state == Application.STATE_DRAFT
    assert await _faults(world.teller, application) == {"identity.applicant": "IDENTITY_UNRESOLVED"}
    with refused("APPLICATION_INCOMPLETE"):
        await paper.submit(world.teller, application)
    application = await _prove(world, application, "proof_household_register")
    assert _states(application) == {"APPLICANT": "PROVEN_OTHERWISE"}
    assert await _faults(world.teller, application) == {}
    submitted = await paper.submit(world.teller, application)
    assert submitted.state == Application.STATE_SUBMITTED
    seen, content = await _claimed(world)
    assert content.identities[0].state == PartyIdentity.STATE_PROVEN_OTHERWISE
    assert "proof_household_register" in {each.kind for each in content.evidence}
    # The authoriser cannot overlook it.
    [item] = [each for each in seen.checklist if each.item_id == "identity_applicant"]
    assert "联网核查未一致" in item.text
    with refused("CHECKLIST_INCOMPLETE"):
        await world.authoriser.authorization.ApproveTask(desk.approval(seen.task))


async def test_only_a_proof_that_the_form_names_and_somebody_saw_counts(world: World) -> None:
    application = await _checked(world, identity.IDENTITY_OUTCOME_NAME_DIFFERS)
    application = await paper.attach(
        world.teller, application, "proof_passport", ("image/jpeg", JPEG)
    )
    with refused("APPLICATION_INCOMPLETE"):
        await paper.submit(world.teller, application)
    with refused("ATTACHMENT_NOT_FOUND"):
        await world.teller.applications.AttestSighting(
            AttestSightingRequest(
                request_id=paper.request_id(),
                application_id=application.application_id,
                etag=application.etag,
                kind=Sighting.KIND_IDENTITY_PROOF,
                attachment_id=paper.in_use(application, "id_front"),
                place="3号柜台",
            )
        )
    application = await _prove(world, application, "proof_police_certificate")
    # Another image in its place has to be seen anew.
    application = await paper.attach(
        world.teller, application, "proof_police_certificate", ("image/png", png())
    )
    assert _states(application) == {"APPLICANT": "IDENTITY_UNRESOLVED"}


async def test_a_proof_of_somebody_else_is_no_proof(world: World) -> None:
    # The master knows neither name nor number of a new customer.
    await sync(world, changed(wang(), version=2, name="", resident_id=""))
    application = await _checked(world, identity.IDENTITY_OUTCOME_NAME_DIFFERS)
    application = await _prove(world, application, "proof_household_register")
    same = await paper.save(world.teller, application, {"occupation": "clerk"})
    assert _states(same) == {"APPLICANT": "PROVEN_OTHERWISE"}
    other = await paper.save(world.teller, same, {"applicant_name": "王若男"})
    other = await paper.identify(world.teller, other, identity.IDENTITY_OUTCOME_NAME_DIFFERS)
    assert _states(other) == {"APPLICANT": "IDENTITY_UNRESOLVED"}


async def test_when_the_polices_days_to_answer_are_over_it_hinders_no_longer(
    world: World, clock: Clock, database: Database
) -> None:
    application = await _checked(world, identity.IDENTITY_OUTCOME_NUMBER_UNKNOWN)
    [known] = application.identities
    until = known.unhindered_time.ToDatetime(UTC)
    [row] = await database.as_owner("SELECT fingertip_now() AS now")
    seconds = (until - row["now"]).total_seconds()
    # Two working days, each whole: more than two and at most six days with a weekend between.
    assert 2 * _DAY < seconds <= 6 * _DAY
    await clock.advance(seconds - 60)
    await paper.stay_signed_in(database)
    assert (await _faults(world.teller, application))["identity.applicant"] == "IDENTITY_UNRESOLVED"
    await clock.advance(61)
    assert (await _faults(world.teller, application))["identity.applicant"] == "WARNING"
    await desk.start_shift(world.authoriser)
    application = (await paper.get(world.teller, application.application_id)).application
    assert (await paper.submit(world.teller, application)).state == Application.STATE_SUBMITTED
    seen, _ = await _claimed(world)
    assert "identity_applicant" in {each.item_id for each in seen.checklist}


async def test_asking_again_does_not_begin_the_polices_days_anew(
    world: World, clock: Clock, database: Database
) -> None:
    application = await _checked(world, identity.IDENTITY_OUTCOME_NUMBER_UNKNOWN)
    [first] = application.identities
    for outcome in (
        identity.IDENTITY_OUTCOME_NOT_CHECKED,
        identity.IDENTITY_OUTCOME_NAME_DIFFERS,
    ):
        await clock.advance(_DAY)
        await paper.stay_signed_in(database)
        await paper.check_identity(world.teller, application)
        await paper.answer(world, outcome)
        application = (await paper.get(world.teller, application.application_id)).application
        assert application.identities[0].outcome == outcome
    assert application.identities[0].unhindered_time == first.unhindered_time


async def test_nobody_is_asked_about_for_what_was_withdrawn(world: World, clock: Clock) -> None:
    application = await paper.save(world.teller, await paper.start(world.teller), paper.ANSWERS)
    application = await paper.check_identity(world.teller, application)
    await paper.withdraw(world.teller, application)
    assert await paper.answer(world) == []


async def test_a_register_that_is_down_is_asked_again_after_the_submission(
    world: World, clock: Clock, database: Database
) -> None:
    application = await paper.save(world.teller, await paper.start(world.teller), paper.ANSWERS)
    await paper.check_identity(world.teller, application)
    # Nobody answers in time.
    await clock.advance(60)
    application = (await paper.get(world.teller, application.application_id)).application
    assert _states(application) == {"APPLICANT": "NOT_CHECKED"}
    application = await paper.complete_evidence(world.teller, application)
    assert await _faults(world.teller, application) == {"identity.applicant": "WARNING"}
    await paper.submit(world.teller, application)
    seen, content = await _claimed(world)
    assert content.identities[0].state == PartyIdentity.STATE_NOT_CHECKED
    assert "identity_applicant" in {each.item_id for each in seen.checklist}
    approval = desk.approval(seen.task)
    approval.findings.add(item_id="identity_applicant", passed=True)
    await world.authoriser.authorization.ApproveTask(approval)
    # Still down at the first attempt, answered at the second.
    await clock.advance(30 * 60)
    await clock.advance(60)
    assert await paper.answer(world) == []
    await clock.advance(30 * 60)
    await paper.stay_signed_in(database)
    async with screen(world.teller, WatchRequest(branch_id="0101")) as branch:
        [_] = await paper.answer(world, identity.IDENTITY_OUTCOME_NAME_DIFFERS)
        told = await branch.until(
            lambda event: _states(event.application) == {"APPLICANT": "IDENTITY_UNRESOLVED"}
        )
    # What was authorised is not touched by it.
    assert told.application.content_hash == seen.task.content_hash
    await clock.advance(3600)
    assert await paper.answer(world) == []


async def test_a_draft_whose_register_was_down_is_its_makers_to_ask_about(
    world: World, clock: Clock, database: Database
) -> None:
    application = await _checked(world, identity.IDENTITY_OUTCOME_NOT_CHECKED)
    await clock.advance(3600)
    await paper.stay_signed_in(database)
    assert await paper.answer(world) == []
    application = await paper.identify(world.teller, application)
    assert _states(application) == {"APPLICANT": "CONFIRMED"}


async def test_what_was_said_lately_is_not_asked_again(
    world: World, clock: Clock, database: Database
) -> None:
    first = await _checked(world, identity.IDENTITY_OUTCOME_CONSISTENT_WITH_PHOTO, JPEG)
    again = await paper.check_identity(world.teller, first)
    assert again.version == first.version
    # Not for another application either, which gets the photo too.
    other = await paper.save(world.teller, await paper.start(world.teller), paper.ANSWERS)
    other = await paper.check_identity(world.teller, other)
    assert _states(other) == {"APPLICANT": "CONFIRMED"}
    photo_id = paper.in_use(other, "police_photo")
    assert photo_id != paper.in_use(first, "police_photo")
    read = await world.teller.applications.ReadAttachment(
        ReadAttachmentRequest(attachment_id=photo_id)
    )
    assert read.piece == JPEG
    assert await paper.answer(world) == []
    await clock.advance(_DAY)
    await paper.stay_signed_in(database)
    await paper.check_identity(world.teller, other)
    assert len(await paper.answer(world)) == 1


async def test_pressing_twice_asks_once(world: World) -> None:
    application = await paper.save(world.teller, await paper.start(world.teller), paper.ANSWERS)
    await asyncio.gather(*(paper.check_identity(world.teller, application) for _ in range(4)))
    assert len(await paper.answer(world)) == 1


async def test_another_name_is_somebody_whom_nobody_asked_about(world: World) -> None:
    application = await _checked(world, identity.IDENTITY_OUTCOME_CONSISTENT_WITH_PHOTO, JPEG)
    application = await paper.save(world.teller, application, {"mobile": "13800138000"})
    assert _states(application) == {"APPLICANT": "CONFIRMED"}
    application = await paper.save(world.teller, application, {"applicant_name": "王若蓝"})
    assert _states(application) == {}
    assert "police_photo" not in {
        each.kind for each in application.attachments if each.state == Attachment.STATE_COMPLETE
    }
    # An answer about the former name that comes late changes nothing.
    await paper.check_identity(world.teller, application)
    application = await paper.save(
        world.teller,
        (await paper.get(world.teller, application.application_id)).application,
        {"applicant_name": "王若男"},
    )
    assert len(await paper.answer(world)) == 1
    application = (await paper.get(world.teller, application.application_id)).application
    assert _states(application) == {}


async def test_there_must_be_somebody_to_ask_about(world: World) -> None:
    application = await paper.start(world.teller)
    with refused("IDENTITY_DATA_MISSING") as caught:
        await paper.check_identity(world.teller, application)
    assert caught.value.metadata["party"] == "APPLICANT"
    wrong = {**paper.ANSWERS, "resident_id": "190102197805209022"}
    application = await paper.save(world.teller, application, wrong)
    with refused("IDENTITY_DATA_MISSING"):
        await paper.check_identity(world.teller, application)


async def test_only_the_maker_asks_and_only_while_he_may_change_it(world: World) -> None:
    application = await paper.submitted(world.teller)
    with refused("NOT_THE_MAKER"):
        await paper.check_identity(world.second_teller, application)
    with refused("APPLICATION_NOT_FOUND"):
        await paper.check_identity(world.other_teller, application)
    with refused("APPLICATION_STATE"):
        await paper.check_identity(world.teller, application)


async def test_what_is_asked_and_answered_lies_nowhere_in_the_clear(
    world: World, database: Database
) -> None:
    await _checked(world, identity.IDENTITY_OUTCOME_CONSISTENT_WITH_PHOTO, JPEG)
    rows = await database.as_owner(
        "SELECT row_to_json(i)::text AS it FROM application_identity AS i"
        " UNION ALL SELECT row_to_json(w)::text FROM work_item AS w"
    )
    for row in rows:
        assert "王若兰" not in row["it"]
        assert paper.ANSWERS["resident_id"] not in row["it"]
        assert paper.ANSWERS["resident_id"].encode().hex() not in row["it"]
