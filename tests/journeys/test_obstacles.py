"""What comes in the way of an account: another name, nobody there, a colleague's card, a list."""

from pathlib import Path

from fingertip.applications.v1.application_pb2 import Application, Sighting
from fingertip.applications.v1.applications_service_pb2 import AttestSightingRequest
from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.applications.v1.identity_pb2 import PartyIdentity
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.screening.v1.screening_hit_pb2 import EFFECT_BLOCK
from fingertip.screening.v1.screening_service_pb2 import ScreeningEntry, SyncScreeningListRequest
from fingertip.vouchers.v1.voucher_pb2 import Voucher
from tests.applications import paper, undoing
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock
from tests.customer import bank
from tests.journeys.bank import bank_at_work
from tests.vouchers import vault
from tests.world import World, refused

_BRANCH = WatchRequest(branch_id="0101")
_PROOF = "proof_household_register"


async def test_whom_the_register_knows_by_another_name_is_proven_otherwise_and_served(
    world: World, tmp_path: Path
) -> None:
    async with (
        bank_at_work(world, tmp_path, {"check_identity": {"outcome": "name_differs"}}) as books,
        screen(world.teller, _BRANCH) as shown,
    ):
        application = await paper.fill(world.teller, await paper.start(world.teller))
        [known] = application.identities
        assert known.state == PartyIdentity.STATE_IDENTITY_UNRESOLVED
        # That is no reason to refuse: it is a draft as before, and can be helped.
        assert application.state == Application.STATE_DRAFT
        with refused("APPLICATION_INCOMPLETE"):
            await paper.submit(world.teller, application)
        application = await paper.attach(world.teller, application, _PROOF)
        seen = await world.teller.applications.AttestSighting(
            AttestSightingRequest(
                request_id=paper.request_id(),
                application_id=application.application_id,
                etag=application.etag,
                kind=Sighting.KIND_IDENTITY_PROOF,
                attachment_id=paper.in_use(application, _PROOF),
                place="滨江支行3号柜台",
            )
        )
        await paper.submit(world.teller, seen.application)
        task = await desk.claim(world.authoriser)
        content = (await desk.look_at(world.authoriser, task)).content
        evidence = ApplicationContent.FromString(content).evidence
        assert _PROOF in {each.kind for each in evidence}
        with refused("CHECKLIST_INCOMPLETE"):
            await desk.approve(world.authoriser, task)
        await desk.approve_whole(world.authoriser, task)
        await shown.until(lambda e: e.application.state == Application.STATE_EXECUTED)
        assert len(books.bookings()) == 1


async def test_what_nobody_was_there_for_is_decided_when_somebody_comes(
    world: World, clock: Clock, tmp_path: Path
) -> None:
    await desk.end_shift(world.authoriser)
    async with (
        bank_at_work(world, tmp_path, {}) as books,
        screen(world.teller, _BRANCH) as branch,
        screen(world.centre_supervisor, WatchRequest(centre_id="C001")) as centre,
    ):
        application = await paper.submitted(world.teller)
        parked = (await centre.until(lambda e: e.task.state == Task.STATE_PARKED)).task
        # Both sides are told the same, and nothing happens by itself.
        assert parked.park_reason == application.state_note != ""
        await clock.advance(60)
        assert not books.bookings()
        await desk.start_shift(world.authoriser)
        await centre.until(
            lambda e: e.task.task_id == parked.task_id and e.task.state == Task.STATE_QUEUED
        )
        await desk.approve(world.authoriser, await desk.claim(world.authoriser))
        await branch.until(lambda e: e.application.state == Application.STATE_EXECUTED)
        assert len(books.bookings()) == 1


async def test_a_colleagues_card_is_not_taken_and_ones_own_becomes_the_customers(
    world: World, tmp_path: Path
) -> None:
    async with (
        bank_at_work(world, tmp_path, {}) as books,
        screen(world.teller, _BRANCH) as shown,
    ):
        application = await paper.fill(world.teller, await paper.start(world.teller))
        own = application.voucher_serial
        colleagues = await paper.free_voucher(world.second_teller)
        with refused("VOUCHER_NOT_HELD"):
            await paper.assign(world.teller, application, colleagues)
        await paper.submit(world.teller, application)
        await desk.approve(world.authoriser, await desk.claim(world.authoriser))
        event = await shown.until(lambda e: e.application.state == Application.STATE_EXECUTED)
        [booking] = books.bookings()
    assert event.application.voucher_serial == own
    assert own not in {each.serial for each in await vault.vouchers_of(world.teller)}
    last = (await vault.movements(world.branch_manager))[-1]
    assert (last.serial, last.core_reference) == (own, booking.core_reference)
    # The colleague still has hers.
    assert await paper.free_voucher(world.second_teller) == colleagues


async def test_who_is_listed_after_the_approval_gets_nothing_and_leaves_nothing_behind(
    world: World, clock: Clock
) -> None:
    await paper.synchronise(world)
    application = await paper.submitted(world.teller, account_class="class_one")
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    entry = ScreeningEntry(
        entry_number="E-1",
        version=1,
        effect=EFFECT_BLOCK,
        document_numbers=[paper.ANSWERS["resident_id"]],
    )
    listing = SyncScreeningListRequest(
        request_id=paper.request_id(), list_code="telecom_fraud", position="1", entries=[entry]
    )
    await world.crm_adapter.screening.SyncScreeningList(listing)
    assert not await bank.lease(world.core_adapter, "core.open_account")
    await clock.advance(0)
    shown = (await paper.get(world.teller, application.application_id)).application
    assert shown.state == Application.STATE_EXECUTION_FAILED
    # The card is the teller's again, and the person's only place of its class is free.
    [card] = [
        each
        for each in await vault.vouchers_of(world.teller)
        if each.serial == application.voucher_serial
    ]
    assert (card.state, card.application_id) == (Voucher.STATE_WITH_TELLER, "")
    gone = ScreeningEntry(entry_number="E-1", version=2, deleted=True)
    listing.request_id, listing.previous_position, listing.position = paper.request_id(), "1", "2"
    del listing.entries[:]
    listing.entries.append(gone)
    await world.crm_adapter.screening.SyncScreeningList(listing)
    await paper.submitted(world.teller, account_class="class_one")
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    await undoing.complete(world, await undoing.lease(world))
