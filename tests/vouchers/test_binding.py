"""An application's card comes out of its maker's own stock, and is one account's."""

import asyncio
from uuid import UUID

import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import (
    ApplicationFault,
    AssignVoucherRequest,
)
from fingertip.applications.v1.content_pb2 import ApplicationContent
from fingertip.fulfilment.v1.fulfilment_service_pb2 import FailWorkItemRequest
from fingertip.fulfilment.v1.work_item_pb2 import (
    ExecutedApplication,
    LeasedWorkItem,
    WorkItem,
    WorkResult,
)
from fingertip.vouchers.v1.voucher_pb2 import Voucher, VoucherMovement
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from tests.applications import paper, papers
from tests.authorization import desk
from tests.conftest import Clock, Database
from tests.customer import bank
from tests.fulfilment import queue
from tests.vouchers import vault
from tests.vouchers.vault import span
from tests.world import World, refused

_OPEN_ACCOUNT = "core.open_account"


@pytest.fixture(autouse=True)
async def cards(world: World) -> None:
    """Gives two tellers ten cards each, and the vault five."""
    await paper.synchronise(world)
    await vault.supply(world, 1, 10)
    await vault.supply(world, 11, 20, to=vault.SECOND_TELLER)
    await vault.receive(world, span(21, 25))


async def _draft(caller: Caller) -> Application:
    application = await paper.start(caller)
    return await paper.save(caller, application, {"account_class": "class_one"})


async def _faults(caller: Caller, application: Application) -> list[ApplicationFault]:
    faults = await paper.faults_of(caller, application)
    return [fault for fault in faults if fault.subject == "voucher"]


async def _card(world: World, number: int, holder: str = vault.TELLER) -> Voucher | None:
    held = await vault.vouchers_of(world.branch_manager, holder)
    return next((each for each in held if each.serial == vault.serial(number)), None)


async def _submitted(world: World, number: int) -> Application:
    """Returns Ms Wang's application, submitted with this card."""
    application = await paper.fill(world.teller, await paper.start(world.teller))
    application = await paper.assign(world.teller, application, vault.serial(number))
    return await paper.submit(world.teller, application)


async def _approved(world: World, number: int) -> Application:
    application = await _submitted(world, number)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    return application


def _executed(leased: LeasedWorkItem) -> WorkResult:
    return WorkResult(
        executed_application=ExecutedApplication(
            account_number=bank.ACCOUNT,
            core_reference="CORE-1",
            content_hash=leased.order.application.content_hash,
        )
    )


async def _execute(world: World) -> None:
    [leased] = await bank.lease(world.core_adapter, _OPEN_ACCOUNT)
    report = queue.completed(leased, _executed(leased))
    await world.core_adapter.fulfilment.CompleteWorkItem(report)


async def test_a_card_is_kept_part_of_the_content_and_becomes_the_customer_s(
    world: World, database: Database
) -> None:
    application = await _submitted(world, 3)
    assert application.voucher_serial == vault.serial(3)
    kept = await _card(world, 3)
    assert kept is not None
    assert (kept.state, kept.application_id) == (
        Voucher.STATE_RESERVED,
        application.application_id,
    )
    task = await desk.claim(world.authoriser)
    shown = await desk.look_at(world.authoriser, task)
    content = ApplicationContent.FromString(shown.content)
    assert (content.voucher_type, content.voucher_serial) == (vault.CARD, vault.serial(3))
    assert content.voucher_id == kept.voucher_id
    await desk.approve(world.authoriser, task)
    await _execute(world)
    assert await _card(world, 3) is None
    life = await vault.movements(world.branch_manager, 3)
    assert [each.kind for each in life][2:] == [
        VoucherMovement.KIND_RESERVED,
        VoucherMovement.KIND_COMMITTED,
        VoucherMovement.KIND_ISSUED,
    ]
    assert (life[-1].core_reference, life[-1].application_id) == (
        "CORE-1",
        application.application_id,
    )
    [row] = await database.as_owner(
        "SELECT account_commitment, encode(account_commitment, 'escape') AS text"
        " FROM voucher_movement WHERE kind = 'ISSUED'"
    )
    assert row["account_commitment"]
    assert bank.ACCOUNT not in row["text"]


