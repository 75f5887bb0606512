"""Copies of the demo pack to be broken."""

import shutil
from pathlib import Path

from fingertip_server.packs import DEMO


def copy_demo(folder: Path) -> Path:
    """Copies the demo pack below the folder and returns where it is."""
    return Path(shutil.copytree(DEMO, folder / "pack"))


def change(pack: Path, file: str, old: str, new: str) -> int:
    """Replaces the first occurrence of a text that must be there, and returns its line."""
    text = (pack / file).read_text()
    before, found, after = text.partition(old)
    assert found, f"{file} has no {old!r}"
    (pack / file).write_text(before + new + after)
    return before.count("\n") + 1
