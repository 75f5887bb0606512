"""What becomes of drafts: on another tablet, under another pack, and when nobody goes on."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from fingertip.applications.v1.application_pb2 import Application, Attachment, Sighting
from fingertip.applications.v1.applications_service_pb2 import StartInquiryRequest
from fingertip.customer.v1.consent_pb2 import Consent
from fingertip.customer.v1.customer_service_pb2 import ListConsentsRequest, RecordConsentRequest
from fingertip.fulfilment.v1.fulfilment_service_pb2 import LeaseWorkItemsRequest
from fingertip_client.refusal import Refused
from fingertip_server import administration
from fingertip_server.app import App
from fingertip_server.settings import Settings
from tests.applications import paper, papers
from tests.authorization import desk
from tests.conftest import Clock, Database
from tests.packs.folders import change, copy_demo
from tests.world import PASSWORD, World, refused

_DAY = 86_400
_FORM = "forms/debit_card_account.v2.yaml"
_SCENE = "scenes/debit_card_account.yaml"


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _load(
    server: App, settings: Settings, folder: Path, version: str, edit: Callable[[Path], None]
) -> None:
    """Makes a changed demo pack the bank's, in this server too."""
    pack = copy_demo(folder)
    change(pack, "bank.yaml", '"1.2.0"', f'"{version}"')
    # Nobody takes time to read.
    read = "characters_per_second\n    value: "
    change(pack, "policies.yaml", f"{read}300", f"{read}1000000")
    edit(pack)
    await asyncio.to_thread(administration.load_pack, settings, pack)
    async with asyncio.timeout(10):
        while True:
            if server.frame.bank.version == version:
                break
            await asyncio.sleep(0.02)


def _to_third_version(pack: Path) -> None:
    newer = "forms/debit_card_account.v3.yaml"
    (pack / newer).write_text((pack / _FORM).read_text())
    change(pack, newer, "version: 2", "version: 3")
    change(
        pack,
        newer,
        "      - key: account_purpose\n",
        "      - { key: referred_by, label: 推荐人, type: text, required: true, length_max: 60,"
        " data_class: C2 }\n      - key: account_purpose\n",
    )
    for file in ("products.yaml", _SCENE):
        change(pack, file, "form: debit_card_account.v2", "form: debit_card_account.v3")
    scene = pack / _SCENE
    scene.write_text(
        scene.read_text()
        + "  - id: referrer_known\n    text: 推荐人属实\n    evidence: [referred_by]\n"
        + "  - id: referrer_signed\n    text: 推荐人与签名不同\n"
        + "    evidence: [referred_by, signature]\n"
    )


async def test_the_same_person_goes_on_at_another_tablet_where_an_upload_stopped(
    world: World,
) -> None:
    draft = await paper.save(world.teller, await paper.start(world.teller), paper.ANSWERS)
    content_type, content = paper.IMAGES["id_back"]
    attachment = await paper.announce(world.teller, draft, "id_back", content_type, len(content))
    await paper.append(world.teller, attachment, 0, content[:700])
    # The tablet falls into the river.
    other = world.bare_tablet
    await other.sign_in("100103", PASSWORD)
    shown = await paper.get(other, draft.application_id)
    assert {answer.field_key: answer.value for answer in shown.answers} == dict(paper.ANSWERS)
    [upload] = shown.application.attachments
    assert (upload.state, upload.next_offset) == (Attachment.STATE_UPLOADING, 700)
    await paper.append(other, upload, upload.next_offset, content[700:])
    draft = await paper.complete(other, upload, content)
    for kind in ("id_front", "customer_photo"):
        draft = await paper.attach(other, draft, kind)
    draft = await paper.sign(other, draft)
    for seen in (Sighting.KIND_APPLICANT, Sighting.KIND_ORIGINAL_DOCUMENT):
        draft = await paper.attest(other, draft, seen)
    draft = await paper.identify(other, await paper.assign(other, draft))
    submitted = await paper.submit(other, draft)
    assert submitted.state == Application.STATE_SUBMITTED
    # Where each was seen is where it was seen.
    assert len({sighting.device_id for sighting in submitted.sightings}) == 1


async def test_a_draft_is_of_the_account_that_started_it_not_of_the_persons_other_one(
    world: World, database: Database
) -> None:
    await database.as_owner(
        "UPDATE staff SET person_id = (SELECT person_id FROM staff WHERE staff_id = '100103')"
        " WHERE staff_id = '100104'"
    )
    draft = await paper.start(world.teller)
    with refused("NOT_THE_MAKER"):
        await paper.save(world.second_teller, draft, {"mobile": "15420260201"})


