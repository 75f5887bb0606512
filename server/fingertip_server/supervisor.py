"""Looks after a private PostgreSQL and the server processes on it: a demo, or a single branch."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from fingertip_server.app import StartRefused
from fingertip_server.authority import keyfile as authority_file
from fingertip_server.db import migrating
from fingertip_server.db.embedded import OWNER, EmbeddedPostgres
from fingertip_server.protection import keyfile
from fingertip_server.settings import Settings

_START_SECONDS_MAX = 30.0
_STOP_SECONDS_MAX = 12.0
_LOG_TAIL_LINES = 15


class Supervisor:
    """Owns a folder with PostgreSQL, the key ring, the authority and the servers' logs.

    Server processes see DATABASE_URL and the two files, and nothing else of it. Used as a context:
    leaving it stops the servers, then PostgreSQL.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._postgres = EmbeddedPostgres(self._folder / "postgres")
        self._servers: list[subprocess.Popen[bytes]] = []
        self._stack = ExitStack()
        self.targets: list[str] = []

    @property
    def key_ring(self) -> Path:
        """The key-ring file."""
        return self._folder / "key-ring.json"

    @property
    def authority(self) -> Path:
        """The file of the authority that signs."""
        return self._folder / "authority.json"

    @property
    def logs(self) -> Path:
        """Where the servers' output goes."""
        return self._folder / "logs"

    def settings(self) -> Settings:
        """Returns settings with which this process may act on the database itself."""
        return Settings(
            database_url=self._postgres.url(),
            key_ring=self.key_ring,
            authority=self.authority,
            production=False,
        )

    def __enter__(self) -> Self:
        """Starts PostgreSQL, makes the two files where there are none, and migrates."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        self._stack.enter_context(self._postgres)
        self._stack.callback(self._stop_servers)
        try:
            if not self.key_ring.exists():
                keyfile.create(self.key_ring)
            if not self.authority.exists():
                authority_file.create(self.authority)
            asyncio.run(migrating.migrate(self._postgres.url(role=OWNER)))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops the servers, then PostgreSQL."""
        self._stack.close()

    def start_servers(
        self, count: int, *, listen: str = "127.0.0.1:0", traces: Path | None = None
    ) -> None:
        """Starts server processes, and returns when all of them serve.

        Each writes its spans into a file of its own in the folder `traces`, if one is given.
        Raises StartRefused with the end of the log of the one that did not start.
        """
        host = listen.rpartition(":")[0]
        started = []
        for _ in range(count):
            name = f"server-{len(self._servers) + 1}"
            port_file = self.logs / f"{name}.port"
            port_file.unlink(missing_ok=True)
            log = self._stack.enter_context((self.logs / f"{name}.log").open("wb"))
            extra = {"FINGERTIP_TRACE_FILE": str(traces / f"{name}.jsonl")} if traces else {}
            server = self._started(port_file, log, listen, extra)
            self._servers.append(server)
            started.append((server, port_file, Path(log.name)))
        for server, port_file, log_path in started:
            self.targets.append(f"{host}:{_port(server, port_file, log_path)}")

    def wait(self) -> int:
        """Waits for the first server to end, and returns its exit code."""
        while True:
            for server in self._servers:
                code = server.poll()
                if code is not None:
                    return code
            time.sleep(0.2)

    def _started(
        self,
        port_file: Path,
        log: IO[bytes],
        listen: str,
        extra: Mapping[str, str],
    ) -> "subprocess.Popen[bytes]":
        environment = os.environ | {
            "DATABASE_URL": self._postgres.url(),
            "FINGERTIP_KEY_RING": str(self.key_ring),
            "FINGERTIP_AUTHORITY": str(self.authority),
            "FINGERTIP_LISTEN": listen,
            "FINGERTIP_PRODUCTION": "false",
            **extra,
        }
        command = [sys.executable, "-m", "fingertip_server", "serve", f"--port-file={port_file}"]
        # A session of its own: a Ctrl-C in the terminal reaches the supervisor, which stops the
        # servers in order.
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _stop_servers(self) -> None:
        for server in self._servers:
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
        for server in self._servers:
            try:
                server.wait(_STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        self._servers.clear()
        self.targets.clear()


def _port(server: "subprocess.Popen[bytes]", port_file: Path, log: Path) -> int:
    end = time.monotonic() + _START_SECONDS_MAX
    while time.monotonic() < end:
        if port_file.exists():
            return int(port_file.read_text())
        if server.poll() is not None:
            break
        time.sleep(0.02)
    tail = log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
    raise StartRefused("A server did not start. The end of its log:\n" + "\n".join(tail))
