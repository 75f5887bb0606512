"""A press whose answer is lost, and the slip with another number that the customer got instead.

Whatever was lost, and whichever comes first, one customer has one ticket: the one on the slip.
"""

import asyncio

import pytest

from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.lobby.v1.arrival_pb2 import Arrival
from fingertip.lobby.v1.lobby_service_pb2 import (
    CallTicketRequest,
    Identification,
    IssueTicketRequest,
    MarkNoShowRequest,
    StartServingRequest,
)
from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip_client.request_ids import new_request_id
from tests.conftest import Clock, Database
from tests.customer import bank
from tests.customer.master import sync, wang
from tests.events.publishing import next_events, next_message, watching
from tests.lobby.tickets import (
    call_next,
    card,
    issue,
    late,
    listed,
    move_to_midnight,
    press,
    reserve,
    server_time,
    shown,
)
from tests.sql import commits_held, until_stuck
from tests.world import World, refused

UNKNOWN_CARD = "6225881414207430"


async def _send(world: World, request: IssueTicketRequest) -> Ticket:
    ticket: Ticket = (await world.ticket_machine.lobby.IssueTicket(request)).ticket
    return ticket


async def _press_and_slip(
    world: World, database: Database, identification: Identification | None = None
) -> tuple[IssueTicketRequest, IssueTicketRequest]:
    """Returns a press, and the registration of the slip B001 in case that its answer is lost."""
    block = await reserve(world.ticket_machine)
    lost = press(identification=identification, ticket_id=new_request_id())
    return lost, late(block, 1, await server_time(database), ticket_id=lost.ticket_id)


async def test_the_ticket_that_a_lost_press_issued_gets_the_slip_s_number(
    world: World, database: Database
) -> None:
    lost, slip = await _press_and_slip(world, database)
    issued = await _send(world, lost)
    assert (issued.ticket_id, issued.number) == (lost.ticket_id, "B006")
    answer = await world.ticket_machine.lobby.IssueTicket(slip)
    assert answer.waiting_count == 0
    assert (answer.ticket.ticket_id, answer.ticket.number) == (lost.ticket_id, "B001")
    assert answer.ticket.issued_offline
    assert answer.ticket.journey_id == issued.journey_id
    assert answer.ticket.issue_time == issued.issue_time
    assert list(await listed(world)) == [answer.ticket]
    assert (await issue(world.ticket_machine)).number == "B007"


async def test_a_press_that_arrives_after_its_slip_is_refused(
    world: World, database: Database
) -> None:
    lost, slip = await _press_and_slip(world, database)
    registered = await _send(world, slip)
    with refused("TICKET_EXISTS"):
        await _send(world, lost)
    assert list(await listed(world)) == [registered]
    # What it had drawn is the next customer's.
    assert (await issue(world.ticket_machine)).number == "B006"


async def test_a_slip_registered_while_its_press_is_under_way_is_one_ticket(
    world: World, database: Database
) -> None:
    lost, slip = await _press_and_slip(world, database)
    async with commits_held(database.owner_url, "0101"):
        pressing = asyncio.create_task(_send(world, lost))
        await until_stuck(database.owner_url, 1)
        registering = asyncio.create_task(_send(world, slip))
        await until_stuck(database.owner_url, 2)
    assert (await pressing).number == "B006"
    assert (await registering).number == "B001"
    [ticket] = await listed(world)
    assert (ticket.ticket_id, ticket.number) == (lost.ticket_id, "B001")


async def test_a_press_that_arrives_while_its_slip_is_registered_is_refused(
    world: World, database: Database
) -> None:
    lost, slip = await _press_and_slip(world, database)
    async with commits_held(database.owner_url, "0101"):
        registering = asyncio.create_task(_send(world, slip))
        await until_stuck(database.owner_url, 1)
        pressing = asyncio.create_task(_send(world, lost))
        await until_stuck(database.owner_url, 2)
    registered = await registering
    with refused("TICKET_EXISTS"):
        await pressing
    assert list(await listed(world)) == [registered]


