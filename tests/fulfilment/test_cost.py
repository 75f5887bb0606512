"""What a lease costs does not depend on how much waits.

Counted in pages that the statement touches, because time on a shared machine says little. A
prepared statement is planned for its values or once for all: both must be flat.
"""

import json
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from fingertip_server.fulfilment import store
from tests.conftest import Database

ITEMS_MAX = 10
HOUR = timedelta(hours=1)
_FILL = """
INSERT INTO work_item (work_item_id, kind, operation_id, has_effect, subject_kind, subject_id,
    branch_id, traceparent, order_sealed, ready_at, state, purpose)
SELECT gen_random_uuid(), $1, gen_random_uuid(), true, 'application', 's', '0101', '', 'sealed',
    fingertip_now() + $2::interval + make_interval(secs => i / 1000.0), $3::text, $4::text
FROM generate_series(1, $5::int) AS i
"""


async def fill(database: Database, count: int) -> None:
    """Puts items into the queue: ready, inquired about, backing off, and another adapter's."""
    for kind, when, state, purpose in (
        ("core.open_account", -HOUR, "READY", "EXECUTE"),
        ("core.open_account", -HOUR, "UNKNOWN", "INQUIRE"),
        ("core.open_account", HOUR, "READY", "EXECUTE"),
        ("core.view", HOUR, "READY", "EXECUTE"),
        ("crm.view", -HOUR, "READY", "EXECUTE"),
    ):
        await database.as_owner(_FILL, kind, when, state, purpose, count)
    await database.as_owner("ANALYZE work_item")


async def pages(database: Database, kinds: list[str], plan: str) -> tuple[int, int]:
    """Returns how many pages a lease touches, and how many items it finds."""
    compiled = store.LEASE.compile(dialect=dialect())  # type: ignore[no-untyped-call]
    literals = {
        "lease_lanes": f"ARRAY{kinds}::text[]",
        "lease_limit": str(ITEMS_MAX),
        "lease_holder": "'adapter'",
        "lease_span": "interval '15 s'",
        "state": "'LEASED'",
    }
    arguments = ", ".join(
        literals.get(name, str(compiled.params[name])) for name in compiled.positiontup or ()
    )
    connection = await asyncpg.connect(
        database.owner_url.replace("postgresql+asyncpg", "postgresql")
    )
    try:
        await connection.execute(f"SET plan_cache_mode = {plan}")
        await connection.execute(f"PREPARE lease AS {compiled}")
        async with connection.transaction():
            explained = await connection.fetchval(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE lease({arguments})"
            )
    finally:
        await connection.close()
    found = json.loads(explained)[0]["Plan"]
    return found["Shared Hit Blocks"] + found["Shared Read Blocks"], found["Actual Rows"]


@pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("kinds", [["core.open_account", "core.view"], ["core.view"]])
async def test_a_lease_among_100_000_costs_what_it_costs_among_few(
    database: Database, kinds: list[str], plan: str
) -> None:
    await fill(database, 100)
    few, found_among_few = await pages(database, kinds, plan)
    await fill(database, 20_000)
    many, found_among_many = await pages(database, kinds, plan)
    wanted = ITEMS_MAX if "core.open_account" in kinds else 0
    assert found_among_few == found_among_many == wanted
    # Every index over more items is a level deeper, and a leased item is in eight of them.
    assert many <= few + 10 * (ITEMS_MAX + 2), (few, many)
