"""Units of work: a synchronous function on a connection, in a transaction or without one."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only, greenlet_spawn

from fingertip_server import errors
from fingertip_server.db.hot import driver_of

Result = TypeVar("Result")

_BEGIN = "BEGIN"
_BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_COMMIT = "COMMIT"
_ROLLBACK = "ROLLBACK"
_ROLLBACK_SECONDS = 1.0
# The first is how the driver tells that the database ended a session on which nothing was under
# way: one that was idle in its transaction for too long, say.
_LOST = (asyncpg.InternalClientError, TimeoutError, OSError)
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
                return self._within(_BEGIN, work)
            except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if sqlstate(error) in _SERIALIZATION and attempt < _ATTEMPTS_MAX:
                    continue
                raise translated(error) from error
        raise AssertionError("the last attempt returns or raises")

    def _plain(self, work: Callable[[Connection], Result]) -> Result:
        with self._engine.connect() as connection:
            return work(connection)

    def _consistent(self, work: Callable[[Connection], Result]) -> Result:
        return self._within(_BEGIN_SNAPSHOT, work)

    def _within(self, begin: str, work: Callable[[Connection], Result]) -> Result:
        with self._engine.connect() as connection:
            driver = driver_of(connection)
            await_only(driver.execute(begin))
            try:
                result = work(connection)
                await_only(driver.execute(_COMMIT))
            except BaseException:
                _roll_back(connection)
                raise
            return result


def _roll_back(connection: Connection) -> None:
    if connection.invalidated:
        # It was lost, and what it did with it.
        return
    try:
        await_only(driver_of(connection).execute(_ROLLBACK, timeout=_ROLLBACK_SECONDS))
    except (*_LOST, asyncpg.PostgresError, asyncpg.InterfaceError):
        # Whatever state it is in, it is not used again; the database rolls back by itself.
        connection.invalidate()


async def _spawn(
    run: Callable[[Callable[[Connection], Result]], Result],
    work: Callable[[Connection], Result],
) -> Result:
    try:
        return await greenlet_spawn(run, work)
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise translated(error) from error
    except (*_LOST, PoolTimeoutError) as error:
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
