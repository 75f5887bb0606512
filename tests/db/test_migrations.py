"""The schema: made by migrations, equal to the tables, and closed to what must not be rewritten."""

import asyncio
import secrets

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from fingertip_server import app as app_module
from fingertip_server.app import App
from fingertip_server.db import migrating
from fingertip_server.db.base import Base
from fingertip_server.db.embedded import OWNER, SUPERUSER, EmbeddedPostgres
from fingertip_server.db.schema import SchemaNotCurrent
from fingertip_server.events.tables import FeedEvent
from fingertip_server.protection import keyfile
from fingertip_server.settings import Settings
from tests.conftest import Database
from tests.sql import run_sql


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> str:
    """The name of an empty database that the schema's owner owns."""
    name = f"empty_{secrets.token_hex(4)}"
    url = postgres.url(role=SUPERUSER, database="postgres")
    await run_sql(url, f'CREATE DATABASE "{name}" OWNER {OWNER}')
    return name


def _differences(connection: Connection) -> list[object]:
    # What migrations make besides tables: alembic's own, and the tests' clock.
    others = {"alembic_version", "test_clock"}
    context = MigrationContext.configure(
        connection,
        opts={"include_name": lambda name, kind, _: kind != "table" or name not in others},
    )
    return list(compare_metadata(context, Base.metadata))


async def test_the_migrated_schema_is_that_of_the_tables(server: App) -> None:
    # The feed is read by statements alone; the app imports every other domain's tables.
    assert FeedEvent.__tablename__ in Base.metadata.tables
    assert await server.units.autocommit(_differences) == []


async def test_servers_that_start_together_migrate_once(
    postgres: EmbeddedPostgres, empty: str
) -> None:
    url = postgres.url(role=OWNER, database=empty)
    revisions = await asyncio.gather(*(migrating.migrate(url) for _ in range(4)))
    assert len(set(revisions)) == 1
    [row] = await run_sql(url, "SELECT count(*) AS n FROM alembic_version")
    assert row["n"] == 1


async def test_a_server_refuses_an_empty_schema_and_says_what_to_do(
    postgres: EmbeddedPostgres, empty: str, settings: Settings
) -> None:
    url = postgres.url(database=empty)
    with pytest.raises(SchemaNotCurrent, match="fingertip migrate"):
        await App(settings.model_copy(update={"database_url": url})).start()


@pytest.mark.parametrize(("ahead", "is_accepted"), [(1, True), (2, False)])
async def test_a_server_accepts_its_own_schema_and_the_next_one(
    database: Database, settings: Settings, ahead: int, is_accepted: bool
) -> None:
    await database.as_owner(
        "UPDATE alembic_version SET version_num = lpad((version_num::int + $1)::text, 4, '0')",
        ahead,
    )
    app = App(settings)
    if is_accepted:
        await app.start()
        await app.drain()
    else:
        with pytest.raises(SchemaNotCurrent, match="newer"):
            await app.start()


@pytest.mark.parametrize(
    "table",
    [
        "audit_entry",
        "feed_event",
        "task_decision",
        "task_message",
        "task_supplement",
        "screening_record",
        "voucher_movement",
        "stock_count",
    ],
)
@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM {}", "TRUNCATE {}", "ALTER TABLE {} ADD COLUMN more int", "DROP TABLE {}"],
)
async def test_the_servers_role_cannot_rewrite_what_was_appended(
    database: Database, table: str, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.as_application(statement.format(table))


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("audit_entry", "purpose"),
        ("feed_event", "kind"),
        ("task_decision", "outcome"),
        ("voucher_movement", "purpose"),
        ("task_message", "staff_id"),
        ("task_supplement", "authoriser_id"),
        ("screening_record", "stage"),
    ],
)
async def test_the_servers_role_cannot_change_what_was_appended(
    database: Database, table: str, column: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.as_application(f"UPDATE {table} SET {column} = {column}")  # noqa: S608 - from this list


async def test_the_servers_role_cannot_move_the_clock(database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.as_application("INSERT INTO test_clock (moved_by) VALUES ('1 hour')")


async def test_a_production_server_refuses_a_moved_clock(
    database: Database, settings: Settings
) -> None:
    await database.as_owner("INSERT INTO test_clock (moved_by) VALUES ('1 hour')")
    with pytest.raises(app_module.StartRefused, match="clock"):
        await App(settings.model_copy(update={"production": True})).start()


async def test_a_server_refuses_another_key_ring(
    database: Database, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "key-ring.json"
    keyfile.create(other)
    with pytest.raises(app_module.StartRefused, match="key ring"):
        await App(settings.model_copy(update={"key_ring": other})).start()
