"""A centre's queue at its longest."""

from typing import Final

from tests.sql import run_sql

# Tasks like the one that is there: a third behind it, a third of another skill, and a third before
# it that take a higher level than most authorisers have.
_FILL_UP: Final = """
INSERT INTO task (task_id, subject_id, skill, rank_at, scene_code, centre_id, branch_id,
    subject_kind, revision, content_hash, maker_id, maker_person_id, customer_id, checklist,
    lease_span, create_time, expire_time, state, level)
SELECT gen_random_uuid(), gen_random_uuid(),
    CASE WHEN n % 3 = 0 THEN 'account_maintenance' ELSE skill END,
    rank_at + make_interval(secs => CASE WHEN n % 3 = 1 THEN -n ELSE n END), scene_code,
    centre_id, branch_id, subject_kind, revision, content_hash,
    maker_id, maker_person_id, customer_id, '[]', lease_span, create_time, expire_time, 'QUEUED',
    CASE WHEN n % 3 = 1 THEN 3 ELSE 1 + n % 2 END
FROM task, generate_series(1, $1::int) AS n
"""


async def queue_up(owner_url: str, count: int) -> None:
    """Queues so many tasks behind, beside and before the only one that is there."""
    await run_sql(owner_url, _FILL_UP, count)
    await run_sql(owner_url, "VACUUM ANALYZE task")
