"""Small real images, and things that only look like images."""

import struct
import zlib

# The signature, and IHDR with its frame.
_PNG_HEADER_END = 8 + 25

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


def sized_png(width: int, height: int) -> bytes:
    """Makes a PNG that says that it unfolds to so many pixels."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png()[_PNG_HEADER_END:]


def sized_jpeg(width: int, height: int) -> bytes:
    """Makes a JPEG that says that it unfolds to so many pixels."""
    start = JPEG.index(b"\xff\xc0\x00\x0b\x08") + 5
    return JPEG[:start] + struct.pack(">HH", height, width) + JPEG[start + 4 :]


def jpeg_with(metadata: bytes) -> bytes:
    """Makes a JPEG with a segment of metadata (APP1)."""
    return JPEG[:2] + b"\xff\xe1" + struct.pack(">H", len(metadata) + 2) + metadata + JPEG[2:]


def png_with(name: bytes, content: bytes) -> bytes:
    """Makes a PNG with another chunk."""
    image = png()
    return image[:_PNG_HEADER_END] + _chunk(name, content) + image[_PNG_HEADER_END:]


def exif(tag: int, order: str = ">") -> bytes:
    """Makes EXIF whose only entry has this tag; 0x8825 points to a place."""
    mark = b"MM\x00*" if order == ">" else b"II*\x00"
    return mark + struct.pack(f"{order}IHHHIII", 8, 1, tag, 4, 1, 26, 0)


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum
