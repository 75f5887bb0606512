"""What somebody's screen is told, as it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from fingertip.events.v1.event_pb2 import Event
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_client.caller import Caller
from fingertip_client.watch import Change, Snapshot, watch

_SECONDS_MAX = 10.0


@dataclass
class Screen:
    """The events of a stream so far."""

    shown: list[Event] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, events: tuple[Event, ...]) -> None:
        """Shows more events."""
        self.shown += events
        self._news.set()

    async def until(self, wanted: Callable[[Event], bool]) -> Event:
        """Returns the first event that is wanted, waiting for it."""
        async with asyncio.timeout(_SECONDS_MAX):
            while True:
                for event in self.shown:
                    if wanted(event):
                        return event
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def screen(caller: Caller, request: WatchRequest) -> AsyncIterator[Screen]:
    """Watches a scope from its snapshot on."""
    shown = Screen()
    ready = asyncio.Event()

    async def follow() -> None:
        async with aclosing(watch(caller, request)) as steps:
            async for step in steps:
                if isinstance(step, Snapshot | Change):
                    shown.add(step.events)
                if isinstance(step, Snapshot):
                    ready.set()

    task = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(_SECONDS_MAX):
            await ready.wait()
        yield shown
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
