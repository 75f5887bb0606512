"""The alert that an important customer has come."""

import asyncio
from uuid import uuid4

import pytest

from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.fulfilment.v1.fulfilment_service_pb2 import FailWorkItemRequest
from fingertip.identity.v1.identity_service_pb2 import StartShiftRequest
from fingertip.lobby.v1.arrival_pb2 import Arrival
from fingertip.lobby.v1.lobby_service_pb2 import (
    CallTicketRequest,
    ClaimArrivalRequest,
    CompleteTicketRequest,
    GetLobbyRequest,
    Identification,
    ResolveArrivalRequest,
    StartServingRequest,
)
from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from tests.conftest import Clock, Database
from tests.customer import bank
from tests.customer.master import changed, ordinary, sync, wang
from tests.events.publishing import next_events, next_message, watching
from tests.lobby.tickets import card, issue, shown
from tests.world import World, refused

ESCALATION_SECONDS = 60
UNKNOWN_CARD = "6225881414207430"


async def _arrive(world: World) -> Ticket:
    """Lets Ms Wang take a ticket."""
    await sync(world, wang())
    return await issue(world.ticket_machine, identification=card(wang().card_numbers[0]))


async def _open(caller: Caller, branch_id: str = "0101") -> list[Arrival]:
    """Returns the arrivals that a watcher is shown."""
    events = await shown(caller, branch_id)
    return [event.arrival for event in events if event.HasField("arrival")]


async def _claim(caller: Caller, arrival_id: str) -> Arrival:
    request = ClaimArrivalRequest(request_id=new_request_id(), arrival_id=arrival_id)
    arrival: Arrival = (await caller.lobby.ClaimArrival(request)).arrival
    return arrival


async def _resolve(caller: Caller, arrival_id: str) -> Arrival:
    request = ResolveArrivalRequest(request_id=new_request_id(), arrival_id=arrival_id)
    arrival: Arrival = (await caller.lobby.ResolveArrival(request)).arrival
    return arrival


async def _serve(world: World, ticket: Ticket) -> None:
    ids = {"ticket_id": ticket.ticket_id}
    lobby = world.teller.lobby
    await lobby.CallTicket(CallTicketRequest(request_id=new_request_id(), desk="3", **ids))
    await lobby.StartServing(StartServingRequest(request_id=new_request_id(), **ids))


async def test_an_important_customer_is_announced_with_her_ticket(world: World) -> None:
    await sync(world, wang())
    async with watching(world.lobby_manager) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        ticket = await issue(world.ticket_machine, identification=card(wang().card_numbers[0]))
        message = await next_events(stream)
    [arrival] = [event.arrival for event in message.events if event.HasField("arrival")]
    assert [event.ticket.number for event in message.events if event.HasField("ticket")] == ["A001"]
    assert (arrival.branch_id, arrival.ticket_id) == ("0101", ticket.ticket_id)
    assert arrival.ticket_number == "A001"
    assert arrival.journey_id == ticket.journey_id
    assert arrival.masked_name == "王**"
    assert (arrival.tier_code, arrival.tier_name) == ("private", "私人银行客户")
    assert arrival.relationship_manager_id == "100106"
    assert (arrival.state, arrival.escalation_level) == (Arrival.STATE_OPEN, 0)
    assert arrival.create_time == ticket.issue_time or arrival.HasField("create_time")
    for secret in (wang().name, wang().resident_id, wang().mobile, *wang().card_numbers):
        assert secret not in str(arrival)


async def test_who_should_greet_her_sees_her_and_nobody_else(world: World) -> None:
    await _arrive(world)
    seeing = {
        number
        for number in ("100101", "100102", "100103", "100106", "100107", "100108")
        if await _open(world.caller(number))
    }
    # The lobby managers, and her own relationship manager.
    assert seeing == {"100101", "100102", "100106"}


