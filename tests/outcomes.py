"""What finally became of a request."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fingertip_client.refusal import Refused

Request = TypeVar("Request")


async def final_outcome(method: Callable[[Request], Awaitable[object]], request: Request) -> str:
    """Repeats a request until its outcome is known, as a client does, and returns that."""
    while True:
        try:
            await method(request)
        except Refused as refusal:
            if not refusal.outcome_is_unknown:
                return refusal.reason
        else:
            return "DONE"
