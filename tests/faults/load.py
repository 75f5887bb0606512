"""Customers who take tickets whatever happens, and a watcher of their branch."""

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.lobby.v1.lobby_service_pb2 import IssueTicketResponse
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.retry import Backoff, Patience
from fingertip_client.watch import Change, Snapshot, watch
from tests.faults.waiting import until
from tests.lobby.tickets import press
from tests.world import World

BRANCH = "0101"
LINES = ("A", "B", "C")
# Below the numbers that a line has for a day.
_TICKETS_MAX = 900


def impatient(world: World, machine: str) -> Caller:
    """Returns a machine whose client repeats nothing by itself, so that a test counts it."""
    never = Backoff(1e9, 1e9)
    patience = Patience(attempt_seconds=4.0, budget_seconds=4.0, backoff=never)
    return Caller(world.targets, device=world.credentials.devices[machine], patience=patience)


@dataclass
class Presses:
    """Issues tickets until stopped; a press is repeated under its id until it is answered."""

    machine: Caller
    pause_seconds: float = 0.0
    per_line: int = 1
    acknowledged: dict[str, IssueTicketResponse] = field(default_factory=dict)
    unknown_outcomes: int = 0
    unexpected: list[str] = field(default_factory=list)
    is_over: bool = False
    # Nobody begins to press while it is not set.
    may_begin: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Presses each line's button again and again."""
        await asyncio.gather(*(self._press(line) for line in LINES * self.per_line))

    async def _press(self, line: str) -> None:
        for _ in range(_TICKETS_MAX // self.per_line):
            await self.may_begin.wait()
            if self.is_over:
                return
            await self._until_answered(line)
            await asyncio.sleep(self.pause_seconds)

    async def _until_answered(self, line: str) -> None:
        request = press(line)
        while True:
            try:
                answer = await self.machine.lobby.IssueTicket(request)
            except Refused as refused:
                if not refused.outcome_is_unknown:
                    self.unexpected.append(str(refused))
                    return
                self.unknown_outcomes += 1
                # Even when it is over: otherwise nobody would know what became of it.
                await asyncio.sleep(0.05)
            else:
                self.acknowledged[request.request_id] = answer
                return

    async def repeat_all(self) -> list[str]:
        """Sends every press once more, and returns the ids of those answered differently."""
        different = []
        request = press()
        for request_id, answer in self.acknowledged.items():
            request.request_id = request_id
            request.service_line_code = answer.ticket.service_line_code
            if await self.machine.lobby.IssueTicket(request) != answer:
                different.append(request_id)
        return different


@dataclass
class Watcher:
    """Notes the ids of the events that it is told of after its first snapshot."""

    caller: Caller
    seen: list[str] = field(default_factory=list)
    snapshots: int = 0
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Watches the branch until cancelled."""
        steps = watch(self.caller, WatchRequest(branch_id=BRANCH), reconnecting=Backoff(0.1, 1.0))
        with suppress(asyncio.CancelledError):
            async with aclosing(steps):
                async for step in steps:
                    if isinstance(step, Snapshot):
                        self.snapshots += 1
                        self.is_ready.set()
                    elif isinstance(step, Change):
                        self.seen += [event.event_id for event in step.events]

    async def has_seen(self, count: int, seconds: float) -> None:
        """Waits until so many events came, and no longer than this."""
        with suppress(TimeoutError):
            await until(lambda: len(self.seen) >= count, seconds)