@pytest.mark.parametrize(
    ("number", "reason"),
    [(11, "VOUCHER_NOT_HELD"), (21, "VOUCHER_NOT_HELD"), (99, "VOUCHER_NOT_HELD")],
    ids=["another teller's", "the vault's", "nobody's"],
)
async def test_a_card_out_of_another_stock_is_refused(
    world: World, number: int, reason: str
) -> None:
    draft = await _draft(world.teller)
    with refused(reason) as caught:
        await paper.assign(world.teller, draft, vault.serial(number))
    assert caught.value.metadata == {"serial": vault.serial(number)}


async def test_a_card_that_is_spoiled_or_kept_for_another_is_refused(world: World) -> None:
    await world.teller.vouchers.SpoilVoucher(vault.spoiling(1))
    await paper.assign(world.teller, await _draft(world.teller), vault.serial(2))
    draft = await _draft(world.teller)
    for number, state in ((1, "SPOILED"), (2, "RESERVED")):
        with refused("VOUCHER_STATE") as caught:
            await paper.assign(world.teller, draft, vault.serial(number))
        assert caught.value.metadata == {"serial": vault.serial(number), "state": state}
    with refused("VOUCHER_STATE"):
        await world.teller.vouchers.ReturnStock(vault.giving_back(span(2)))


async def test_an_assignment_repeated_has_one_answer_and_the_wrong_caller_none(
    world: World,
) -> None:
    draft = await _draft(world.teller)
    request = AssignVoucherRequest(
        request_id=paper.request_id(),
        application_id=draft.application_id,
        etag=draft.etag,
        serial=vault.serial(1),
    )
    first = await world.teller.applications.AssignVoucher(request)
    assert await world.teller.applications.AssignVoucher(request) == first
    assert len(await vault.movements(world.branch_manager, 1)) == 3
    request.request_id = paper.request_id()
    for caller, reason in (
        (world.branch_manager, "PERMISSION_MISSING"),
        (world.second_teller, "NOT_THE_MAKER"),
        (world.teller, "ETAG_MISMATCH"),
    ):
        with refused(reason):
            await caller.applications.AssignVoucher(request)
    submitted = await _submitted(world, 2)
    with refused("APPLICATION_STATE"):
        await paper.assign(world.teller, submitted, vault.serial(3))


async def test_another_card_takes_the_place_of_the_former(world: World) -> None:
    draft = await paper.assign(world.teller, await _draft(world.teller), vault.serial(1))
    draft = await paper.assign(world.teller, draft, vault.serial(2))
    assert draft.voucher_serial == vault.serial(2)
    states = [(await _card(world, number)) for number in (1, 2)]
    assert [each and each.state for each in states] == [
        Voucher.STATE_WITH_TELLER,
        Voucher.STATE_RESERVED,
    ]
    given_back = await world.teller.applications.AssignVoucher(
        AssignVoucherRequest(
            request_id=paper.request_id(), application_id=draft.application_id, etag=draft.etag
        )
    )
    assert given_back.application.voucher_id == ""
    [missing] = await _faults(world.teller, given_back.application)
    assert missing.kind == ApplicationFault.KIND_VOUCHER_MISSING


async def test_nothing_is_submitted_without_a_card_or_with_a_spoiled_one(world: World) -> None:
    application = await paper.fill(world.teller, await paper.start(world.teller))
    kept = application.voucher_serial
    number = int(kept.removeprefix("JK"))
    await world.teller.vouchers.SpoilVoucher(vault.spoiling(number))
    [fault] = await _faults(world.teller, application)
    assert fault.kind == ApplicationFault.KIND_VOUCHER_VOID
    with refused("APPLICATION_INCOMPLETE") as caught:
        await paper.submit(world.teller, application)
    assert [each.field for each in caught.value.violations] == ["voucher"]
    application = await paper.assign(world.teller, application, vault.serial(9))
    await paper.submit(world.teller, application)


async def test_an_account_without_a_card_needs_none(world: World) -> None:
    draft = await _draft(world.teller)
    draft = await paper.assign(world.teller, draft, vault.serial(1))
    draft = await paper.save(world.teller, draft, {"account_class": "class_three"})
    [fault] = await _faults(world.teller, draft)
    assert fault.kind == ApplicationFault.KIND_VOUCHER_VOID
    with refused("FIELD_UNKNOWN"):
        await paper.assign(world.teller, draft, vault.serial(2))
    released = await world.teller.applications.AssignVoucher(
        AssignVoucherRequest(
            request_id=paper.request_id(), application_id=draft.application_id, etag=draft.etag
        )
    )
    assert not await _faults(world.teller, released.application)


