from fingertip.identity.v1.identity_service_pb2 import *
from tests.world import refused
async def test_session(world, clock):
    r = await world.teller.identity.GetSession(GetSessionRequest())
    assert r.session.staff.staff_id == "100103"
    assert r.session.staff.on_shift
    with refused("PERMISSION_MISSING"):
        await world.teller.identity.ListDevices(ListDevicesRequest())
    r = await world.security_admin.identity.ListDevices(ListDevicesRequest(page_size=5))
    assert r.next_page_token
