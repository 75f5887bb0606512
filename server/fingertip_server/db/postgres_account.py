"""Chooses the operating-system account of the embedded PostgreSQL, which refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass

from fingertip_server.db.postgres_layout import (
    ENVIRONMENT,
    EmbeddedPostgresError,
    Layout,
    program,
)

_UNPRIVILEGED = "nobody"

# What the unprivileged account may be given so that it gets through folders that only root may
# enter (a checkout below /root): least first. Containers often lack the second of the three.
_CAPABILITIES = ("", ",+dac_read_search", ",+dac_override")


@dataclass(frozen=True)
class Account:
    """The account that PostgreSQL runs as, and the words before a command that switch to it."""

    uid: int
    gid: int
    switch: tuple[str, ...] = ()

    def run(
        self, command: list[str], *, stdin: str = "", timeout_seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command under the account and returns how it ended and what it said."""
        return subprocess.run(
            [*self.switch, *command],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=ENVIRONMENT,
            timeout=timeout_seconds,
        )


def caller_name() -> str:
    """Returns the name of the calling user, whom PostgreSQL recognises at its socket."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedPostgresError(
            f"User {os.geteuid()} has no name on this machine, and PostgreSQL needs one: "
            "add the user, or set DATABASE_URL to a PostgreSQL of your own."
        ) from None


def choose(layout: Layout) -> Account:
    """Returns the caller's own account, or an unprivileged one when the caller is root."""
    account = _unprivileged(layout) if os.geteuid() == 0 else Account(os.geteuid(), os.getegid())
    if layout.cluster.exists() and layout.cluster.stat().st_uid != account.uid:
        raise EmbeddedPostgresError(
            f"{layout.cluster} belongs to user {layout.cluster.stat().st_uid}, but PostgreSQL "
            f"would run as user {account.uid}: use the user who made it, or another folder."
        )
    return account


def _unprivileged(layout: Layout) -> Account:
    obstacle = "setpriv (util-linux) is missing"
    setpriv = shutil.which("setpriv")
    for capability in _CAPABILITIES if setpriv else ():
        entry = pwd.getpwnam(_UNPRIVILEGED)
        switch = (
            f"{setpriv}",
            f"--reuid={entry.pw_uid}",
            f"--regid={entry.pw_gid}",
            "--clear-groups",
            f"--inh-caps=-all{capability}",
            f"--ambient-caps=-all{capability}",
        )
        account = Account(entry.pw_uid, entry.pw_gid, switch)
        obstacle = _obstacle(account, layout)
        if not obstacle:
            return account
    raise EmbeddedPostgresError(
        f"PostgreSQL does not run as root, and cannot run as {_UNPRIVILEGED} either ({obstacle}): "
        "use another user, or a folder that everybody may enter."
    )


def _obstacle(account: Account, layout: Layout) -> str:
    """Returns what keeps the account from the programs or from the folder, or nothing."""
    for probe in ([program("postgres"), "--version"], ["test", "-d", f"{layout.folder}/."]):
        outcome = account.run(probe)
        if outcome.returncode != 0:
            return outcome.stderr.strip() or f"{layout.folder} is out of its reach"
    return ""
