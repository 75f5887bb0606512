"""Makes small pictures in place of those that a camera and a signature pad would take."""

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TRUE_COLOUR = 2


def png(width: int, height: int, seed: int) -> bytes:
    """Returns a PNG of that many pixels (RFC 2083); each seed has a pattern of its own."""
    header = struct.pack(">IIBBBBB", width, height, 8, _TRUE_COLOUR, 0, 0, 0)
    # Every line begins with its filter, 0 for none.
    lines = b"".join(b"\x00" + _line(width, y, seed) for y in range(height))
    return (
        _SIGNATURE
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(lines))
        + _chunk(b"IEND", b"")
    )


def _line(width: int, y: int, seed: int) -> bytes:
    return bytes(
        value
        for x in range(width)
        for value in ((x * seed) % 256, (y * seed + x) % 256, (x ^ y) * seed % 256)
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
