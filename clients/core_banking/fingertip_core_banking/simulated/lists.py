"""The simulated bank's screening lists: a file for each, with one JSON object per line.

Each line is a `fingertip.screening.v1.ScreeningEntry` in protobuf's JSON form with the contract's
field names. A change of an entry is a further line with a higher `version`; a running adapter finds
it there. A list is called as its file, without the ending.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from google.protobuf import json_format

from fingertip.screening.v1.screening_service_pb2 import ScreeningEntry


class ListFileFault(ValueError):
    """Says which line of a list's file is wrong, without repeating what stands there."""


class Lists:
    """The lists by their codes, each read again whenever it is asked for."""

    def __init__(self, files: Sequence[Path] = ()) -> None:
        self._files: Mapping[str, Path] = {path.stem: path for path in files}

    @property
    def codes(self) -> Sequence[str]:
        """Returns what the lists are called."""
        return tuple(self._files)

    def entries(self, list_code: str) -> Sequence[ScreeningEntry]:
        """Returns a list's lines; none of a list that there is not. Raises `ListFileFault`."""
        path = self._files.get(list_code)
        return _read(path) if path is not None else ()


def _read(path: Path) -> list[ScreeningEntry]:
    entries = []
    with path.open(encoding="utf-8") as lines:
        for count, line in enumerate(lines, start=1):
            try:
                entries.append(json_format.Parse(line, ScreeningEntry()))
            except json_format.ParseError:
                # Not chained: the parser's own message quotes personal data.
                raise ListFileFault(f"{path}:{count} is not an entry of a list.") from None
    return entries
