"""The demo's processes are heard while they play, and gone afterwards, however they end."""

import sys
from pathlib import Path

import psutil
import pytest

from fingertip_server.demo.lines import Line
from fingertip_server.demo.troupe import PartyFailed, Troupe

_BEGIN = "import os, signal, sys, time; print(f'pid={os.getpid()}', flush=True); "
_REPEAT_ONE_LINE = "print(sys.stdin.readline(), end='')"
_FAIL = "sys.exit(3)"
_STAY = (
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('settled=yes', flush=True);"
    " time.sleep(99)"
)


class _InterruptedError(Exception):
    """Ends a story from outside."""


async def test_what_a_party_says_is_told_and_kept(tmp_path: Path) -> None:
    told: list[str] = []
    async with Troupe(lambda line: told.append(line.what), tmp_path, tmp_path) as troupe:
        await troupe.start("party", _party(_REPEAT_ONE_LINE), _read)
        troupe.cue("party", "answer=42")
        assert await troupe.fact("answer") == "42"
        await troupe.end_of("party")
    assert told == ["pid", "answer"]
    assert (tmp_path / "party.log").read_text().endswith("answer=42\n")


async def test_a_party_that_fails_ends_the_story(tmp_path: Path) -> None:
    async def play() -> None:
        async with Troupe(_ignore, tmp_path, tmp_path) as troupe:
            await troupe.start("party", _party(_FAIL), _read)
            await troupe.fact("something that it never tells")

    with pytest.raises(PartyFailed, match=r"party 以退出码 3 结束，详见 .*party\.log"):
        await play()


async def test_an_interrupted_story_leaves_no_party(tmp_path: Path) -> None:
    async def play() -> None:
        async with Troupe(_ignore, tmp_path, tmp_path, leave_seconds_max=0.1) as troupe:
            await troupe.start("party", _party(_STAY), _read)
            await troupe.fact("settled")
            raise _InterruptedError(await troupe.fact("pid"))

    with pytest.raises(_InterruptedError) as interrupted:
        await play()
    assert not psutil.pid_exists(int(str(interrupted.value)))


def _party(program: str) -> list[str]:
    return [sys.executable, "-c", _BEGIN + program]


def _read(said: str) -> Line | None:
    name, _, value = said.partition("=")
    return Line("party", name, facts={name: value}) if value else None


def _ignore(_line: Line) -> None:
    pass
