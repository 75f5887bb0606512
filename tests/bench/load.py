"""Starts a server, loads it with h2load, and counts what its process used."""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import grpc
from google.protobuf.message import Message

_TICKS = os.sysconf("SC_CLK_TCK")
_CLIENTS = 4
_STREAMS = 8


@dataclass(frozen=True)
class Load:
    """One call, sent many times."""

    name: str
    method: str
    request: Message
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Round:
    """What one round measured."""

    calls_per_second: float
    cpu_microseconds: float


class Server:
    """A server process that printed the port that it listens on."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.target = f"127.0.0.1:{port}"

    @classmethod
    async def started(cls, module: str, *arguments: str) -> Self:
        """Starts `python -m module arguments`; its log lines go nowhere, but are written."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        if process.stdout is None:
            raise TypeError("stdout is a pipe")
        line = await process.stdout.readline()
        if not line:
            raise ChildProcessError(f"{module} did not start")
        return cls(process, int(line))

    def cpu_seconds(self) -> float:
        """Returns the processor time that the process has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    async def stop(self) -> None:
        """Kills the process."""
        self._process.kill()
        await self._process.wait()


async def run_load(server: Server, load: Load, calls: int) -> Round:
    """Loads the server; raises when any answer is not what one checked call answers."""
    await _check(server, load)
    before = server.cpu_seconds()
    output = await _h2load(server, load, calls)
    cpu = server.cpu_seconds() - before
    succeeded = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", output)
    if succeeded is None or int(succeeded[1]) != calls:
        raise AssertionError(f"{load.name}: {output}")
    rate = re.search(r"([\d.]+) req/s", output)
    data = re.search(r"\(\d+\) headers.*?, [\d.]+\w+ \((\d+)\) data", output)
    if rate is None or data is None:
        raise AssertionError(output)
    # h2load does not look at grpc-status: a refusal has no data, and would be seen here.
    if int(data[1]) / calls < await _answer_bytes(server, load) * 0.8:
        raise AssertionError(f"{load.name}: answers are missing their data")
    await _check(server, load)
    return Round(float(rate[1]), cpu / calls * 1e6)


async def _check(server: Server, load: Load) -> None:
    await _answer_bytes(server, load)


async def _answer_bytes(server: Server, load: Load) -> int:
    async with grpc.aio.insecure_channel(server.target) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            f"/{load.method}"
        )
        content = load.request.SerializeToString()
        answer = await call(content, metadata=tuple(load.metadata.items()), timeout=10)
    return len(answer) + 5


async def _h2load(server: Server, load: Load, calls: int) -> str:
    content = load.request.SerializeToString()
    with tempfile.NamedTemporaryFile() as body:
        body.write(b"\0" + len(content).to_bytes(4, "big") + content)
        body.flush()
        headers = {"content-type": "application/grpc", "te": "trailers", **load.metadata}
        process = await asyncio.create_subprocess_exec(
            "h2load",
            *(f"-n{calls}", f"-c{_CLIENTS}", f"-m{_STREAMS}", f"-d{body.name}"),
            *(part for name, value in headers.items() for part in ("-H", f"{name}: {value}")),
            f"http://{server.target}/{load.method}",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    return output.decode()
