"""What a file really is, told by its bytes and never by its name.

A file passes only when it is whole and nothing but itself: bytes after its end, or another
format's beginning near its own, make a file that one program shows as an image and another runs.
"""

import re

from fingertip_server.applications import image_limits, image_parts

JPEG = "image/jpeg"
PNG = "image/png"
PDF = "application/pdf"

_PDF_HEADER = re.compile(rb"%PDF-[12]\.[0-9]")
_PDF_END = re.compile(rb"%%EOF[\r\n]{0,2}\Z")

# Browsers and PDF readers look for their own beginnings this far into a file.
_SNIFFED_BYTES = 1024
_FOREIGN_BEGINNINGS = re.compile(
    rb"<(?:!doctype|html|head|body|script|svg|iframe)|%PDF-", re.IGNORECASE
)


def detect(content: bytes) -> str:
    """Returns the content type of a whole, plain and harmless JPEG, PNG or PDF; "" for others."""
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG if _is_good_jpeg(content) and not _begins_twice(content) else ""
    if content.startswith(image_parts.PNG_SIGNATURE):
        return PNG if _is_good_png(content) and not _begins_twice(content) else ""
    if _PDF_HEADER.match(content):
        return PDF if _PDF_END.search(content[-_SNIFFED_BYTES:]) else ""
    return ""


def _begins_twice(content: bytes) -> bool:
    return _FOREIGN_BEGINNINGS.search(content[:_SNIFFED_BYTES]) is not None


def _is_good_jpeg(content: bytes) -> bool:
    segments = image_parts.jpeg_segments(content)
    return segments is not None and image_limits.is_harmless_jpeg(segments)


def _is_good_png(content: bytes) -> bool:
    chunks = image_parts.png_chunks(content)
    return chunks is not None and image_limits.is_harmless_png(chunks)
