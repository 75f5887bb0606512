"""What a whole image may still do to those who look at it, or to the customer it shows.

A small file may unfold to more than a tablet's memory, and a camera may write down where somebody
was. Neither can be mended here: the customer's evidence is kept as the tablet hashed it.
"""

import struct

# More than any camera of a tablet, and four bytes each are what a screen can still hold.
PIXELS_MAX = 64_000_000

# Frames, which tell the size; the others of this range are tables and arithmetic coding.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_FRAME = struct.Struct(">xHH")
_JPEG_APPLICATION_1 = 0xE1
_PNG_HEADER = struct.Struct(">II")

_EXIF = b"Exif\x00\x00"
_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}
_GPS_TAG = 0x8825
_ENTRY_BYTES = 12
_XMP_LOCATION = b"exif:GPS"
# Metadata of an image in a PNG's texts, where programs put it before there was a chunk for it.
_PNG_HIDDEN_METADATA = b"Raw profile type"
_PNG_XMP = b"XML:com.adobe.xmp\x00"
_COMPRESSED = b"\x01"


def is_harmless_jpeg(segments: list[tuple[int, bytes]]) -> bool:
    """Tells whether a JPEG unfolds to a size that can be shown and says no place."""
    sizes = [
        _JPEG_FRAME.unpack_from(part)
        for marker, part in segments
        if marker in _JPEG_FRAMES and len(part) >= _JPEG_FRAME.size
    ]
    metadata = [part for marker, part in segments if marker == _JPEG_APPLICATION_1]
    return (
        bool(sizes)
        and all(_can_be_shown(*size) for size in sizes)
        and not any(_XMP_LOCATION in part for part in metadata)
        and not any(
            _says_place(part.removeprefix(_EXIF)) for part in metadata if part.startswith(_EXIF)
        )
    )


def is_harmless_png(chunks: list[tuple[bytes, bytes]]) -> bool:
    """Tells whether a PNG unfolds to a size that can be shown and says no place."""
    header = chunks[0][1]
    return (
        len(header) >= _PNG_HEADER.size
        and _can_be_shown(*_PNG_HEADER.unpack_from(header))
        and not any(_says_place(part) for name, part in chunks if name == b"eXIf")
        and not any(
            _is_hidden(part) for name, part in chunks if name in {b"tEXt", b"zTXt", b"iTXt"}
        )
    )


def _can_be_shown(height: int, width: int) -> bool:
    return 0 < height * width <= PIXELS_MAX


def _says_place(exif: bytes) -> bool:
    """Tells whether EXIF (CIPA DC-008) has a place, or cannot be read, so that it may have one."""
    order = _ORDERS.get(exif[:4])
    if order is None:
        return True
    try:
        (directory,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, directory)
        entries = range(directory + 2, directory + 2 + count * _ENTRY_BYTES, _ENTRY_BYTES)
        return any(struct.unpack_from(f"{order}H", exif, entry)[0] == _GPS_TAG for entry in entries)
    except struct.error:
        return True


def _is_hidden(text: bytes) -> bool:
    """Tells whether a PNG's text says a place, or is packed so that it may."""
    is_packed = text.startswith(_PNG_XMP + _COMPRESSED)
    return is_packed or text.startswith(_PNG_HIDDEN_METADATA) or _XMP_LOCATION in text
