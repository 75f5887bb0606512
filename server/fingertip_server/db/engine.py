"""The engine of a server process."""

from asyncpg import Connection as DriverConnection
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

# A statement is given up by the server first, by us when the server does not even answer.
_STATEMENT_TIMEOUT_MS = 5_000
_IDLE_TIMEOUT_MS = 3_000
_LOCK_TIMEOUT_MS = 2_000
_COMMAND_TIMEOUT_SECONDS = 7
_CONNECT_TIMEOUT_SECONDS = 4
_POOL_WAIT_SECONDS = 3


def create(url: str, *, connections_max: int, application_name: str) -> AsyncEngine:
    """Returns an engine on `url` (postgresql+asyncpg) with at most that many connections."""
    engine = create_async_engine(
        url,
        # Transactions are begun and ended by rpc.units, in words.
        isolation_level="AUTOCOMMIT",
        pool_size=connections_max,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_SECONDS,
        # The one used last is the warmest, and those not needed go away in the end.
        pool_use_lifo=True,
        connect_args={
            "timeout": _CONNECT_TIMEOUT_SECONDS,
            "command_timeout": _COMMAND_TIMEOUT_SECONDS,
            "server_settings": {
                "application_name": application_name,
                "statement_timeout": str(_STATEMENT_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(_IDLE_TIMEOUT_MS),
                "lock_timeout": str(_LOCK_TIMEOUT_MS),
                # An acknowledged decision must survive a crash.
                "synchronous_commit": "on",
                "timezone": "UTC",
                # Our statements are small; compiling them costs more than it saves.
                "jit": "off",
            },
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(
    _connection: DBAPIConnection, _entry: ConnectionPoolEntry, proxy: PoolProxiedConnection
) -> None:
    """Has the pool replace a connection that the database closed meanwhile."""
    driver = proxy.driver_connection
    if isinstance(driver, DriverConnection) and driver.is_closed():
        raise DisconnectionError
