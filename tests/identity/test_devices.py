"""The security administrator sees the devices, and revokes those that were lost."""

import asyncio

from fingertip.identity.v1.device_pb2 import Device
from fingertip.identity.v1.identity_service_pb2 import (
    ListDevicesRequest,
    RevokeDeviceRequest,
    RevokeDeviceResponse,
)
from fingertip_client.request_ids import new_request_id
from tests.identity.enrolling import enrol, make_code, newest_entry, shut_out, stranger, who_am_i
from tests.world import PASSWORD, World, refused


async def revoke(world: World, device_id: str, request_id: str = "") -> RevokeDeviceResponse:
    return await world.security_admin.identity.RevokeDevice(
        RevokeDeviceRequest(request_id=request_id or new_request_id(), device_id=device_id)
    )


async def device_of_teller(world: World) -> str:
    return (await who_am_i(world.teller)).session.device_id


async def test_devices_are_listed_newest_first_in_pages(world: World) -> None:
    async with stranger(world) as tablet:
        newest = await enrol(tablet, (await make_code(world)).enrolment_code)
    found: list[Device] = []
    request = ListDevicesRequest(page_size=4)
    while True:
        page = await world.security_admin.identity.ListDevices(request)
        found += page.devices
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert found[0] == newest.device
    assert len({device.device_id for device in found}) == len(found)
    assert len(found) == len(world.credentials.devices) + 1
    times = [device.enrol_time.ToDatetime() for device in found]
    assert times == sorted(times, reverse=True)


async def test_devices_of_one_unit_are_listed(world: World) -> None:
    page = await world.security_admin.identity.ListDevices(ListDevicesRequest(branch_id="0000"))
    assert {device.branch_id for device in page.devices} == {"0000"}
    assert {device.kind for device in page.devices} == {Device.KIND_TABLET, Device.KIND_ADAPTER}


async def test_a_revoked_device_ends_all_sessions_on_it(world: World) -> None:
    device_id = await device_of_teller(world)
    async with stranger(world, world.credentials.devices["100103"]) as colleague:
        await colleague.sign_in("100104", PASSWORD)
        revoked = await revoke(world, device_id)
        assert revoked.device.state == Device.STATE_REVOKED
        assert revoked.device.HasField("revoke_time")
        await shut_out(world.teller)
        await shut_out(colleague)
        colleague.credentials.token = ""
        with refused("NOT_SIGNED_IN"):
            await colleague.sign_in("100104", PASSWORD)
    # The person is not to blame: on his own tablet he goes on.
    await who_am_i(world.second_teller)


async def test_revoking_again_changes_nothing(world: World) -> None:
    device_id = await device_of_teller(world)
    request_id = new_request_id()
    first = await revoke(world, device_id, request_id)
    assert await revoke(world, device_id, request_id) == first
    assert await revoke(world, device_id) == first


async def test_of_many_revocations_the_first_counts(world: World) -> None:
    device_id = await device_of_teller(world)
    answers = await asyncio.gather(*(revoke(world, device_id) for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)


async def test_a_device_that_nobody_enrolled_is_not_found(world: World) -> None:
    with refused("DEVICE_NOT_FOUND"):
        await revoke(world, new_request_id())


async def test_a_revocation_is_on_the_chain_of_the_devices_branch(world: World) -> None:
    device_id = await device_of_teller(world)
    await revoke(world, device_id)
    entry = await newest_entry(world, "0101")
    assert (entry.actor.actor_id, entry.object_id) == ("000002", device_id)
    assert entry.object_state == "REVOKED"