async def test_unclaimed_she_escalates_to_the_branch_manager(world: World, clock: Clock) -> None:
    await _arrive(world)
    await clock.advance(ESCALATION_SECONDS - 5)
    assert not await _open(world.branch_manager)
    async with watching(world.branch_manager) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        await clock.advance(10)
        [event] = (await next_events(stream)).events
    assert (event.arrival.escalation_level, event.arrival.version) == (1, 2)
    [arrival] = await _open(world.lobby_manager)
    assert arrival == event.arrival
    answer = await world.auditor.audit.ListEntries(
        ListEntriesRequest(chain="0101", journey_id=arrival.journey_id)
    )
    assert answer.entries[0].action == "timer/lobby.escalate_arrival"
    assert answer.entries[0].object_id == arrival.arrival_id


async def test_claimed_she_does_not_escalate(world: World, clock: Clock) -> None:
    await _arrive(world)
    [arrival] = await _open(world.lobby_manager)
    await _claim(world.lobby_manager, arrival.arrival_id)
    await clock.advance(ESCALATION_SECONDS + 5)
    [claimed] = await _open(world.lobby_manager)
    assert claimed.escalation_level == 0
    assert not await _open(world.branch_manager)


async def test_claiming_tells_everybody_who_goes(world: World) -> None:
    await _arrive(world)
    [arrival] = await _open(world.lobby_manager)
    async with watching(world.relationship_manager) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        claimed = await _claim(world.lobby_manager, arrival.arrival_id)
        [event] = (await next_events(stream)).events
    assert event.arrival == claimed
    assert claimed.state == Arrival.STATE_CLAIMED
    assert (claimed.claimed_by, claimed.claimed_by_name) == (
        "100101",
        event.arrival.claimed_by_name,
    )
    assert "林晓梅" in claimed.claimed_by_name
    assert claimed.HasField("claim_time")


async def test_of_many_tablets_one_wins_and_the_others_are_told_by_whom(world: World) -> None:
    await _arrive(world)
    [arrival] = await _open(world.lobby_manager)
    tablets = [world.lobby_manager, world.second_lobby_manager, world.relationship_manager]
    outcomes = await asyncio.gather(
        *(_claim(tablets[number % 3], arrival.arrival_id) for number in range(30)),
        return_exceptions=True,
    )
    winners = {o.claimed_by for o in outcomes if isinstance(o, Arrival)}
    [winner] = winners
    losers = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert len(losers) >= 20
    for loser in losers:
        assert loser.reason == "ARRIVAL_CLAIMED"
        assert loser.metadata["claimed_by"] == winner
        assert loser.metadata["claimed_by_name"]


async def test_the_same_claim_again_is_the_same_claim(world: World) -> None:
    await _arrive(world)
    [arrival] = await _open(world.lobby_manager)
    request = ClaimArrivalRequest(request_id=new_request_id(), arrival_id=arrival.arrival_id)
    one, again = [await world.lobby_manager.lobby.ClaimArrival(request) for _ in range(2)]
    assert one == again
    [seen] = await _open(world.second_lobby_manager)
    assert seen.version == 2


async def test_who_claimed_her_says_that_she_was_met(world: World) -> None:
    await _arrive(world)
    [arrival] = await _open(world.lobby_manager)
    with refused("ARRIVAL_STATE") as refusal:
        await _resolve(world.lobby_manager, arrival.arrival_id)
    assert refusal.value.metadata == {"state": "OPEN"}
    await _claim(world.lobby_manager, arrival.arrival_id)
    with refused("ARRIVAL_CLAIMED") as refusal:
        await _resolve(world.second_lobby_manager, arrival.arrival_id)
    assert refusal.value.metadata["claimed_by"] == "100101"
    resolved = await _resolve(world.lobby_manager, arrival.arrival_id)
    assert resolved.state == Arrival.STATE_RESOLVED
    assert not await _open(world.lobby_manager)
    with refused("ARRIVAL_STATE") as refusal:
        await _claim(world.second_lobby_manager, arrival.arrival_id)
    assert refusal.value.metadata == {"state": "RESOLVED"}


