"""Runs SQL beside the server, as whichever role a URL names."""

import asyncpg
from sqlalchemy import make_url


async def run_sql(url: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    """Runs a statement on a connection of its own, and returns its rows."""
    parts = make_url(url)
    connection = await asyncpg.connect(
        user=parts.username,
        database=parts.database,
        host=str(parts.query["host"]),
        port=int(str(parts.query["port"])),
    )
    try:
        return await connection.fetch(statement, *arguments)
    finally:
        await connection.close()
