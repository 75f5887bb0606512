"""Who acts for another: both are checked, seen and screened; minors have a guardian."""

from collections.abc import Mapping

import pytest

from fingertip.applications.v1.application_pb2 import Application, Sighting
from fingertip.applications.v1.applications_service_pb2 import (
    AttestSightingRequest,
)
from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.applications.v1.identity_pb2 import (
    PARTY_APPLICANT,
    PARTY_GUARDIAN,
    PARTY_PROXY,
    PartyIdentity,
)
from fingertip.screening.v1.screening_hit_pb2 import EFFECT_BLOCK
from fingertip.screening.v1.screening_service_pb2 import ScreeningEntry, SyncScreeningListRequest
from fingertip_client.caller import Caller
from fingertip_server.identifiers import resident_id
from fingertip_server.packs import synthetic
from fingertip_server.packs.synthetic import SyntheticCustomer
from tests.applications import paper, undoing
from tests.applications.images import JPEG
from tests.authorization import desk
from tests.conftest import Database
from tests.customer.master import changed, people, sync
from tests.world import World, read_demo, refused

_IMAGES = ("proxy_id_front", "proxy_photo")
_SEEN: Mapping[Sighting.Kind.ValueType, str] = {
    Sighting.KIND_PROXY: "proxy_photo",
    Sighting.KIND_PROXY_DOCUMENT: "proxy_id_front",
}
# The second customer of the demo bank is an authoriser besides.
_, _SECOND, _THIRD = synthetic.customers(synthetic.population_of(read_demo()), 3)


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


def _by(handled_by: str, person: SyntheticCustomer = _THIRD, **given: str) -> dict[str, str]:
    return {
        **paper.ANSWERS,
        "handled_by": handled_by,
        "proxy_name": person.name,
        "proxy_relation": "spouse",
        "proxy_mobile": "13800138000",
        "proxy_document_type": "resident_id_card",
        "proxy_resident_id": person.resident_id,
        "proxy_document_valid_until": "长期",
        **given,
    }


async def _faults(caller: Caller, application: Application) -> set[str]:
    faults = await paper.faults_of(caller, application)
    return {fault.subject for fault in faults}


async def _filled(
    world: World, given: Mapping[str, str], *, papers: tuple[str, ...]
) -> Application:
    """Returns an application with everything that the form asks of both."""
    application = await paper.fill(world.teller, await paper.start(world.teller), given)
    for kind in (*_IMAGES, *papers):
        application = await paper.attach(world.teller, application, kind, ("image/jpeg", JPEG))
    for seen, kind in _SEEN.items():
        response = await world.teller.applications.AttestSighting(
            AttestSightingRequest(
                request_id=paper.request_id(),
                application_id=application.application_id,
                etag=application.etag,
                kind=seen,
                attachment_id=paper.in_use(application, kind),
                place="3号柜台",
            )
        )
        application = response.application
    return application


async def test_both_persons_are_checked_seen_and_registered(world: World) -> None:
    application = await paper.save(world.teller, await paper.start(world.teller), _by("proxy"))
    found = await _faults(world.teller, application)
    assert found >= {
        "identity.applicant",
        "identity.proxy",
        "proxy_id_front",
        "proxy_photo",
        "authorization_letter",
        "sighting.proxy",
        "sighting.proxy_document",
    }
    await paper.check_identity(world.teller, application)
    asked = await paper.answer(world)
    assert {each.name for each in asked} == {"王若兰", _THIRD.name}
    application = await _filled(world, _by("proxy"), papers=("authorization_letter",))
    assert [each.party for each in application.identities] == [PARTY_APPLICANT, PARTY_PROXY]
    assert await _faults(world.teller, application) == set()
    await paper.submit(world.teller, application)
    seen = await desk.look_at(world.authoriser, await desk.claim(world.authoriser))
    content = ApplicationContent.FromString(seen.content)
    assert {each.state for each in content.identities} == {PartyIdentity.STATE_CONFIRMED}
    # Until the applicant comes himself, nothing is paid out.
    assert content.activated_by_applicant
    assert {each.kind for each in content.evidence} >= {*_IMAGES, "authorization_letter"}
    assert {each.kind for each in content.sightings} >= set(_SEEN)


async def test_who_comes_himself_activates_nothing_and_names_nobody(world: World) -> None:
    await paper.submitted(world.teller)
    seen = await desk.look_at(world.authoriser, await desk.claim(world.authoriser))
    assert not ApplicationContent.FromString(seen.content).activated_by_applicant
    other = await paper.save(
        world.teller,
        await paper.start(world.teller),
        {**paper.ANSWERS, "proxy_name": "陈某", "proxy_relation": "spouse"},
    )
    assert await _faults(world.teller, other) >= {"proxy_name", "proxy_relation"}


