"""Takes whole images apart: the segments of a JPEG, the chunks of a PNG."""

import re
import struct
import zlib

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNK_NAME = re.compile(rb"[A-Za-z]{4}")
# Around a chunk's content: its length and name before, its checksum behind.
_PNG_FRAME_BYTES = 12

# In a JPEG's image data every FF is followed by 00, or by a restart marker D0 to D7.
_JPEG_DATA_END = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)
_JPEG_MARK, _JPEG_END, _JPEG_SCAN = 0xFF, 0xD9, 0xDA
# A segment's length counts the two bytes that say it.
_LENGTH_BYTES = 2
# The markers of segments with a length: all but restarts, start and end of an image.
_JPEG_SEGMENTS = frozenset(range(0xC0, 0xFF)) - frozenset(range(0xD0, 0xDA))


def jpeg_segments(content: bytes) -> list[tuple[int, bytes]] | None:
    """Returns the markers of a JPEG with their contents; None when it is not whole.

    The end of the image is the end of the file (ITU-T T.81).
    """
    segments: list[tuple[int, bytes]] = []
    has_image = False
    place = 2
    while place + 2 <= len(content) and content[place] == _JPEG_MARK:
        marker = content[place + 1]
        if marker == _JPEG_MARK:
            # Markers may be preceded by any number of fill bytes.
            place += 1
        elif marker == _JPEG_END:
            return segments if has_image and place + 2 == len(content) else None
        elif marker not in _JPEG_SEGMENTS:
            return None
        else:
            length = int.from_bytes(content[place + 2 : place + 4], "big")
            if length < _LENGTH_BYTES:
                return None
            segments.append((marker, content[place + 4 : place + 2 + length]))
            place += 2 + length
            if marker == _JPEG_SCAN:
                has_image = True
                end = _JPEG_DATA_END.search(content, place)
                if end is None:
                    return None
                place = end.end() - 2
    return None


def png_chunks(content: bytes) -> list[tuple[bytes, bytes]] | None:
    """Returns the names of a PNG's chunks with their contents; None when it is not whole.

    A whole one has IHDR first, image data, and IEND as the file's last bytes.
    """
    chunks: list[tuple[bytes, bytes]] = []
    place = len(PNG_SIGNATURE)
    while place + _PNG_FRAME_BYTES <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        name = content[place + 4 : place + 8]
        end = place + _PNG_FRAME_BYTES + length
        if end > len(content) or not _PNG_CHUNK_NAME.fullmatch(name):
            return None
        (checksum,) = struct.unpack_from(">I", content, end - 4)
        if zlib.crc32(memoryview(content)[place + 4 : end - 4]) != checksum:
            return None
        chunks.append((name, content[place + 8 : end - 4]))
        place = end
        if name == b"IEND":
            names = [name for name, _ in chunks]
            is_whole = place == len(content) and names[0] == b"IHDR" and b"IDAT" in names
            return chunks if is_whole else None
    return None
