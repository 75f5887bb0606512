"""The client beside real servers."""

import asyncio
import contextlib

from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.lobby.v1.lobby_service_pb2 import IssueTicketRequest, ListTicketsRequest
from fingertip_client import tracing
from fingertip_client.caller import Caller
from fingertip_client.mirror import Mirror
from fingertip_client.request_ids import new_request_id
from fingertip_client.watch import Change, Interrupted, Snapshot, watch
from fingertip_server.app import App
from fingertip_server.settings import Settings
from tests.conftest import Clock
from tests.world import PASSWORD, Credentials, World, refused

BRANCH = WatchRequest(branch_id="0101")


async def press(caller: Caller) -> str:
    """Takes a ticket."""
    request = IssueTicketRequest(request_id=new_request_id(), service_line_code="B")
    return (await caller.lobby.IssueTicket(request)).ticket.number


async def test_a_watch_goes_on_at_another_server_and_misses_nothing(
    settings: Settings, template: Credentials
) -> None:
    first, second = App(settings), App(settings)
    await first.start()
    await second.start()
    world = World([f"127.0.0.1:{app.port}" for app in (first, second)], template)
    mirror, seen, is_interrupted = Mirror(), list[str](), asyncio.Event()

    async def follow() -> None:
        async with contextlib.aclosing(watch(world.lobby_manager, BRANCH)) as steps:
            async for step in steps:
                if isinstance(step, Interrupted):
                    is_interrupted.set()
                seen.extend(event.ticket.number for event in mirror.apply(step))
                if len(seen) == 30:
                    return

    following = asyncio.create_task(follow())
    try:
        pressed = [await press(world.ticket_machine) for _ in range(10)]
        # Whichever of them streams, one of the two goes.
        draining = asyncio.create_task(first.drain())
        pressed += [await press(world.ticket_machine) for _ in range(10)]
        await draining
        pressed += [await press(world.ticket_machine) for _ in range(10)]
        async with asyncio.timeout(20):
            await following
    finally:
        following.cancel()
        await world.close()
        await second.drain()
        await first.drain()
    assert seen == pressed
    assert sorted(e.ticket.number for e in mirror.all("ticket")) == pressed


async def test_a_snapshot_has_what_is_open_and_a_change_what_comes(world: World) -> None:
    number = await press(world.ticket_machine)
    async with contextlib.aclosing(watch(world.teller, BRANCH)) as steps:
        snapshot = await anext(steps)
        assert isinstance(snapshot, Snapshot)
        assert [event.ticket.number for event in snapshot.events] == [number]
        another = await press(world.ticket_machine)
        change = await anext(steps)
    assert isinstance(change, Change)
    assert [event.ticket.number for event in change.events] == [another]
    request = WatchRequest(branch_id="0101", resume_token=snapshot.resume_token)
    async with contextlib.aclosing(watch(world.teller, request)) as steps:
        assert await anext(steps) == change


async def test_a_damaged_token_leads_to_a_snapshot(world: World) -> None:
    number = await press(world.ticket_machine)
    request = WatchRequest(branch_id="0101", resume_token="bm9uc2Vuc2U")
    async with contextlib.aclosing(watch(world.teller, request)) as steps:
        interrupted = await anext(steps)
        assert isinstance(interrupted, Interrupted)
        assert interrupted.reason == "INVALID_RESUME_TOKEN"
        snapshot = await anext(steps)
    assert isinstance(snapshot, Snapshot)
    assert [event.ticket.number for event in snapshot.events] == [number]


async def test_a_watch_that_is_left_gives_its_place_back_at_once(world: World) -> None:
    # A member of staff has three places.
    for _ in range(12):
        async with contextlib.aclosing(watch(world.teller, BRANCH)) as steps:
            assert isinstance(await anext(steps), Snapshot)


async def test_a_watch_ends_with_the_session(world: World) -> None:
    async with contextlib.aclosing(watch(world.teller, BRANCH)) as steps:
        await anext(steps)
        await world.teller.sign_out()
        with refused("NOT_SIGNED_IN"):
            async for _ in steps:
                pass


async def test_whoever_idled_signs_in_again(world: World, clock: Clock) -> None:
    await clock.advance(16 * 60)
    with refused("NOT_SIGNED_IN"):
        await world.teller.lobby.ListTickets(ListTicketsRequest())
    await world.teller.sign_in("100103", PASSWORD)
    await world.teller.lobby.ListTickets(ListTicketsRequest())


async def test_the_same_request_again_is_the_same_ticket(world: World) -> None:
    request = IssueTicketRequest(request_id=new_request_id(), service_line_code="B")
    lobby = world.ticket_machine.lobby
    answers = await asyncio.gather(*(lobby.IssueTicket(request) for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    listed = await world.teller.lobby.ListTickets(ListTicketsRequest())
    assert len(listed.tickets) == 1


async def test_a_violated_rule_names_the_field(world: World) -> None:
    request = IssueTicketRequest(request_id=new_request_id(), service_line_code="nonsense")
    with refused("INVALID_REQUEST") as refusal:
        await world.ticket_machine.lobby.IssueTicket(request)
    assert {violation.field for violation in refusal.value.violations} == {"service_line_code"}


def test_a_trace_that_ended_long_ago_is_linked_to() -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    [link] = tracing.link_to(parent)
    assert f"{link.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert tracing.link_to("") == []
    assert tracing.link_to("nonsense") == []
