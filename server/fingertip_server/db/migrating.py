"""Brings a database's schema up to date, and says whether it is."""

from importlib.resources import files
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

# Servers that start together migrate one after the other. The number stands for "migr".
_LOCK = 0x6D696772


class SchemaNotCurrent(Exception):
    """The database's schema is not one that this server works with."""


async def migrate(owner_url: str) -> str:
    """Applies what is missing, as the owner of the schema, and returns the revision then.

    Several callers at once do it once. Each migration is a transaction of its own.
    """
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            await connection.commit()
            # The lock is the session's, and goes with it.
            return await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def require_current(connection: Connection) -> None:
    """Raises SchemaNotCurrent unless the schema is this server's or the one after it."""
    own = _own_revision()
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None or int(found) < int(own):
        raise SchemaNotCurrent(
            f"The database's schema is {found or 'empty'}, and this server needs {own}:"
            " run `fingertip migrate` first."
        )
    if int(found) > int(own) + 1:
        raise SchemaNotCurrent(
            f"The database's schema is {found}, which is too new for this server ({own}):"
            " install a newer one."
        )


def _upgrade(connection: Connection) -> str:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return _own_revision()


def _own_revision() -> str:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise LookupError("this distribution has no migrations")
    return head


def _config() -> Config:
    config = Config()
    options: dict[str, Any] = {"script_location": str(files("fingertip_server.db") / "migrations")}
    for name, value in options.items():
        config.set_main_option(name, value)
    return config
