"""Small real images, and things that only look like images."""

import struct
import zlib

_TINY_SCAN = (
    "ffd8ffe000104a46494600010100000100010000"
    "ffdb004300" + "01" * 64 + "ffc0000b080001000101011100"
    "ffc4001400010000000000000000000000000000000a"
    "ffc40014100100000000000000000000000000000000"
    "ffda0008010100003f003fffd9"
)
JPEG = bytes.fromhex(_TINY_SCAN)


def png(size_bytes_min: int = 0) -> bytes:
    """Makes a PNG of one pixel, padded by a text chunk to at least a size."""
    pixel = zlib.compress(b"\x00\x00")
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    padding = _chunk(b"teXt", bytes(index % 251 for index in range(size_bytes_min)))
    parts = (header, padding, _chunk(b"IDAT", pixel), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum
