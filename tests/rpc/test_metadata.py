"""What surrounds a request: metadata, deadlines, paths, sizes, and bytes that are no message."""

import time
from uuid import uuid4

import grpc
import pytest

from fingertip.applications.v1.applications_service_pb2 import AppendAttachmentRequest
from fingertip.lobby.v1.lobby_service_pb2 import CallNextTicketRequest, GetLobbyRequest
from fingertip_client.caller import Caller
from fingertip_client.refusal import Refused
from fingertip_client.request_ids import new_request_id
from tests.conftest import Database
from tests.identity.enrolling import stranger
from tests.lobby.tickets import press
from tests.world import World, refused

_SERVICE = "fingertip.lobby.v1.LobbyService"
_READ = f"/{_SERVICE}/GetLobby"
_WRITE = f"/{_SERVICE}/IssueTicket"
_METADATA_BYTES_MAX = 16 << 10
_MESSAGE_BYTES_MAX = 4 << 20

Pairs = tuple[tuple[str, str], ...]


async def _call(
    caller: Caller, path: str, content: bytes = b"", *, metadata: Pairs = (), seconds: float = 10.0
) -> bytes:
    """Calls without what the stubs would do about it."""
    method: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = caller.channel.unary_unary(path)
    return await method(content, metadata=metadata, timeout=seconds)


async def test_metadata_below_the_limit_is_taken(world: World) -> None:
    await _call(world.teller, _READ, metadata=(("x-padding", "p" * 7_000),))


async def test_metadata_beyond_the_limit_is_refused_and_the_next_call_served(
    world: World,
) -> None:
    with pytest.raises(Refused) as caught:
        await _call(world.teller, _READ, metadata=(("x-padding", "p" * 2 * _METADATA_BYTES_MAX),))
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    await _call(world.teller, _READ)


@pytest.mark.parametrize("which", ["authorization", "fingertip-device"])
async def test_two_identities_are_none(world: World, which: str) -> None:
    own = dict(world.teller.credentials.metadata())
    other = dict(world.second_teller.credentials.metadata())
    metadata = (*own.items(), (which, other[which]))
    async with stranger(world) as bare:
        with refused("NOT_SIGNED_IN"):
            await _call(bare, _READ, metadata=metadata)


async def test_what_a_client_says_about_itself_in_passing_counts_for_nothing(
    world: World,
) -> None:
    claims = (
        ("x-forwarded-client-cert", "Subject=CN=100103"),
        ("x-envoy-peer-metadata", "100103"),
        ("x-user", "100103"),
        ("fingertip-staff", "100103"),
    )
    async with stranger(world) as bare:
        with refused("NOT_SIGNED_IN"):
            await _call(bare, _READ, metadata=claims)


@pytest.mark.parametrize(
    "traceparent", ["", "x", "00-0-0-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "f" * 5_000]
)
async def test_a_trace_that_makes_no_sense_harms_no_call(world: World, traceparent: str) -> None:
    # Beside the one that the client itself sends.
    content = press().SerializeToString()
    await _call(world.ticket_machine, _WRITE, content, metadata=(("traceparent", traceparent),))


async def test_a_deadline_that_is_over_does_nothing(world: World, database: Database) -> None:
    with pytest.raises(Refused) as caught:
        await _call(world.ticket_machine, _WRITE, press().SerializeToString(), seconds=1e-9)
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert not await database.as_owner("SELECT 1 FROM ticket")


async def test_a_deadline_in_three_years_is_no_deadline(world: World) -> None:
    await _call(world.teller, _READ, seconds=99_999_999.0)


@pytest.mark.parametrize(
    "path",
    [
        f"/{_SERVICE}/NoSuchMethod",
        "/fingertip.lobby.v1.NoSuchService/GetLobby",
        f"/{_SERVICE}/getlobby",
        f"/{_SERVICE}/GetLobby/",
        f"//{_SERVICE}/GetLobby",
        f"/{_SERVICE}/GetLobby?x=1",
        f"/{_SERVICE}/../{_SERVICE}/GetLobby",
        f"{_SERVICE}/GetLobby",
        "/",
    ],
)
async def test_a_path_that_is_none_of_the_contract_is_not_implemented(
    world: World, path: str
) -> None:
    with pytest.raises(Refused) as caught:
        await _call(world.teller, path)
    assert caught.value.code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    "content", [b"\xff", b"\x0a\x05abc", b"\x08", b"\x0b" * 300, b"\x0a\x02\xc3\x28", b"{}"]
)
async def test_bytes_that_are_no_message_are_refused(world: World, content: bytes) -> None:
    with refused("INVALID_REQUEST") as caught:
        await _call(world.ticket_machine, _WRITE, content)
    assert caught.value.violations


