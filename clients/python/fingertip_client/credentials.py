"""Keeps what a client proves itself with: a device's credential in a file, a token in memory."""

import json
import os
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

_PRIVATE = 0o600


class CredentialFileError(Exception):
    """Says why a device's credential file cannot be used."""


@dataclass(slots=True)
class Credentials:
    """What is sent with every call: who the device is and, once signed in, who the person is."""

    device: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Returns the call metadata that carries them."""
        entries: list[tuple[str, str]] = []
        if self.device:
            entries.append(("fingertip-device", self.device))
        if self.token:
            entries.append(("authorization", f"Bearer {self.token}"))
        return tuple(entries)


@dataclass(frozen=True, slots=True)
class DeviceFile:
    """A device as it was enrolled, with its credential: what survives a restart."""

    device_id: str
    branch_id: str
    display_name: str
    credential: str = field(repr=False)

    def save(self, path: Path) -> None:
        """Writes the file for its owner alone, whole or not at all."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, ensure_ascii=False, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _flush_folder(path.parent)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads the file; raises CredentialFileError when it is absent, damaged or not private."""
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            fields = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise CredentialFileError(f"{path} is absent: enrol this device first.") from error
        except ValueError as error:
            raise CredentialFileError(f"{path} is damaged: enrol this device again.") from error
        if mode & ~_PRIVATE:
            raise CredentialFileError(f"{path} can be read by others (mode {mode:o}): chmod 600.")
        try:
            return cls(**fields)
        except TypeError as error:
            raise CredentialFileError(f"{path} is damaged: enrol this device again.") from error


def _flush_folder(folder: Path) -> None:
    """Makes a renamed file's new name survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
