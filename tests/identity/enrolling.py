"""Devices and audit entries for the tests of identities."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from fingertip.audit.v1.audit_entry_pb2 import AuditEntry
from fingertip.audit.v1.audit_service_pb2 import ListEntriesRequest
from fingertip.identity.v1.device_pb2 import Device
from fingertip.identity.v1.identity_service_pb2 import (
    CreateEnrolmentCodeRequest,
    CreateEnrolmentCodeResponse,
    EnrolDeviceRequest,
    EnrolDeviceResponse,
    GetSessionRequest,
    GetSessionResponse,
)
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from tests.world import World


async def make_code(
    world: World,
    kind: Device.Kind.ValueType = Device.KIND_TABLET,
    *,
    branch_id: str = "0101",
    work_kinds: Sequence[str] = (),
    request_id: str = "",
) -> CreateEnrolmentCodeResponse:
    """Has the security administrator make a code."""
    return await world.security_admin.identity.CreateEnrolmentCode(
        CreateEnrolmentCodeRequest(
            request_id=request_id or new_request_id(),
            kind=kind,
            branch_id=branch_id,
            display_name="新设备",
            work_kinds=work_kinds,
        )
    )


async def enrol(caller: Caller, code: str, request_id: str = "") -> EnrolDeviceResponse:
    """Exchanges a code for a credential."""
    return await caller.identity.EnrolDevice(
        EnrolDeviceRequest(request_id=request_id or new_request_id(), enrolment_code=code)
    )


def stranger(world: World, device: str = "", token: str = "") -> Caller:
    """Returns a client of the server with these credentials; the test closes it."""
    caller = Caller(world.targets, device=device)
    caller.credentials.token = token
    return caller


async def who_am_i(caller: Caller) -> GetSessionResponse:
    """Asks for the calling session."""
    return await caller.identity.GetSession(GetSessionRequest())


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Waits until something holds, for as long as other processes may take to know of it."""
    async with asyncio.timeout(5):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


async def shut_out(caller: Caller) -> None:
    """Waits until a caller is not let in any more."""

    async def is_out() -> bool:
        try:
            await who_am_i(caller)
        except Refused as error:
            return error.reason == "NOT_SIGNED_IN"
        return False

    await until(is_out)


async def newest_entry(world: World, chain: str) -> AuditEntry:
    """Returns what the auditor reads last in a chain, but for his own reading."""
    response = await world.auditor.audit.ListEntries(ListEntriesRequest(chain=chain, page_size=200))
    return next(entry for entry in response.entries if not entry.action.startswith("audit."))
