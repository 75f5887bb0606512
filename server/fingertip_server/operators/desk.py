"""An operator's desk: a device of his own, and he himself signed in on it for one command.

Nothing here goes round the contract: permissions, four eyes and the journal are the server's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fingertip_client.caller import Caller
from fingertip_client.credentials import DeviceFile

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the servers are, which device this is, and who sits at it."""

    servers: tuple[str, ...]
    credential_file: Path
    staff_number: str
    password: str = field(repr=False)

    def do(self, work: Callable[[Caller], Awaitable[Result]]) -> Result:
        """Signs in, does something, and signs out again, whatever came of it.

        Raises `Refused` and `CredentialFileError`.
        """

        async def run() -> Result:
            device = DeviceFile.load(self.credential_file)
            async with Caller(self.servers, device=device.credential) as caller:
                await caller.sign_in(self.staff_number, self.password)
                try:
                    return await work(caller)
                finally:
                    await caller.sign_out()

        return asyncio.run(run())


def enrol(servers: Iterable[str], enrolment_code: str, credential_file: Path) -> str:
    """Makes this machine a device of the bank's, and returns its id."""

    async def run() -> str:
        async with Caller(list(servers)) as caller:
            device = await caller.enrol(enrolment_code)
            device.save(credential_file)
            return device.device_id

    return asyncio.run(run())
