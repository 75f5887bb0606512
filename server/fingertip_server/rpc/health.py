"""The standard health service: SERVING while calls can be answered and the database written."""

import asyncio
from collections.abc import Iterable

from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio
from sqlalchemy import text

from fingertip_server import errors
from fingertip_server.rpc.units import Units

_POLL_SECONDS = 1.0
_WRITABLE = text(
    "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'"
)


class Health:
    """Keeps the health of every service up to date."""

    def __init__(self, services: Iterable[str], units: Units) -> None:
        self.servicer = aio.HealthServicer()
        self._services = ("", *services)
        self._units = units
        self._is_leaving = False

    async def run(self) -> None:
        """Looks at the database every second until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_POLL_SECONDS)

    async def look(self) -> None:
        """Looks at the database once."""
        try:
            is_writable = await self._units.autocommit(
                lambda connection: bool(connection.execute(_WRITABLE).scalar_one())
            )
        except errors.Unavailable:
            is_writable = False
        await self._set(is_serving=is_writable and not self._is_leaving)

    async def leave(self) -> None:
        """Says NOT_SERVING from now on."""
        self._is_leaving = True
        await self._set(is_serving=False)

    async def _set(self, *, is_serving: bool) -> None:
        state = (
            health_pb2.HealthCheckResponse.SERVING
            if is_serving
            else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        for service in self._services:
            await self.servicer.set(service, state)