async def test_serving_her_ends_the_alert(world: World) -> None:
    ticket = await _arrive(world)
    [arrival] = await _open(world.lobby_manager)
    async with watching(world.lobby_manager) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        await _serve(world, ticket)
        resolved: list[Arrival] = []
        while not resolved:
            events = (await next_events(stream)).events
            resolved = [event.arrival for event in events if event.HasField("arrival")]
    assert resolved[0].arrival_id == arrival.arrival_id
    assert resolved[0].state == Arrival.STATE_RESOLVED


async def test_her_second_ticket_of_the_day_alerts_nobody_again(world: World) -> None:
    one = await _arrive(world)
    [arrival] = await _open(world.lobby_manager)
    again = await issue(
        world.ticket_machine, identification=Identification(resident_id=wang().resident_id)
    )
    assert again.journey_id == one.journey_id
    [still] = await _open(world.lobby_manager)
    assert still == arrival
    await _serve(world, one)
    await world.teller.lobby.CompleteTicket(
        CompleteTicketRequest(request_id=new_request_id(), ticket_id=one.ticket_id)
    )
    await issue(world.ticket_machine, identification=card(wang().card_numbers[1]))
    assert not await _open(world.lobby_manager)


async def test_serving_her_by_her_second_ticket_ends_the_alert_too(world: World) -> None:
    await _arrive(world)
    again = await issue(world.ticket_machine, identification=card(wang().card_numbers[1]))
    await _serve(world, again)
    assert not await _open(world.lobby_manager)


async def test_the_lobby_shows_arrivals_to_those_who_greet(world: World) -> None:
    await _arrive(world)
    seen = {}
    for number in ("100101", "100103", "100106", "100108"):
        lobby = await world.caller(number).lobby.GetLobby(GetLobbyRequest())
        seen[number] = len(lobby.arrivals)
    assert seen == {"100101": 1, "100103": 0, "100106": 1, "100108": 0}


async def test_an_ordinary_customer_alerts_nobody(world: World) -> None:
    await sync(world, ordinary())
    await issue(world.ticket_machine, identification=card(ordinary().card_numbers[0]))
    assert not await _open(world.lobby_manager)


async def test_two_presses_of_hers_at_once_are_one_alert(world: World) -> None:
    await sync(world, wang())
    numbers = wang().card_numbers
    await asyncio.gather(
        *(issue(world.ticket_machine, identification=card(numbers[n % 2])) for n in range(8))
    )
    assert len(await _open(world.lobby_manager)) == 1


async def test_her_relationship_manager_hears_of_her_in_another_branch(world: World) -> None:
    await sync(world, wang())
    async with watching(world.relationship_manager) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        ticket = await issue(
            world.other_ticket_machine, identification=card(wang().card_numbers[0])
        )
        [event] = (await next_events(stream)).events
    assert event.arrival.ticket_id == ticket.ticket_id
    assert event.arrival.branch_id == "0102"
    # Who comes to the stream later is shown the same.
    assert await _open(world.relationship_manager) == [event.arrival]
    assert not await _open(world.lobby_manager)
    # He goes there and greets her; the lobby there is told.
    claimed = await _claim(world.relationship_manager, event.arrival.arrival_id)
    assert claimed.claimed_by == "100106"
    await world.other_lobby_manager.identity.StartShift(
        StartShiftRequest(request_id=new_request_id())
    )
    with refused("ARRIVAL_CLAIMED"):
        await _claim_when_on_shift(world.other_lobby_manager, event.arrival.arrival_id)


async def _claim_when_on_shift(caller: Caller, arrival_id: str) -> None:
    """Claims as soon as the start of the shift has come to every process."""
    async with asyncio.timeout(5):
        while True:
            try:
                await _claim(caller, arrival_id)
            except Refused as refusal:
                if refusal.reason != "NOT_ON_SHIFT":
                    raise


