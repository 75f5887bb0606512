"""Finds, signals and waits for the processes of one embedded PostgreSQL."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from fingertip_server.db.postgres_layout import (
    ENVIRONMENT,
    STAGING_PREFIX,
    EmbeddedPostgresError,
    Layout,
)

# Children of a killed main process leave by themselves, mostly within a second.
_LEAVE_SECONDS = 2.0
_END_SECONDS = 30.0
# The first line of postmaster.pid is the number of the main process, the eighth its state.
_STATE_LINE = 7
_PROGRAMS = frozenset({"postgres", "initdb", "setpriv"})


def is_alive(process: psutil.Process) -> bool:
    """Tells whether the process runs; one that only waits to be collected does not."""
    try:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            return True
        process.wait(0)
    except (psutil.NoSuchProcess, psutil.TimeoutExpired):
        # Collected meanwhile, or to be collected by a parent that is not us.
        return False
    return False


def postmaster(layout: Layout) -> psutil.Process | None:
    """Returns the running main process of the cluster, if there is one."""
    number = _pid_file(layout)[0]
    try:
        process = psutil.Process(int(number)) if number.isdigit() else None
    except psutil.NoSuchProcess:
        return None
    # The number in a stale file may be anybody's by now.
    is_ours = process is not None and is_alive(process) and _serves(process, layout)
    return process if is_ours else None


def is_ready(process: psutil.Process, layout: Layout) -> bool:
    """Tells whether the main process says of itself that it takes connections."""
    lines = _pid_file(layout)
    return (
        len(lines) > _STATE_LINE
        and lines[0] == str(process.pid)
        and lines[_STATE_LINE].strip() == "ready"
    )


def command_line(process: psutil.Process) -> list[str]:
    """Returns the words a process was called with; none when it is gone."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def family(process: psutil.Process) -> list[psutil.Process]:
    """Returns the main process, first, and all its children."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def spawn(command: list[str], log: Path) -> psutil.Process:
    """Starts a main process that outlives the caller and does not hear the caller's terminal."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    number = os.posix_spawn(
        command[0],
        command,
        ENVIRONMENT,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return psutil.Process(number)


def send(number: signal.Signals, processes: Iterable[psutil.Process]) -> None:
    """Signals those of the processes that still exist."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def wait_until_gone(
    processes: list[psutil.Process], timeout_seconds: float
) -> list[psutil.Process]:
    """Waits for the end of the processes and returns those that are still there after the time."""
    end = time.monotonic() + timeout_seconds
    while processes and time.monotonic() < end:
        time.sleep(0.01)
        processes = [process for process in processes if is_alive(process)]
    return processes


def clear_remains(layout: Layout) -> None:
    """Ends what a killed main process left behind and removes files that name another process.

    Raises EmbeddedPostgresError when a process stays: two servers on one cluster would ruin it.
    """
    remains = [process for process in psutil.process_iter() if _serves(process, layout)]
    # One that was stopped has not noticed that its parent is gone.
    send(signal.SIGCONT, remains)
    staying = wait_until_gone(remains, _LEAVE_SECONDS)
    send(signal.SIGKILL, staying)
    staying = wait_until_gone(staying, _END_SECONDS)
    if staying:
        numbers = ", ".join(str(process.pid) for process in staying)
        raise EmbeddedPostgresError(
            f"An earlier PostgreSQL of {layout.folder} does not end (processes {numbers})."
        )
    # PostgreSQL would give way to whatever process has this number now. While nobody has it, the
    # file stays: it leads PostgreSQL to shared memory that is still in use.
    number = _pid_file(layout)[0]
    if not number.isdigit() or psutil.pid_exists(int(number)):
        (layout.cluster / "postmaster.pid").unlink(missing_ok=True)
    for socket in layout.sockets.glob(".s.PGSQL.*"):
        socket.unlink(missing_ok=True)


def _serves(process: psutil.Process, layout: Layout) -> bool:
    words = command_line(process)
    if words and Path(words[0]).name in _PROGRAMS:
        folders = [Path(word.removeprefix("--pgdata=")) for word in words]
        return layout.cluster in folders or any(
            folder.parent == layout.folder and folder.name.startswith(STAGING_PREFIX)
            for folder in folders
        )
    # The children of the main process say so in their titles.
    return bool(words) and words[0].startswith(f"postgres: {layout.name}: ")


def _pid_file(layout: Layout) -> list[str]:
    """Returns the lines of postmaster.pid; a single empty one when there is no such file."""
    path = layout.cluster / "postmaster.pid"
    return (path.read_text().splitlines() if path.exists() else []) or [""]
