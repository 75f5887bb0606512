"""Server processes of a test's own, to be killed and started again on the same port."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fingertip_server.settings import Settings

_START_SECONDS_MAX = 40.0
_STOP_SECONDS_MAX = 12.0


class ServerProcess:
    """One server; its settings and its log stay the same over restarts."""

    def __init__(
        self, settings: Settings, folder: Path, name: str, extra: Mapping[str, str] | None = None
    ) -> None:
        self.log = folder / f"{name}.log"
        self._port_file = folder / f"{name}.port"
        self._environment = os.environ | {
            "DATABASE_URL": settings.database_url,
            "FINGERTIP_KEY_RING": str(settings.key_ring),
            "FINGERTIP_PRODUCTION": "false",
            **(extra or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def target(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Starts the process, and returns when it serves."""
        self._port_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fingertip_server", "serve", f"--port-file={self._port_file}"],
                env=self._environment | {"FINGERTIP_LISTEN": self.target},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        async with asyncio.timeout(_START_SECONDS_MAX):
            while not self._port_file.exists():
                assert self._process.poll() is None, self.log.read_text()[-2_000:]
                await asyncio.sleep(0.02)
        self.port = int(self._port_file.read_text())

    def kill(self) -> None:
        """Ends the process without a warning."""
        self._send(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def terminate(self) -> None:
        """Asks the process to end."""
        self._send(signal.SIGTERM)

    async def ended(self) -> int:
        """Waits for the end of the process, and returns its exit code."""
        assert self._process is not None
        async with asyncio.timeout(_STOP_SECONDS_MAX):
            while (code := self._process.poll()) is None:
                await asyncio.sleep(0.02)
        return code

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)


@asynccontextmanager
async def running(
    settings: Settings, folder: Path, count: int, extra: Mapping[str, str] | None = None
) -> AsyncIterator[list[ServerProcess]]:
    """Runs server processes on one database, and leaves none behind."""
    servers = [ServerProcess(settings, folder, f"server-{n + 1}", extra) for n in range(count)]
    try:
        await asyncio.gather(*(server.start() for server in servers))
        yield servers
    finally:
        for server in servers:
            server.kill()