@pytest.mark.parametrize("attempt", range(8))
async def test_presses_and_slips_sent_again_and_again_at_once_are_one_ticket(
    world: World, database: Database, attempt: int
) -> None:
    lost, slip = await _press_and_slip(world, database)
    sent = [lost, slip] * 4 if attempt % 2 else [slip, lost] * 4
    # Every one of them comes to an end, and none of them as a fault.
    outcomes = await asyncio.gather(*(_send(world, r) for r in sent), return_exceptions=True)
    reasons = {getattr(outcome, "reason", "") for outcome in outcomes}
    assert reasons <= {"", "TICKET_EXISTS"}
    [ticket] = await listed(world)
    assert (ticket.ticket_id, ticket.number) == (lost.ticket_id, "B001")


async def test_the_same_slip_again_is_the_same_answer_and_under_another_request_known(
    world: World, database: Database
) -> None:
    lost, slip = await _press_and_slip(world, database)
    await _send(world, lost)
    answers = [await world.ticket_machine.lobby.IssueTicket(slip) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    slip.request_id = new_request_id()
    with refused("TICKET_EXISTS") as refusal:
        await _send(world, slip)
    assert refusal.value.metadata == {"ticket_id": lost.ticket_id}
    assert list(await listed(world)) == [answers[0].ticket]


async def test_a_ticket_gets_the_number_of_one_slip_only(world: World, database: Database) -> None:
    lost, slip = await _press_and_slip(world, database)
    await _send(world, lost)
    await _send(world, slip)
    slip.request_id = new_request_id()
    slip.reserved_number.sequence_number = 2
    with refused("TICKET_EXISTS"):
        await _send(world, slip)
    assert [ticket.number for ticket in await listed(world)] == ["B001"]


async def test_an_important_customer_stays_known_and_is_announced_with_her_slip_s_number(
    world: World, database: Database
) -> None:
    await sync(world, wang())
    lost, slip = await _press_and_slip(world, database, card(wang().card_numbers[0]))
    assert (await _send(world, lost)).number == "A001"
    [before] = [e.arrival for e in await shown(world.lobby_manager) if e.HasField("arrival")]
    async with watching(world.lobby_manager) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        await _send(world, slip)
        message = await next_events(stream)
    [arrival] = [event.arrival for event in message.events if event.HasField("arrival")]
    [ticket] = [event.ticket for event in message.events if event.HasField("ticket")]
    # What was printed stays: she waits in the line that she chose.
    assert (ticket.ticket_id, ticket.number) == (lost.ticket_id, "B001")
    assert (ticket.customer_id, ticket.tier_code) == (before.customer_id, "private")
    assert ticket.version > 1
    expected = Arrival()
    expected.CopyFrom(before)
    expected.ticket_number, expected.version = "B001", before.version + 1
    assert arrival == expected
    for table, count in (("arrival", 1), ("work_item", 5)):
        [row] = await database.as_application(f"SELECT count(*) FROM {table}")  # noqa: S608
        assert row["count"] == count, table


async def test_who_is_found_out_later_is_announced_with_his_slip_s_number(
    world: World, database: Database
) -> None:
    await sync(world, wang())
    lost, slip = await _press_and_slip(world, database, card(UNKNOWN_CARD))
    await _send(world, lost)
    # Sent with the card once more: the bank is asked once.
    slip.identification.CopyFrom(card(UNKNOWN_CARD))
    await _send(world, slip)
    [item] = await bank.lease(world.crm_adapter, "crm.resolve_customer")
    await bank.resolve(world.crm_adapter, item, wang().customer_number)
    [arrival] = [e.arrival for e in await shown(world.lobby_manager) if e.HasField("arrival")]
    assert (arrival.ticket_id, arrival.ticket_number) == (lost.ticket_id, "B001")


async def test_who_was_called_in_vain_waits_again_where_he_stood(
    world: World, database: Database
) -> None:
    lost, slip = await _press_and_slip(world, database)
    await _send(world, lost)
    other = await issue(world.ticket_machine)
    called = await call_next(world.teller, "3")
    assert called.ticket_id == lost.ticket_id
    await world.teller.lobby.MarkNoShow(
        MarkNoShowRequest(request_id=new_request_id(), ticket_id=lost.ticket_id)
    )
    ticket = await _send(world, slip)
    assert (ticket.number, ticket.state) == ("B001", Ticket.STATE_WAITING)
    assert (ticket.desk, ticket.staff_id, ticket.call_count) == ("", "", 0)
    assert not ticket.HasField("call_time")
    assert not ticket.HasField("end_time")
    assert (await call_next(world.teller, "3")).number == "B001"
    assert (await call_next(world.teller, "4")).ticket_id == other.ticket_id


async def test_who_is_being_called_or_served_goes_on_under_his_slip_s_number(
    world: World, database: Database
) -> None:
    block = await reserve(world.ticket_machine)
    taken = await server_time(database)
    presses = [press(ticket_id=new_request_id()) for _ in range(2)]
    for desk, lost in zip("34", presses, strict=True):
        await _send(world, lost)
        await world.teller.lobby.CallTicket(
            CallTicketRequest(request_id=new_request_id(), ticket_id=lost.ticket_id, desk=desk)
        )
    await world.teller.lobby.StartServing(
        StartServingRequest(request_id=new_request_id(), ticket_id=presses[1].ticket_id)
    )
    slips = [
        await _send(world, late(block, number, taken, ticket_id=lost.ticket_id))
        for number, lost in enumerate(presses, 1)
    ]
    assert [(slip.number, slip.desk) for slip in slips] == [("B001", "3"), ("B002", "4")]
    assert [slip.state for slip in slips] == [Ticket.STATE_CALLED, Ticket.STATE_SERVING]


async def test_no_machine_renames_another_branch_s_ticket(world: World, database: Database) -> None:
    lost, slip = await _press_and_slip(world, database)
    elsewhere = (await world.other_ticket_machine.lobby.IssueTicket(lost)).ticket
    with refused("TICKET_EXISTS"):
        await _send(world, slip)
    listed_there = (await shown(world.other_lobby_manager, "0102"))[0].ticket
    assert (listed_there.ticket_id, listed_there.number) == (elsewhere.ticket_id, "B001")
    assert not listed_there.issued_offline


async def test_it_is_journalled_in_the_ticket_s_own_journey(
    world: World, database: Database
) -> None:
    lost, slip = await _press_and_slip(world, database)
    issued = await _send(world, lost)
    await _send(world, slip)
    request = ListEntriesRequest(chain="0101", journey_id=issued.journey_id)
    entries = (await world.auditor.audit.ListEntries(request)).entries
    assert [(e.action.rpartition("/")[2], e.object_id, e.object_state) for e in entries] == [
        ("IssueTicket", lost.ticket_id, "WAITING")
    ] * 2


async def test_a_slip_of_a_day_that_is_over_expires_with_its_press(
    world: World, database: Database, clock: Clock
) -> None:
    lost, slip = await _press_and_slip(world, database)
    # The press arrives in the branch's new day, by the server's clock.
    await move_to_midnight(clock, database, 0.1)
    assert (await _send(world, lost)).number == "B001"
    ticket = await _send(world, slip)
    assert (ticket.number, ticket.state) == ("B001", Ticket.STATE_EXPIRED)
    assert ticket.HasField("end_time")
    rows = await database.as_application(
        "SELECT (issued_at AT TIME ZONE 'Asia/Shanghai')::date - business_day AS late FROM ticket"
    )
    assert [row["late"] for row in rows] == [1]
