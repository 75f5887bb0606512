"""Hands the frame, and the domains that know no business, what the domains decide."""

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from fingertip_server import errors
from fingertip_server.events.watching import Snapshot
from fingertip_server.identity import constraints as identity_constraints
from fingertip_server.identity import timers as identity_timers
from fingertip_server.packs.bank import Bank
from fingertip_server.rpc.hooks import Hooks

HOOKS = Hooks(timers={**identity_timers.TIMERS})
CONSTRAINTS: dict[str, Callable[[], errors.DomainError]] = {**identity_constraints.CONSTRAINTS}


def snapshots(bank: Callable[[], Bank]) -> dict[str, Sequence[Snapshot]]:
    """Returns what a new watcher is shown, by kind of scope."""
    return {"branch": (), "centre": (), "application": ()}


def branch_of_application(connection: Connection, application_id: UUID) -> str | None:
    """Returns the branch of an application, or None when there is none."""
    return None
