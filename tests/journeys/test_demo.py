"""The demo as a newcomer runs it: separate processes that play the story once and leave."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from fingertip_server.demo import remains

_SECONDS_MAX = 240.0
_DEMO = (sys.executable, "-m", "fingertip_server", "demo")


@pytest.mark.timeout(600)
def test_it_plays_to_its_end_even_after_a_killed_run(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with _playing(folder) as (narrator, told):
        # The worst moment: a ticket at the desk, a task in somebody's hands.
        _wait_until(lambda: "领取授权任务" in told())
        narrator.kill()
        _wait_until(lambda: not _left(folder))
    with _playing(folder) as (narrator, told):
        assert narrator.wait(_SECONDS_MAX) == 0, told()
    for step in (
        *("由我迎接", "认领", "查明已经办理", "核心系统已执行", "CompleteTicket"),
        *("退回，注明缺陷", "与退回前相比", "第二柜员现场批准"),
    ):
        assert step in told()
    assert not _left(folder)


@pytest.mark.timeout(300)
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with _playing(folder) as (narrator, told):
        _wait_until(lambda: "启动服务器进程" in told())
        narrator.send_signal(signal.SIGINT)
        assert narrator.wait(_SECONDS_MAX) == 130, told()
    assert not _left(folder)


@contextmanager
def _playing(
    folder: Path,
) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[], str]]]:
    """Runs the demo on a folder; gives its process and what it told so far."""
    path = folder.with_suffix(".txt")
    with path.open("wb") as out:
        narrator = subprocess.Popen(
            [*_DEMO, f"--folder={folder}", "--customers=50"],
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        yield narrator, lambda: path.read_text(encoding="utf-8", errors="replace")
    finally:
        if narrator.poll() is None:
            narrator.terminate()
            narrator.wait(_SECONDS_MAX)


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + _SECONDS_MAX
    while not is_so():
        assert time.monotonic() < end, "It takes too long."
        time.sleep(0.2)


def _left(folder: Path) -> list[str]:
    """Lists what runs for a folder: the demo's own processes, and its PostgreSQL."""
    left = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            is_marked = process.environ().get(remains.MARK) == str(folder)
        except psutil.Error:
            continue
        if process.pid != os.getpid() and (is_marked or any(str(folder) in w for w in words)):
            left.append(" ".join(words))
    return left
