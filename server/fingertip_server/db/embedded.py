"""Looks after a private PostgreSQL in a folder of its own.

It belongs to one supervisor (a demo, a single branch's server, a run of tests), which starts and
stops it. Only processes of the supervisor's operating-system user can connect, through a socket;
nothing listens on the network and there is no password to keep. When the supervisor is killed,
PostgreSQL keeps running, and the next supervisor of the folder adopts it.
"""

import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import psutil
from sqlalchemy import URL

from fingertip_server.db import (
    postgres_account,
    postgres_cluster,
    postgres_processes,
    postgres_sockets,
)
from fingertip_server.db.postgres_layout import (
    APPLICATION,
    DATABASE,
    ENVIRONMENT,
    OWNER,
    PORT,
    SUPERUSER,
    EmbeddedPostgresError,
    Layout,
    program,
)

__all__ = [
    "APPLICATION",
    "DATABASE",
    "OWNER",
    "SUPERUSER",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
]

# Recovering after a crash may take long; a cluster in good order is there in half a second.
_START_SECONDS_MAX = 120.0
_STOP_SECONDS_MAX = 15.0
_LOCK_SECONDS = 2.0
_LOG_BYTES_MAX = 10_000_000

_Mode = Literal["fast", "immediate", "kill"]
_SIGNALS: dict[_Mode, signal.Signals] = {
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
    "kill": signal.SIGKILL,
}