async def test_fields_of_a_newer_contract_are_passed_over(world: World) -> None:
    await _call(world.teller, _READ, GetLobbyRequest().SerializeToString() + b"\xfa\x3f\x02hi")


def _padded(size: int) -> bytes:
    """Returns a request of so many bytes, all of them in a field of a newer contract."""
    head = b"\xfa\x3f"
    length = size - len(head) - 4
    # A length between 2 and 256 MiB is written in four bytes.
    written = bytes(
        length >> shift & 0x7F | (0x80 if shift < 21 else 0) for shift in (0, 7, 14, 21)
    )
    return head + written + bytes(length)


@pytest.mark.parametrize("size", [_MESSAGE_BYTES_MAX - 1, _MESSAGE_BYTES_MAX])
async def test_a_message_up_to_the_limit_is_read(world: World, size: int) -> None:
    content = _padded(size)
    assert len(content) == size
    await _call(world.teller, _READ, content)


@pytest.mark.parametrize("size", [_MESSAGE_BYTES_MAX + 1, 5 << 20, 64 << 20])
async def test_a_message_beyond_the_limit_is_refused_and_the_next_call_served(
    world: World, size: int
) -> None:
    with pytest.raises(Refused) as caught:
        await _call(world.teller, _READ, _padded(size))
    assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    await _call(world.teller, _READ)


async def test_a_chunk_beyond_its_limit_is_refused_by_name(world: World) -> None:
    request = AppendAttachmentRequest(attachment_id=str(uuid4()), chunk=bytes(1 << 20))
    with refused("ATTACHMENT_NOT_FOUND"):
        await world.teller.applications.AppendAttachment(request)
    request.chunk += b"\x00"
    with refused("INVALID_REQUEST") as caught:
        await world.teller.applications.AppendAttachment(request)
    assert [violation.field for violation in caught.value.violations] == ["chunk"]


async def test_what_is_nested_deeper_than_any_message_is_none(world: World) -> None:
    content = b""
    for _ in range(200):
        # A field of a newer contract that holds another one.
        content = b"\xfb\x3f" + content + b"\xfc\x3f"
    with refused("INVALID_REQUEST"):
        await _call(world.teller, _READ, content)


async def test_a_list_far_too_long_is_refused_at_once(world: World) -> None:
    request = CallNextTicketRequest(
        request_id=new_request_id(), desk="1", service_line_codes=["A"] * 1_000_000
    )
    started = time.monotonic()
    with refused("INVALID_REQUEST") as caught:
        await world.teller.lobby.CallNextTicket(request)
    assert [violation.field for violation in caught.value.violations] == ["service_line_codes"]
    # Held to every rule, it would stop the whole process for a minute.
    assert time.monotonic() - started < 5


async def test_a_text_with_nul_is_refused_by_name(world: World) -> None:
    with refused("INVALID_REQUEST") as caught:
        await world.teller.lobby.CallNextTicket(
            CallNextTicketRequest(request_id=new_request_id(), desk="1\x002")
        )
    assert [violation.field for violation in caught.value.violations] == ["desk"]
