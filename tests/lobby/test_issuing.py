"""Taking a ticket at the machine."""

import asyncio
from uuid import UUID

import pytest

from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.lobby.v1.lobby_service_pb2 import GetLobbyRequest, ListTicketsRequest
from fingertip.lobby.v1.ticket_pb2 import Ticket
from tests.conftest import Clock, Database
from tests.customer.master import ordinary, sync, wang
from tests.events.publishing import next_events, next_message, watching
from tests.lobby.tickets import call_next, card, issue, listed, press, reserve
from tests.world import PASSWORD, World, refused


async def test_numbers_count_up_and_each_line_has_its_own(world: World) -> None:
    machine = world.ticket_machine
    numbers = [(await issue(machine, line)).number for line in "BBCB"]
    assert numbers == ["B001", "B002", "C001", "B003"]


async def test_each_branch_has_its_own_numbers(world: World) -> None:
    assert (await issue(world.ticket_machine)).number == "B001"
    assert (await issue(world.other_ticket_machine)).number == "B001"


async def test_a_ticket_says_how_many_wait_before_it(world: World) -> None:
    machine = world.ticket_machine
    counts = [
        (await machine.lobby.IssueTicket(press(line))).waiting_count
        for line in ("B", "B", "C", "B")
    ]
    assert counts == [0, 1, 0, 2]
    await call_next(world.teller, "3", "B")
    assert (await machine.lobby.IssueTicket(press("B"))).waiting_count == 2


async def test_an_anonymous_ticket_knows_nobody_and_asks_nobody(
    world: World, database: Database
) -> None:
    await sync(world, wang())
    ticket = await issue(world.ticket_machine)
    assert ticket.state == Ticket.STATE_WAITING
    assert (ticket.customer_id, ticket.tier_code) == ("", "")
    assert str(UUID(ticket.journey_id)) == ticket.journey_id
    for table in ("work_item", "arrival", "customer_section"):
        [row] = await database.as_application(f"SELECT count(*) FROM {table}")  # noqa: S608
        assert row["count"] == 0, table


async def test_a_known_customer_is_put_into_the_line_of_his_tier(world: World) -> None:
    await sync(world, wang(), ordinary())
    known = await issue(world.ticket_machine, "B", identification=card(wang().card_numbers[0]))
    assert known.number == "A001"
    other = await issue(world.ticket_machine, "B", identification=card(ordinary().card_numbers[0]))
    assert other.number == "B001"


async def test_the_machine_learns_nobody_s_name_or_tier(world: World) -> None:
    await sync(world, ordinary())
    number = ordinary().card_numbers[0]
    at_the_machine = await issue(world.ticket_machine, identification=card(number))
    assert (at_the_machine.customer_id, at_the_machine.tier_code) == ("", "")
    by_hand = await issue(world.lobby_manager, identification=card(number))
    assert by_hand.tier_code == "standard"
    stored = {ticket.customer_id for ticket in await listed(world)}
    assert stored == {by_hand.customer_id}


async def test_whoever_is_known_is_asked_about_at_the_bank(
    world: World, database: Database
) -> None:
    await sync(world, ordinary())
    await issue(world.ticket_machine, identification=card(ordinary().card_numbers[0]))
    rows = await database.as_application("SELECT kind FROM work_item ORDER BY kind")
    assert [row["kind"] for row in rows] == ["core.view"] * 2 + ["crm.view"] * 3


async def test_the_second_ticket_of_a_day_goes_on_with_the_journey(world: World) -> None:
    await sync(world, ordinary(), wang())
    one = await issue(world.ticket_machine, identification=card(ordinary().card_numbers[0]))
    again = await issue(world.ticket_machine, identification=card(ordinary().card_numbers[0]))
    other = await issue(world.ticket_machine, identification=card(wang().card_numbers[0]))
    assert again.journey_id == one.journey_id
    assert other.journey_id != one.journey_id


