"""Ends what a demo that was killed left running, and nothing else."""

import os
from pathlib import Path

import psutil

# Every process that a demo starts inherits it, with the demo's folder.
MARK = "FINGERTIP_DEMO_FOLDER"
# A server drains for up to ten.
_END_SECONDS_MAX = 12.0


def mark(folder: Path) -> None:
    """Marks the processes that are started from now on as the folder's."""
    os.environ[MARK] = str(folder)


def end(folder: Path) -> None:
    """Ends all processes of the folder but this one."""
    left = [process for process in psutil.process_iter() if _is_of(process, folder)]
    for process in left:
        process.terminate()
    _, stubborn = psutil.wait_procs(left, _END_SECONDS_MAX)
    for process in stubborn:
        process.kill()
    psutil.wait_procs(stubborn, _END_SECONDS_MAX)


def _is_of(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.pid != os.getpid() and process.environ().get(MARK) == str(folder)
    except psutil.Error:
        # Gone meanwhile, or somebody else's.
        return False
