"""Several centres for one scene: the first that can take a task does."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from fingertip.applications.v1.application_pb2 import Application
from fingertip.authorization.v1.authorization_service_pb2 import ListTasksRequest
from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_server.app import App
from fingertip_server.packs import loading
from fingertip_server.packs.bank import Bank
from fingertip_server.packs.schema import Pack
from tests.applications import paper
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.conftest import Clock, Database
from tests.world import World, read_demo, refused


def _with_two_centres() -> Pack:
    """Returns the demo bank with a second centre, to which 900101 belongs."""
    pack = read_demo()
    [centre] = [branch for branch in pack.branches if branch.code == "C001"]
    second = centre.model_copy(update={"code": "C002", "name": "第二授权中心"})
    return replace(
        pack,
        sha256="2" * 64,
        bank=pack.bank.model_copy(update={"version": "two-centres"}),
        branches=(*pack.branches, second),
        staff=tuple(
            member.model_copy(update={"branch": "C002"})
            if member.staff_number == "900101"
            else member
            for member in pack.staff
        ),
        scenes=tuple(
            scene.model_copy(update={"centres": ("C001", "C002")}) for scene in pack.scenes
        ),
    )


@pytest.fixture(autouse=True)
async def two_centres(world: World, server: App) -> None:
    await paper.synchronise(world)
    pack = _with_two_centres()
    await server.units.transaction(lambda connection: loading.load(connection, pack))
    server.frame.bank = await server.units.autocommit(Bank.load)
    server.authenticator.invalidate("staff:900101")


async def test_where_the_first_centre_is_empty_the_second_decides(world: World) -> None:
    await desk.end_shift(world.authoriser)
    second = world.authoriser_who_is_a_customer
    await desk.start_shift(second)
    application = await paper.submitted(world.teller)
    task = await desk.claim(second)
    assert (task.task_id, task.centre_id) == (application.task_id, "C002")
    await desk.approve(second, task)


async def test_the_first_centre_is_preferred(world: World) -> None:
    await desk.start_shift(world.authoriser_who_is_a_customer)
    await paper.submitted(world.teller)
    assert (await desk.claim(world.authoriser)).centre_id == "C001"


async def test_a_parked_task_goes_where_somebody_comes_first_and_the_other_centre_is_told(
    world: World,
) -> None:
    await desk.end_shift(world.authoriser)
    async with screen(world.centre_supervisor, WatchRequest(centre_id="C001")) as first:
        await paper.submitted(world.teller)
        parked = await first.until(lambda event: event.task.state == Task.STATE_PARKED)
        assert parked.task.centre_id == "C001"
        await desk.start_shift(world.authoriser_who_is_a_customer)
        gone = await first.until(lambda event: event.task.centre_id == "C002")
        assert gone.task.version > parked.task.version
    task = await desk.claim(world.authoriser_who_is_a_customer)
    assert task.task_id == parked.task.task_id


async def _placed(world: World, database: Database, count: int) -> list[str]:
    """Returns where so many new tasks go, of a customer whom no limit of accounts holds up."""
    placed = []
    for _ in range(count):
        placed.append(await _centre_of(world, await paper.submitted(world.teller)))
        await database.as_owner("DELETE FROM account_slot")
    return placed


async def test_a_full_centre_sends_the_next_task_to_the_other(
    world: World, database: Database
) -> None:
    await desk.start_shift(world.authoriser_who_is_a_customer)
    placed = await _placed(world, database, 7)
    # Five for the one who is there; the sixth goes on, and so does the seventh.
    assert placed == ["C001"] * 5 + ["C002"] * 2


async def test_where_every_centre_is_full_the_next_goes_where_the_fewest_wait(
    world: World, database: Database
) -> None:
    await desk.start_shift(world.authoriser_who_is_a_customer)
    await _placed(world, database, 10)
    await database.as_owner(
        "DELETE FROM task WHERE task_id = (SELECT task_id FROM task WHERE centre_id = $1 LIMIT 1)",
        "C002",
    )
    await database.as_owner("UPDATE task SET centre_since = centre_since - interval '3 min'")
    assert await _centre_of(world, await paper.submitted(world.teller)) == "C002"
    assert await _centre_of(world, await paper.submitted(world.teller)) == "C001"


async def test_what_waits_for_long_goes_where_somebody_is_free_with_its_age(
    world: World, clock: Clock, database: Database
) -> None:
    await paper.submitted(world.teller)
    await desk.claim(world.authoriser)
    waiting = await paper.submitted(world.teller)
    other = world.authoriser_who_is_a_customer
    await desk.start_shift(other)
    rank = "SELECT rank_at, create_time FROM task WHERE task_id = $1"
    before = await database.as_owner(rank, UUID(waiting.task_id))
    async with screen(world.centre_supervisor, WatchRequest(centre_id="C001")) as first:
        await clock.advance(55)
        with refused("NO_TASK_WAITING"):
            await desk.claim(other)
        await clock.advance(70)
        gone = await first.until(lambda event: event.task.centre_id == "C002")
    assert gone.task.task_id == waiting.task_id
    assert await database.as_owner(rank, UUID(waiting.task_id)) == before
    assert (await desk.claim(other)).task_id == waiting.task_id


async def test_a_task_that_nobody_takes_does_not_go_to_and_fro(
    world: World, clock: Clock, database: Database
) -> None:
    application = await paper.submitted(world.teller)
    await desk.start_shift(world.authoriser_who_is_a_customer)
    places = []
    for _ in range(24):
        await clock.advance(10)
        places.append(await _centre_of(world, application))
    assert places[:10] == ["C001"] * 10
    assert places[13:22] == ["C002"] * 9


async def test_an_escalated_task_goes_to_a_centre_where_all_are_busy_but_the_queue_is_short(
    world: World, clock: Clock, database: Database
) -> None:
    other = world.authoriser_who_is_a_customer
    await desk.start_shift(other)
    await paper.submitted(world.teller)
    await desk.claim(world.authoriser)
    there = await paper.submitted(world.teller)
    await database.as_owner(
        "UPDATE task SET centre_id = 'C002' WHERE task_id = $1", UUID(there.task_id)
    )
    await desk.claim(other)
    await database.as_owner("UPDATE task SET lease_until = lease_until + interval '1 h'")
    waiting = await paper.submitted(world.teller)
    await clock.advance(130)
    assert await _centre_of(world, waiting) == "C001"
    await clock.advance(53)
    assert await _centre_of(world, waiting) == "C002"


async def _centre_of(world: World, application: Application) -> str:
    listed: list[Task] = []
    for caller in (world.authoriser, world.authoriser_who_is_a_customer):
        listed += (await caller.authorization.ListTasks(ListTasksRequest())).tasks
    [task] = [task for task in listed if task.task_id == application.task_id]
    return task.centre_id


async def test_nothing_goes_to_a_centre_that_has_closed_since_it_waits(
    world: World, server: App, clock: Clock, database: Database
) -> None:
    pack, zone = _with_two_centres(), ZoneInfo("Asia/Shanghai")
    now = datetime.now(zone)
    closings = {
        "C001": (now + timedelta(hours=12)).time(),
        "C002": (now - timedelta(minutes=1)).time(),
    }
    branches = tuple(
        branch.model_copy(update={"closes": closings.get(branch.code, branch.closes)})
        for branch in pack.branches
    )
    server.frame.bank = Bank(replace(pack, branches=branches), pack.forms, pack.agreements)
    await paper.submitted(world.teller)
    await desk.claim(world.authoriser)
    waiting = await paper.submitted(world.teller)
    await desk.start_shift(world.authoriser_who_is_a_customer)
    await database.as_owner(
        "UPDATE task SET create_time = create_time - interval '5 min',"
        " waiting_since = waiting_since - interval '5 min'"
    )
    for _ in range(4):
        await clock.advance(40)
        assert await _centre_of(world, waiting) == "C001"
