"""Headers that no gRPC client sends. What is malformed gRPC itself refuses; none of it is a caller.

gRPC's own word for a header that it cannot read is INTERNAL, in its own sentence: such a call
never reaches the server's code.
"""

import gzip
import struct

import grpc
import pytest

from tests.conftest import Database
from tests.lobby.tickets import press
from tests.rpc.wire import DATA, END_STREAM, Wire, connected
from tests.world import World

_SERVICE = "fingertip.lobby.v1.LobbyService"
_READ = f"/{_SERVICE}/GetLobby"
_WRITE = f"/{_SERVICE}/IssueTicket"

_OK = grpc.StatusCode.OK.value[0]
_DEADLINE_EXCEEDED = grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
_RESOURCE_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
_UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED.value[0]
_INTERNAL = grpc.StatusCode.INTERNAL.value[0]


async def _is_served(wire: Wire, world: World) -> bool:
    """Tells whether an ordinary call on the same connection is answered."""
    return (await wire.call(_READ, world.teller.credentials.metadata())).status == _OK


@pytest.mark.parametrize(
    "pair",
    [
        ("X-Upper", "a"),
        ("x y", "a"),
        ("", "a"),
        ("x-bin", "!!! no base64 !!!"),
        ("grpc-encoding", "nope"),
    ],
)
async def test_a_header_that_is_none_is_refused_and_the_next_call_served(
    world: World, pair: tuple[str, str]
) -> None:
    async with connected(world.targets[0]) as wire:
        answer = await wire.call(_READ, [*world.teller.credentials.metadata(), pair])
        assert answer.status == _INTERNAL
        assert await _is_served(wire, world)


@pytest.mark.parametrize("value", ["a\r\nauthorization: Bearer x", "a\x00b", "é", "\u202e"])
async def test_a_header_s_value_is_nothing_but_a_value(world: World, value: str) -> None:
    async with connected(world.targets[0]) as wire:
        answer = await wire.call(_READ, [("x-note", value)])
        # Whoever is named in it, nobody signed in.
        assert answer.status == grpc.StatusCode.UNAUTHENTICATED.value[0]
        answer = await wire.call(_READ, [*world.teller.credentials.metadata(), ("x-note", value)])
        assert answer.status == _OK


@pytest.mark.parametrize("size", [7_900, 9_000])
async def test_headers_below_the_limit_are_read(world: World, size: int) -> None:
    async with connected(world.targets[0]) as wire:
        pairs = [*world.teller.credentials.metadata(), ("x-padding", "p" * size)]
        assert (await wire.call(_READ, pairs)).status == _OK


async def test_headers_beyond_the_limit_end_the_connection_and_nobody_elses(world: World) -> None:
    async with connected(world.targets[0]) as other, connected(world.targets[0]) as wire:
        pairs = [*world.teller.credentials.metadata(), ("x-padding", "p" * 20_000)]
        try:
            answer = await wire.call(_READ, pairs)
        except ConnectionError:
            pass
        else:
            assert answer.status == _RESOURCE_EXHAUSTED
        assert await _is_served(other, world)


@pytest.mark.parametrize("deadline", ["99999999H", "99999999S", "60000m", ""])
async def test_a_deadline_far_away_or_absent_is_kept(world: World, deadline: str) -> None:
    pairs = [("grpc-timeout", deadline)] if deadline else []
    async with connected(world.targets[0]) as wire:
        answer = await wire.call(_READ, [*world.teller.credentials.metadata(), *pairs])
        assert answer.status == _OK


@pytest.mark.parametrize(
    ("deadline", "status"),
    [
        ("0n", _DEADLINE_EXCEEDED),
        ("0S", _DEADLINE_EXCEEDED),
        ("abc", _INTERNAL),
        ("1", _INTERNAL),
        ("1x", _INTERNAL),
        ("-1S", _INTERNAL),
        ("1.5S", _INTERNAL),
    ],
)
async def test_a_deadline_that_is_over_or_none_does_nothing(
    world: World, database: Database, deadline: str, status: int
) -> None:
    own = world.ticket_machine.credentials.metadata()
    async with connected(world.targets[0]) as wire:
        pairs = [*own, ("grpc-timeout", deadline)]
        answer = await wire.call(_WRITE, pairs, press().SerializeToString())
        assert answer.status == status
    assert not await database.as_owner("SELECT 1 FROM ticket")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "*",
        _READ.upper(),
        _READ.replace("/Get", "%2FGet"),
        f"{_READ}\x00",
        f" {_READ}",
        f"http://localhost{_READ}",
        f"/x/..{_READ}",
    ],
)
async def test_a_path_that_only_resembles_a_method_is_none(world: World, path: str) -> None:
    async with connected(world.targets[0]) as wire:
        answer = await wire.call(path, world.teller.credentials.metadata())
        assert answer.status == _UNIMPLEMENTED


async def test_a_message_that_unfolds_beyond_the_limit_is_refused(world: World) -> None:
    packed = gzip.compress(bytes(60 << 20))
    assert len(packed) < 64_000
    async with connected(world.targets[0]) as wire:
        own = world.teller.credentials.metadata()
        stream = wire.begin(_READ, [*own, ("grpc-encoding", "gzip")])
        content = b"\x01" + struct.pack(">I", len(packed)) + packed
        # A frame of HTTP/2 holds 16 KiB.
        pieces = [content[start : start + 16_384] for start in range(0, len(content), 16_384)]
        for piece in pieces:
            wire.frame(DATA, END_STREAM if piece is pieces[-1] else 0, stream, piece)
        assert (await wire.answer(stream)).status == _RESOURCE_EXHAUSTED
        assert await _is_served(wire, world)
