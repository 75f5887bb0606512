"""A session is good on its device, for a while, until it is ended."""

import asyncio
import time

import pytest

from fingertip.identity.v1.identity_service_pb2 import GetSessionRequest, SignOutRequest
from fingertip.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from fingertip_client.request_ids import new_request_id
from fingertip_server import errors
from fingertip_server.app import App
from fingertip_server.identity.authentication import Authenticator
from tests.conftest import Clock, Database
from tests.identity.enrolling import newest_entry, shut_out, stranger, who_am_i
from tests.world import PASSWORD, World, refused

IDLE_SECONDS = 900
LIFETIME_SECONDS = 12 * 3600


async def test_a_token_is_worth_nothing_on_another_device(world: World) -> None:
    devices, tokens = world.credentials.devices, world.credentials.tokens
    async with stranger(world, devices["100104"], tokens["100103"]) as thief:
        with refused("NOT_SIGNED_IN"):
            await who_am_i(thief)
    async with stranger(world, "", tokens["100103"]) as thief:
        with refused("NOT_SIGNED_IN"):
            await who_am_i(thief)
    await who_am_i(world.teller)


@pytest.mark.parametrize(
    "authorization",
    [
        ["{token}"],
        ["Basic {token}"],
        ["Bearer "],
        ["Bearer"],
        ["Bearer {token}x"],
        ["Bearer {token} {token}"],
        ["Bearer {token}", "Bearer {token}"],
        ["Bearer " + "x" * 4000],
    ],
)
async def test_a_header_that_is_not_exactly_one_token_is_refused(
    world: World, authorization: list[str]
) -> None:
    metadata = [("fingertip-device", world.credentials.devices["100103"])]
    token = world.credentials.tokens["100103"]
    metadata += [("authorization", value.format(token=token)) for value in authorization]
    async with stranger(world) as bare:
        identity = IdentityServiceStub(bare.channel)
        with refused("NOT_SIGNED_IN"):
            await identity.GetSession(GetSessionRequest(), metadata=metadata)


async def test_the_schemes_name_is_read_in_any_case(world: World) -> None:
    metadata = (
        ("fingertip-device", world.credentials.devices["100103"]),
        ("authorization", f"bearer {world.credentials.tokens['100103']}"),
    )
    async with stranger(world) as bare:
        identity = IdentityServiceStub(bare.channel)
        await identity.GetSession(GetSessionRequest(), metadata=metadata)


async def test_fifteen_idle_minutes_end_a_session(world: World, clock: Clock) -> None:
    await who_am_i(world.teller)
    await clock.advance(seconds=IDLE_SECONDS - 5)
    await who_am_i(world.teller)
    await clock.advance(seconds=IDLE_SECONDS + 1)
    with refused("NOT_SIGNED_IN"):
        await who_am_i(world.teller)


async def test_a_session_that_was_never_used_idles_too(world: World, clock: Clock) -> None:
    await clock.advance(seconds=IDLE_SECONDS + 1)
    with refused("NOT_SIGNED_IN"):
        await who_am_i(world.teller)


async def test_twelve_hours_end_a_session_that_is_used_all_the_time(
    world: World, clock: Clock
) -> None:
    step = IDLE_SECONDS - 10
    for _ in range(LIFETIME_SECONDS // step):
        await clock.advance(seconds=step)
        await who_am_i(world.teller)
    await clock.advance(seconds=step)
    with refused("NOT_SIGNED_IN"):
        await who_am_i(world.teller)


async def test_what_a_program_does_by_itself_is_no_use(
    server: App, world: World, clock: Clock
) -> None:
    metadata = world.teller.credentials.metadata()
    for _ in range(3):
        await clock.advance(seconds=IDLE_SECONDS / 3 - 5)
        await server.authenticator.authenticate(metadata, is_use=False)
    await clock.advance(seconds=20)
    with refused("NOT_SIGNED_IN"):
        await who_am_i(world.teller)


async def test_signing_out_ends_one_session_and_no_other(world: World) -> None:
    device = world.credentials.devices["bare_tablet"]
    async with stranger(world, device) as tablet:
        await tablet.sign_in("100103", PASSWORD)
        token = tablet.credentials.token
        await tablet.identity.SignOut(SignOutRequest(request_id=new_request_id()))
        entry = await newest_entry(world, "0101")
        assert (entry.actor.actor_id, entry.object_state) == ("100103", "SIGNED_OUT")
        await shut_out(tablet)
        async with stranger(world, device, token) as again:
            with refused("NOT_SIGNED_IN"):
                await who_am_i(again)
        tablet.credentials.token = ""
        await tablet.sign_in("100103", PASSWORD)
    await who_am_i(world.teller)


async def test_a_caller_is_known_from_memory_in_ten_microseconds(server: App, world: World) -> None:
    metadata = world.teller.credentials.metadata()
    await server.authenticator.authenticate(metadata)

    async def microseconds() -> float:
        started = time.thread_time()
        for _ in range(1000):
            await server.authenticator.authenticate(metadata)
        return (time.thread_time() - started) * 1000

    assert min([await microseconds() for _ in range(10)]) < 10


async def test_while_revocations_cannot_be_read_nobody_is_known_from_memory(
    server: App, world: World, database: Database
) -> None:
    metadata = world.teller.credentials.metadata()
    cut_off = Authenticator(
        units=server.units,
        protection=server.protection,
        bank=lambda: server.frame.bank,
        trusted=lambda: False,
    )
    assert (await cut_off.authenticate(metadata)).id == "100103"
    await database.as_owner("UPDATE staff_session SET ended_at = fingertip_now()")
    with pytest.raises(errors.Unauthenticated):
        await cut_off.authenticate(metadata)


async def test_what_is_revoked_while_it_is_looked_up_is_not_remembered(
    server: App, world: World, database: Database
) -> None:
    metadata = world.teller.credentials.metadata()
    looking = asyncio.create_task(server.authenticator.authenticate(metadata))
    await asyncio.sleep(0)
    server.authenticator.invalidate("staff:100103")
    await looking
    await database.as_owner("UPDATE staff_session SET ended_at = fingertip_now()")
    with refused("NOT_SIGNED_IN"):
        await who_am_i(world.teller)
