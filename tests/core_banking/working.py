"""Has a worker at work in the test's own process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fingertip_client.caller import Caller
from fingertip_core_banking.bank import Bank
from fingertip_core_banking.worker import Pace, Worker
from tests.core_banking.orders import OPEN, REVERSE, VIEW


@asynccontextmanager
async def working(
    caller: Caller, bank: Bank, *kinds: str, pace: Pace | None = None
) -> AsyncIterator[Callable[[], None]]:
    """Has a worker at work, and gives what tells it to stop."""
    stopping = asyncio.Event()
    worker = Worker(caller, bank, kinds or (OPEN, REVERSE, VIEW), pace or Pace())
    task = asyncio.create_task(worker.run(stopping))
    try:
        yield stopping.set
    finally:
        stopping.set()
        async with asyncio.timeout(20):
            await task
