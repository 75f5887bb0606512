"""SIGTERM: streams are moved, calls are finished, the process ends by itself."""

import asyncio
import time
from pathlib import Path

import grpc
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1.health_pb2 import HealthCheckResponse

from fingertip.fulfilment.v1.fulfilment_service_pb2 import LeaseWorkItemsRequest
from fingertip_client.caller import Caller
from fingertip_server.settings import Settings
from tests.conftest import Database
from tests.events.publishing import next_events, next_message, watching
from tests.faults.processes import running
from tests.faults.waiting import until, watch_health
from tests.lobby.tickets import issue, press
from tests.world import Credentials, World

_SECONDS_MAX = 10.0
_PRESSES = 40


async def test_a_server_that_is_told_to_end_leaves_in_order(
    database: Database, settings: Settings, template: Credentials, tmp_path: Path
) -> None:
    async with running(settings, tmp_path, 2) as (leaving, staying):
        old, new = World([leaving.target], template), World([staying.target], template)
        both = World([leaving.target, staying.target], template)
        try:
            async with watching(old.teller) as stream:
                await next_message(stream)
                seen = await issue(old.ticket_machine)
                assert (await next_events(stream)).events[0].ticket.ticket_id == seen.ticket_id
                under_way = [
                    asyncio.create_task(_lease(old.core_adapter)),
                    *(asyncio.create_task(_press(both.ticket_machine)) for _ in range(_PRESSES)),
                ]
                # Some were answered, some are being carried out, some are still on their way.
                await until(lambda: any(task.done() for task in under_way[1:]), 10)
                started = time.monotonic()
                leaving.terminate()
                last = await next_message(stream)
                while not last.HasField("going_away"):
                    last = await next_message(stream)
                assert await leaving.ended() == 0
                assert time.monotonic() - started < _SECONDS_MAX
            held, *pressed = await asyncio.gather(*under_way)
            assert held == "answered", "a call that waits is answered at once"
            missed = await issue(new.ticket_machine, "C")
            async with watching(new.teller, last.resume_token) as stream:
                arrived: list[str] = []
                while missed.ticket_id not in arrived:
                    message = await next_events(stream)
                    arrived += [event.ticket.ticket_id for event in message.events]
            assert seen.ticket_id not in arrived
            rows = await database.as_owner("SELECT ticket_id::text FROM ticket")
            known = sorted(row["ticket_id"] for row in rows)
            assert known == sorted([*pressed, seen.ticket_id, missed.ticket_id])
        finally:
            await old.close()
            await new.close()
            await both.close()


async def test_a_server_says_that_it_leaves_before_it_does(
    settings: Settings, template: Credentials, tmp_path: Path
) -> None:
    async with running(settings, tmp_path, 1) as [server]:
        async with grpc.aio.insecure_channel(server.target) as channel:
            states = aiter(watch_health(channel))
            assert (await anext(states)).status == HealthCheckResponse.SERVING
            server.terminate()
            assert (await anext(states)).status == HealthCheckResponse.NOT_SERVING
        assert await server.ended() == 0


async def _lease(adapter: Caller) -> str:
    request = LeaseWorkItemsRequest(max_items=1, wait=Duration(seconds=20))
    await adapter.fulfilment.LeaseWorkItems(request, timeout=30)
    return "answered"


async def _press(machine: Caller) -> str:
    answer = await machine.lobby.IssueTicket(press())
    return answer.ticket.ticket_id
