"""One account too many, in whichever branch: refused with an offer, and the offer is good."""

import asyncio
from pathlib import Path

from fingertip.applications.v1.application_pb2 import Application
from fingertip.applications.v1.applications_service_pb2 import ApplicationFault
from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from tests.applications import paper
from tests.authorization import desk
from tests.authorization.screen import Screen, screen
from tests.journeys.bank import bank_at_work
from tests.world import World, refused

_CLASS_TWO_MAX = 5


async def _draft(caller: Caller, **answers: str) -> Application:
    return await paper.fill(caller, await paper.start(caller), {**paper.ANSWERS, **answers})


async def _opened(world: World, submitted: Application, shown: Screen) -> None:
    await desk.approve(world.authoriser, await desk.claim(world.authoriser))
    await shown.until(
        lambda event: (
            event.application.application_id == submitted.application_id
            and event.application.state == Application.STATE_EXECUTED
        )
    )


async def test_of_a_second_class_one_in_another_branch_a_class_two_becomes(
    world: World, tmp_path: Path
) -> None:
    async with (
        bank_at_work(world, tmp_path, {}) as books,
        screen(world.teller, WatchRequest(branch_id="0101")) as first_branch,
        screen(world.other_teller, WatchRequest(branch_id="0102")) as other_branch,
    ):
        first = await _draft(world.teller, account_class="class_one")
        await _opened(world, await paper.submit(world.teller, first), first_branch)

        second = await _draft(world.other_teller, account_class="class_one")
        [fault] = await paper.faults_of(world.other_teller, second)
        assert (fault.subject, fault.kind) == ("account_class", ApplicationFault.KIND_LIMIT)
        assert "可改开Ⅱ类户" in fault.note
        with refused("APPLICATION_INCOMPLETE"):
            await paper.submit(world.other_teller, second)
        second = await paper.save(world.other_teller, second, {"account_class": "class_two"})
        second = await paper.submit(
            world.other_teller, await paper.sign(world.other_teller, second)
        )
        await _opened(world, second, other_branch)
        opened = [booking.account_number for booking in books.bookings()]
    assert len(set(opened)) == 2


async def test_the_sixth_class_two_goes_to_nobody_however_many_ask_at_once(world: World) -> None:
    await paper.synchronise(world)
    tellers = (world.teller, world.second_teller, world.other_teller)
    former = [
        await paper.submit(caller, await _draft(caller))
        for caller in (*tellers, world.other_teller)
    ]
    assert len(former) == _CLASS_TWO_MAX - 1
    # One place is left, and nobody has found a fault yet.
    drafts = [await _draft(caller) for caller in tellers]
    for caller, draft in zip(tellers, drafts, strict=True):
        assert not await paper.faults_of(caller, draft)
    answers = await asyncio.gather(*map(paper.submit, tellers, drafts), return_exceptions=True)
    refusals = {each.reason for each in answers if isinstance(each, Refused)}
    assert refusals <= {"ACCOUNT_LIMIT", "APPLICATION_INCOMPLETE"}
    [(caller, taken)] = [
        (caller, each)
        for caller, each in zip(tellers, answers, strict=True)
        if isinstance(each, Application)
    ]
    late, draft = next(
        (caller, draft)
        for caller, draft, each in zip(tellers, drafts, answers, strict=True)
        if isinstance(each, Refused)
    )
    [fault] = await paper.faults_of(late, draft)
    assert (fault.subject, fault.kind) == ("account_class", ApplicationFault.KIND_LIMIT)
    assert "可改开Ⅲ类户" in fault.note
    with refused("APPLICATION_INCOMPLETE"):
        await paper.submit(late, draft)
    # The offer is good, and so is the place of whoever changes his mind.
    await paper.submit(late, await _draft(late, **paper.CLASS_THREE))
    await paper.withdraw(caller, taken)
    assert (await paper.submit(late, draft)).state == Application.STATE_SUBMITTED
