"""Units of work: a synchronous function on a connection, in a transaction or without one."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from fingertip_server import errors

Result = TypeVar("Result")

_ATTEMPTS_MAX = 3
_SERIALIZATION = {"40001", "40P01"}
# Connection lost, out of resources, time-outs, shutting down, read-only after a fail-over.
_AWAY_CLASSES = ("08", "53", "57", "58")
_AWAY = {"55P03", "25P03", "25006", "XX000"}


class UniqueViolation(Exception):
    """A statement met a unique constraint; `constraint` is its name."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class Units:
    """Runs units of work on one engine.

    A unit goes on when its caller is gone: a client that hangs up must not tear a transaction.
    `drained` waits for those that do.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.sync_engine
        self._autocommit = engine.sync_engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshot = engine.sync_engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._running: set[asyncio.Task[object]] = set()

    async def transaction(self, work: Callable[[Connection], Result]) -> Result:
        """Runs `work` in a transaction and commits, anew after a serialization failure."""
        return await self._shielded(self._transaction, work)

    async def autocommit(self, work: Callable[[Connection], Result]) -> Result:
        """Runs `work`, each statement by itself."""
        return await self._shielded(self._plain, work)

    async def snapshot(self, work: Callable[[Connection], Result]) -> Result:
        """Runs `work` on one consistent state of the database, which it cannot change."""
        return await self._shielded(self._consistent, work)

    async def drained(self) -> None:
        """Waits for the units that are under way."""
        while self._running:
            await asyncio.wait(self._running)

    async def _shielded(
        self,
        run: Callable[[Callable[[Connection], Result]], Result],
        work: Callable[[Connection], Result],
    ) -> Result:
        task = asyncio.ensure_future(_spawn(run, work))
        self._running.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: "asyncio.Task[object]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            # Whoever waited has it; when nobody did, it is not "never retrieved" either.
            task.exception()

    def _transaction(self, work: Callable[[Connection], Result]) -> Result:
        for attempt in range(1, _ATTEMPTS_MAX + 1):
            try:
                with self._engine.connect() as connection:
                    result = work(connection)
                    connection.commit()
                    return result
            except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if sqlstate(error) in _SERIALIZATION and attempt < _ATTEMPTS_MAX:
                    continue
                raise translated(error) from error
        raise AssertionError("the last attempt returns or raises")

    def _plain(self, work: Callable[[Connection], Result]) -> Result:
        with self._autocommit.connect() as connection:
            return work(connection)

    def _consistent(self, work: Callable[[Connection], Result]) -> Result:
        with self._snapshot.connect() as connection:
            return work(connection)


async def _spawn(
    run: Callable[[Callable[[Connection], Result]], Result],
    work: Callable[[Connection], Result],
) -> Result:
    try:
        return await greenlet_spawn(run, work)
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise translated(error) from error
    except (PoolTimeoutError, TimeoutError, OSError) as error:
        raise errors.temporarily_unavailable() from error


def sqlstate(error: Exception) -> str:
    """Returns the SQLSTATE of a driver's error, or an empty text."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(origin, "sqlstate", None) or "")


def translated(error: Exception) -> Exception:
    """Returns what a driver's error means to us; itself when it is a fault of ours."""
    state = sqlstate(error)
    if state == "23505":
        origin = error.orig if isinstance(error, DBAPIError) else error
        cause = getattr(origin, "__cause__", None) or origin
        return UniqueViolation(str(getattr(cause, "constraint_name", "")))
    away = state[:2] in _AWAY_CLASSES or state in _AWAY or state in _SERIALIZATION
    lost = isinstance(error, InterfaceError | asyncpg.InterfaceError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    return errors.temporarily_unavailable() if away or lost else error
