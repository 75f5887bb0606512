"""Personal columns in a real PostgreSQL: what is stored tells nothing and cannot be moved."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from fingertip_server.db.embedded import SUPERUSER, EmbeddedPostgres
from fingertip_server.protection.errors import Unreadable
from fingertip_server.protection.protection import Protection
from fingertip_server.protection.types import Blind, Protected, Sealed
from tests.protection.rings import SUITES, ring_of

CARD, NAME = "6225881414207430", "王小明"

customers = Table(
    "customer",
    MetaData(),
    Column("customer_id", Integer, primary_key=True),
    Column("name", Protected()),
    Column("card", Protected()),
    Column("card_index", Blind()),
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of its own, whose files are looked through at the end."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder), durable=False) as postgres,
    ):
        yield postgres


async def _store_and_steal(connection: AsyncConnection, protection: Protection) -> None:
    await connection.run_sync(customers.metadata.create_all)
    rows = [
        {
            "customer_id": row,
            "name": protection.seal(customers.c.name, row, NAME),
            "card": protection.seal(customers.c.card, row, CARD),
            "card_index": protection.blind(customers.c.card_index, f"{CARD}{row}"),
        }
        for row in (1, 2)
    ]
    await connection.execute(insert(customers), rows)

    wanted = protection.blind(customers.c.card_index, f"{CARD}2")
    statement = select(customers).where(customers.c.card_index == wanted)
    found = (await connection.execute(statement)).one()
    assert found.customer_id == 2
    assert isinstance(found.card, Sealed)
    assert protection.open(customers.c.card, 2, found.card) == CARD

    await connection.execute(
        text("UPDATE customer SET card = (SELECT card FROM customer WHERE customer_id = 1)")
    )
    moved = (await connection.execute(statement)).one()
    with pytest.raises(Unreadable):
        protection.open(customers.c.card, 2, moved.card)

    with pytest.raises(StatementError, match="sealed values only"):
        await connection.execute(insert(customers), {"customer_id": 3, "name": NAME.encode()})
    await connection.execute(text("CHECKPOINT"))


def test_what_is_stored_is_found_bound_to_its_row_and_nowhere_in_clear(
    postgres: EmbeddedPostgres,
) -> None:
    async def run() -> str:
        engine = create_async_engine(postgres.url(role=SUPERUSER), isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await _store_and_steal(connection, Protection(ring_of(*SUITES)))
            folder = (await connection.execute(text("SHOW data_directory"))).scalar_one()
        await engine.dispose()
        return str(folder)

    folder = Path(asyncio.run(run()))
    stored = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    # What is not personal is there in clear, table and log alike.
    assert sum(b"customer_pkey" in content for content in stored) >= 2
    for plain in (CARD.encode(), NAME.encode()):
        assert not any(plain in content for content in stored)
