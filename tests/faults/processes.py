"""Server processes of a test's own, to be killed and started again on the same port."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from fingertip_server import serving
from fingertip_server.settings import Settings
from tests.faults.waiting import until

_START_SECONDS_MAX = 60.0
_STOP_SECONDS_MAX = 12.0

# Forked from a process that has imported the server and done nothing else: what takes long in a
# start is the import, and that is the same each time.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["fingertip_server.serving"])


class ServerProcess:
    """One server; its settings, its port and its log stay the same over restarts."""

    def __init__(self, settings: Settings, folder: Path, name: str) -> None:
        self.log = folder / f"{name}.log"
        self._port_file = folder / f"{name}.port"
        self._settings = settings
        self._process: ForkServerProcess | None = None
        self.port = 0

    @property
    def target(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Starts the process, and returns when it serves."""
        self._port_file.unlink(missing_ok=True)
        settings = self._settings.model_copy(update={"listen": self.target})
        arguments = (settings, self._port_file, self.log)
        self._process = _processes.Process(target=_serve, args=arguments)
        await asyncio.to_thread(self._process.start)
        async with asyncio.timeout(_START_SECONDS_MAX):
            while not self._port_file.exists():
                assert self._process.is_alive(), self.log.read_text()[-2_000:]
                await asyncio.sleep(0.01)
        self.port = int(self._port_file.read_text())

    def kill(self) -> None:
        """Ends the process without a warning."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def terminate(self) -> None:
        """Asks the process to end."""
        if self._process is not None:
            self._process.terminate()

    async def ended(self) -> int | None:
        """Waits for the end of the process, and returns its exit code."""
        process = self._process
        assert process is not None
        await until(lambda: not process.is_alive(), _STOP_SECONDS_MAX)
        return process.exitcode


@asynccontextmanager
async def running(
    settings: Settings, folder: Path, count: int
) -> AsyncIterator[list[ServerProcess]]:
    """Runs server processes on one database, and leaves none behind."""
    servers = [ServerProcess(settings, folder, f"server-{n + 1}") for n in range(count)]
    try:
        await asyncio.gather(*(server.start() for server in servers))
        yield servers
    finally:
        for server in servers:
            server.kill()


def _serve(settings: Settings, port_file: Path, log: Path) -> None:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(output, number)
    # What the test's own process does about it is not inherited.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    serving.serve(settings, port_file=port_file)
