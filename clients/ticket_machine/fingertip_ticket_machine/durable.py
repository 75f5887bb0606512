"""Opens a small SQLite file whose commits survive a kill and a power failure."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

_BUSY_SECONDS_MAX = 10.0


def open_file(path: Path, schema: str) -> sqlite3.Connection:
    """Opens a file, which is made for its owner alone, with a schema that may be there already."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives its rollback journal the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS_MAX, isolation_level=None)
    # A commit is on the disk, and so is the end of its rollback journal.
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.executescript(schema)
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Does all of it or nothing, one process at a time."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
