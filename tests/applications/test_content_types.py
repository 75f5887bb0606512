"""What a file really is."""

import pytest

from fingertip_server.applications import content_types
from tests.applications.images import (
    JPEG,
    exif,
    jpeg_with,
    png,
    png_with,
    sized_jpeg,
    sized_png,
)

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


@pytest.mark.parametrize("size", [(8_000, 8_000), (1, 1), (64_000, 1_000)])
def test_an_image_that_a_screen_can_hold_is_one(size: tuple[int, int]) -> None:
    assert content_types.detect(sized_png(*size)) == "image/png"
    assert content_types.detect(sized_jpeg(*size)) == "image/jpeg"


@pytest.mark.parametrize("size", [(8_001, 8_000), (65_535, 65_535), (0, 1), (1, 0)])
def test_an_image_that_unfolds_to_more_is_nothing(size: tuple[int, int]) -> None:
    assert content_types.detect(sized_png(*size)) == ""
    assert content_types.detect(sized_jpeg(*size)) == ""


def test_a_size_that_only_a_png_can_say_is_refused_too() -> None:
    assert content_types.detect(sized_png(2**31 - 1, 2**31 - 1)) == ""


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_image_that_says_where_it_was_taken_is_nothing(order: str) -> None:
    place, turned = exif(0x8825, order), exif(0x0112, order)
    assert content_types.detect(jpeg_with(b"Exif\x00\x00" + place)) == ""
    assert content_types.detect(jpeg_with(b"Exif\x00\x00" + turned)) == "image/jpeg"
    assert content_types.detect(png_with(b"eXIf", place)) == ""
    assert content_types.detect(png_with(b"eXIf", turned)) == "image/png"


@pytest.mark.parametrize("unreadable", [b"", b"MM", b"MM\x00*\x00\x00\x00\x08", exif(0x0112)[:-16]])
def test_an_image_that_may_say_it_is_nothing(unreadable: bytes) -> None:
    assert content_types.detect(jpeg_with(b"Exif\x00\x00" + unreadable)) == ""
    assert content_types.detect(png_with(b"eXIf", unreadable)) == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"iTXt", b"XML:com.adobe.xmp\x00\x00\x00\x00\x00<x:xmpmeta exif:GPSLatitude='30'/>"),
        (b"iTXt", b"XML:com.adobe.xmp\x00\x01\x00\x00\x00packed"),
        (b"zTXt", b"Raw profile type exif\x00\x00packed"),
        (b"tEXt", b"Raw profile type APP1\x00packed"),
    ],
)
def test_a_text_in_an_image_that_may_say_it_makes_it_nothing(name: bytes, text: bytes) -> None:
    assert content_types.detect(png_with(name, text)) == ""
    xmp = b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta exif:GPSLatitude='30,1N'/>"
    assert content_types.detect(jpeg_with(xmp)) == ""
    assert content_types.detect(png_with(b"tEXt", b"Author\x00somebody")) == "image/png"
