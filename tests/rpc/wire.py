"""Speaks HTTP/2 frame by frame, as no gRPC client would."""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from hpack import Decoder, Encoder

DATA, HEADERS, RESET, SETTINGS, PING, GO_AWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, ACKNOWLEDGED, END_HEADERS = 0x1, 0x1, 0x4
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEAD_BYTES: Final = 9
_SECONDS_MAX: Final = 20.0

Pairs = Iterable[tuple[str, str]]


@dataclass
class Answer:
    """What came back on a stream: headers and trailers together, or the code of a reset."""

    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    reset: int | None = None

    @property
    def status(self) -> int | None:
        """The gRPC status, if the server gave one."""
        text = self.headers.get("grpc-status")
        return int(text) if text is not None else None


class Wire:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._encoder = Encoder()
        self._decoder = Decoder()
        self._next_stream = 1
        self._answers: dict[int, Answer] = {}
        self.is_left = False

    def write(self, content: bytes) -> None:
        """Sends bytes as they are."""
        self._writer.write(content)

    def frame(self, kind: int, flags: int, stream: int, content: bytes = b"") -> None:
        """Sends a frame."""
        head = struct.pack(">I", len(content))[1:] + struct.pack(">BBI", kind, flags, stream)
        self.write(head + content)

    def begin(self, path: str, pairs: Pairs = (), *, flags: int = END_HEADERS) -> int:
        """Sends the headers of a call, and returns its stream."""
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            *pairs,
        ]
        self.frame(HEADERS, flags, stream, self._encoder.encode(headers, huffman=False))
        return stream

    def encoded(self, name: str, value: str) -> bytes:
        """Returns a header as it goes into a frame."""
        return self._encoder.encode([(name, value)], huffman=False)

    def send(self, stream: int, content: bytes) -> None:
        """Sends a call's only message."""
        self.frame(DATA, END_STREAM, stream, b"\0" + struct.pack(">I", len(content)) + content)

    def cancel(self, stream: int) -> None:
        """Resets a stream."""
        self.frame(RESET, 0, stream, struct.pack(">I", 8))

    async def flush(self) -> None:
        """Waits until what was sent has left."""
        await self._writer.drain()

    async def call(self, path: str, pairs: Pairs = (), content: bytes = b"") -> Answer:
        """Makes a call as it should be made, but for what the pairs say."""
        stream = self.begin(path, pairs)
        self.send(stream, content)
        return await self.answer(stream)

    async def answer(self, stream: int) -> Answer:
        """Returns what comes back on a stream. Raises ConnectionError when the server hangs up."""
        answer = self._answers.setdefault(stream, Answer())
        async with asyncio.timeout(_SECONDS_MAX):
            while await self._read() != stream:
                continue
        return answer

    async def _read(self) -> int | None:
        """Reads a frame, and returns its stream when it was the last one of it."""
        try:
            head = await self._reader.readexactly(_HEAD_BYTES)
            kind, flags, stream = struct.unpack(">BBI", head[3:])
            content = await self._reader.readexactly(int.from_bytes(head[:3], "big"))
        except asyncio.IncompleteReadError:
            raise ConnectionError("the server hung up") from None
        answer = self._answers.setdefault(stream, Answer())
        match kind:
            case 1:
                headers = self._decoder.decode(content)
                answer.headers |= {str(name): str(value) for name, value in headers}
            case 0:
                answer.content += content
            case 3:
                [answer.reset] = struct.unpack(">I", content)
                return int(stream)
            case 4 | 6 if not flags & ACKNOWLEDGED:
                self.frame(kind, ACKNOWLEDGED, 0, content if kind == PING else b"")
            case 7:
                self.is_left = True
        return int(stream) if kind in {DATA, HEADERS} and flags & END_STREAM else None


@asynccontextmanager
async def connected(target: str) -> AsyncIterator[Wire]:
    """Opens a connection and says hello."""
    host, _, port = target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    wire = Wire(reader, writer)
    try:
        wire.write(_PREFACE)
        wire.frame(SETTINGS, 0, 0)
        yield wire
    finally:
        writer.transport.abort()