class EmbeddedPostgres:
    """Starts, stops and disturbs the PostgreSQL of one folder.

    With `durable=False` nothing is flushed to the disk: for tests, which survive any crash of
    PostgreSQL with it but not one of the machine.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """Remembers the folder; nothing is touched before `start`."""
        self._layout = Layout(folder.resolve())
        self._durable = durable
        self._lock: int | None = None

    def __enter__(self) -> Self:
        """Starts PostgreSQL."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops PostgreSQL."""
        self.stop()

    @property
    def pid(self) -> int:
        """The number of PostgreSQL's main process."""
        return self._running().pid

    def url(self, *, role: str = APPLICATION, database: str = DATABASE) -> str:
        """Returns the SQLAlchemy URL under which a role reaches a database."""
        query = {"host": str(self._layout.sockets), "port": str(PORT)}
        url = URL.create("postgresql+asyncpg", username=role, database=database, query=query)
        return url.render_as_string(hide_password=False)

    def start(self) -> None:
        """Starts PostgreSQL, or adopts the one that still runs in the folder.

        Makes the cluster in an empty folder. Called again, it starts anew what died meanwhile and
        leaves alone what runs. Raises EmbeddedPostgresError with the reason when another
        supervisor has the folder or PostgreSQL cannot run.
        """
        if self._lock is None:
            self._lock = _lock(self._layout)
        try:
            if not self._adopt():
                self._launch()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops PostgreSQL, by force when it does not stop by itself, and gives the folder back."""
        if self._lock is None:
            return
        self._end("fast")
        postgres_processes.clear_remains(self._layout)
        if self._layout.cluster.exists():
            owner = self._layout.cluster.stat().st_uid
            postgres_sockets.remove(self._layout.sockets, owner)
        os.close(self._lock)
        self._lock = None

    def restart(self, mode: _Mode = "fast") -> None:
        """Restarts PostgreSQL after a clean stop, a stop without clean-up, or a kill -9."""
        self._running()
        self._end(mode)
        self._launch()

    def pause(self) -> None:
        """Freezes all processes of PostgreSQL where they are."""
        main = self._running()
        # The main process first: it must not start another child meanwhile.
        postgres_processes.send(signal.SIGSTOP, [main])
        postgres_processes.send(signal.SIGSTOP, postgres_processes.family(main))

    def resume(self) -> None:
        """Lets frozen processes go on."""
        postgres_processes.send(signal.SIGCONT, postgres_processes.family(self._running()))

    def _running(self) -> psutil.Process:
        main = postgres_processes.postmaster(self._layout) if self._lock is not None else None
        if main is None:
            raise EmbeddedPostgresError(f"PostgreSQL is not running in {self._layout.folder}.")
        return main

    def _adopt(self) -> bool:
        """Takes over a PostgreSQL that lost its supervisor, if it runs as we would run it."""
        main = postgres_processes.postmaster(self._layout)
        if main is None:
            return False
        # Frozen by a supervisor that was killed before it could let it go on.
        postgres_processes.send(signal.SIGCONT, postgres_processes.family(main))
        command = postgres_cluster.server_command(self._layout, durable=self._durable)
        is_as_wanted = postgres_processes.command_line(main) == command
        # One that was just killed may still look alive; what counts is that it answers.
        if is_as_wanted and self._wait_until_ready(main) and not self._disagreement():
            return True
        self._end("fast")
        return False

    def _launch(self) -> None:
        layout = self._layout
        account = postgres_account.choose(layout)
        postgres_processes.clear_remains(layout)
        postgres_cluster.remove_unfinished(layout)
        if not layout.cluster.exists():
            postgres_cluster.initialise(layout, account, durable=self._durable)
        postgres_cluster.write_access_rules(layout)
        postgres_sockets.make(layout.sockets, account)
        if layout.log.exists() and layout.log.stat().st_size > _LOG_BYTES_MAX:
            layout.log.replace(layout.log.with_suffix(".old.log"))
        command = postgres_cluster.server_command(layout, durable=self._durable)
        main = postgres_processes.spawn([*account.switch, *command], layout.log)
        if not self._wait_until_ready(main):
            raise EmbeddedPostgresError(
                f"PostgreSQL did not start in {layout.folder}: {_last_line(layout.log)}"
            )
        disagreement = self._disagreement()
        if disagreement:
            raise EmbeddedPostgresError(
                f"The PostgreSQL at {layout.sockets} is not the one of {layout.folder}: "
                f"{disagreement}"
            )

    def _wait_until_ready(self, main: psutil.Process) -> bool:
        end = time.monotonic() + _START_SECONDS_MAX
        while not postgres_processes.is_ready(main, self._layout):
            if time.monotonic() > end or not postgres_processes.is_alive(main):
                return False
            time.sleep(0.01)
        return True

    def _disagreement(self) -> str:
        """Asks the server behind the socket whether it is ours, before anybody changes data."""
        words = ["-XAt", "-h", str(self._layout.sockets), "-p", str(PORT), "-U", SUPERUSER]
        answer = subprocess.run(
            [program("psql"), *words, "-d", SUPERUSER, "-c", "SHOW data_directory"],
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRONMENT,
            timeout=_START_SECONDS_MAX,
        )
        said = answer.stdout.rstrip("\n")
        return (
            "" if said == str(self._layout.cluster) else answer.stderr.strip() or f"it has {said}"
        )

    def _end(self, mode: _Mode) -> None:
        """Stops the processes in one way, and when that takes too long in the next harder one."""
        main = postgres_processes.postmaster(self._layout)
        if main is None:
            return
        # Whoever is frozen does not hear.
        postgres_processes.send(signal.SIGCONT, postgres_processes.family(main))
        modes = list(_SIGNALS)
        for harder in modes[modes.index(mode) :]:
            postgres_processes.send(_SIGNALS[harder], [main])
            if not postgres_processes.wait_until_gone([main], _STOP_SECONDS_MAX):
                return


def _lock(layout: Layout) -> int:
    """Makes the caller the only supervisor of the folder; the kernel forgets it with him."""
    try:
        layout.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The folder {layout.folder} cannot be used for PostgreSQL: {error.strerror}."
        ) from error
    # A child that a killed supervisor forked has the lock until it becomes another program.
    end = time.monotonic() + _LOCK_SECONDS
    while not _has(lock):
        if time.monotonic() < end:
            time.sleep(0.05)
            continue
        holder = os.pread(lock, 20, 0).decode().strip()
        os.close(lock)
        raise EmbeddedPostgresError(
            f"The PostgreSQL of {layout.folder} is already looked after by process {holder}: "
            "stop that one first, or use another folder."
        )
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _has(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _last_line(log: Path) -> str:
    fatal = [line for line in log.read_text(errors="replace").splitlines() if "FATAL" in line]
    return f"{fatal[-1] if fatal else 'it ended at once'} (see {log})"
