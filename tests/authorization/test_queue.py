"""The queue of a centre: however long it is, a claim costs the same."""

import pytest

from fingertip.authorization.v1.authorization_service_pb2 import ListTasksRequest
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_server.app import App
from fingertip_server.packs import loading
from fingertip_server.packs.schema import Pack
from tests.applications import paper
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.world import World, read_demo

_QUEUED = 100_000
_COLUMNS = (
    "scene_code, centre_id, branch_id, skill, subject_kind, revision, content_hash, maker_id,"
    " maker_person_id, customer_id, checklist, lease_span, rank_at, create_time, expire_time, state"
)


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _fill_up(database: Database) -> None:
    """Queues 100,000 tasks like the one that is there, of both skills, behind it."""
    await database.as_owner(
        f"INSERT INTO task (task_id, subject_id, {_COLUMNS})"  # noqa: S608 - nobody's input
        f" SELECT gen_random_uuid(), gen_random_uuid(), {_COLUMNS.replace('rank_at', 'rank_at + make_interval(secs => n)').replace(' skill', ' CASE WHEN n % 2 = 0 THEN skill ELSE $2 END')}"
        " FROM task, generate_series(1, $1) AS n",
        _QUEUED,
        "account_maintenance",
    )
    await database.as_owner("ANALYZE task")


async def test_a_claim_among_100000_touches_a_handful_of_rows(
    world: World, database: Database
) -> None:
    application = await paper.submitted(world.teller)
    await _fill_up(database)
    reads = "SELECT sum(idx_tup_fetch + seq_tup_read) AS rows FROM pg_stat_user_tables WHERE relname = 'task'"
    await _settled(database)
    [before] = await database.as_owner(reads)
    task = await desk.claim(world.authoriser)
    assert task.task_id == application.task_id
    await _settled(database)
    [after] = await database.as_owner(reads)
    assert after["rows"] - before["rows"] < 50
