"""What a watcher sees, and that it misses nothing."""

import asyncio

import pytest

from fingertip.events.v1.events_service_pb2 import WatchResponse
from fingertip.identity.v1.identity_service_pb2 import (
    EndShiftRequest,
    SignOutRequest,
    SuspendStaffRequest,
)
from fingertip_client.request_ids import new_request_id
from fingertip_server.app import App
from fingertip_server.rpc.drafts import Audience
from fingertip_server.settings import Settings
from tests.conftest import Database
from tests.events.publishing import (
    next_events,
    next_message,
    publish,
    versions,
    watching,
)
from tests.world import World, refused


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"heartbeat_seconds": 0.3})


async def test_a_watcher_gets_a_snapshot_then_changes(server: App, world: World) -> None:
    async with watching(world.teller) as stream:
        assert (await next_message(stream)).HasField("snapshot_end")
        await publish(server, 7)
        message = await next_message(stream)
    assert versions([message]) == [7]
    assert message.events[0].event_id
    assert message.events[0].HasField("time")


async def test_the_events_of_one_transaction_come_in_one_message(server: App, world: World) -> None:
    async with watching(world.teller) as stream:
        await next_message(stream)
        await publish(server, 1, count=5)
        assert versions([await next_events(stream)]) == [1] * 5


async def test_a_heartbeat_moves_the_token_past_what_the_watcher_may_not_see(
    server: App, world: World
) -> None:
    async with watching(world.teller) as stream:
        before = (await next_message(stream)).resume_token
        await publish(server, 1, audience=Audience(permission="lobby.arrivals.claim"))
        beat = await next_message(stream)
        while beat.resume_token == before:
            beat = await next_message(stream)
        assert beat.HasField("heartbeat")
    await publish(server, 2)
    async with watching(world.teller, beat.resume_token) as stream:
        assert versions([await next_message(stream)]) == [2]


@pytest.mark.parametrize(
    ("audience", "is_seen"),
    [
        (Audience(), True),
        (Audience(permission="lobby.tickets.call"), True),
        (Audience(permission="lobby.arrivals.claim"), False),
        (Audience(skill="account_opening"), False),
        (Audience(staff=("100103",)), True),
        (Audience(staff=("100104",)), False),
        (Audience(permission="lobby.arrivals.claim", staff=("100103",)), True),
        (Audience(on_shift=True), True),
    ],
)
async def test_an_event_reaches_its_audience_only(
    server: App, world: World, audience: Audience, is_seen: bool
) -> None:
    async with watching(world.teller) as stream:
        await next_message(stream)
        await publish(server, 1, audience=audience)
        await publish(server, 2)
        seen = versions([await next_events(stream)])
    assert seen == ([1] if is_seen else [2])


async def test_another_branch_cannot_be_watched(world: World) -> None:
    with refused("OTHER_BRANCH"):
        async with watching(world.teller, branch_id="0102") as stream:
            await next_message(stream)


async def test_a_token_of_another_scope_is_refused(server: App, world: World) -> None:
    async with watching(world.teller) as stream:
        token = (await next_message(stream)).resume_token
    with refused("INVALID_RESUME_TOKEN"):
        async with watching(world.other_teller, token, branch_id="0102") as stream:
            await next_message(stream)


@pytest.mark.parametrize("forged", ["AAAA", "not base64!", "x" * 512])
async def test_a_forged_token_is_refused(world: World, forged: str) -> None:
    with refused("INVALID_RESUME_TOKEN"):
        async with watching(world.teller, forged) as stream:
            await next_message(stream)


async def test_a_token_older_than_the_feed_is_out_of_range(
    server: App, world: World, database: Database
) -> None:
    async with watching(world.teller) as stream:
        token = (await next_message(stream)).resume_token
    await publish(server, 1)
    await publish(server, 2)
    await database.as_owner("UPDATE feed_event SET created_at = created_at - interval '2 days'")
    await database.as_application("SELECT fingertip_prune_feed(interval '24 hours')")
    with refused("RESUME_TOKEN_EXPIRED"):
        async with watching(world.teller, token) as stream:
            await next_message(stream)


async def test_the_third_stream_of_a_person_is_the_last(world: World) -> None:
    async with (
        watching(world.teller) as first,
        watching(world.teller) as second,
        watching(world.teller) as third,
    ):
        for stream in (first, second, third):
            await next_message(stream)
        with refused("TOO_MANY_STREAMS"):
            async with watching(world.teller) as fourth:
                await next_message(fourth)


async def test_a_drain_moves_streams_with_a_token_that_resumes(
    server: App, world: World, settings: Settings
) -> None:
    async with watching(world.teller) as stream:
        await next_message(stream)
        await publish(server, 1)
        await next_events(stream)
        server.watching.drain()
        last = await next_message(stream)
        assert last.HasField("going_away")
    server.watching.is_draining = False
    await publish(server, 2)
    async with watching(world.teller, last.resume_token) as stream:
        assert versions([await next_events(stream)]) == [2]


async def test_signing_out_ends_the_stream(world: World) -> None:
    async with watching(world.teller) as stream:
        await next_message(stream)
        await world.teller.identity.SignOut(SignOutRequest(request_id=new_request_id()))
        with refused("NOT_SIGNED_IN"):
            await _read_to_the_end(stream)


async def test_suspending_ends_the_stream_on_another_process(
    server: App, world: World, settings: Settings
) -> None:
    other = App(settings)
    await other.start()
    there = World([f"127.0.0.1:{other.port}"], world.credentials)
    try:
        async with watching(there.teller) as stream:
            await next_message(stream)
            await world.security_admin.identity.SuspendStaff(
                SuspendStaffRequest(
                    request_id=new_request_id(), staff_id="100103", suspended=True, purpose="test"
                )
            )
            started = asyncio.get_running_loop().time()
            with refused("NOT_SIGNED_IN"):
                await _read_to_the_end(stream)
            assert asyncio.get_running_loop().time() - started < 5
    finally:
        await there.close()
        await other.drain()


async def test_ending_a_shift_shows_anew_what_may_be_seen(server: App, world: World) -> None:
    async with watching(world.teller) as stream:
        await next_message(stream)
        await world.teller.identity.EndShift(EndShiftRequest(request_id=new_request_id()))
        message = await next_message(stream)
        while not message.HasField("snapshot_end"):
            message = await next_message(stream)
        await publish(server, 1, audience=Audience(on_shift=True))
        await publish(server, 2)
        assert versions([await next_events(stream)]) == [2]


async def test_a_slow_watcher_is_cut_off_and_resumes(server: App, world: World) -> None:
    async with watching(world.teller) as stream:
        token = (await next_message(stream)).resume_token
        # More than the queue and gRPC's window together hold, while nobody reads.
        for number in range(60):
            await publish(server, number, count=100, desk="x" * 500)
        with refused("SLOW_CONSUMER"):
            await _read_to_the_end(stream)
    async with watching(world.teller, token) as stream:
        assert versions([await next_events(stream)])[0] == 0


async def _read_to_the_end(stream: "object") -> None:
    async with asyncio.timeout(30):
        while isinstance(await stream.read(), WatchResponse):  # type: ignore[attr-defined]
            pass
