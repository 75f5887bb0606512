"""Compares what a claim costs in a short queue and in a long one, side by side."""

import statistics
import time
from dataclasses import dataclass

from fingertip.authorization.v1.authorization_service_pb2 import ReleaseTaskRequest
from fingertip_client.request_ids import new_request_id
from fingertip_server.db.embedded import APPLICATION, OWNER, SUPERUSER, EmbeddedPostgres
from fingertip_server.settings import Settings
from tests.applications import paper
from tests.authorization import crowd, desk
from tests.bench.load import Server
from tests.sql import run_sql
from tests.world import Credentials, World

SHORT, LONG = 100, 100_000
_CLAIMS_PER_ROUND = 30


@dataclass(frozen=True)
class Cost:
    """What claims in one queue cost: milliseconds each, and server CPU a claim by round."""

    queued: int
    milliseconds: list[float]
    cpu_microseconds: list[float]

    @property
    def median_ms(self) -> float:
        """How long a claim takes, in milliseconds."""
        return statistics.median(self.milliseconds)

    @property
    def median_cpu(self) -> float:
        """What a claim and a release cost the server, in microseconds."""
        return statistics.median(self.cpu_microseconds)


async def measure(
    postgres: EmbeddedPostgres, settings: Settings, credentials: Credentials, rounds: int
) -> list[Cost]:
    """Claims and releases in turn on two copies of the bank, which differ in their queues alone."""
    costs = []
    servers = []
    try:
        for queued in (SHORT, LONG):
            name = f"queue_{queued}"
            statement = f'CREATE DATABASE "{name}" TEMPLATE fingertip OWNER {OWNER}'
            await run_sql(postgres.url(role=SUPERUSER, database="postgres"), statement)
            url = postgres.url(role=APPLICATION, database=name)
            server = await Server.started(
                "tests.bench.subject", url, str(settings.key_ring), str(settings.authority)
            )
            world = World([server.target], credentials)
            servers.append((server, world))
            await paper.synchronise(world, 1)
            await paper.submitted(world.teller)
            await crowd.queue_up(postgres.url(role=OWNER, database=name), queued)
            costs.append(Cost(queued, [], []))
        for number in range(rounds + 1):
            for cost, (server, world) in zip(costs, servers, strict=True):
                await _round(cost, server, world, counts=number > 0)
    finally:
        for server, world in servers:
            await world.close()
            await server.stop()
    return costs


async def _round(cost: Cost, server: Server, world: World, *, counts: bool) -> None:
    before = server.cpu_seconds()
    taken = []
    for _ in range(_CLAIMS_PER_ROUND):
        started = time.perf_counter()
        task = await desk.claim(world.authoriser)
        taken.append((time.perf_counter() - started) * 1000)
        await world.authoriser.authorization.ReleaseTask(
            ReleaseTaskRequest(
                request_id=new_request_id(),
                task_id=task.task_id,
                fence=task.fence,
                purpose="再看",
            )
        )
    # The first round warms caches, plans and pools.
    if counts:
        cost.milliseconds.extend(taken)
        cost.cpu_microseconds.append((server.cpu_seconds() - before) / _CLAIMS_PER_ROUND * 1e6)
