"""The Watch stream: a snapshot, then every change in the order of commits, resumable."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from opentelemetry import metrics
from sqlalchemy import Connection

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip.events.v1.event_pb2 import Event
from fingertip.events.v1.events_service_pb2 import (
    GoingAway,
    Heartbeat,
    SnapshotEnd,
    WatchRequest,
    WatchResponse,
)
from fingertip_server import errors
from fingertip_server.events import feed
from fingertip_server.events.feed import Commit, Head
from fingertip_server.events.readers import Readers, Subscription
from fingertip_server.events.scopes import Scope, Scopes
from fingertip_server.events.tokens import Cursor, Tokens, view_of
from fingertip_server.identity.clock import DatabaseClock
from fingertip_server.rpc import streams
from fingertip_server.rpc.drafts import Announced
from fingertip_server.rpc.principal import Principal
from fingertip_server.rpc.units import Units

# One message of a snapshot stays below what a phone's radio likes to carry at once.
_SNAPSHOT_EVENTS_PER_MESSAGE = 100
_STREAMS_PER_PRINCIPAL_MAX = 3
_GOING_AWAY_SECONDS_MAX = 2.0
_FILL_ROWS = 500

_lag = metrics.get_meter("fingertip").create_histogram(
    "fingertip.watch.lag", unit="ms", description="How long changes take to reach their watchers."
)

Authenticate = Callable[[], Awaitable[Principal]]
Snapshot = Callable[[Connection, str], Iterable[Announced]]
"""Returns what is open in a scope, given the id of the branch, centre or application."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how many."""

    heartbeat_seconds: float
    stream_seconds_max: float
    streams_max: int


