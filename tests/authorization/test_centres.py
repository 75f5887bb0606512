"""Several centres for one scene: the first that can take a task does."""

from dataclasses import replace

import pytest

from fingertip.authorization.v1.task_pb2 import Task
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_server.app import App
from fingertip_server.packs import loading
from fingertip_server.packs.bank import Bank
from fingertip_server.packs.schema import Pack
from tests.applications import paper
from tests.authorization import desk
from tests.authorization.screen import screen
from tests.world import World, read_demo


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
