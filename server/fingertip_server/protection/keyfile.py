"""The key ring as a file: JSON, readable by its owner alone, replaced in one step or not at all.

To rotate while several servers run: `rotate(path, activate=False)`, hand the file to every server
and restart them, then `activate` and restart again. A single process rotates in one step.
"""

import base64
import contextlib
import fcntl
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from fingertip_server.protection.errors import KeyRingError
from fingertip_server.protection.keyring import VERSION_MAX, KeyRing, KeyVersion
from fingertip_server.protection.suite import AES_256_GCM_SHA256, DIGEST_BYTES, SUITES, Suite

_PRIVATE = 0o600
_FILE_BYTES_MAX = 1_000_000

_Number = Annotated[int, Field(ge=1, le=VERSION_MAX)]


class _Entry(BaseModel):
    """One version as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    version: _Number
    suite: str
    create_time: AwareDatetime
    key: str = Field(repr=False)

    @model_validator(mode="after")
    def _names_a_suite_and_holds_a_key(self) -> Self:
        if self.suite not in SUITES:
            known = ", ".join(SUITES)
            raise PydanticCustomError(
                "suite", "has an unknown suite, known are {known}", {"known": known}
            )
        if len(self.master()) != DIGEST_BYTES:
            raise PydanticCustomError("key", "has a key that is not 32 bytes in base64")
        return self

    def master(self) -> bytes:
        """Returns the key; nothing where the text is no base64."""
        try:
            return base64.b64decode(self.key, validate=True)
        except ValueError:
            return b""


class _File(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: Literal[1] = 1
    active: _Number
    lookup: _Number
    versions: list[_Entry]

    @model_validator(mode="after")
    def _holds_the_versions_it_names(self) -> Self:
        numbers = [entry.version for entry in self.versions]
        if len(set(numbers)) != len(numbers):
            raise PydanticCustomError("twice", "a version is there twice")
        if not {self.active, self.lookup} <= set(numbers):
            raise PydanticCustomError("absent", "the active or the lookup version is not there")
        return self

    def ring(self) -> KeyRing:
        """Returns the ring the file describes."""
        versions = {
            entry.version: KeyVersion(entry.version, SUITES[entry.suite], entry.master())
            for entry in self.versions
        }
        return KeyRing(versions, versions[self.active], versions[self.lookup])


def load(path: Path) -> KeyRing:
    """Reads a key ring; raises KeyRingError with everything that is wrong with the file."""
    return _read(path).ring()


def create(path: Path, suite: Suite = AES_256_GCM_SHA256) -> KeyRing:
    """Makes a key ring with one version; raises KeyRingError when there is one already.

    For the embedded mode only: elsewhere an operator makes the file and keeps a copy of it.
    Losing it is losing every personal field.
    """
    file = _File(active=1, lookup=1, versions=[_new_entry(1, suite)])
    with _written_beside(path, file) as temporary:
        try:
            # Unlike a renaming, a link never replaces a ring that somebody made meanwhile.
            os.link(temporary, path)
        except FileExistsError:
            raise KeyRingError(path, ["it exists already and is never replaced"]) from None
    return file.ring()


def rotate(path: Path, suite: Suite = AES_256_GCM_SHA256, *, activate: bool = True) -> KeyRing:
    """Adds a version with a new key; what older versions made stays readable."""
    with _alone(path.parent):
        file = _read(path)
        number = max(entry.version for entry in file.versions) + 1
        if number > VERSION_MAX:
            raise KeyRingError(path, ["there is no number left for another version"])
        changed = file.model_copy(
            update={
                "versions": [*file.versions, _new_entry(number, suite)],
                "active": number if activate else file.active,
            }
        )
        return _replace(path, changed)


def activate(path: Path, version: int) -> KeyRing:
    """Makes new values with a version that the ring holds already."""
    with _alone(path.parent):
        file = _read(path)
        if version not in {entry.version for entry in file.versions}:
            raise KeyRingError(path, [f"it holds no version {version}"])
        return _replace(path, file.model_copy(update={"active": version}))


def _new_entry(number: int, suite: Suite) -> _Entry:
    return _Entry(
        version=number,
        suite=suite.name,
        create_time=datetime.now(UTC),
        key=base64.b64encode(secrets.token_bytes(DIGEST_BYTES)).decode(),
    )


def _read(path: Path) -> _File:
    faults: list[str] = []
    try:
        with path.open("rb") as opened:
            found = os.fstat(opened.fileno())
            content = opened.read(_FILE_BYTES_MAX)
    except OSError as error:
        raise KeyRingError(path, [f"it cannot be read ({error.strerror})"]) from None
    if found.st_mode & ~_PRIVATE & 0o777:
        mode = stat.S_IMODE(found.st_mode)
        faults.append(f"others may use it (mode {mode:04o}, needed is {_PRIVATE:04o})")
    try:
        file = _File.model_validate_json(content)
    except ValidationError as error:
        # Neither the input nor the cause may be shown: they hold keys.
        for fault in error.errors(include_input=False, include_url=False, include_context=False):
            place = ".".join(str(part) for part in fault["loc"])
            faults.append(f"{place}: {fault['msg']}" if place else fault["msg"])
        raise KeyRingError(path, faults) from None
    if faults:
        raise KeyRingError(path, faults)
    return file


def _replace(path: Path, file: _File) -> KeyRing:
    with _written_beside(path, file) as temporary:
        owner = path.stat()
        os.chown(temporary, owner.st_uid, owner.st_gid)
        temporary.replace(path)
    return file.ring()


@contextlib.contextmanager
def _written_beside(path: Path, file: _File) -> Iterator[Path]:
    """Writes the file under another name, on disk before it gets its own, and yields that name."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(number, "w") as opened:
            opened.write(file.model_dump_json(indent=2) + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
        with _opened(path.parent) as folder:
            os.fsync(folder)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Makes two that change a ring at the same time take turns."""
    with _opened(folder) as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    opened = os.open(folder, os.O_RDONLY)
    try:
        yield opened
    finally:
        os.close(opened)