async def test_a_draft_keeps_its_version_and_a_newer_scene_is_held_to_it(
    server: App, settings: Settings, world: World, tmp_path: Path
) -> None:
    begun = await paper.save(world.teller, await paper.start(world.teller), {"sex": "female"})
    await _load(server, settings, tmp_path, "1.3.0", _to_third_version)
    newer = await paper.start(world.teller)
    assert newer.form_version == 3
    with refused("FIELD_UNKNOWN"):
        await paper.save(world.teller, begun, {"referred_by": "李四"})
    begun = await paper.fill(world.teller, begun)
    assert begun.form_version == 2
    await paper.submit(world.teller, begun)
    task = await desk.claim(world.authoriser)
    checklist = {
        item.item_id: list(item.evidence_keys)
        for item in (await desk.look_at(world.authoriser, task)).checklist
    }
    # What the older form never asked for nobody can look at.
    assert "referrer_known" not in checklist
    assert checklist["referrer_signed"] == ["signature"]
    await desk.approve_whole(world.authoriser, task)


async def test_what_was_submitted_is_executed_whatever_a_newer_pack_would_do(
    server: App, settings: Settings, world: World, tmp_path: Path
) -> None:
    await paper.submitted(world.teller)

    def edit(pack: Path) -> None:
        change(pack, _SCENE, "work_kind: core.open_account", "work_kind: core.open_otherwise")

    await _load(server, settings, tmp_path, "1.3.0", edit)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    leased = await world.core_adapter.fulfilment.LeaseWorkItems(
        LeaseWorkItemsRequest(kinds=["core.open_account"], max_items=1)
    )
    assert len(leased.items) == 1


async def test_a_draft_of_what_the_bank_does_not_offer_any_more_cannot_be_submitted(
    server: App, settings: Settings, world: World, tmp_path: Path
) -> None:
    filed = papers.WEALTH_CUSTODY
    draft = await paper.fill(
        world.teller, await paper.start(world.teller, form=filed.form), filed.answers
    )

    def edit(pack: Path) -> None:
        for file in ("forms/wealth_custody.v1.yaml", "scenes/wealth_custody.yaml"):
            (pack / file).unlink()
        products = (pack / "products.yaml").read_text()
        cut = products.index("  - code: wealth_custody")
        (pack / "products.yaml").write_text(products[:cut])

    await _load(server, settings, tmp_path, "1.3.0", edit)
    with refused("FORM_WITHDRAWN") as caught:
        await paper.submit(world.teller, draft)
    assert caught.value.metadata == {"form_code": "wealth_custody"}
    with pytest.raises(Refused, match="FORM_NOT_FOUND"):
        await paper.start(world.teller, form=filed.form)
    assert (await paper.withdraw(world.teller, draft)).state == Application.STATE_WITHDRAWN


async def test_with_an_expired_draft_go_the_consents_that_nobody_used(
    world: World, clock: Clock
) -> None:
    used, unused = [await paper.start(world.teller, form="consumer_loan") for _ in range(2)]
    for draft in (used, unused):
        await world.teller.customer.RecordConsent(
            RecordConsentRequest(
                request_id=paper.request_id(),
                customer_id=paper.customer_id(),
                agreement_code="credit_report_consent",
                agreement_version=1,
                channel=Consent.CHANNEL_WRITTEN,
                application_id=draft.application_id,
            )
        )
    await world.teller.applications.StartInquiry(
        StartInquiryRequest(
            request_id=paper.request_id(),
            application_id=used.application_id,
            etag=used.etag,
            inquiry_kind="credit_report",
        )
    )
    await clock.advance(31 * _DAY)
    await world.teller.sign_in("100103", PASSWORD)
    kept = await world.teller.customer.ListConsents(
        ListConsentsRequest(customer_id=paper.customer_id())
    )
    assert [consent.application_id for consent in kept.consents] == [used.application_id]
    for draft in (used, unused):
        shown = (await paper.get(world.teller, draft.application_id)).application
        assert shown.state == Application.STATE_EXPIRED


async def test_a_returned_application_left_lying_expires_and_stays_as_evidence(
    world: World, clock: Clock, database: Database
) -> None:
    application = await paper.submitted(world.teller)
    await desk.send_back(world.authoriser, await desk.claim(world.authoriser))
    await clock.advance(31 * _DAY)
    await world.teller.sign_in("100103", PASSWORD)
    shown = await paper.get(world.teller, application.application_id)
    assert shown.application.state == Application.STATE_EXPIRED
    assert shown.answers
    assert len(shown.application.attachments) == len(paper.IMAGES)
    # The place of its account is free again.
    assert not await database.as_owner("SELECT FROM account_slot")
