"""Copies of the demo pack to be broken."""

import shutil
from pathlib import Path

from fingertip_server.packs import reading


def copy_demo(folder: Path) -> Path:
    """Copies the demo pack below the folder and returns where it is."""
    return Path(shutil.copytree(reading.DEMO_FOLDER, folder / "pack"))


def change(pack: Path, file: str, old: str, new: str) -> None:
    """Replaces the first occurrence of a text that must be there."""
    text = (pack / file).read_text()
    assert old in text, f"{file} has no {old!r}"
    (pack / file).write_text(text.replace(old, new, 1))


def line_of(pack: Path, file: str, marker: str) -> int:
    """Returns the number of the first line with the marker."""
    lines = (pack / file).read_text().split("\n")
    return next(number for number, line in enumerate(lines, start=1) if marker in line)
