"""The processes that play the story: starts them, hears them, and sees all of them off."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from fingertip_server.demo.lines import Line

# No step of the story takes so long; one that does stands still.
_STEP_SECONDS_MAX = 60.0
_LINE_BYTES_MAX = 1 << 20

Reading = Callable[[str], Line | None]


class PartyFailed(Exception):
    """A party ended before its time, or the story stands still; says where to read more."""


class Troupe:
    """A context in which processes play; leaving it leaves none of them behind.

    Each writes its log and its spans into files of its own, named after it.
    """

    def __init__(
        self,
        hear: Callable[[Line], None],
        logs: Path,
        traces: Path,
        *,
        leave_seconds_max: float = 8.0,
    ) -> None:
        self._hear = hear
        self._logs = logs
        self._traces = traces
        self._leave_seconds_max = leave_seconds_max
        self._processes: dict[str, Process] = {}
        self._following: dict[str, asyncio.Task[None]] = {}
        self._facts: dict[str, asyncio.Future[str]] = {}
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(self, name: str, command: Sequence[str], read: Reading) -> None:
        """Starts a process; all that it says goes to its log, what `read` finds in it is told."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=STDOUT,
            limit=_LINE_BYTES_MAX,
            env=os.environ | {"FINGERTIP_TRACE_FILE": str(self._traces / f"{name}.jsonl")},
            # A Ctrl-C in the terminal reaches the narrator alone, who sees the others off.
            start_new_session=True,
        )
        self._processes[name] = process
        self._following[name] = asyncio.create_task(self._follow(name, process, read))

    def cue(self, name: str, text: str) -> None:
        """Tells a party something."""
        stdin = self._processes[name].stdin
        if stdin is not None:
            stdin.write(f"{text}\n".encode())

    async def fact(self, name: str) -> str:
        """Waits until some party tells a fact; raises PartyFailed when none does."""
        fact = self._fact(name)
        await self._awaited(fact, name)
        return fact.result()

    async def end_of(self, name: str) -> None:
        """Waits until a party has played to its end; raises PartyFailed when one does not."""
        await self._awaited(self._following[name], name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._processes.values():
            _signal(process, signal.SIGTERM)
        try:
            await self._all_gone(self._leave_seconds_max)
        finally:
            for process in self._processes.values():
                _signal(process, signal.SIGKILL)
            await self._all_gone(None)
        failure = self._failure.exception() if self._failure.done() else None
        # How parties end in an interrupted story no longer matters.
        if failure is not None and error is None:
            raise failure

    async def _all_gone(self, seconds: float | None) -> None:
        if self._following:
            await asyncio.wait(self._following.values(), timeout=seconds)

    async def _follow(self, name: str, process: Process, read: Reading) -> None:
        path = self._logs / f"{name}.log"
        with path.open("w", encoding="utf-8") as log:
            if process.stdout is not None:
                async for said in process.stdout:
                    text = said.decode(errors="replace")
                    log.write(text)
                    log.flush()
                    self._tell(read(text.rstrip("\n")))
        code = await process.wait()
        if code and not self._failure.done():
            self._failure.set_exception(PartyFailed(f"{name} 以退出码 {code} 结束，详见 {path}"))

    def _tell(self, line: Line | None) -> None:
        if line is None:
            return
        self._hear(line)
        for name, value in line.facts.items():
            fact = self._fact(name)
            if not fact.done():
                fact.set_result(value)

    def _fact(self, name: str) -> asyncio.Future[str]:
        if name not in self._facts:
            self._facts[name] = asyncio.get_running_loop().create_future()
        return self._facts[name]

    async def _awaited(
        self, awaited: "asyncio.Future[str] | asyncio.Task[None]", name: str
    ) -> None:
        await asyncio.wait(
            {awaited, self._failure},
            timeout=_STEP_SECONDS_MAX,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if self._failure.done():
            self._failure.result()
        if not awaited.done():
            raise PartyFailed(f"等不到 {name}，详见 {self._logs}")


def _signal(process: Process, number: signal.Signals) -> None:
    """Signals a party with all that it started, unless it is gone."""
    if process.returncode is None:
        os.killpg(process.pid, number)
