"""What a method may use before its transaction and after its commit."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import Message
from sqlalchemy import Connection

from fingertip_server.rpc.call import Call
from fingertip_server.rpc.principal import Principal
from fingertip_server.rpc.units import Units
from fingertip_server.rpc.wakeups import Wakeups

if TYPE_CHECKING:
    from fingertip_server.authority.authority import Authority
    from fingertip_server.packs.bank import Bank
    from fingertip_server.protection import Protection

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Outside:
    """Before the transaction: no connection is held while `prepare_<method>` runs."""

    principal: Principal
    protection: "Protection"
    bank: "Bank"
    units: Units
    authority: "Authority"

    async def read(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Runs `work(connection, *arguments)`, each statement by itself."""

        def on(connection: Connection) -> Result:
            return work(connection, *arguments)

        return await self.units.autocommit(on)


@dataclass(slots=True)
class After:
    """After the commit: no connection is held while `wait_<method>` runs."""

    principal: Principal
    bank: "Bank"
    wakeups: Wakeups
    rerun: Callable[[], Awaitable[Message]]
    read: Callable[[Callable[[Call], object]], Awaitable[object]]
    is_cancelled: Callable[[], bool]
    is_draining: Callable[[], bool]
    mark: int

    async def again(self) -> Message:
        """Runs the handler once more in a transaction of its own, and returns its answer."""
        self.mark = self.wakeups.mark()
        return await self.rerun()

    async def look(self, work: Callable[[Call], Result]) -> Result:
        """Runs `work` on a call of the same caller, each statement by itself and unjournalled."""
        self.mark = self.wakeups.mark()
        found: list[Result] = []
        await self.read(lambda call: found.append(work(call)))
        return found[0]

    async def woken(self, names: set[str], timeout_seconds: float) -> bool:
        """Waits for a signal since the handler last ran, and says whether it came in time."""
        return await self.wakeups.woken(names, timeout_seconds, self.mark)
