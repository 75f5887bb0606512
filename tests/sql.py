"""Runs SQL beside the server, as whichever role a URL names."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import make_url

_WAITING = "SELECT count(*) FROM pg_sleep(0.02), pg_locks WHERE NOT granted"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Opens a connection of its own for a while."""
    parts = make_url(url)
    connection = await asyncpg.connect(
        user=parts.username,
        database=parts.database,
        host=str(parts.query["host"]),
        port=int(str(parts.query["port"])),
    )
    try:
        yield connection
    finally:
        await connection.close()


async def run_sql(url: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    """Runs a statement on a connection of its own, and returns its rows."""
    async with connected(url) as connection:
        return await connection.fetch(statement, *arguments)


async def until_stuck(owner_url: str, count: int = 1) -> None:
    """Waits until so many statements wait for locks; whatever they are, so use it with care."""
    async with asyncio.timeout(5):
        while (await run_sql(owner_url, _WAITING))[0]["count"] < count:
            pass


@asynccontextmanager
async def commits_held(owner_url: str, topic: str) -> AsyncIterator[None]:
    """Lets no call of a branch commit for a while."""
    async with connected(owner_url) as connection, connection.transaction():
        await connection.execute("SELECT FROM topic_head WHERE topic = $1 FOR UPDATE", topic)
        yield
