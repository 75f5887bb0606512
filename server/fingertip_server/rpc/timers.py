"""Does what is due: timers are rows, and any process drains them.

A timer is claimed, done and deleted in one transaction, so that it happens once. One that fails
is tried again later; after several failures it is left for an operator, and said so in the log.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog
from sqlalchemy import text

from fingertip_server import errors, telemetry
from fingertip_server.rpc import idempotency
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.pipeline import Pipeline
from fingertip_server.rpc.units import UniqueViolation, Units

_POLL_SECONDS = 1.0
_ATTEMPTS_MAX = 8
_BATCH = 50

_PEEK = text(
    "SELECT kind, subject FROM timer"
    " WHERE due_at <= fingertip_now() AND attempts < :attempts_max"
    " ORDER BY due_at LIMIT :batch"
)
_CLAIM = text(
    "DELETE FROM timer WHERE ctid = (SELECT ctid FROM timer"
    " WHERE kind = :kind AND subject = :subject AND due_at <= fingertip_now()"
    " FOR UPDATE SKIP LOCKED)"
)
_POSTPONE = text(
    "UPDATE timer SET attempts = attempts + 1,"
    " due_at = fingertip_now() + interval '1 second' * power(2, least(attempts, 8))"
    " WHERE kind = :kind AND subject = :subject"
)

_log = structlog.get_logger("fingertip.timers")

Due = Callable[[Call, str], None]

PRUNE = "rpc.prune"
_PRUNE_EVERY = timedelta(minutes=10)
_EVENTS_KEPT = timedelta(hours=24)
# Of each, so that one turn ends in time whatever has piled up.
_ROWS_PER_TURN = 20_000
_PRUNE_ANSWERS = text(
    "DELETE FROM idempotency WHERE ctid = ANY(ARRAY(SELECT ctid FROM idempotency"
    " WHERE created_at < (SELECT fingertip_now() - CAST(:kept AS interval)) LIMIT :most))"
)
_PRUNE_EVENTS = text("SELECT fingertip_prune_feed(CAST(:kept AS interval), :most)")


def prune(call: Call, subject: str) -> None:
    """Deletes stored answers and events that are older than they are kept, and again later."""
    answers = call.connection.execute(
        _PRUNE_ANSWERS, {"kept": idempotency.ANSWERS_KEPT, "most": _ROWS_PER_TURN}
    )
    events = call.connection.execute(
        _PRUNE_EVENTS, {"kept": _EVENTS_KEPT, "most": _ROWS_PER_TURN}
    ).scalar_one()
    is_done = max(answers.rowcount, events) < _ROWS_PER_TURN
    call.start_timer(PRUNE, subject, call.now + _PRUNE_EVERY if is_done else call.now)


TIMERS: Mapping[str, Due] = {PRUNE: prune}


class Timers:
    """Drains the due timers of a process."""

    def __init__(self, units: Units, pipeline: Pipeline, due: Mapping[str, Due]) -> None:
        self._units = units
        self._pipeline = pipeline
        self._due = due

    async def run(self) -> None:
        """Drains every second until cancelled; while the database is away, tries each second."""
        while True:
            try:
                while await self.drain():
                    pass
            except errors.Unavailable:
                _log.warning("timers_unreadable")
            await asyncio.sleep(_POLL_SECONDS)

    async def drain(self) -> int:
        """Does a batch of what is due, and returns how many timers there were."""
        due = await self._units.autocommit(
            lambda connection: connection.execute(
                _PEEK, {"attempts_max": _ATTEMPTS_MAX, "batch": _BATCH}
            ).all()
        )
        for row in due:
            await self._do(row.kind, row.subject)
        return len(due)

    async def _do(self, kind: str, subject: str) -> None:
        names = {"kind": kind, "subject": subject}

        def work(call: Call) -> None:
            # Another process may have been faster.
            if call.connection.execute(_CLAIM, names).rowcount:
                self._due[kind](call, subject)
                telemetry.note_journey(call.journey_id)

        try:
            with telemetry.timer_span(kind):
                await self._pipeline.due(kind, work)
        except errors.Unavailable:
            raise
        # One timer that fails must not keep the others waiting.
        except (errors.DomainError, UniqueViolation, Exception) as error:  # noqa: BLE001
            _log.error("timer_failed", kind=kind, subject=subject, exception=type(error).__name__)
            await self._units.transaction(lambda connection: connection.execute(_POSTPONE, names))
