"""Whatever staff do in whatever order, what must always hold does.

FINGERTIP_STAFF_STEPS makes it longer, FINGERTIP_STAFF_SEED repeats a run, but for the ids that the
server makes and for who is faster where several act at once.
"""

import os
import random
import secrets

import pytest

from fingertip_server.settings import Settings
from tests.applications import paper
from tests.conftest import Clock, Database
from tests.faults.proof import chains_verify
from tests.random_staff import deeds
from tests.random_staff.day import Day
from tests.random_staff.invariants import Invariants
from tests.sql import connected
from tests.world import World

_SEED = os.environ.get("FINGERTIP_STAFF_SEED") or secrets.token_hex(4)
_STEPS = int(os.environ.get("FINGERTIP_STAFF_STEPS", "1500"))

# What some hundreds of steps come to, whatever is drawn: one of each.
_COMMON = (
    {"SubmitApplication"},
    {"ClaimNextTask"},
    {"ApproveTask", "RejectTask", "ReturnTask"},
    {"ApproveOnSite", "RejectOnSite", "ReturnOnSite"},
    {"LeaseWorkItems"},
)
# And thousands.
_MANY = 8_000
_SELDOM = {
    "ApproveOnSite",
    "ApproveTask",
    "CompleteWorkItem",
    "RejectTask",
    "RequestReversal",
    "RequestSupplement",
    "ReturnTask",
    "WithdrawApplication",
}


@pytest.mark.timeout(120 + _STEPS // 4)
async def test_whatever_staff_do_what_must_hold_does(
    world: World,
    database: Database,
    clock: Clock,
    settings: Settings,
    request: pytest.FixtureRequest,
) -> None:
    # Shown with any failure, a time-out as well.
    request.node.add_report_section("call", "seed", f"FINGERTIP_STAFF_SEED={_SEED}")
    day = Day(world, database, clock, random.Random(_SEED))
    await paper.synchronise(world, deeds.CUSTOMERS)
    async with connected(database.owner_url) as connection:
        invariants = Invariants(connection)
        for step in range(_STEPS):
            [deed] = day.draw.choices(list(deeds.DEEDS), list(deeds.DEEDS.values()))
            try:
                await deeds.do(day, deed)
                await invariants.check()
            except AssertionError as error:
                error.add_note(f"step {step}: {deed.__name__}, FINGERTIP_STAFF_SEED={_SEED}")
                raise
        await invariants.check_history()
    await chains_verify(settings)
    # What never happens is not tested: each deed came to its good end, and to a bad one.
    told = "\n".join(
        f"{name} {outcome}: {n}" for (name, outcome), n in sorted(day.outcomes.items())
    )
    request.node.add_report_section("call", "outcomes", told)
    done = {name for name, outcome in day.outcomes if outcome == "OK"}
    assert all(group & done for group in _COMMON)
    assert _STEPS < _MANY or done >= _SELDOM
