"""Decides which calls may be repeated, for how long, and how long to pause before."""

import secrets
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

# Clients that lost the same server must not come back in step.
_RANDOM: Final = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from a first to a longest, each drawn anew from all of its span."""

    first_seconds: float
    longest_seconds: float

    def pause_seconds(self, attempt: int) -> float:
        """Returns the pause after an attempt, counted from 0."""
        # 2**16 is beyond every longest pause; a float would overflow after a day of attempts.
        span = min(self.longest_seconds, self.first_seconds * 2 ** min(attempt, 16))
        return _RANDOM.uniform(0.0, span)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one attempt may take, and all of them together with their pauses.

    A call that is made with a time-out of its own has that for all of its attempts instead.
    """

    attempt_seconds: float = 10.0
    budget_seconds: float = 30.0
    backoff: Backoff = field(default=Backoff(0.1, 5.0))


def may_repeat(method: str, request: Message) -> bool:
    """Says whether a call, for example `/fingertip.lobby.v1.LobbyService/GetLobby`, is repeatable.

    A read has no effect, and a request that carries a request_id has it once, however often it is
    sent.
    """
    if _is_read(method):
        return True
    return "request_id" in request.DESCRIPTOR.fields_by_name and bool(
        getattr(request, "request_id", "")
    )


@cache
def _is_read(method: str) -> bool:
    """Asks the contract whether a method has no side effects."""
    name = method.removeprefix("/").replace("/", ".")
    try:
        descriptor = descriptor_pool.Default().FindMethodByName(name)
    except KeyError:
        return False
    level: int = descriptor.GetOptions().idempotency_level
    return level == MethodOptions.NO_SIDE_EFFECTS
