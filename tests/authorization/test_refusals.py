"""What was tried in vain is in the journal, with who tried and why not."""

import pytest

from fingertip.audit.v1.audit_entry_pb2 import AuditEntry
from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest, VerifyChainRequest
from fingertip.authorization.v1.authorization_service_pb2 import ReleaseTaskRequest
from tests.applications import paper
from tests.authorization import desk
from tests.world import World, refused

CENTRE, BRANCH = "C001", "0101"


@pytest.fixture(autouse=True)
async def customers(world: World) -> None:
    await paper.synchronise(world)


async def _refusals(world: World, chain: str) -> list[tuple[str, str, str]]:
    """Returns who tried what, and why he may not, newest first."""
    listed = await world.auditor.audit.ListEntries(ListEntriesRequest(chain=chain, page_size=200))
    return [
        (entry.actor.actor_id, entry.action.rpartition("/")[2], entry.reason)
        for entry in listed.entries
        if entry.outcome == AuditEntry.OUTCOME_REFUSED
    ]


async def test_who_decides_about_his_own_work_is_on_his_centres_chain(world: World) -> None:
    await paper.submitted(world.teller_with_two_accounts)
    checker = world.authoriser_with_two_accounts
    await desk.start_shift(checker)
    task = await desk.claim(world.authoriser)
    with refused("FOUR_EYES"):
        await desk.approve(checker, task)
    with refused("FOUR_EYES"):
        await checker.authorization.RejectTask(desk.rejection(task))
    with refused("FOUR_EYES"):
        await desk.send_back(checker, task)
    assert await _refusals(world, CENTRE) == [
        ("900105", method, "FOUR_EYES") for method in ("ReturnTask", "RejectTask", "ApproveTask")
    ]
    # What was refused changed nothing, and is proven like everything else.
    await desk.approve(world.authoriser, task)
    verified = await world.auditor.audit.VerifyChain(VerifyChainRequest(chain=CENTRE))
    assert verified.intact


async def test_who_may_not_decide_at_all_is_on_his_branchs_chain(world: World) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    for caller in (world.teller, world.branch_manager):
        with refused("PERMISSION_MISSING"):
            await desk.approve(caller, task)
    assert await _refusals(world, BRANCH) == [
        (number, "ApproveTask", "PERMISSION_MISSING") for number in ("100108", "100103")
    ]


async def test_a_look_at_anothers_task_without_permission_is_on_the_chain(world: World) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    with refused("PERMISSION_MISSING"):
        await desk.look_at(world.lobby_manager, task)
    assert await _refusals(world, BRANCH) == [("100101", "GetTask", "PERMISSION_MISSING")]


async def test_nobody_goes_home_with_a_claimed_task(world: World) -> None:
    await paper.submitted(world.teller)
    task = await desk.claim(world.authoriser)
    with refused("CLAIM_HELD") as caught:
        await desk.end_shift(world.authoriser)
    assert caught.value.metadata == {"task_id": task.task_id}
    assert await _refusals(world, CENTRE) == [("900102", "EndShift", "CLAIM_HELD")]
    # He is on shift as before, and may go when nobody counts on him.
    release = ReleaseTaskRequest(
        request_id=paper.request_id(), task_id=task.task_id, fence=task.fence, purpose="下班"
    )
    await world.authoriser.authorization.ReleaseTask(release)
    await desk.end_shift(world.authoriser)
    with refused("NOT_ON_SHIFT"):
        await desk.claim(world.authoriser)
