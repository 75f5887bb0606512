"""Connections that want to wear the server out: it answers everybody else, and its memory holds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import grpc
import psutil
import pytest

from fingertip.lobby.v1.lobby_service_pb2 import GetLobbyRequest
from fingertip_server.app import App
from tests.identity.enrolling import until
from tests.rpc.wire import CONTINUATION, DATA, HEADERS, Wire, connected
from tests.world import World

_READ = "/fingertip.lobby.v1.LobbyService/GetLobby"
_STREAMS_PER_CONNECTION = 1_000
_GROWTH_BYTES_MAX = 200 << 20
_ANSWER_SECONDS_MAX = 5.0
_RESOURCE_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]


@asynccontextmanager
async def _bounded(world: World, server: App) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Gives a question that others ask meanwhile, and looks afterwards at what is left."""
    before = psutil.Process().memory_info().rss

    async def ask() -> None:
        async with asyncio.timeout(_ANSWER_SECONDS_MAX):
            await world.lobby_manager.lobby.GetLobby(GetLobbyRequest())

    await ask()
    yield ask
    await ask()
    assert psutil.Process().memory_info().rss - before < _GROWTH_BYTES_MAX

    async def has_no_calls() -> bool:
        return server.frame.calls == 0

    await until(has_no_calls)


async def test_calls_that_are_reset_at_once_cost_little(world: World, server: App) -> None:
    own = list(world.teller.credentials.metadata())
    async with _bounded(world, server) as ask:
        for _ in range(5):
            async with connected(world.targets[0]) as wire:
                for number in range(2_000):
                    stream = wire.begin(_READ, own)
                    if number % 2:
                        wire.send(stream, b"")
                    wire.cancel(stream)
                    if number % 100 == 0:
                        await wire.flush()
                await wire.flush()
                await ask()


async def test_ten_thousand_open_calls_hinder_nobody(world: World, server: App) -> None:
    own = list(world.teller.credentials.metadata())
    async with _bounded(world, server) as ask, AsyncExitStack() as connections:
        wires = [
            await connections.enter_async_context(connected(world.targets[0])) for _ in range(10)
        ]
        for wire in wires:
            for _ in range(_STREAMS_PER_CONNECTION):
                wire.begin(_READ, own)
            await wire.flush()
        await ask()
        # One more on a connection is one too many.
        assert (await wires[-1].answer(wires[-1].begin(_READ, own))).reset is not None
        await ask()


def _half_headers(wire: Wire) -> None:
    wire.begin(_READ, flags=0)


def _half_a_frame(wire: Wire) -> None:
    wire.write(b"\x00\x00\x40" + bytes([HEADERS, 4, 0, 0, 0, 1]) + b"\x82")


def _half_a_head(wire: Wire) -> None:
    wire.write(b"\x00\x00\x40\x01")


def _half_a_message(wire: Wire) -> None:
    stream = wire.begin(_READ)
    wire.frame(DATA, 0, stream, b"\x00\x00\x3f\xff\xff half")


@pytest.mark.parametrize("half", [_half_headers, _half_a_frame, _half_a_head, _half_a_message])
async def test_what_is_never_finished_hinders_nobody(
    world: World, server: App, half: Callable[[Wire], None]
) -> None:
    async with _bounded(world, server) as ask, AsyncExitStack() as connections:
        for _ in range(200):
            wire = await connections.enter_async_context(connected(world.targets[0]))
            half(wire)
            await wire.flush()
        await ask()


async def test_headers_that_go_on_for_ever_are_not_kept(world: World, server: App) -> None:
    async with _bounded(world, server) as ask, connected(world.targets[0]) as wire:
        await wire.call(_READ)
        stream = wire.begin(_READ, flags=0)
        with suppress(ConnectionError):
            # Far more than the memory that it may cost.
            for number in range(300_000):
                wire.frame(CONTINUATION, 0, stream, wire.encoded(f"x-{number}", "v" * 1_000))
                if number % 100 == 0:
                    await wire.flush()
            answer = await wire.answer(stream)
            assert answer.reset is not None or answer.status == _RESOURCE_EXHAUSTED
        await ask()
