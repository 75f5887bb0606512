"""Finding a customer by what he has with him."""

from uuid import UUID

import pytest

from fingertip.audit.v1.audit_entry_pb2 import AuditEntry
from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.customer.v1.customer_service_pb2 import LookUpCustomerRequest
from fingertip.lobby.v1.lobby_service_pb2 import Identification, IssueTicketRequest
from fingertip_client.request_ids import new_request_id
from tests.customer.master import changed, ordinary, sync, wang
from tests.world import World, refused


async def test_a_customer_is_found_by_a_card_and_shown_masked(world: World) -> None:
    await sync(world, wang())
    for card_number in wang().card_numbers:
        found = await world.teller.customer.LookUpCustomer(
            LookUpCustomerRequest(card_number=card_number)
        )
        [customer] = found.customers
        assert customer.customer_number == wang().customer_number
        assert customer.tier_code == "private"
        assert customer.relationship_manager_id == "100106"
        assert customer.name == "王**"
        assert (
            customer.resident_id == f"{wang().resident_id[:3]}***********{wang().resident_id[-4:]}"
        )
        assert customer.mobile == f"{wang().mobile[:3]}****{wang().mobile[-4:]}"
        assert customer.address.startswith("示范省示范市")
        assert customer.address.endswith("区****")


async def test_a_customer_is_found_by_an_identity_card_with_either_x(world: World) -> None:
    record = changed(ordinary(), resident_id="11010519491231002X")
    await sync(world, record)
    for written in ("11010519491231002X", "11010519491231002x"):
        found = await world.lobby_manager.customer.LookUpCustomer(
            LookUpCustomerRequest(resident_id=written)
        )
        assert [c.customer_number for c in found.customers] == [record.customer_number]


@pytest.mark.parametrize(
    "written",
    ["13812345678", "138 1234 5678", "138-1234-5678", "+8613812345678", "+86 138-1234-5678"],
)
async def test_a_customer_is_found_by_a_phone_however_it_is_written(
    world: World, written: str
) -> None:
    record = changed(ordinary(), mobile="+86 138 1234 5678")
    await sync(world, record)
    found = await world.teller.customer.LookUpCustomer(LookUpCustomerRequest(mobile=written))
    assert [c.customer_number for c in found.customers] == [record.customer_number]


async def test_a_phone_may_belong_to_several(world: World) -> None:
    couple = [changed(record, mobile="13812345678") for record in (wang(), ordinary())]
    await sync(world, *couple)
    found = await world.teller.customer.LookUpCustomer(LookUpCustomerRequest(mobile="13812345678"))
    numbers = sorted(record.customer_number for record in couple)
    assert [customer.customer_number for customer in found.customers] == numbers


async def test_a_card_number_is_no_phone_and_no_document(world: World) -> None:
    record = changed(ordinary(), card_numbers=["110105194912310021"], resident_id="")
    await sync(world, record)
    found = await world.teller.customer.LookUpCustomer(
        LookUpCustomerRequest(resident_id="110105194912310021")
    )
    assert not found.customers


async def test_nobody_is_an_answer_that_opens_a_journey(world: World) -> None:
    one, other = [
        await world.teller.customer.LookUpCustomer(LookUpCustomerRequest(mobile="13800000000"))
        for _ in range(2)
    ]
    assert not one.customers
    assert UUID(one.journey_id) != UUID(other.journey_id)


async def test_a_ticket_leads_to_its_customer_and_his_journey(world: World) -> None:
    await sync(world, wang())
    issued = await world.lobby_manager.lobby.IssueTicket(
        IssueTicketRequest(
            request_id=new_request_id(),
            service_line_code="B",
            identification=Identification(card_number=wang().card_numbers[0]),
        )
    )
    found = await world.teller.customer.LookUpCustomer(
        LookUpCustomerRequest(ticket_id=issued.ticket.ticket_id)
    )
    assert [c.customer_number for c in found.customers] == [wang().customer_number]
    assert found.journey_id == issued.ticket.journey_id


async def test_an_anonymous_ticket_leads_to_nobody(world: World) -> None:
    issued = await world.ticket_machine.lobby.IssueTicket(
        IssueTicketRequest(request_id=new_request_id(), service_line_code="B")
    )
    found = await world.teller.customer.LookUpCustomer(
        LookUpCustomerRequest(ticket_id=issued.ticket.ticket_id)
    )
    assert not found.customers
    assert found.journey_id == issued.ticket.journey_id


async def test_a_ticket_of_another_branch_is_not_found(world: World) -> None:
    issued = await world.ticket_machine.lobby.IssueTicket(
        IssueTicketRequest(request_id=new_request_id(), service_line_code="B")
    )
    wanted = LookUpCustomerRequest(ticket_id=issued.ticket.ticket_id)
    with refused("TICKET_NOT_FOUND"):
        await world.other_teller.customer.LookUpCustomer(wanted)


async def test_every_look_is_journalled_without_what_was_looked_for(world: World) -> None:
    await sync(world, wang())
    found = await world.teller.customer.LookUpCustomer(LookUpCustomerRequest(mobile=wang().mobile))
    listed = await world.auditor.audit.ListEntries(
        ListEntriesRequest(chain="0101", journey_id=found.journey_id)
    )
    [entry] = listed.entries
    assert entry.action == "customer.v1.CustomerService/LookUpCustomer"
    assert entry.actor.actor_id == "100103"
    assert (entry.object_kind, entry.object_id) == ("customer", found.customers[0].customer_id)
    assert entry.outcome == AuditEntry.OUTCOME_DONE
    assert wang().mobile not in str(entry)


@pytest.mark.parametrize("role", ["ticket_machine", "crm_adapter", "auditor", "authoriser"])
async def test_who_serves_no_customers_looks_nobody_up(world: World, role: str) -> None:
    caller = getattr(world, role)
    with refused("PERMISSION_MISSING"):
        await caller.customer.LookUpCustomer(LookUpCustomerRequest(mobile="13800000000"))