@dataclass(slots=True)
class Watching:
    """Serves the streams of a process."""

    units: Units
    readers: Readers
    tokens: Tokens
    scopes: Scopes
    snapshots: dict[str, Sequence[Snapshot]]
    clock: DatabaseClock
    limits: Limits
    is_draining: bool = False
    _open: Counter[str] = field(default_factory=Counter)
    _none_open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._none_open.set()

    async def watch(
        self, request: WatchRequest, authenticate: Authenticate
    ) -> AsyncIterator[WatchResponse]:
        """Yields what the caller may see of a scope, from a snapshot or a token on.

        `authenticate` returns the caller as he is now, or raises; it is asked before each message.
        """
        viewer = await authenticate()
        scope = await self.scopes.of(viewer, request)
        with self._counted(viewer):
            stream = _Stream(self, scope, viewer, authenticate)
            async for response in stream.responses(request.resume_token):
                yield response

    def drain(self) -> None:
        """Has every stream say that it goes away, and end."""
        self.is_draining = True
        self.readers.poke_all()

    def note_lag(self, commit: Commit) -> None:
        """Notes how long a change has taken from its commit to a watcher who keeps up."""
        late_seconds = self.clock.seconds() - commit.time.timestamp()
        _lag.record(max(late_seconds, 0.0) * 1000)

    async def ended(self, seconds_max: float) -> None:
        """Waits until every stream has ended, or for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds_max, 0)):
                await self._none_open.wait()

    @contextmanager
    def _counted(self, viewer: Principal) -> Iterator[None]:
        key = f"{viewer.scope}@{viewer.device_id}"
        if self._open[key] >= _STREAMS_PER_PRINCIPAL_MAX:
            raise _too_many(_STREAMS_PER_PRINCIPAL_MAX)
        if self._open.total() >= self.limits.streams_max:
            raise _too_many(self.limits.streams_max)
        self._open[key] += 1
        self._none_open.clear()
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
            if not self._open:
                self._none_open.set()


class _Stream:
    """One watcher."""

    def __init__(
        self, watching: Watching, scope: Scope, viewer: Principal, authenticate: Authenticate
    ) -> None:
        self._watching = watching
        self._scope = scope
        self._viewer = viewer
        self._authenticate = authenticate
        # The watcher has everything up to here: what the next token says.
        self._sent = 0
        jitter = random.uniform(0.9, 1.1)  # noqa: S311 - spreads reconnections, no secret
        self._ends_at = time.monotonic() + watching.limits.stream_seconds_max * jitter

    async def responses(self, token: str) -> AsyncIterator[WatchResponse]:
        """Yields for as long as the caller may watch."""
        cursor = self._watching.tokens.open(self._scope.name, token) if token else None
        if cursor is not None and cursor.view == view_of(self._viewer):
            await self._require_kept(cursor)
            self._sent = cursor.position
        else:
            async for response in self._snapshot():
                yield response
        # A watcher that is far behind reads from the table until he is near: nothing queues up.
        async for response in self._filled():
            yield response
        subscription = Subscription(self._sent, self._is_seen)
        self._watching.readers.subscribe(self._scope.topic, subscription)
        try:
            # What the reader handed out between the two stands in the table as well.
            async for response in self._filled(self._watching.readers.position(self._scope.topic)):
                yield response
            async for response in self._changes(subscription):
                yield response
        finally:
            self._watching.readers.unsubscribe(self._scope.topic, subscription)

    async def _changes(self, subscription: Subscription) -> AsyncIterator[WatchResponse]:
        heartbeat_seconds = self._watching.limits.heartbeat_seconds
        quiet_since = time.monotonic()
        while True:
            viewer = await self._authenticate()
            if view_of(viewer) != view_of(self._viewer):
                # He may see other things now: what is open, anew.
                self._viewer = viewer
                async for response in self._snapshot():
                    yield response
            commit = subscription.take()
            if commit is not None:
                if commit.position > self._sent:
                    self._sent = commit.position
                    self._watching.note_lag(commit)
                    yield self._message(self._seen_of(commit))
                    quiet_since = time.monotonic()
                continue
            if subscription.is_overflowed:
                raise streams.slow_consumer()
            # Nothing waits, so that whatever the reader passed on was not for this watcher.
            self._sent = max(self._sent, subscription.position)
            if self._watching.is_draining or time.monotonic() > self._ends_at:
                yield self._going_away()
                return
            if time.monotonic() - quiet_since >= heartbeat_seconds:
                yield WatchResponse(resume_token=self._token(), heartbeat=Heartbeat())
                quiet_since = time.monotonic()
            await subscription.wait(quiet_since + heartbeat_seconds - time.monotonic())

    async def _snapshot(self) -> AsyncIterator[WatchResponse]:
        head, announced, now = await self._watching.units.snapshot(self._open_things)
        time_ = Timestamp()
        time_.FromDatetime(now)
        events = [
            feed.snapshot_event(one, time_)
            for one in announced
            if feed.may_see(self._viewer, one.audience)
        ]
        # A token in the midst of a snapshot would skip the rest of it.
        for start in range(0, len(events), _SNAPSHOT_EVENTS_PER_MESSAGE):
            yield WatchResponse(events=events[start : start + _SNAPSHOT_EVENTS_PER_MESSAGE])
        self._sent = head.position
        yield WatchResponse(resume_token=self._token(), snapshot_end=SnapshotEnd())

    def _open_things(self, connection: Connection) -> tuple[Head, list[Announced], datetime]:
        head, now = feed.head(connection, self._scope.topic)
        providers = self._watching.snapshots[self._scope.kind]
        announced = [one for provide in providers for one in provide(connection, self._scope.id)]
        return head, announced, now

    async def _require_kept(self, cursor: Cursor) -> None:
        head, _ = await self._watching.units.autocommit(
            lambda connection: feed.head(connection, self._scope.topic)
        )
        if cursor.position > head.position:
            # The database went back, as after a restored backup.
            raise expired_token()
        if cursor.position < head.floor:
            raise expired_token()

    async def _filled(self, end: int | None = None) -> AsyncIterator[WatchResponse]:
        """Yields from the table, up to a position or to where it ends now."""
        while end is None or self._sent < end:
            commits = await self._watching.units.autocommit(
                partial(feed.read, topic=self._scope.topic, after=self._sent, row_count=_FILL_ROWS)
            )
            for commit in commits:
                self._sent = commit.position
                if self._is_seen(commit):
                    yield self._message(self._seen_of(commit))
            if not commits:
                return

    def _is_seen(self, commit: Commit) -> bool:
        return any(True for _ in self._visible(commit))

    def _seen_of(self, commit: Commit) -> list[Event]:
        return list(self._visible(commit))

    def _visible(self, commit: Commit) -> Iterator[Event]:
        for seen in commit.seen:
            if feed.may_see(self._viewer, seen.audience) and self._scope.holds(seen.event):
                yield seen.event

    def _message(self, events: list[Event]) -> WatchResponse:
        return WatchResponse(resume_token=self._token(), events=events)

    def _going_away(self) -> WatchResponse:
        retry_after = Duration()
        seconds = random.uniform(0.0, _GOING_AWAY_SECONDS_MAX)  # noqa: S311 - spreads load
        retry_after.FromMilliseconds(int(seconds * 1000))
        return WatchResponse(
            resume_token=self._token(), going_away=GoingAway(retry_after=retry_after)
        )

    def _token(self) -> str:
        cursor = Cursor(self._sent, view_of(self._viewer))
        return self._watching.tokens.seal(self._scope.name, cursor)


def expired_token() -> errors.OutOfRange:
    """Returns the refusal of a token that is older than the feed."""
    return errors.OutOfRange(
        ErrorReason.ERROR_REASON_RESUME_TOKEN_EXPIRED,
        "The feed does not reach back to this token. Watch without it.",
    )


def _too_many(limit: int) -> errors.LimitReached:
    return errors.LimitReached(
        ErrorReason.ERROR_REASON_TOO_MANY_STREAMS,
        "Too many streams are open. Close one, or use another process.",
        limit=str(limit),
    )
