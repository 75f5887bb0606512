"""A customer who becomes known after his ticket: his story is told from the ticket on."""

from fingertip.applications.v1.applications_service_pb2 import GetJourneyRequest
from fingertip.customer.v1.customer_service_pb2 import GetCustomerViewRequest, LookUpCustomerRequest
from fingertip.lobby.v1.lobby_service_pb2 import StartServingRequest
from fingertip_client.request_ids import new_request_id
from tests.applications import paper
from tests.customer import bank
from tests.customer.master import sync, wang
from tests.lobby.tickets import call_next, card, issue
from tests.world import World

UNKNOWN_CARD = "6225881414207430"


async def _told(world: World, journey_id: str) -> list[str]:
    """Returns the methods of a journey's steps."""
    request = GetJourneyRequest(journey_id=journey_id)
    steps = (await world.teller.applications.GetJourney(request)).steps
    return [step.action.rpartition("/")[2] for step in steps]


async def test_whom_the_teller_identifies_goes_on_with_his_ticket_s_journey(world: World) -> None:
    await sync(world, wang())
    ticket = await issue(world.ticket_machine)
    await call_next(world.teller, "3")
    await world.teller.lobby.StartServing(
        StartServingRequest(request_id=new_request_id(), ticket_id=ticket.ticket_id)
    )
    look_up = world.teller.customer.LookUpCustomer
    assert not (await look_up(LookUpCustomerRequest(ticket_id=ticket.ticket_id))).customers
    # She shows her identity card at the desk.
    found = await look_up(
        LookUpCustomerRequest(resident_id=wang().resident_id, journey_id=ticket.journey_id)
    )
    assert found.journey_id == ticket.journey_id
    [customer] = found.customers
    await world.teller.customer.GetCustomerView(
        GetCustomerViewRequest(customer_id=customer.customer_id, journey_id=found.journey_id)
    )
    await paper.start(world.teller, journey_id=found.journey_id)
    assert await _told(world, ticket.journey_id) == [
        "IssueTicket",
        "CallNextTicket",
        "StartServing",
        "LookUpCustomer",
        "LookUpCustomer",
        "GetCustomerView",
        "StartApplication",
    ]


async def test_whom_the_bank_identifies_keeps_the_journey_that_his_ticket_opened(
    world: World,
) -> None:
    await sync(world, wang())
    earlier = await issue(world.ticket_machine, identification=card(wang().card_numbers[0]))
    ticket = await issue(world.ticket_machine, identification=card(UNKNOWN_CARD))
    [item] = await bank.lease(world.crm_adapter, "crm.resolve_customer")
    await bank.resolve(world.crm_adapter, item, wang().customer_number)
    # Not even a look-up that quotes another journey leads away from the ticket's.
    found = await world.teller.customer.LookUpCustomer(
        LookUpCustomerRequest(ticket_id=ticket.ticket_id, journey_id=earlier.journey_id)
    )
    assert [c.customer_number for c in found.customers] == [wang().customer_number]
    assert found.journey_id == ticket.journey_id != earlier.journey_id
    told = await _told(world, ticket.journey_id)
    assert told == ["IssueTicket", "CompleteWorkItem", "LookUpCustomer"]
