"""Files that their owner alone may read: checked when read, made whole or not at all."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PRIVATE = 0o600
_FILE_BYTES_MAX = 1_000_000


class Unusable(Exception):
    """Says in a sentence why a private file cannot be read or made."""


def read(path: Path) -> tuple[bytes, list[str]]:
    """Returns a file's content, and what is wrong with its mode; raises Unusable without one."""
    try:
        with path.open("rb") as opened:
            found = os.fstat(opened.fileno())
            content = opened.read(_FILE_BYTES_MAX)
    except OSError as error:
        raise Unusable(f"it cannot be read ({error.strerror})") from None
    mode = stat.S_IMODE(found.st_mode)
    if mode & ~_PRIVATE & 0o777:
        return content, [f"others may use it (mode {mode:04o}, needed is {_PRIVATE:04o})"]
    return content, []


def create(path: Path, content: str) -> None:
    """Makes a private file; raises Unusable when there is one of the name already."""
    with written_beside(path, content) as temporary:
        try:
            # Unlike a renaming, a link never replaces a file that somebody made meanwhile.
            os.link(temporary, path)
        except FileExistsError:
            raise Unusable("it exists already and is never replaced") from None


def replace(path: Path, content: str) -> None:
    """Replaces a private file in one step; it stays with its owner."""
    with written_beside(path, content) as temporary:
        owner = path.stat()
        os.chown(temporary, owner.st_uid, owner.st_gid)
        temporary.replace(path)


@contextlib.contextmanager
def written_beside(path: Path, content: str) -> Iterator[Path]:
    """Writes the file under another name, on disk before it gets its own, and yields that name.

    Raises Unusable.
    """
    try:
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise Unusable(f"nothing can be written into {path.parent} ({error.strerror})") from None
    temporary = Path(name)
    try:
        with os.fdopen(number, "w") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
        with opened_folder(path.parent) as folder:
            os.fsync(folder)


@contextlib.contextmanager
def opened_folder(folder: Path) -> Iterator[int]:
    """Gives a folder's descriptor, to lock it or to have its entries on disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        yield opened
    finally:
        os.close(opened)