async def test_a_card_is_free_again_when_nothing_comes_of_the_application(world: World) -> None:
    withdrawn = await _submitted(world, 1)
    await paper.withdraw(world.teller, withdrawn)
    rejected = await _submitted(world, 2)
    task = await desk.claim(world.authoriser)
    await world.authoriser.authorization.RejectTask(desk.rejection(task))
    await _approved(world, 3)
    [leased] = await bank.lease(world.core_adapter, _OPEN_ACCOUNT)
    await world.core_adapter.fulfilment.FailWorkItem(
        queue.failed(leased, FailWorkItemRequest.FAILURE_PERMANENT)
    )
    for number in (1, 2, 3):
        card = await _card(world, number)
        assert card is not None
        assert (card.state, card.application_id) == (Voucher.STATE_WITH_TELLER, "")
    told = (await paper.get(world.teller, rejected.application_id)).application
    assert (told.state, told.voucher_id) == (Application.STATE_REJECTED, "")


async def test_a_card_stays_with_a_returned_application_and_leaves_an_expired_one(
    world: World, clock: Clock, database: Database
) -> None:
    application = await _submitted(world, 1)
    await desk.send_back(world.authoriser, await desk.claim(world.authoriser))
    card = await _card(world, 1)
    assert card is not None
    assert card.state == Voucher.STATE_RESERVED
    await clock.advance(31 * 24 * 3600)
    # Nobody's session lasts as long.
    [row] = await database.as_owner(
        "SELECT a.state, v.state AS card FROM application AS a, voucher AS v"
        " WHERE a.application_id = $1 AND v.serial = $2",
        UUID(application.application_id),
        vault.serial(1),
    )
    assert tuple(row) == ("EXPIRED", "WITH_TELLER")


async def test_a_card_spoiled_after_the_approval_voids_it_and_another_is_authorised_anew(
    world: World, clock: Clock
) -> None:
    application = await _approved(world, 1)
    await world.teller.vouchers.SpoilVoucher(vault.spoiling(1))
    assert not await bank.lease(world.core_adapter, _OPEN_ACCOUNT)
    await clock.advance(1)
    application = (await paper.get(world.teller, application.application_id)).application
    assert application.state == Application.STATE_RETURNED
    assert "凭证" in application.state_note
    approved_task = application.task_id
    application = await paper.assign(world.teller, application, vault.serial(2))
    application = await paper.submit(world.teller, application)
    assert (application.revision, application.task_id != approved_task) == (2, True)
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    await _execute(world)
    told = (await paper.get(world.teller, application.application_id)).application
    assert (told.state, told.voucher_serial) == (Application.STATE_EXECUTED, vault.serial(2))
    spoilt = await _card(world, 1)
    assert spoilt is not None
    assert spoilt.state == Voucher.STATE_SPOILED


async def test_a_card_that_the_bank_is_binding_is_nobody_s_to_spoil_or_lose(world: World) -> None:
    await _approved(world, 1)
    [leased] = await bank.lease(world.core_adapter, _OPEN_ACCOUNT)
    with refused("VOUCHER_STATE") as caught:
        await world.teller.vouchers.SpoilVoucher(vault.spoiling(1))
    assert caught.value.metadata["state"] == "ISSUING"
    await world.core_adapter.fulfilment.CompleteWorkItem(queue.completed(leased, _executed(leased)))


async def test_a_card_is_issued_once_though_the_outcome_was_unknown_at_first(
    world: World, clock: Clock, database: Database
) -> None:
    await _approved(world, 1)
    [leased] = await bank.lease(world.core_adapter, _OPEN_ACCOUNT)
    await world.core_adapter.fulfilment.ReportOutcomeUnknown(queue.unknown(leased))
    card = await _card(world, 1)
    assert card is not None
    assert card.state == Voucher.STATE_ISSUING
    await clock.advance(60)
    [inquiry] = await bank.lease(world.core_adapter, _OPEN_ACCOUNT)
    report = queue.completed(inquiry, _executed(inquiry))
    first = await world.core_adapter.fulfilment.CompleteWorkItem(report)
    assert first.work_item.state == WorkItem.STATE_DONE
    assert await world.core_adapter.fulfilment.CompleteWorkItem(report) == first
    [row] = await database.as_owner(
        "SELECT count(*) AS n FROM voucher_movement WHERE kind = 'ISSUED'"
    )
    assert row["n"] == 1


