"""Follows a scope for as long as it is wanted, whatever happens to servers and lines meanwhile."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

import grpc

from fingertip.events.v1.event_pb2 import Event
from fingertip.events.v1.events_service_pb2 import WatchRequest, WatchResponse
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.retry import Backoff

# Three heartbeats of 10 s missed: the connection is dead, whatever the network says.
SILENCE_SECONDS_MAX: Final = 30.0
RECONNECTING: Final = Backoff(first_seconds=0.5, longest_seconds=30.0)

# Answers that asking again does not change.
_FINAL: Final = frozenset(
    {
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
# The feed no longer knows the position, or it is another feed: a database restored from a backup.
_TOKEN_IS_WORTHLESS: Final = frozenset({"RESUME_TOKEN_EXPIRED", "INVALID_RESUME_TOKEN"})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is open in the scope; what the watcher holds beyond it is gone."""

    events: tuple[Event, ...]
    resume_token: str


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction changed."""

    events: tuple[Event, ...]
    resume_token: str


@dataclass(frozen=True, slots=True)
class Alive:
    """Nothing happened lately."""

    resume_token: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The stream ended, for this reason, and is opened again after a pause.

    The reason is one of fingertip.errors.v1.ErrorReason without prefix, a gRPC code, `GOING_AWAY`,
    `ENDED` or `SILENT`.
    """

    reason: str
    pause_seconds: float


Step = Snapshot | Change | Alive | Interrupted


@dataclass(frozen=True, slots=True)
class _End:
    """How a stream ended: why, what to wait for at least, and whether its token still resumes."""

    reason: str
    pause_seconds: float = 0.0
    token_is_worthless: bool = False


async def watch(
    caller: Caller,
    request: WatchRequest,
    *,
    silence_seconds_max: float = SILENCE_SECONDS_MAX,
    reconnecting: Backoff = RECONNECTING,
) -> AsyncGenerator[Step, None]:
    """Yields a scope's steps for ever: no change is missing, and after a snapshot none is repeated.

    Store a step's resume_token together with what it changed and put it into the request when
    starting again. Wrap in `contextlib.aclosing`, so that leaving the loop ends the stream at
    once. Raises Refused when the right to watch is missing or ends.
    """
    token = request.resume_token
    failures = 0
    while True:
        asked = WatchRequest()
        asked.CopyFrom(request)
        asked.resume_token = token
        end = _End("ENDED")
        async with contextlib.aclosing(_stream(caller, asked, silence_seconds_max)) as stream:
            async for step in stream:
                if isinstance(step, _End):
                    end = step
                    break
                token = step.resume_token
                # A stream that got beyond its snapshot was a good one.
                failures = failures if isinstance(step, Snapshot) else 0
                yield step
        if end.token_is_worthless:
            token = ""
        pause_seconds = end.pause_seconds + reconnecting.pause_seconds(failures)
        failures += 1
        yield Interrupted(end.reason, pause_seconds)
        await asyncio.sleep(pause_seconds)


async def _stream(
    caller: Caller, request: WatchRequest, silence_seconds_max: float
) -> AsyncGenerator[Snapshot | Change | Alive | _End, None]:
    """Yields the steps of one stream, and last how it ended."""
    # A snapshot counts only when it is whole; until then no token resumes it.
    snapshot: list[Event] | None = None if request.resume_token else []
    call = caller.events.Watch(request)
    try:
        while True:
            async with asyncio.timeout(silence_seconds_max):
                response = await call.read()
            if not isinstance(response, WatchResponse):
                yield _End("ENDED")
                return
            mark = response.WhichOneof("mark")
            if snapshot is None:
                yield _step(response)
            else:
                snapshot.extend(response.events)
                if mark == "snapshot_end":
                    yield Snapshot(tuple(snapshot), response.resume_token)
                    snapshot = None
            if mark == "going_away":
                yield _End("GOING_AWAY", response.going_away.retry_after.ToMilliseconds() / 1000)
                return
    except TimeoutError:
        yield _End("SILENT")
    except grpc.aio.AioRpcError as error:
        yield _end(error, had_token=bool(request.resume_token))
    finally:
        # Whatever ended it, cancellation included: a stream left open is never collected.
        call.cancel()


def _step(response: WatchResponse) -> Change | Alive:
    """Reads what follows a snapshot; a mark that came after this client moves the token only."""
    if response.events:
        return Change(tuple(response.events), response.resume_token)
    return Alive(response.resume_token)


def _end(error: grpc.aio.AioRpcError, *, had_token: bool) -> _End:
    """Decides whether a failed stream is opened again; raises Refused when it is not."""
    refused = Refused.from_error(error)
    is_worthless = had_token and refused.reason in _TOKEN_IS_WORTHLESS
    if refused.code in _FINAL and not is_worthless:
        raise refused from error
    return _End(refused.reason or refused.code.name, token_is_worthless=is_worthless)
