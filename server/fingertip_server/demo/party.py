"""The frame of a member of staff's part: sign in, come on shift, play, leave."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from fingertip.identity.v1.identity_service_pb2 import EndShiftRequest, StartShiftRequest
from fingertip.identity.v1.staff_pb2 import Staff
from fingertip_client import tracing
from fingertip_client.caller import Caller
from fingertip_client.credentials import DeviceFile
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from fingertip_server.demo.lines import Reporter


class Failed(Exception):
    """The story cannot go on; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Party:
    """A member of staff at work: his calls, his voice, and what the narrator tells him.

    `password` is that of every member of the demo's staff.
    """

    caller: Caller
    staff: Staff
    reporter: Reporter
    cues: asyncio.Queue[str]
    password: str

    async def come_on_shift(self) -> None:
        """Makes alerts and tasks reach him; a run that was killed may have left him on shift."""
        try:
            await self.caller.identity.StartShift(StartShiftRequest(request_id=new_request_id()))
        except Refused as refused:
            if refused.reason != "ALREADY_ON_SHIFT":
                raise

    def ready(self, what: str) -> None:
        """Tells that from now on nothing escapes him."""
        self.reporter.tell_fact(what, f"ready-{self.staff.staff_id}", "yes")

    async def leave(self) -> None:
        """Ends shift and session."""
        await self.caller.identity.EndShift(EndShiftRequest(request_id=new_request_id()))
        await self.caller.sign_out()


def play(device: str, role: str, part: Callable[[Party], Awaitable[None]]) -> None:
    """Plays a part until it ends, SIGTERM comes, or the narrator is gone.

    Its spans are those of the service `fingertip-<device>`.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", action="append", required=True)
    parser.add_argument("--device", type=Path, required=True)
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("staff_number")
    given = parser.parse_args()
    with tracing.exporting(f"fingertip-{device}"):
        code = asyncio.run(_play(role, part, given))
    sys.exit(code)


async def _play(
    role: str, part: Callable[[Party], Awaitable[None]], given: argparse.Namespace
) -> int:
    device = DeviceFile.load(given.device)
    reporter = Reporter(f"{role} {given.staff_number}")
    async with Caller(given.target, device=device.credential) as caller:
        try:
            password = given.password_file.read_text()
            session = await caller.sign_in(given.staff_number, password)
            reporter = Reporter(f"{role} {session.staff.display_name}")
            party = Party(caller, session.staff, reporter, asyncio.Queue(), password)
            await party.come_on_shift()
            try:
                await _until_closed(part(party), party.cues)
            except (Failed, Refused) as error:
                # Before anything else fails on the way out.
                reporter.fail(error)
                return 1
            finally:
                await party.leave()
        except (Failed, Refused) as error:
            reporter.fail(error)
            return 1
    return 0


async def _until_closed(part: Awaitable[None], cues: asyncio.Queue[str]) -> None:
    """Plays the part, and hands it the narrator's lines until there will be no more."""
    loop = asyncio.get_running_loop()
    stdin = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)

    async def listen() -> None:
        while line := await stdin.readline():
            cues.put_nowait(line.decode().rstrip("\n"))

    playing = asyncio.ensure_future(part)
    listening = asyncio.create_task(listen())
    loop.add_signal_handler(signal.SIGTERM, listening.cancel)
    done, _ = await asyncio.wait({playing, listening}, return_when=asyncio.FIRST_COMPLETED)
    for task in (playing, listening):
        task.cancel()
    await asyncio.wait({playing, listening})
    if playing in done:
        playing.result()
