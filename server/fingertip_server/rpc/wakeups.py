"""In-process signals by name: "topic:0101", "work:core.open_account"."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable


class Wakeups:
    """Wakes those who wait for any of some names.

    A waiter quotes the mark that he took before he looked, so that what came in between wakes him
    at once.
    """

    def __init__(self) -> None:
        self._count = 0
        self._last: dict[str, int] = {}
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def mark(self) -> int:
        """Returns the present, to be quoted by `woken`."""
        return self._count

    def wake(self, names: Iterable[str]) -> None:
        """Wakes everybody who waits for one of the names."""
        self._count += 1
        for name in names:
            self._last[name] = self._count
            for event in self._waiting.get(name, ()):
                event.set()

    def wake_all(self) -> None:
        """Wakes everybody."""
        self.wake(tuple(self._waiting))

    async def woken(self, names: Iterable[str], timeout_seconds: float, since: int) -> bool:
        """Waits for a signal after the mark `since`, and says whether it came in time."""
        wanted = tuple(names)
        if any(self._last.get(name, 0) > since for name in wanted):
            return True
        event = asyncio.Event()
        for name in wanted:
            self._waiting[name].add(event)
        try:
            async with asyncio.timeout(max(timeout_seconds, 0)):
                return await event.wait()
        except TimeoutError:
            return False
        finally:
            for name in wanted:
                self._waiting[name].discard(event)
                if not self._waiting[name]:
                    del self._waiting[name]
