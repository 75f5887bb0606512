"""Tests of vouchers begin with none."""

import pytest

from tests.conftest import Database


@pytest.fixture
async def database(database: Database) -> Database:
    """A database whose vaults and tellers have no vouchers."""
    await database.as_owner(
        "TRUNCATE stock_resolution, stock_count, voucher_movement, voucher, stock"
    )
    return database
