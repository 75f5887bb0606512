"""Servers are killed under load: nothing acknowledged is lost, and nobody has to repair anything.

FINGERTIP_KILLS says how often.
"""

import asyncio
import os
import random
from pathlib import Path

import pytest

from fingertip_server.settings import Settings
from tests.conftest import Database
from tests.faults import proof
from tests.faults.load import Presses, Watcher, impatient
from tests.faults.processes import running
from tests.world import Credentials, World

_KILLS = int(os.environ.get("FINGERTIP_KILLS", "50"))


@pytest.mark.timeout(120 + 10 * _KILLS)
async def test_servers_that_are_killed_lose_nothing(
    database: Database, settings: Settings, template: Credentials, tmp_path: Path
) -> None:
    draw = random.Random(_KILLS)
    async with running(settings, tmp_path, 2) as servers:
        world = World([server.target for server in servers], template)
        machine = impatient(world, "ticket_machine")
        presses = Presses(machine, per_line=4)
        watcher = Watcher(world.teller)
        watching = asyncio.create_task(watcher.run())
        try:
            await asyncio.wait_for(watcher.is_ready.wait(), 20)
            pressing = asyncio.create_task(presses.run())
            for _ in range(_KILLS):
                # A line has 999 numbers for a day, so that all press only when it matters.
                presses.may_begin.set()
                await asyncio.sleep(draw.uniform(0.02, 0.2))
                server = draw.choice(servers)
                server.kill()
                presses.may_begin.clear()
                await server.start()
            presses.is_over = True
            presses.may_begin.set()
            await asyncio.wait_for(pressing, 30)
            events = await proof.events_of(database)
            await watcher.has_seen(len(events), 30)
            different = await presses.repeat_all()
        finally:
            watching.cancel()
            await watching
            await machine.close()
            await world.close()
    assert not presses.unexpected
    assert not different, "a repetition was answered differently"
    assert len(presses.acknowledged) > 5 * _KILLS, "there was no load"
    assert presses.unknown_outcomes, "nobody was waiting for an answer when a server died"
    assert watcher.snapshots == 1, "a watcher had to begin anew"
    assert watcher.seen == events
    await proof.tickets_are(database, presses.acknowledged.values())
    await proof.journal_is_whole(database, settings, len(presses.acknowledged))
