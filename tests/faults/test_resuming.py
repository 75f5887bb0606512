"""A watcher who comes back a thousand times, now here and now there, while twenty others write."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import grpc

from fingertip_server.settings import Settings
from tests.conftest import Database
from tests.events.publishing import BRANCH, next_message, watching
from tests.faults.processes import running
from tests.lobby.tickets import issue
from tests.world import Credentials, World

_WRITERS = 20
_TICKETS_EACH = 80
_RESUMPTIONS = 1_000
_LINES = ("A", "B", "C")
_EVENTS = (
    "SELECT event_id::text AS event_id FROM feed_event WHERE topic = $1 AND kind = 'ticket'"
    " ORDER BY position, ordinal"
)


async def test_a_watcher_that_resumes_a_thousand_times_sees_everything_in_order(
    settings: Settings, template: Credentials, database: Database, tmp_path: Path
) -> None:
    draw = random.Random(1)
    async with running(settings, tmp_path, 2) as servers:
        worlds = [World([server.target], template) for server in servers]
        try:
            async with watching(worlds[0].teller) as stream:
                token = (await next_message(stream)).resume_token
            writing = [
                asyncio.create_task(_write(world, number))
                for world in worlds
                for number in range(_WRITERS // len(worlds))
            ]
            seen: list[str] = []
            resumptions = 0
            while len(seen) < _WRITERS * _TICKETS_EACH or resumptions < _RESUMPTIONS:
                resumptions += 1
                # Being cut off for slowness is one more reason to resume.
                with suppress(grpc.aio.AioRpcError):
                    async with watching(draw.choice(worlds).teller, token) as stream:
                        for _ in range(draw.randint(1, 2)):
                            if len(seen) == _WRITERS * _TICKETS_EACH:
                                break
                            message = await next_message(stream, 20.0)
                            token = message.resume_token
                            seen += [event.event_id for event in message.events]
            await asyncio.gather(*writing)
        finally:
            for world in worlds:
                await world.close()
    assert seen == [row["event_id"] for row in await database.as_owner(_EVENTS, BRANCH)]


async def _write(world: World, number: int) -> None:
    for _ in range(_TICKETS_EACH):
        await issue(world.ticket_machine, _LINES[number % len(_LINES)])
