"""A session means the same on every server process, and so does its end."""

from collections.abc import AsyncIterator

import pytest

from fingertip.identity.v1.identity_service_pb2 import (
    EndShiftRequest,
    RevokeDeviceRequest,
    SignOutRequest,
    SuspendStaffRequest,
)
from fingertip_client.request_ids import new_request_id
from fingertip_server.app import App
from fingertip_server.settings import Settings
from tests.conftest import Clock, Database
from tests.identity.enrolling import shut_out, until, who_am_i
from tests.world import Credentials, World


@pytest.fixture
async def other_server(server: App, settings: Settings) -> AsyncIterator[App]:
    app = App(settings)
    await app.start()
    yield app
    await app.drain()


@pytest.fixture
async def elsewhere(other_server: App, template: Credentials) -> AsyncIterator[World]:
    """The same people on the same devices, who reach another process."""
    world = World([f"127.0.0.1:{other_server.port}"], template)
    yield world
    await world.close()


async def test_signing_out_is_known_everywhere(world: World, elsewhere: World) -> None:
    await who_am_i(elsewhere.teller)
    await world.teller.identity.SignOut(SignOutRequest(request_id=new_request_id()))
    await shut_out(elsewhere.teller)


async def test_a_suspension_is_known_everywhere(world: World, elsewhere: World) -> None:
    await who_am_i(elsewhere.teller)
    await world.security_admin.identity.SuspendStaff(
        SuspendStaffRequest(
            request_id=new_request_id(), staff_id="100103", suspended=True, purpose="离职"
        )
    )
    await shut_out(elsewhere.teller)
    await shut_out(world.teller)


async def test_a_lost_tablet_is_shut_out_everywhere(world: World, elsewhere: World) -> None:
    session = (await who_am_i(elsewhere.teller)).session
    await world.security_admin.identity.RevokeDevice(
        RevokeDeviceRequest(request_id=new_request_id(), device_id=session.device_id)
    )
    await shut_out(elsewhere.teller)
    elsewhere.teller.credentials.token = ""
    await shut_out(elsewhere.teller)


async def test_the_end_of_a_shift_is_known_everywhere(
    world: World, elsewhere: World, other_server: App
) -> None:
    metadata = elsewhere.teller.credentials.metadata()
    assert (await other_server.authenticator.authenticate(metadata)).on_shift
    await world.teller.identity.EndShift(EndShiftRequest(request_id=new_request_id()))

    async def is_off_shift() -> bool:
        return not (await other_server.authenticator.authenticate(metadata)).on_shift

    await until(is_off_shift)


async def test_who_is_busy_on_one_process_does_not_idle_on_another(
    world: World, elsewhere: World, other_server: App, clock: Clock, database: Database
) -> None:
    other_clock = Clock(database, other_server)
    await who_am_i(world.teller)
    await who_am_i(elsewhere.teller)
    await other_clock.advance(seconds=800)
    await who_am_i(elsewhere.teller)
    # Written down at once, because the other process may soon think that nobody is there.
    await until(lambda: _last_use_is_known(database))
    await clock.advance(seconds=200)
    await who_am_i(world.teller)


async def test_a_use_is_written_down_when_the_process_ends(
    server: App, world: World, database: Database
) -> None:
    await database.as_owner(
        "UPDATE staff_session SET last_used_at = fingertip_now() - interval '5 minutes'"
    )
    await who_am_i(world.teller)
    assert not await _last_use_is_known(database)
    await server.authenticator.flush()
    assert await _last_use_is_known(database)


async def _last_use_is_known(database: Database) -> bool:
    [row] = await database.as_owner(
        "SELECT max(last_used_at) > fingertip_now() - interval '1 minute' AS is_known"
        " FROM staff_session WHERE staff_id = '100103'"
    )
    return bool(row["is_known"])
