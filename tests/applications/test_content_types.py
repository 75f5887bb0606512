"""What a file really is."""

import pytest

from fingertip_server.applications import content_types
from tests.applications.images import JPEG, png

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (JPEG, "image/jpeg"),
        (png(), "image/png"),
        (png(70_000), "image/png"),
        (PDF, "application/pdf"),
    ],
)
def test_whole_files_are_told_by_their_bytes(content: bytes, content_type: str) -> None:
    assert content_types.detect(content) == content_type


@pytest.mark.parametrize("content", [JPEG, png(), PDF])
def test_what_is_cut_short_is_nothing(content: bytes) -> None:
    for size in range(len(content) - 3):
        assert content_types.detect(content[:size]) == ""


@pytest.mark.parametrize("content", [JPEG, png()])
@pytest.mark.parametrize("trailer", [b"\x00", b"PK\x05\x06", b"<script>alert(1)</script>", JPEG])
def test_nothing_may_follow_an_image(content: bytes, trailer: bytes) -> None:
    assert content_types.detect(content + trailer) == ""


@pytest.mark.parametrize(
    "hidden", [b"<script>alert(1)</script>", b"<HTML>", b"<svg onload=x>", b"%PDF-1.4"]
)
def test_an_image_that_another_program_would_run_is_nothing(hidden: bytes) -> None:
    comment = b"\xff\xfe" + (len(hidden) + 2).to_bytes(2, "big") + hidden
    assert content_types.detect(JPEG[:2] + comment + JPEG[2:]) == ""
    assert content_types.detect(JPEG[:2] + b"\xff\xfe\x00\x06text" + JPEG[2:]) == "image/jpeg"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html></html>",
        b"GIF89a",
        b"MZ",
        b"PK\x03\x04",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\x00\x00\xff\xd9",
        b"\x89PNG\r\n\x1a\n",
        b"%PDF-1.7 without an end",
    ],
)
def test_everything_else_is_nothing(content: bytes) -> None:
    assert content_types.detect(content) == ""


def test_a_changed_byte_makes_a_png_nothing() -> None:
    content = bytearray(png())
    content[20] ^= 1
    assert content_types.detect(bytes(content)) == ""