async def test_an_arrival_elsewhere_is_not_found(world: World, database: Database) -> None:
    await sync(world, changed(wang(), relationship_manager_id=""))
    await issue(world.other_ticket_machine, identification=card(wang().card_numbers[0]))
    [row] = await database.as_application("SELECT arrival_id FROM arrival")
    with refused("ARRIVAL_NOT_FOUND"):
        await _claim(world.lobby_manager, str(row["arrival_id"]))
    with refused("ARRIVAL_NOT_FOUND"):
        await _claim(world.lobby_manager, str(uuid4()))


async def test_nobody_claims_before_his_shift(world: World) -> None:
    await _arrive(world)
    [arrival] = await _open(world.lobby_manager)
    with refused("NOT_ON_SHIFT"):
        await _claim(world.caller("100107"), arrival.arrival_id)


@pytest.mark.parametrize("role", ["teller", "ticket_machine", "authoriser"])
async def test_not_everybody_greets_customers(world: World, role: str) -> None:
    with refused("PERMISSION_MISSING"):
        await _claim(getattr(world, role), str(uuid4()))


async def test_whom_the_master_does_not_know_is_asked_for_and_the_alert_follows(
    world: World,
) -> None:
    await sync(world, wang())
    ticket = await issue(world.ticket_machine, identification=card(UNKNOWN_CARD))
    assert not await _open(world.lobby_manager)
    [item] = await bank.lease(world.crm_adapter, "crm.resolve_customer")
    assert item.order.resolve_customer.card_number == UNKNOWN_CARD
    assert item.work_item.journey_id == ticket.journey_id
    async with watching(world.lobby_manager) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        await bank.resolve(world.crm_adapter, item, wang().customer_number)
        message = await next_events(stream)
    [arrival] = [event.arrival for event in message.events if event.HasField("arrival")]
    [known] = [event.ticket for event in message.events if event.HasField("ticket")]
    assert arrival.ticket_id == known.ticket_id == ticket.ticket_id
    assert known.customer_id == arrival.customer_id
    assert (known.tier_code, known.version) == ("private", 2)
    assert arrival.masked_name == "王**"
    assert len(await bank.lease(world.crm_adapter, "crm.view")) == 3


async def test_whom_the_bank_does_not_know_stays_a_stranger(
    world: World, database: Database
) -> None:
    await issue(world.ticket_machine, identification=card(UNKNOWN_CARD))
    [item] = await bank.lease(world.crm_adapter, "crm.resolve_customer")
    await bank.resolve(world.crm_adapter, item, "")
    other = await issue(world.ticket_machine, identification=card(UNKNOWN_CARD))
    [item] = await bank.lease(world.crm_adapter, "crm.resolve_customer")
    assert item.work_item.subject_id == other.ticket_id
    await world.crm_adapter.fulfilment.FailWorkItem(
        FailWorkItemRequest(
            request_id=new_request_id(),
            work_item_id=item.work_item.work_item_id,
            fence=item.fence,
            failure=FailWorkItemRequest.FAILURE_PERMANENT,
            failure_code="CRM_4711",
        )
    )
    assert not await _open(world.lobby_manager)
    rows = await database.as_application("SELECT customer_id FROM ticket")
    assert [row["customer_id"] for row in rows] == [None, None]


async def test_who_is_served_already_alerts_nobody_when_the_bank_knows_her(world: World) -> None:
    await sync(world, wang())
    ticket = await issue(world.ticket_machine, identification=card(UNKNOWN_CARD))
    await _serve(world, ticket)
    [item] = await bank.lease(world.crm_adapter, "crm.resolve_customer")
    await bank.resolve(world.crm_adapter, item, wang().customer_number)
    assert not await _open(world.lobby_manager)