async def test_two_tablets_that_assign_one_card_have_one_winner(world: World) -> None:
    drafts = [await _draft(world.teller) for _ in range(4)]
    outcomes = await asyncio.gather(
        *(paper.assign(world.teller, draft, vault.serial(1)) for draft in drafts),
        return_exceptions=True,
    )
    refusals = [each for each in outcomes if isinstance(each, Refused)]
    assert [each.reason for each in refusals] == ["VOUCHER_STATE"] * 3
    life = await vault.movements(world.branch_manager, 1)
    assert [each.kind for each in life].count(VoucherMovement.KIND_RESERVED) == 1


async def test_spoiling_and_executing_one_card_at_once_have_one_winner(
    world: World, clock: Clock
) -> None:
    for number in (1, 2, 3):
        application = await _approved(world, number)
        spoiling = vault.spoiling(number)
        leased, spoilt = await asyncio.gather(
            bank.lease(world.core_adapter, _OPEN_ACCOUNT),
            world.teller.vouchers.SpoilVoucher(spoiling),
            return_exceptions=True,
        )
        assert not isinstance(leased, BaseException)
        assert bool(leased) is isinstance(spoilt, Refused)
        for item in leased:
            await world.core_adapter.fulfilment.CompleteWorkItem(
                queue.completed(item, _executed(item))
            )
        await clock.advance(1)
        told = (await paper.get(world.teller, application.application_id)).application
        expected = Application.STATE_EXECUTED if leased else Application.STATE_RETURNED
        assert told.state == expected


async def test_the_device_of_online_banking_is_the_one_that_the_customer_reads(
    world: World, database: Database
) -> None:
    devices = span(20_260_001, 20_260_005, vault.DEVICE)
    await vault.receive(world, devices)
    await vault.hand_over(world, devices)
    filed = papers.ONLINE_BANKING
    draft = await paper.start(world.teller, form=filed.form)
    application = await paper.save(world.teller, draft, filed.answers)
    assert [each.kind for each in await _faults(world.teller, application)] == [
        ApplicationFault.KIND_VOUCHER_MISSING
    ]
    other = "UK20260002"
    application = await paper.assign(world.teller, application, other)
    faults = await paper.faults_of(world.teller, application)
    assert ("security_device_serial", ApplicationFault.KIND_VOUCHER_VOID) in {
        (each.subject, each.kind) for each in faults
    }
    application = await paper.assign(world.teller, application, "UK20260001")
    application = await paper.complete_evidence(world.teller, application, filed.images)
    await paper.submit(world.teller, application)
    await desk.approve_whole(world.authoriser, await desk.claim(world.authoriser))
    [leased] = await bank.lease(world.core_adapter, filed.work_kind)
    done = ExecutedApplication(
        core_reference="CORE-2", content_hash=leased.order.application.content_hash
    )
    report = queue.completed(leased, WorkResult(executed_application=done))
    await world.core_adapter.fulfilment.CompleteWorkItem(report)
    [row] = await database.as_owner(
        "SELECT serial, m.account_commitment FROM voucher_movement AS m JOIN voucher USING"
        " (voucher_id) WHERE kind = 'ISSUED'"
    )
    assert (row["serial"], row["account_commitment"]) == ("UK20260001", None)
    assert other in {each.serial for each in await vault.vouchers_of(world.teller)}


async def test_a_serial_of_another_type_is_named(world: World) -> None:
    draft = await _draft(world.teller)
    with refused("VOUCHER_SERIAL") as caught:
        await paper.assign(world.teller, draft, "UK20260001")
    assert [each.field for each in caught.value.violations] == ["serial"]
    with refused("VOUCHER_SERIAL") as caught:
        spoiling = vault.spoiling(1)
        spoiling.serial = "UK20260001"
        await world.teller.vouchers.SpoilVoucher(spoiling)
    assert [each.field for each in caught.value.violations] == ["serial"]
