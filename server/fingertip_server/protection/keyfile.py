"""The key ring as a file: JSON, readable by its owner alone, replaced in one step or not at all.

To rotate while several servers run: `rotate(path, activate=False)`, hand the file to every server
and restart them, then `activate` and restart again. A single process rotates in one step.
"""

import base64
import contextlib
import fcntl
import secrets
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

from fingertip_server.protection import private_file
from fingertip_server.protection.errors import KeyRingError
from fingertip_server.protection.keyring import VERSION_MAX, KeyRing, KeyVersion
from fingertip_server.protection.suite import AES_256_GCM_SHA256, DIGEST_BYTES, SUITES, Suite

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
    try:
        private_file.create(path, _written(file))
    except private_file.Unusable as unusable:
        raise KeyRingError(path, [str(unusable)]) from None
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
    try:
        content, faults = private_file.read(path)
    except private_file.Unusable as unusable:
        raise KeyRingError(path, [str(unusable)]) from None
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


def _written(file: _File) -> str:
    return file.model_dump_json(indent=2) + "\n"


def _replace(path: Path, file: _File) -> KeyRing:
    private_file.replace(path, _written(file))
    return file.ring()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Makes two that change a ring at the same time take turns."""
    with private_file.opened_folder(folder) as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
