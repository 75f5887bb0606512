"""What every call of a process shares."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fingertip_server import errors
from fingertip_server.rpc.hooks import Hooks
from fingertip_server.rpc.principal import Principal
from fingertip_server.rpc.spans import Metadata
from fingertip_server.rpc.units import Units
from fingertip_server.rpc.wakeups import Wakeups

if TYPE_CHECKING:
    from fingertip_server.authority.authority import Authority
    from fingertip_server.packs.bank import Bank
    from fingertip_server.protection import Protection


class Authenticator(Protocol):
    """Tells who sent a call's metadata."""

    async def authenticate(self, metadata: Metadata, *, is_use: bool = True) -> Principal:
        """Returns the caller. Raises UNAUTHENTICATED when he cannot be told.

        A stream that goes on by itself is no use that keeps a session alive.
        """
        ...

    def invalidate(self, subject: str) -> None:
        """Forgets what it remembers of a subject of the security topic."""
        ...


@dataclass(slots=True)
class Frame:
    """What every call shares in a process. `bank` is replaced when a newer pack is loaded."""

    units: Units
    authenticator: Authenticator
    protection: "Protection"
    authority: "Authority"
    bank: "Bank"
    hooks: Hooks
    wakeups: Wakeups
    # Tells other processes and this one's readers what to look at, after a commit.
    announce: Callable[[set[str]], None]
    # Constraint names to the refusals that they stand for.
    constraints: dict[str, Callable[[], errors.DomainError]]
    calls_max: int
    calls: int = 0
    is_draining: bool = False
