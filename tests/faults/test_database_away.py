"""The database goes and comes back: calls say so, and service returns by itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest

from fingertip.lobby.v1.lobby_service_pb2 import ListTicketsRequest
from fingertip_client.refusal import Refused
from fingertip_server.app import App
from fingertip_server.db.embedded import EmbeddedPostgres
from fingertip_server.settings import Settings
from tests.conftest import Database
from tests.faults import proof
from tests.faults.load import Presses, Watcher, impatient
from tests.faults.waiting import is_serving, until
from tests.world import World

_PAUSE_SECONDS = 10.0
_RETURN_SECONDS_MAX = 20.0


@pytest.fixture(autouse=True)
def awake(postgres: EmbeddedPostgres) -> Iterator[None]:
    """Leaves no PostgreSQL frozen, whatever becomes of the test."""
    yield
    postgres.resume()


@asynccontextmanager
async def _under_load(world: World) -> AsyncIterator[tuple[Presses, Watcher]]:
    machine = impatient(world, "ticket_machine")
    presses, watcher = Presses(machine, pause_seconds=0.1), Watcher(world.teller)
    watching = asyncio.create_task(watcher.run())
    try:
        await asyncio.wait_for(watcher.is_ready.wait(), 20)
        presses.may_begin.set()
        pressing = asyncio.create_task(presses.run())
        await asyncio.sleep(1)
        yield presses, watcher
        presses.is_over = True
        await asyncio.wait_for(pressing, 60)
    finally:
        presses.is_over = True
        watching.cancel()
        await watching
        await machine.close()


async def _until_health_is(server: App, *, good: bool) -> None:
    async def agrees() -> bool:
        return await is_serving(f"127.0.0.1:{server.port}") is good

    await until(agrees, _RETURN_SECONDS_MAX)


async def _until_tickets_are_issued(presses: Presses) -> None:
    count = len(presses.acknowledged)
    await until(lambda: len(presses.acknowledged) >= count + 3, _RETURN_SECONDS_MAX)


async def _nothing_is_lost(database: Database, settings: Settings, presses: Presses) -> None:
    assert not presses.unexpected
    await proof.tickets_are(database, presses.acknowledged.values())
    await proof.journal_is_whole(database, settings, len(presses.acknowledged))


async def _watcher_is_level(database: Database, watcher: Watcher) -> None:
    events = await proof.events_of(database)
    await watcher.has_seen(len(events), 30)
    assert watcher.seen == events


@pytest.mark.parametrize("mode", ["fast", "immediate", "kill"])
async def test_a_database_that_restarts_is_found_again(
    world: World,
    server: App,
    database: Database,
    settings: Settings,
    postgres: EmbeddedPostgres,
    mode: Literal["fast", "immediate", "kill"],
) -> None:
    async with _under_load(world) as (presses, watcher):
        await asyncio.to_thread(postgres.restart, mode)
        await _until_tickets_are_issued(presses)
        await _until_health_is(server, good=True)
        presses.is_over = True
        await asyncio.sleep(1)
        await _watcher_is_level(database, watcher)
    await _nothing_is_lost(database, settings, presses)


async def test_a_database_that_is_frozen_is_waited_for(
    world: World,
    server: App,
    database: Database,
    settings: Settings,
    postgres: EmbeddedPostgres,
) -> None:
    async with _under_load(world) as (presses, watcher):
        postgres.pause()
        frozen_at = time.monotonic()
        try:
            await _until_health_is(server, good=False)
            with pytest.raises(Refused) as caught:
                await world.lobby_manager.lobby.ListTickets(ListTicketsRequest(), timeout=9)
            assert caught.value.outcome_is_unknown
            await asyncio.sleep(max(0.0, frozen_at + _PAUSE_SECONDS - time.monotonic()))
        finally:
            postgres.resume()
        await _until_health_is(server, good=True)
        await _until_tickets_are_issued(presses)
        presses.is_over = True
        await asyncio.sleep(1)
        await _watcher_is_level(database, watcher)
    assert presses.unknown_outcomes
    await _nothing_is_lost(database, settings, presses)
