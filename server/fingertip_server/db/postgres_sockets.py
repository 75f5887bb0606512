"""Makes and removes the folder of an embedded PostgreSQL's socket.

Its name can be foreseen and its parent is everybody's, so what is there already is looked at.
"""

import os
import stat
from pathlib import Path

from fingertip_server.db.postgres_account import Account
from fingertip_server.db.postgres_layout import EmbeddedPostgresError


def make(folder: Path, account: Account) -> None:
    """Makes the folder, which only PostgreSQL's account may enter, unless it is there."""
    if not os.path.lexists(folder):
        folder.mkdir(mode=0o700)
        os.chown(folder, account.uid, account.gid)
    if not _is_private(folder, account.uid):
        raise EmbeddedPostgresError(
            f"{folder} is not a private folder of user {account.uid}: remove it, "
            "or set TMPDIR to another folder."
        )


def remove(folder: Path, uid: int) -> None:
    """Removes the folder, if it is the user's own and PostgreSQL left nothing in it."""
    if os.path.lexists(folder) and _is_private(folder, uid) and not any(folder.iterdir()):
        folder.rmdir()


def _is_private(folder: Path, uid: int) -> bool:
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & 0o077
