"""Makes the cluster of an embedded PostgreSQL, once, and says with what settings it runs."""

import os
import shutil
import tempfile
from pathlib import Path

from fingertip_server.db.postgres_account import Account, caller_name
from fingertip_server.db.postgres_layout import (
    APPLICATION,
    DATABASE,
    OWNER,
    PORT,
    STAGING_PREFIX,
    SUPERUSER,
    EmbeddedPostgresError,
    Layout,
    program,
)

_ROLES = (SUPERUSER, OWNER, APPLICATION)
_SWITCH = {True: "on", False: "off"}

# The owner migrates and owns everything; the application owns nothing and gets its rights from
# the migrations. In single-user mode each statement is one line.
_FIRST_STATEMENTS = f"""\
CREATE ROLE {OWNER} LOGIN
CREATE ROLE {APPLICATION} LOGIN
CREATE DATABASE {DATABASE} OWNER {OWNER}
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC
GRANT CONNECT ON DATABASE {DATABASE} TO {APPLICATION}
"""


def initialise(layout: Layout, account: Account, *, durable: bool) -> None:
    """Makes the cluster with its roles and its database, complete or not at all."""
    staging = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=layout.folder))
    os.chown(staging, account.uid, account.gid)
    _run(
        account,
        [
            program("initdb"),
            f"--pgdata={staging}",
            f"--username={SUPERUSER}",
            "--data-checksums",
            "--encoding=UTF8",
            # Sorts and folds the same on every machine, whatever its C library.
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            # Never used: the rules are in files of ours.
            "--auth=reject",
            *([] if durable else ["--no-sync"]),
        ],
    )
    _run(
        account,
        [
            program("postgres"),
            "--single",
            "-D",
            str(staging),
            "-c",
            "exit_on_error=on",
            "-c",
            f"fsync={_SWITCH[durable]}",
            SUPERUSER,
        ],
        stdin=_FIRST_STATEMENTS,
    )
    staging.rename(layout.cluster)
    _flush(layout.folder)


def remove_unfinished(layout: Layout) -> None:
    """Removes what a killed supervisor had begun to initialise."""
    for remains in layout.folder.glob(f"{STAGING_PREFIX}*"):
        # Where a child of the killed attempt still writes, the next start takes it away.
        shutil.rmtree(remains, ignore_errors=True)


def write_access_rules(layout: Layout) -> None:
    """Lets the calling user in at the socket, under each of our roles, and nobody else."""
    layout.access_rules.write_text("local all all peer map=fingertip\n")
    name = caller_name().replace('"', '""')
    layout.account_map.write_text("".join(f'fingertip "{name}" {role}\n' for role in _ROLES))
    # These files are the caller's, and PostgreSQL reads them under its own account.
    layout.access_rules.chmod(0o644)
    layout.account_map.chmod(0o644)


def server_command(layout: Layout, *, durable: bool) -> list[str]:
    """Returns the command of the server with all its settings.

    Settings are arguments, so that the command line of a running server tells whether it is the
    server that this version would start.
    """
    settings = {
        "cluster_name": layout.name,
        "hba_file": str(layout.access_rules),
        "ident_file": str(layout.account_map),
        "listen_addresses": "",
        "unix_socket_directories": str(layout.sockets),
        "unix_socket_permissions": "0700",
        "port": str(PORT),
        "max_connections": "200",
        "shared_buffers": "64MB",
        # Short statements only: compiling them costs more than it gains.
        "jit": "off",
        "timezone": "UTC",
        # An acknowledged decision survives a crash of PostgreSQL, and with fsync of the machine.
        "synchronous_commit": "on",
        "fsync": _SWITCH[durable],
        "full_page_writes": _SWITCH[durable],
        # What is personal is encrypted before it comes here; even so, neither statements nor
        # the values of a violated constraint (the DETAIL lines) are logged.
        "log_timezone": "UTC",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_checkpoints": "off",
    }
    chosen = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [program("postgres"), "-D", str(layout.cluster), *chosen]


def _run(account: Account, command: list[str], *, stdin: str = "") -> None:
    outcome = account.run(command, stdin=stdin)
    if outcome.returncode != 0:
        raise EmbeddedPostgresError(
            f"PostgreSQL could not be initialised: {outcome.stderr.strip() or outcome.stdout}"
        )


def _flush(folder: Path) -> None:
    """Makes a renaming in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
