"""Brings a database's schema up to date."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from fingertip_server.db import schema

# Servers that start together migrate one after the other. The number stands for "migr".
_LOCK = 0x6D696772


class Unreachable(Exception):
    """Says in a sentence why there is no database to migrate."""


async def migrate(owner_url: str) -> str:
    """Applies what is missing, as the owner of the schema, and returns the revision then.

    Several callers at once do it once. Each migration is a transaction of its own. Raises
    Unreachable.
    """
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            await connection.commit()
            # The lock is the session's, and goes with it.
            return await connection.run_sync(_upgrade)
    except OSError as error:
        raise Unreachable(f"The database cannot be reached: {error}.") from None
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> str:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return schema.own_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    return config
