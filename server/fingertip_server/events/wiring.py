"""Wakes readers: this process's at once, other processes' by a coalesced NOTIFY after commit."""

import asyncio

import asyncpg
import structlog
from sqlalchemy import make_url

from fingertip_server.rpc.wakeups import Wakeups

_CHANNEL = "fingertip"
_RETRY_SECONDS = 1.0
_TIMEOUT_SECONDS = 4.0
_PAYLOAD_BYTES_MAX = 7_000
# Within one process nothing waits for the NOTIFY, so that others may wait a moment for company.
_COALESCE_SECONDS = 0.01

_log = structlog.get_logger("fingertip.events")


class Wiring:
    """One connection of its own that sends and hears wake-ups.

    Nothing depends on it but speed: readers look every second anyway.
    """

    def __init__(self, url: str, wakeups: Wakeups) -> None:
        self._url = make_url(url)
        self._wakeups = wakeups
        self._pending: set[str] = set()
        self._some = asyncio.Event()
        self._own_pid = 0

    def announce(self, names: set[str]) -> None:
        """Wakes who waits for the names, here at once and elsewhere soon."""
        self._wakeups.wake(names)
        self._pending |= names
        self._some.set()

    async def run(self) -> None:
        """Keeps the connection, and sends what is to be sent, until cancelled."""
        while True:
            try:
                await self._connected()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                _log.warning("wiring_lost")
            # What was missed meanwhile is found by looking.
            self._wakeups.wake_all()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _connected(self) -> None:
        connection = await asyncpg.connect(
            user=self._url.username,
            password=self._url.password,
            database=self._url.database,
            host=self._url.host or str(self._url.query.get("host", "")) or None,
            port=self._url.port or int(str(self._url.query.get("port", "5432"))),
            timeout=_TIMEOUT_SECONDS,
            command_timeout=_TIMEOUT_SECONDS,
            server_settings={"application_name": "fingertip wiring"},
        )
        try:
            self._own_pid = connection.get_server_pid()
            connection.add_termination_listener(self._lost)
            await connection.add_listener(_CHANNEL, self._heard)
            while not connection.is_closed():
                await self._some.wait()
                await asyncio.sleep(_COALESCE_SECONDS)
                self._some.clear()
                await self._send(connection)
        finally:
            # Whatever state it is in, it is not used again.
            connection.terminate()

    async def _send(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        names, self._pending = self._pending, set()
        batch: list[str] = []
        for name in sorted(names):
            if sum(len(n.encode()) + 1 for n in [*batch, name]) > _PAYLOAD_BYTES_MAX:
                await connection.execute("SELECT pg_notify($1, $2)", _CHANNEL, "\n".join(batch))
                batch = []
            batch.append(name)
        if batch:
            await connection.execute("SELECT pg_notify($1, $2)", _CHANNEL, "\n".join(batch))

    def _lost(self, _connection: object) -> None:
        self._some.set()

    def _heard(self, _connection: object, pid: int, _channel: str, payload: object) -> None:
        # What this process sent, it acted on at once.
        if pid != self._own_pid:
            self._wakeups.wake(str(payload).split("\n"))