async def test_the_proxy_never_decides_about_it(world: World) -> None:
    proxy = world.authoriser_who_is_a_customer
    await desk.start_shift(proxy)
    application = await _filled(world, _by("proxy", _SECOND), papers=("authorization_letter",))
    await paper.submit(world.teller, application)
    with refused("NO_TASK_WAITING"):
        await desk.claim(proxy)
    task = await desk.claim(world.authoriser)
    assert task.subject_id == application.application_id


async def test_a_proxy_never_decides_whichever_customer_he_is_at_work(world: World) -> None:
    # The master has him twice, and the other comes first.
    twin = changed(
        people()[1], customer_number="DEMO000000000", card_numbers=[], mobile="15400000000"
    )
    await sync(world, twin)
    proxy = world.authoriser_who_is_a_customer
    await desk.start_shift(proxy)
    application = await _filled(world, _by("proxy", _SECOND), papers=("authorization_letter",))
    await paper.submit(world.teller, application)
    with refused("NO_TASK_WAITING"):
        await desk.claim(proxy)


async def test_a_proxy_on_a_list_stops_it_like_the_applicant(world: World) -> None:
    application = await _filled(world, _by("proxy"), papers=("authorization_letter",))
    await world.crm_adapter.screening.SyncScreeningList(
        SyncScreeningListRequest(
            request_id=paper.request_id(),
            list_code="sanctions",
            position="1",
            entries=[
                ScreeningEntry(
                    entry_number="P-1",
                    version=1,
                    effect=EFFECT_BLOCK,
                    document_numbers=[_THIRD.resident_id],
                )
            ],
        )
    )
    with refused("SCREENING_HIT"):
        await paper.submit(world.teller, application)


def _number(birth: str, sequence: str = "902") -> str:
    body = f"190102{birth}{sequence}"
    return body + resident_id.check_character(body)


@pytest.mark.parametrize(
    ("birth", "given", "subject"),
    [
        # Under 16 nobody comes alone, nor with somebody who is no guardian.
        ("20150301", {"handled_by": "applicant"}, "resident_id"),
        ("20150301", _by("proxy"), "resident_id"),
        # The household register is a document until one is 16.
        ("19900301", {"document_type": "household_register"}, "document_type"),
        # Who acts for another is of age, and another.
        ("20150301", _by("guardian", proxy_resident_id=_number("20120301", "904")),
         "proxy_resident_id"),
        ("20150301", _by("guardian", proxy_resident_id=_number("20150301")),
         "proxy_resident_id"),
    ],
)  # fmt: skip
async def test_what_an_age_does_not_allow_is_a_fault(
    world: World, birth: str, given: Mapping[str, str], subject: str
) -> None:
    answers = {**paper.ANSWERS, **given, "resident_id": _number(birth)}
    application = await paper.save(world.teller, await paper.start(world.teller), answers)
    faults = await paper.faults_of(world.teller, application)
    notes = [fault.note for fault in faults if fault.subject == subject]
    assert any("周岁" in note or "同一人" in note for note in notes), faults


async def test_a_guardian_opens_an_account_for_a_child_by_the_household_register(
    world: World,
) -> None:
    # The master says nothing of the child's number yet: a new customer of the bank.
    given = _by(
        "guardian",
        document_type="household_register",
        resident_id=_number("20150301"),
        proxy_relation="parent",
    )
    for key in ("document_issue_date", "document_valid_until"):
        del given[key]
    application = await _filled(world, given, papers=("relation_proof",))
    assert [each.party for each in application.identities] == [PARTY_APPLICANT, PARTY_GUARDIAN]
    # Ms Wang's own number stands in the master of this customer.
    assert await _faults(world.teller, application) == {"resident_id"}


async def test_the_proxy_does_not_decide_about_its_undoing_either(
    world: World, database: Database
) -> None:
    proxy = world.authoriser_who_is_a_customer
    await database.as_owner(
        "UPDATE staff SET skills = (SELECT skills FROM staff WHERE staff_id = '900102')"
        " WHERE staff_id = '900101'"
    )
    application = await _filled(world, _by("proxy", _SECOND), papers=("authorization_letter",))
    await paper.submit(world.teller, application)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    await undoing.complete(world, await undoing.lease(world))
    application = (await paper.get(world.teller, application.application_id)).application
    await undoing.request(world.second_teller, application)
    await desk.start_shift(proxy)
    with refused("NO_TASK_WAITING"):
        await desk.claim(proxy)
    await undoing.approve(world)
