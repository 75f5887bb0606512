"""Measures what no call shows: how much waits, for how long, and how late the event loop is."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog
from opentelemetry import metrics
from sqlalchemy import Connection

from fingertip_server import errors
from fingertip_server.rpc.units import Units

_QUEUES_EVERY_SECONDS = 15.0
_LOOP_EVERY_SECONDS = 0.5

_log = structlog.get_logger("fingertip.measuring")
_meter = metrics.get_meter("fingertip")
_depth = _meter.create_gauge(
    "fingertip.queue.depth", description="How many wait to be claimed; each process tells of all."
)
_age = _meter.create_gauge(
    "fingertip.claim.age", unit="s", description="How long the one that waits longest has waited."
)
_loop_lag = _meter.create_histogram(
    "fingertip.loop.lag", unit="ms", description="How late the event loop does what is due."
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits to be claimed: work of a kind for adapters, tasks of a skill for people."""

    queue: str
    kind: str
    count: int
    oldest_seconds: float


Queue = Callable[[Connection], Iterable[Waiting]]


class Measuring:
    """Measures the queues, which all processes share, and this process's event loop."""

    def __init__(self, units: Units, queues: Sequence[Queue]) -> None:
        self._units = units
        self._queues = queues
        self._told: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Measures until cancelled; while the database is away, the event loop alone."""
        while True:
            try:
                await self.look()
            except errors.Unavailable:
                _log.warning("queues_unreadable")
            end = time.monotonic() + _QUEUES_EVERY_SECONDS
            while (start := time.monotonic()) < end:
                await asyncio.sleep(_LOOP_EVERY_SECONDS)
                late_seconds = time.monotonic() - start - _LOOP_EVERY_SECONDS
                _loop_lag.record(max(late_seconds, 0.0) * 1000)

    async def look(self) -> None:
        """Measures the queues once."""
        found = await self._units.autocommit(
            lambda connection: [each for queue in self._queues for each in queue(connection)]
        )
        waiting = {(each.queue, each.kind): each for each in found}
        # What is empty now is told once more, or its last depth would stand for ever.
        for queue, kind in self._told | waiting.keys():
            each = waiting.get((queue, kind), Waiting(queue, kind, 0, 0.0))
            attributes = {"queue": queue, "kind": kind}
            _depth.set(each.count, attributes)
            # What was put back for later waits only from then on.
            _age.set(max(each.oldest_seconds, 0.0), attributes)
        self._told = set(waiting)
