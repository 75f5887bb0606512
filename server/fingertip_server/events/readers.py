"""Reads each topic once per process, and hands its commits to all who watch it.

Readers are woken by NOTIFY, by this process's own commits, and every second anyway.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

import structlog

from fingertip_server import errors
from fingertip_server.events import feed
from fingertip_server.events.feed import Commit
from fingertip_server.rpc.units import Units
from fingertip_server.rpc.wakeups import Wakeups

POLL_SECONDS = 1.0
_ROWS_PER_READ = 500
_QUEUE_COMMITS_MAX = 256
_QUEUE_BYTES_MAX = 1 << 20

_log = structlog.get_logger("fingertip.events")


class Subscription:
    """The commits of a topic that a watcher has not taken yet.

    A watcher that takes too slowly overflows: what waited for him is freed at once.
    """

    def __init__(self, position: int, accepts: Callable[[Commit], bool]) -> None:
        self.position = position
        self.is_overflowed = False
        self._accepts = accepts
        self._waiting: deque[Commit] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()

    def offer(self, commit: Commit) -> None:
        """Takes a commit in, unless the watcher is past it or may not see any of it."""
        if commit.position <= self.position or self.is_overflowed:
            return
        self.position = commit.position
        if not self._accepts(commit):
            return
        self._bytes += sum(seen.size_bytes for seen in commit.seen)
        self._waiting.append(commit)
        if len(self._waiting) > _QUEUE_COMMITS_MAX or self._bytes > _QUEUE_BYTES_MAX:
            self.is_overflowed = True
            self._waiting.clear()
        self._filled.set()

    def poke(self) -> None:
        """Makes `wait` return, because something else has to be looked at."""
        self._filled.set()

    async def wait(self, timeout_seconds: float) -> None:
        """Waits until there may be something to take."""
        if self._waiting:
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._filled.wait()
        except TimeoutError:
            return
        finally:
            self._filled.clear()

    def take(self) -> Commit | None:
        """Returns the oldest commit that waits, or None."""
        if not self._waiting:
            return None
        commit = self._waiting.popleft()
        self._bytes -= sum(seen.size_bytes for seen in commit.seen)
        return commit


class TopicReader:
    """Follows one topic from a position on."""

    def __init__(self, topic: str, position: int, units: Units, wakeups: Wakeups) -> None:
        self.position = position
        self.read_time = 0.0
        self.subscriptions: set[Subscription] = set()
        self._topic = topic
        self._units = units
        self._wakeups = wakeups

    async def follow(self) -> None:
        """Reads for ever; while the database is away, tries each second."""
        name = f"topic:{self._topic}"
        while True:
            mark = self._wakeups.mark()
            try:
                more = await self._read()
            except errors.Unavailable:
                more = False
                _log.warning("feed_unreadable", topic=self._topic)
            if not more:
                await self._wakeups.woken({name}, POLL_SECONDS, mark)

    async def _read(self) -> bool:
        after = self.position
        commits = await self._units.autocommit(
            lambda connection: feed.read(connection, self._topic, after, _ROWS_PER_READ)
        )
        self.read_time = time.monotonic()
        for commit in commits:
            self.position = commit.position
            for subscription in tuple(self.subscriptions):
                subscription.offer(commit)
        return len(commits) > 0


class Readers:
    """The topic readers of a process. A topic is read while somebody watches it."""

    def __init__(self, units: Units, wakeups: Wakeups) -> None:
        self._units = units
        self._wakeups = wakeups
        self._readers: dict[str, TopicReader] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def subscribe(self, topic: str, subscription: Subscription) -> None:
        """Adds a watcher, who has what is up to `subscription.position`.

        What lies between that and the reader's own position the watcher reads from the table.
        """
        reader = self._readers.get(topic)
        if reader is None:
            reader = TopicReader(topic, subscription.position, self._units, self._wakeups)
            self._readers[topic] = reader
            self._tasks[topic] = asyncio.create_task(reader.follow(), name=f"feed {topic}")
        reader.subscriptions.add(subscription)

    def position(self, topic: str) -> int:
        """Returns up to where the topic's reader has handed out commits."""
        return self._readers[topic].position

    def read_time(self, topic: str) -> float:
        """Returns when the topic was last read, by the monotonic clock; 0 before the first time."""
        reader = self._readers.get(topic)
        return reader.read_time if reader else 0.0

    def unsubscribe(self, topic: str, subscription: Subscription) -> None:
        """Removes a watcher, and the reader with the last of them."""
        reader = self._readers.get(topic)
        if reader is None:
            return
        reader.subscriptions.discard(subscription)
        if not reader.subscriptions:
            del self._readers[topic]
            self._tasks.pop(topic).cancel()

    def poke_all(self) -> None:
        """Makes every watcher look at what is not an event: a drain, a revocation."""
        for reader in self._readers.values():
            for subscription in reader.subscriptions:
                subscription.poke()

    async def stop(self) -> None:
        """Ends all readers."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._readers.clear()
        self._tasks.clear()
