"""A real PostgreSQL and a real server for every test that asks for one."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from fingertip_server import telemetry
from fingertip_server.app import App
from fingertip_server.authority import keyfile as authority_file
from fingertip_server.authority.suite import ECDSA_P256_SHA256
from fingertip_server.db import migrating
from fingertip_server.db.embedded import OWNER, SUPERUSER, EmbeddedPostgres
from fingertip_server.protection import keyfile
from fingertip_server.settings import Settings
from tests.sql import run_sql
from tests.world import Credentials, World, furnish


@dataclass(frozen=True)
class Database:
    """A database of a test's own."""

    name: str
    url: str
    owner_url: str

    async def as_owner(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Runs a statement as the schema's owner."""
        return await run_sql(self.owner_url, statement, *arguments)

    async def as_application(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Runs a statement as the servers' own role."""
        return await run_sql(self.url, statement, *arguments)


class Clock:
    """The database's clock, moved by hand."""

    def __init__(self, database: Database, app: App) -> None:
        self._database = database
        self._app = app

    async def advance(self, seconds: float) -> None:
        """Moves the clock, and has everything done that is due then."""
        await self._database.as_owner(
            "INSERT INTO test_clock (moved_by) VALUES (make_interval(secs => $1))"
            " ON CONFLICT (one) DO UPDATE SET moved_by = test_clock.moved_by + excluded.moved_by",
            float(seconds),
        )
        [row] = await self._database.as_owner("SELECT fingertip_now() AS now")
        self._app.authenticator.clock.observe(row["now"])
        while await self._app.timers.drain():
            pass


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Logs errors only: a test says itself what went wrong."""
    telemetry.start("fingertip-tests", trace_file=None, sample_ratio=1.0, log_level="error")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of this run's own, which trades durability for speed."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False) as postgres:
        yield postgres


@pytest.fixture(scope="session")
def key_ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key ring of every database of this run."""
    path = tmp_path_factory.mktemp("keys") / "key-ring.json"
    keyfile.create(path)
    return path


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority of every database of this run, with keys that are made quickly."""
    path = tmp_path_factory.mktemp("authority") / "authority.json"
    authority_file.create(path, "示范银行", ECDSA_P256_SHA256)
    return path


@pytest.fixture(scope="session")
async def template(postgres: EmbeddedPostgres, key_ring: Path, authority: Path) -> Credentials:
    """Migrates a database once, loads the demo bank and signs its staff in; tests copy it."""
    await _create(postgres, "template", "template0")
    await migrating.migrate(postgres.url(role=OWNER, database="template"))
    app = App(_settings(postgres.url(database="template"), key_ring, authority))
    credentials = await furnish(app)
    # Of how everybody came by his blank cards nothing is left: they were counted long ago.
    for statement in (
        "UPDATE stock SET day_state = 'CLOSED', is_overdue = false",
        "DELETE FROM timer WHERE kind = 'vouchers.remind'",
        "DELETE FROM shift WHERE ended_at IS NOT NULL",
        "DELETE FROM feed_event WHERE kind IN ('voucher', 'stock')",
    ):
        await run_sql(postgres.url(role=OWNER, database="template"), statement)
    return credentials


@pytest.fixture
async def database(postgres: EmbeddedPostgres, template: Credentials) -> AsyncIterator[Database]:
    """A database with the demo bank in it, and all its staff signed in just now."""
    name = f"test_{secrets.token_hex(6)}"
    await _create(postgres, name, "template")
    database = Database(name, postgres.url(database=name), postgres.url(role=OWNER, database=name))
    await database.as_owner(
        "UPDATE staff_session SET last_used_at = clock_timestamp(),"
        " expires_at = clock_timestamp() + interval '12 hours'"
    )
    yield database
    await run_sql(
        postgres.url(role=SUPERUSER, database="postgres"), f'DROP DATABASE "{name}" WITH (FORCE)'
    )


@pytest.fixture
def settings(database: Database, key_ring: Path, authority: Path) -> Settings:
    """The settings of a server on the test's database; a test may override this fixture."""
    return _settings(database.url, key_ring, authority)


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[App]:
    """A server process, but for the process: real gRPC on a free port."""
    app = App(settings)
    await app.start()
    yield app
    await app.drain()


@pytest.fixture
def clock(database: Database, server: App) -> Clock:
    """The database's clock, moved by hand."""
    return Clock(database, server)


@pytest.fixture
async def world(server: App, template: Credentials) -> AsyncIterator[World]:
    """The demo bank's people, machines and adapters, as clients of the server."""
    world = World([f"127.0.0.1:{server.port}"], template)
    yield world
    await world.close()


def _settings(url: str, key_ring: Path, authority: Path) -> Settings:
    return Settings(
        database_url=url,
        key_ring=key_ring,
        authority=authority,
        listen="127.0.0.1:0",
        production=False,
        drain_seconds=2.0,
        log_level="error",
    )


async def _create(postgres: EmbeddedPostgres, name: str, template: str) -> None:
    url = postgres.url(role=SUPERUSER, database="postgres")
    statement = f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER {OWNER} STRATEGY file_copy'
    for _ in range(50):
        try:
            await run_sql(url, statement)
        except asyncpg.ObjectInUseError:
            # The template's last connection is still being closed.
            await asyncio.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{template} stays in use")
