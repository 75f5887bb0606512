"""What a file really is, told by its bytes and never by its name.

A file passes only when it is whole and nothing but itself: bytes after its end, or another
format's beginning near its own, make a file that one program shows as an image and another runs.
"""

import re
import struct
import zlib

JPEG = "image/jpeg"
PNG = "image/png"
PDF = "application/pdf"

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNK_NAME = re.compile(rb"[A-Za-z]{4}")
_PDF_HEADER = re.compile(rb"%PDF-[12]\.[0-9]")
_PDF_END = re.compile(rb"%%EOF[\r\n]{0,2}\Z")

# In a JPEG's image data every FF is followed by 00, or by a restart marker D0 to D7.
_JPEG_DATA_END = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]", re.DOTALL)
_JPEG_MARK, _JPEG_END, _JPEG_SCAN = 0xFF, 0xD9, 0xDA
# A segment's length counts the two bytes that say it.
_LENGTH_BYTES = 2
# The markers of segments with a length: all but restarts, start and end of an image.
_JPEG_SEGMENTS = frozenset(range(0xC0, 0xFF)) - frozenset(range(0xD0, 0xDA))

# Browsers and PDF readers look for their own beginnings this far into a file.
_SNIFFED_BYTES = 1024
_FOREIGN_BEGINNINGS = re.compile(
    rb"<(?:!doctype|html|head|body|script|svg|iframe)|%PDF-", re.IGNORECASE
)


def detect(content: bytes) -> str:
    """Returns the content type of a whole and plain JPEG, PNG or PDF; "" for anything else."""
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG if _is_whole_jpeg(content) and not _begins_twice(content) else ""
    if content.startswith(_PNG_SIGNATURE):
        return PNG if _is_whole_png(content) and not _begins_twice(content) else ""
    if _PDF_HEADER.match(content):
        return PDF if _PDF_END.search(content[-_SNIFFED_BYTES:]) else ""
    return ""


def _begins_twice(content: bytes) -> bool:
    return _FOREIGN_BEGINNINGS.search(content[:_SNIFFED_BYTES]) is not None


def _is_whole_jpeg(content: bytes) -> bool:
    """Walks from segment to segment; the end of the image is the end of the file (ITU-T T.81)."""
    place = 2
    has_image = False
    while place + 2 <= len(content) and content[place] == _JPEG_MARK:
        marker = content[place + 1]
        if marker == _JPEG_MARK:
            # Markers may be preceded by any number of fill bytes.
            place += 1
        elif marker == _JPEG_END:
            return has_image and place + 2 == len(content)
        elif marker not in _JPEG_SEGMENTS:
            return False
        else:
            length = int.from_bytes(content[place + 2 : place + 4], "big")
            if length < _LENGTH_BYTES:
                return False
            place += 2 + length
            if marker == _JPEG_SCAN:
                has_image = True
                end = _JPEG_DATA_END.search(content, place)
                if end is None:
                    return False
                place = end.end() - 2
    return False


def _is_whole_png(content: bytes) -> bool:
    """Walks from chunk to chunk: IHDR first, image data, and IEND as the file's last bytes."""
    place = len(_PNG_SIGNATURE)
    names: list[bytes] = []
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        name = content[place + 4 : place + 8]
        end = place + 12 + length
        if end > len(content) or not _PNG_CHUNK_NAME.fullmatch(name):
            return False
        (checksum,) = struct.unpack_from(">I", content, end - 4)
        if zlib.crc32(memoryview(content)[place + 4 : end - 4]) != checksum:
            return False
        names.append(name)
        place = end
        if name == b"IEND":
            return place == len(content) and names[0] == b"IHDR" and b"IDAT" in names
    return False
