"""What becomes of a lobby when the branch's day is over."""

import asyncio
from datetime import UTC
from zoneinfo import ZoneInfo

from google.type.date_pb2 import Date

from fingertip.lobby.v1.arrival_pb2 import Arrival
from fingertip.lobby.v1.lobby_service_pb2 import CallTicketRequest
from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip_client.request_ids import new_request_id
from tests.conftest import Clock, Database
from tests.customer.master import sync, wang
from tests.events.publishing import next_events, next_message, watching
from tests.lobby.tickets import (
    call_next,
    card,
    issue,
    late,
    move_to_midnight,
    reserve,
    server_time,
)
from tests.sql import connected, until_stuck
from tests.world import PASSWORD, World, refused


async def _just_before_midnight(clock: Clock, database: Database, world: World) -> None:
    """Moves to three minutes before the branch's midnight, with the teller signed in."""
    await move_to_midnight(clock, database, -3)
    await world.teller.sign_in("100103", PASSWORD)


async def test_what_nobody_served_expires_after_midnight(
    world: World, clock: Clock, database: Database
) -> None:
    await sync(world, wang())
    await _just_before_midnight(clock, database, world)
    vip = await issue(world.ticket_machine, identification=card(wang().card_numbers[0]))
    tickets = [await issue(world.ticket_machine) for _ in range(2)]
    async with watching(world.teller) as stream:
        while not (await next_message(stream)).HasField("snapshot_end"):
            pass
        await clock.advance(300)
        expired: dict[str, int] = {}
        while len(expired) < 3:
            for event in (await next_events(stream)).events:
                expired[event.ticket.number] = event.ticket.state
    assert set(expired) == {vip.number, *(ticket.number for ticket in tickets)}
    assert set(expired.values()) == {Ticket.STATE_EXPIRED}
    [row] = await database.as_application("SELECT state FROM arrival")
    assert f"STATE_{row['state']}" == Arrival.State.Name(Arrival.STATE_RESOLVED)
    assert (await issue(world.ticket_machine)).number == "B001"


async def test_who_is_being_served_at_midnight_is_served_to_the_end(
    world: World, clock: Clock, database: Database
) -> None:
    ticket = await issue(world.ticket_machine)
    await call_next(world.teller, "3")
    await database.as_application("UPDATE ticket SET state = 'SERVING'")
    await move_to_midnight(clock, database, 2)
    [row] = await database.as_application(
        "SELECT state FROM ticket WHERE ticket_id = $1::text::uuid", ticket.ticket_id
    )
    assert row["state"] == "SERVING"


async def test_yesterday_s_no_show_is_not_called_today(
    world: World, clock: Clock, database: Database
) -> None:
    await _just_before_midnight(clock, database, world)
    ticket = await issue(world.ticket_machine)
    await database.as_application(
        "UPDATE ticket SET state = 'NO_SHOW', desk = '3', ended_at = fingertip_now()"
    )
    await clock.advance(300)
    await database.as_application(
        "INSERT INTO shift (shift_id, staff_id, branch_id)"
        " SELECT gen_random_uuid(), '100103', '0101' WHERE NOT EXISTS"
        " (SELECT FROM shift WHERE staff_id = '100103' AND ended_at IS NULL)"
    )
    request = CallTicketRequest(request_id=new_request_id(), ticket_id=ticket.ticket_id, desk="3")
    await world.teller.sign_in("100103", PASSWORD)
    with refused("TICKET_STATE") as refusal:
        await world.teller.lobby.CallTicket(request)
    assert refusal.value.metadata == {"state": "NO_SHOW"}


async def test_a_number_of_yesterday_is_registered_and_alerts_nobody(
    world: World, clock: Clock, database: Database
) -> None:
    await sync(world, wang())
    await _just_before_midnight(clock, database, world)
    block = await reserve(world.ticket_machine)
    taken = await server_time(database)
    await clock.advance(3600)
    request = late(block, 1, taken, identification=card(wang().card_numbers[0]))
    ticket = (await world.ticket_machine.lobby.IssueTicket(request)).ticket
    assert (ticket.number, ticket.state) == ("B001", Ticket.STATE_EXPIRED)
    assert ticket.issue_time.ToDatetime(tzinfo=UTC) == taken
    for table in ("arrival", "work_item"):
        [row] = await database.as_application(f"SELECT count(*) FROM {table}")  # noqa: S608
        assert row["count"] == 0, table
    # What it would have printed after midnight was not its own to print.
    with refused("NUMBER_NOT_RESERVED"):
        await world.ticket_machine.lobby.IssueTicket(late(block, 2, await server_time(database)))


async def test_a_block_reserved_as_the_day_ends_is_of_one_day(
    world: World, clock: Clock, database: Database
) -> None:
    await move_to_midnight(clock, database, -1)
    taken = await server_time(database)
    await issue(world.ticket_machine)
    async with connected(database.owner_url) as connection, connection.transaction():
        await connection.execute("SELECT FROM ticket_sequence FOR UPDATE")
        reserving = asyncio.create_task(reserve(world.ticket_machine))
        await until_stuck(database.owner_url)
        await clock.advance(90)
    block = await reserving
    day = taken.astimezone(ZoneInfo(block.time_zone)).date()
    assert block.business_day == Date(year=day.year, month=day.month, day=day.day)
    # A machine whose clock is behind prints it still.
    ticket = (await world.ticket_machine.lobby.IssueTicket(late(block, 2, taken))).ticket
    assert (ticket.number, ticket.state) == ("B002", Ticket.STATE_EXPIRED)
