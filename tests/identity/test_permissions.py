"""Who may call what: every kind of caller tries every method of the contract."""

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor

from fingertip.options.v1 import options_pb2
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from tests.conftest import Database
from tests.contract.descriptors import methods
from tests.identity.enrolling import stranger
from tests.world import World, read_demo

# What a device may call is said here once more, apart from the code that decides it.
DEVICES = {
    "bare_tablet": {"identity.sign_in"},
    "ticket_machine": {"lobby.tickets.issue", "lobby.numbers.reserve"},
    "crm_adapter": {"fulfilment.work", "customer.sync", "screening.sync"},
    "core_adapter": {"fulfilment.work", "customer.sync", "screening.sync"},
}
# One account of each role, with no other role.
STAFF = {m.roles[0]: m.staff_number for m in read_demo().staff if len(m.roles) == 1}
PERMISSIONS = {role.code: set(role.permissions) for role in read_demo().roles}
# No empty request waits for anything, so that this is for busy machines only.
SECONDS_MAX = 10.0

ADMITTED = "ADMITTED"


def permission(method: MethodDescriptor) -> str:
    return str(method.GetOptions().Extensions[options_pb2.permission])


def expected(method: MethodDescriptor, permissions: set[str]) -> str:
    return ADMITTED if permission(method) in {"public", *permissions} else "PERMISSION_MISSING"


def as_is(content: bytes) -> bytes:
    return content


async def outcome(caller: Caller, method: MethodDescriptor) -> str:
    """Calls a method with an empty request, and says whether the caller was let in."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    try:
        if method.server_streaming:
            call_stream = caller.channel.unary_stream(path, as_is, as_is)
            stream = call_stream(b"", timeout=SECONDS_MAX)
            await stream.read()
            stream.cancel()
        else:
            await caller.channel.unary_unary(path, as_is, as_is)(b"", timeout=SECONDS_MAX)
    except Refused as error:
        return _meaning(error)
    except grpc.aio.AioRpcError as error:
        return _meaning(Refused.from_error(error))
    return ADMITTED


def _meaning(error: Refused) -> str:
    # Permission comes first: whatever else is wrong, the caller was let in.
    if error.reason in {"NOT_SIGNED_IN", "PERMISSION_MISSING"}:
        return error.reason
    assert error.reason not in {"INTERNAL", "UNKNOWN_METHOD"}, error
    assert error.code != grpc.StatusCode.UNIMPLEMENTED, error
    assert error.reason or error.code != grpc.StatusCode.DEADLINE_EXCEEDED, error
    return ADMITTED


async def _expect(caller: Caller, wanted: dict[str, str]) -> None:
    found = {method.full_name: await outcome(caller, method) for method in methods()}
    assert found == wanted


@pytest.mark.parametrize("role", sorted(PERMISSIONS))
async def test_a_role_may_call_what_the_pack_says(world: World, role: str) -> None:
    assert set(PERMISSIONS) == set(STAFF)
    wanted = {m.full_name: expected(m, PERMISSIONS[role]) for m in methods()}
    await _expect(world.caller(STAFF[role]), wanted)


@pytest.mark.parametrize("device", sorted(DEVICES))
async def test_a_device_may_call_its_own_methods_and_nothing_else(
    world: World, device: str
) -> None:
    wanted = {m.full_name: expected(m, DEVICES[device]) for m in methods()}
    assert list(wanted.values()).count(ADMITTED) <= 9
    await _expect(world.caller(device), wanted)


async def test_nobody_may_call_what_is_public_alone(world: World) -> None:
    wanted = {
        m.full_name: ADMITTED if permission(m) == "public" else "NOT_SIGNED_IN" for m in methods()
    }
    assert list(wanted.values()).count(ADMITTED) == 1
    async with stranger(world) as nobody:
        await _expect(nobody, wanted)


async def test_a_ticket_machine_with_a_tellers_token_is_nobody(world: World) -> None:
    device = world.credentials.devices["ticket_machine"]
    async with stranger(world, device, world.credentials.tokens["100103"]) as impostor:
        for method in methods():
            if permission(method) != "public":
                assert await outcome(impostor, method) == "NOT_SIGNED_IN"


async def test_a_refused_write_is_on_the_callers_chain(world: World, database: Database) -> None:
    [method] = [m for m in methods() if m.name == "RevokeDevice"]
    assert await outcome(world.teller, method) == "PERMISSION_MISSING"
    [entry] = await database.as_owner(
        "SELECT * FROM audit_entry WHERE outcome = 'REFUSED' ORDER BY time DESC LIMIT 1"
    )
    assert (entry["actor_id"], entry["reason"]) == ("100103", "PERMISSION_MISSING")
    assert entry["action"] == "identity.v1.IdentityService/RevokeDevice"
    assert entry["chain"] == "0101"
