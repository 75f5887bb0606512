"""A press whose answer is lost: the customer has one ticket, and it is the one on his slip."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import grpc

from fingertip.events.v1.events_service_pb2 import WatchRequest, WatchResponse
from fingertip.lobby.v1.arrival_pb2 import Arrival
from fingertip.lobby.v1.lobby_service_pb2 import Identification, ListTicketsRequest
from fingertip_client.caller import Caller
from fingertip_client.retry import Backoff, Patience
from fingertip_ticket_machine.journal import Journal
from fingertip_ticket_machine.machine import TicketMachine, Waiting
from fingertip_ticket_machine.settling import Settling
from tests.conftest import Database
from tests.customer.master import sync, wang
from tests.events.publishing import next_message, watching
from tests.sql import commits_held, until_stuck
from tests.ticket_machine import fake_lobby
from tests.ticket_machine.fake_lobby import TIME_ZONE, FakeLobby
from tests.world import World

PATIENCE = Patience(attempt_seconds=1.0, budget_seconds=1.0, backoff=Backoff(0.01, 0.02))


def a_lobby() -> FakeLobby:
    """Opens a lobby of today."""
    return FakeLobby(datetime.now(UTC).astimezone(ZoneInfo(TIME_ZONE)).date())


async def test_what_was_issued_and_not_heard_of_gets_the_number_on_paper_even_after_a_restart(
    tmp_path: Path,
) -> None:
    lobby, path = a_lobby(), tmp_path / "journal.sqlite3"
    async with (
        fake_lobby.serving(lobby) as server,
        Caller([server.target], patience=PATIENCE) as caller,
    ):
        with Journal(path) as journal:
            await Settling(caller, journal, ["B"]).settle(2.0)
            lobby.loses_answers = True
            machine = TicketMachine(caller, journal, waiting=Waiting(2.0, 0.2))
            issued = [await machine.issue("B", None) for _ in range(2)]
            # What was issued bears numbers that nobody has.
            assert lobby.numbers == ["B011", "B012"]
        with Journal(path) as journal:
            settling = Settling(caller, journal, ["B"])
            assert (await settling.settle(2.0)).trouble is not None
            lobby.loses_answers = False
            assert (await settling.settle(2.0)).registered == ["B001", "B002"]
    assert [one.number for one in issued] == ["B001", "B002"]
    assert lobby.tickets == {one.ticket_id: one.number for one in issued}


async def test_every_press_is_a_ticket_of_its_own(tmp_path: Path) -> None:
    lobby = a_lobby()
    async with (
        fake_lobby.serving(lobby) as server,
        Caller([server.target], patience=PATIENCE) as caller,
    ):
        with Journal(tmp_path / "journal.sqlite3") as journal:
            machine = TicketMachine(caller, journal)
            issued = [await machine.issue("B", None) for _ in range(2)]
    assert lobby.tickets == {one.ticket_id: one.number for one in issued}
    assert [request.ticket_id for request in lobby.requests] == [one.ticket_id for one in issued]


async def next_arrival(stream: "grpc.aio.UnaryStreamCall[WatchRequest, WatchResponse]") -> Arrival:
    """Returns the next arrival that a watcher is shown."""
    while True:
        for event in (await next_message(stream)).events:
            if event.HasField("arrival"):
                return event.arrival


async def listed(world: World) -> dict[str, str]:
    """Returns the numbers of today's tickets by their ids."""
    answer = await world.teller.lobby.ListTickets(ListTicketsRequest())
    return {ticket.ticket_id: ticket.number for ticket in answer.tickets}


async def test_an_important_customer_s_press_that_commits_too_late_is_known_by_her_slip(
    world: World, database: Database, tmp_path: Path
) -> None:
    await sync(world, wang())
    who = Identification(card_number=wang().card_numbers[0])
    with Journal(tmp_path / "journal.sqlite3") as journal:
        settling = Settling(world.ticket_machine, journal, ["B"])
        await settling.settle(2.0)
        machine = TicketMachine(world.ticket_machine, journal, waiting=Waiting(2.0, 0.5))
        async with watching(world.lobby_manager) as stream:
            async with commits_held(database.owner_url, "0101"):
                issued = await machine.issue("B", who)
            before = await next_arrival(stream)
            assert (before.ticket_id, before.ticket_number) == (issued.ticket_id, "A001")
            assert (await settling.settle(2.0)).registered == ["B001"]
            after = await next_arrival(stream)
    assert (after.arrival_id, after.ticket_id) == (before.arrival_id, issued.ticket_id)
    assert after.ticket_number == issued.number == "B001"
    assert await listed(world) == {issued.ticket_id: issued.number}


async def test_presses_and_their_slips_that_meet_at_the_server_are_one_ticket_each(
    world: World, database: Database, tmp_path: Path
) -> None:
    with Journal(tmp_path / "journal.sqlite3") as journal:
        settling = Settling(world.ticket_machine, journal, ["B"])
        await settling.settle(2.0)
        machine = TicketMachine(world.ticket_machine, journal, waiting=Waiting(2.0, 0.5))
        async with commits_held(database.owner_url, "0101"):
            issued = await asyncio.gather(*(machine.issue("B", None) for _ in range(5)))
            registering = asyncio.create_task(settling.settle(2.0))
            await until_stuck(database.owner_url, 6)
        await registering
        assert (await settling.settle(2.0)).trouble is None
        assert not journal.owed()
        assert not journal.refused()
    assert await listed(world) == {one.ticket_id: one.number for one in issued}
