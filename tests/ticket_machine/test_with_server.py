"""The machine beside the real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from fingertip.lobby.v1.lobby_service_pb2 import ListTicketsRequest
from fingertip.lobby.v1.ticket_pb2 import Ticket
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.retry import Backoff, Patience
from fingertip_server.app import App
from fingertip_server.settings import Settings
from fingertip_ticket_machine.journal import Journal
from fingertip_ticket_machine.machine import TicketMachine, Waiting
from fingertip_ticket_machine.settling import Settling
from tests.conftest import Database
from tests.events.publishing import next_events, watching
from tests.world import Credentials, World

PATIENCE = Patience(attempt_seconds=2.0, budget_seconds=2.0, backoff=Backoff(0.01, 0.05))


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[App]:
    """Runs a server until it is drained."""
    app = App(settings)
    await app.start()
    try:
        yield app
    finally:
        await app.drain()


async def tickets(world: World) -> list[Ticket]:
    """Lists today's tickets."""
    answer = await world.teller.lobby.ListTickets(ListTicketsRequest(page_size=200))
    return list(answer.tickets)


async def test_a_server_goes_and_comes_and_every_ticket_is_registered_once(
    settings: Settings, template: Credentials, tmp_path: Path
) -> None:
    device = template.devices["ticket_machine"]
    with Journal(tmp_path / "journal.sqlite3") as journal:
        async with serving(settings) as app:
            caller = Caller([f"127.0.0.1:{app.port}"], device=device, patience=PATIENCE)
            machine = TicketMachine(caller, journal, waiting=Waiting(0.5, 1.0))
            online = await machine.issue("B", None)
            assert (await Settling(caller, journal, ["B", "C"]).settle()).reserved == ["B", "C"]
        offline = [await machine.issue("B", None) for _ in range(4)]
        offline += [await machine.issue("C", None) for _ in range(2)]
        await caller.close()
        assert not online.is_offline
        assert all(issued.is_offline for issued in offline)
        async with serving(settings) as app:
            world = World([f"127.0.0.1:{app.port}"], template)
            # As many processes as somebody may have started by mistake.
            settlings = [Settling(world.ticket_machine, journal, ["B"]) for _ in range(3)]
            settlements = await asyncio.gather(*(one.settle(2.0) for one in settlings))
            listed = await tickets(world)
            await world.close()
    assert all(settlement.trouble is None for settlement in settlements)
    assert journal_is_settled(tmp_path)
    numbers = [online.number, *(issued.number for issued in offline)]
    assert [ticket.number for ticket in listed] == numbers
    assert [ticket.issued_offline for ticket in listed] == [False] + [True] * 6
    assert [ticket.ticket_id for ticket in listed[1:]] == [issued.ticket_id for issued in offline]


def journal_is_settled(folder: Path) -> bool:
    """Says that the machine owes nothing, and that nothing was refused."""
    with Journal(folder / "journal.sqlite3") as journal:
        return not journal.owed() and not journal.refused()


async def test_numbers_from_machine_and_server_never_meet(world: World, tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite3") as journal:
        machine = TicketMachine(world.ticket_machine, journal)
        settling = Settling(world.ticket_machine, journal, ["B"])
        async with Caller(["127.0.0.1:1"]) as nobody:
            alone = TicketMachine(nobody, journal, waiting=Waiting(connection=0.0))
            for _ in range(3):
                await machine.issue("B", None)
                await settling.settle(1.0)
                await alone.issue("B", None)
        assert (await settling.settle(1.0)).trouble is None
    listed = [ticket.number for ticket in await tickets(world)]
    assert len(listed) == len(set(listed)) == 6


async def test_the_time_on_a_slip_is_the_branchs(world: World, tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite3") as journal:
        await Settling(world.ticket_machine, journal, ["B"]).settle(1.0)
        issued = await TicketMachine(world.ticket_machine, journal).issue("B", None)
    assert str(issued.time.tzinfo) == "Asia/Shanghai"


async def test_a_revoked_machine_keeps_what_it_owes(
    world: World, database: Database, tmp_path: Path
) -> None:
    with Journal(tmp_path / "journal.sqlite3") as journal:
        settling = Settling(world.ticket_machine, journal, ["B"])
        await settling.settle(1.0)
        async with Caller(["127.0.0.1:1"]) as nobody:
            await TicketMachine(nobody, journal, waiting=Waiting(0.0)).issue("B", None)
        world.ticket_machine.credentials.device = "revoked"
        settlement = await settling.settle(1.0)
        assert settlement.trouble is not None
        assert settlement.trouble.reason == "NOT_SIGNED_IN"
        assert len(journal.owed()) == 1
        with pytest.raises(Refused, match="NOT_SIGNED_IN"):
            await TicketMachine(world.ticket_machine, journal).issue("B", None)


async def test_one_trace_leads_from_the_press_to_the_tablet(world: World, tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite3") as journal:
        async with watching(world.lobby_manager) as stream:
            # What an exporting process has; this one exports nothing.
            span = NonRecordingSpan(SpanContext(0x5EED, 0xCAFE, False, TraceFlags(1)))
            with trace.use_span(span):
                await TicketMachine(world.ticket_machine, journal).issue("B", None)
            [event] = (await next_events(stream)).events
    assert event.traceparent.startswith(f"00-{0x5EED:032x}-")