async def test_the_same_press_again_is_the_same_ticket(world: World) -> None:
    request = press()
    answers = [await world.ticket_machine.lobby.IssueTicket(request) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert len(await listed(world)) == 1


async def test_sixty_four_twins_of_a_press_are_one_ticket(world: World) -> None:
    request = press()
    answers = await asyncio.gather(
        *(world.ticket_machine.lobby.IssueTicket(request) for _ in range(64))
    )
    assert all(answer == answers[0] for answer in answers)
    [ticket] = await listed(world)
    assert ticket.number == "B001"
    assert (await issue(world.ticket_machine)).number == "B002"


async def test_fifty_presses_at_once_are_fifty_numbers(world: World) -> None:
    tickets = await asyncio.gather(*(issue(world.ticket_machine) for _ in range(50)))
    assert sorted(ticket.number for ticket in tickets) == [f"B{n:03d}" for n in range(1, 51)]


async def test_another_press_under_the_same_id_is_refused(world: World) -> None:
    request = press("B")
    await world.ticket_machine.lobby.IssueTicket(request)
    request.service_line_code = "C"
    with refused("REQUEST_ID_REUSED"):
        await world.ticket_machine.lobby.IssueTicket(request)


async def test_a_line_that_the_branch_does_not_have_is_refused(world: World) -> None:
    with refused("SERVICE_LINE_NOT_FOUND") as refusal:
        await issue(world.ticket_machine, "Z")
    assert refusal.value.metadata == {"service_line_code": "Z"}


async def test_a_line_runs_out_of_numbers(world: World, database: Database) -> None:
    await issue(world.ticket_machine)
    await database.as_application("UPDATE ticket_sequence SET next_number = 999")
    assert (await issue(world.ticket_machine)).number == "B999"
    with refused("TICKET_NUMBERS_EXHAUSTED") as refusal:
        await issue(world.ticket_machine)
    assert refusal.value.metadata == {"service_line_code": "B"}
    with refused("TICKET_NUMBERS_EXHAUSTED"):
        await reserve(world.ticket_machine)


async def test_numbers_begin_anew_at_the_branch_s_midnight(
    world: World, clock: Clock, database: Database
) -> None:
    [row] = await database.as_application(
        "SELECT extract(epoch FROM date_trunc('day', local) + interval '1 day' - local) AS left"
        " FROM (SELECT fingertip_now() AT TIME ZONE 'Asia/Shanghai' AS local) AS clock"
    )
    await clock.advance(float(row["left"]) - 60)
    for number in ("B001", "B002"):
        assert (await issue(world.ticket_machine)).number == number
    await clock.advance(60)
    assert (await issue(world.ticket_machine)).number == "B001"
    await world.lobby_manager.sign_in("100101", PASSWORD)
    assert [ticket.number for ticket in await listed(world)] == ["B001"]


async def test_a_ticket_appears_on_the_branch_s_streams_and_nowhere_else(world: World) -> None:
    async with (
        watching(world.teller) as here,
        watching(world.other_teller, branch_id="0102") as there,
    ):
        for stream in (here, there):
            while not (await next_message(stream)).HasField("snapshot_end"):
                pass
        ticket = await issue(world.ticket_machine)
        [event] = (await next_events(here)).events
        assert event.ticket == ticket
        assert event.journey_id == ticket.journey_id
        other = await issue(world.other_ticket_machine)
        [event] = (await next_events(there)).events
        assert event.ticket == other


async def test_a_ticket_is_journalled_with_its_journey(world: World) -> None:
    ticket = await issue(world.ticket_machine, identification=card("6225881414207430"))
    answer = await world.auditor.audit.ListEntries(
        ListEntriesRequest(chain="0101", journey_id=ticket.journey_id)
    )
    [entry] = answer.entries
    assert entry.action == "lobby.v1.LobbyService/IssueTicket"
    assert (entry.object_kind, entry.object_id) == ("ticket", ticket.ticket_id)
    assert entry.object_state == "WAITING"
    assert "6225881414207430" not in str(entry)


@pytest.mark.parametrize("role", ["teller", "branch_manager", "crm_adapter", "bare_tablet"])
async def test_not_everybody_issues_tickets(world: World, role: str) -> None:
    with refused("PERMISSION_MISSING"):
        await issue(getattr(world, role))


async def test_the_machine_can_do_nothing_else(world: World) -> None:
    machine = world.ticket_machine
    for attempt in (
        machine.lobby.GetLobby(GetLobbyRequest()),
        machine.lobby.ListTickets(ListTicketsRequest()),
        call_next(machine, "1"),
    ):
        with refused("PERMISSION_MISSING"):
            await attempt
