"""A channel notices a server that is dead or frozen, and goes to one that lives."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf.message import Message

from fingertip.events.v1.events_service_pb2 import WatchRequest
from fingertip.lobby.v1.lobby_service_pb2 import GetLobbyRequest, GetLobbyResponse
from fingertip_client.caller import Caller
from fingertip_client.channel import Keepalive, Tls, join_targets
from fingertip_client.refusal import Refused
from fingertip_client.watch import Interrupted, Snapshot, watch
from tests.client import scripted
from tests.faults.waiting import until

LOBBY = "fingertip.lobby.v1.LobbyService"
# The product pings after 10 s and waits 5 s.
QUICK = Keepalive(silence_ms=1_000, answer_ms=500)


@contextlib.contextmanager
def freezable() -> Iterator[tuple[int, str, str]]:
    """Runs tests/client/frozen.py and tells its process id and targets."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.client.frozen"], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        events, desk = process.stdout.readline().split()
        try:
            yield process.pid, events, desk
        finally:
            process.kill()


async def test_a_frozen_server_is_noticed_by_its_streams() -> None:
    with freezable() as (pid, events, _):
        async with (
            Caller([events], keepalive=QUICK) as caller,
            contextlib.aclosing(watch(caller, WatchRequest(branch_id="0101"))) as stream,
        ):
            assert isinstance(await anext(stream), Snapshot)
            os.kill(pid, signal.SIGSTOP)
            begin = time.monotonic()
            step = await anext(stream)
            assert isinstance(step, Interrupted)
            assert step.reason == "UNAVAILABLE"
            # 1.5 s, and not the 60 s that gRPC waits for a ping by itself.
            assert time.monotonic() - begin < 5.0


async def test_a_frozen_server_is_noticed_by_its_calls() -> None:
    with freezable() as (pid, _, desk):
        async with Caller([desk], keepalive=QUICK) as caller:
            assert await caller.is_reachable(5.0)
            os.kill(pid, signal.SIGSTOP)
            begin = time.monotonic()
            with pytest.raises(Refused) as refused:
                await caller.lobby.GetLobby(GetLobbyRequest(), timeout=4.0)
            assert refused.value.code is grpc.StatusCode.UNAVAILABLE
            assert time.monotonic() - begin < 5.0
            assert not await caller.is_reachable(0.0)


async def lobby(request: Message, context: scripted.Context) -> Message:
    return GetLobbyResponse()


async def test_calls_go_on_at_the_other_server_when_one_dies() -> None:
    first = scripted.ScriptedServer(LOBBY, unary={"GetLobby": lobby})
    await first.start()
    async with (
        scripted.serving(LOBBY, unary={"GetLobby": lobby}) as second,
        Caller([first.target, second.target]) as caller,
    ):
        await caller.lobby.GetLobby(GetLobbyRequest())
        await first.stop()
        for _ in range(10):
            await caller.lobby.GetLobby(GetLobbyRequest())


async def test_calls_go_round_the_servers() -> None:
    served: list[str] = []

    def noting(name: str) -> scripted.Unary:
        async def answer(request: Message, context: scripted.Context) -> Message:
            served.append(name)
            return GetLobbyResponse()

        return answer

    async with (
        scripted.serving(LOBBY, unary={"GetLobby": noting("first")}) as first,
        scripted.serving(LOBBY, unary={"GetLobby": noting("second")}) as second,
        Caller([first.target, second.target]) as caller,
    ):
        async with asyncio.timeout(10):
            while set(served) != {"first", "second"}:
                await caller.lobby.GetLobby(GetLobbyRequest())


async def test_a_server_that_comes_back_is_found_within_seconds() -> None:
    server = scripted.ScriptedServer(LOBBY, unary={"GetLobby": lobby})
    await server.start()
    async with Caller([server.target]) as caller:
        await caller.lobby.GetLobby(GetLobbyRequest())
        await server.stop()

        async def is_gone() -> bool:
            return not await caller.is_reachable(0.1)

        # The connection's end is heard of a moment later.
        await until(is_gone, 5)
        again = scripted.ScriptedServer(LOBBY, unary={"GetLobby": lobby}, port=server.port)
        await again.start()
        try:
            assert await caller.is_reachable(5.0)
            await caller.lobby.GetLobby(GetLobbyRequest())
        finally:
            await again.stop()


def a_certificate() -> tuple[bytes, bytes]:
    """Makes a key and a certificate of this machine, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    return private, certificate.public_bytes(encoding)


async def test_with_tls_only_a_server_whose_certificate_is_trusted_is_called() -> None:
    key, certificate = a_certificate()
    _, stranger = a_certificate()
    server = scripted.ScriptedServer(
        LOBBY,
        unary={"GetLobby": lobby},
        credentials=grpc.ssl_server_credentials([(key, certificate)]),
    )
    await server.start()
    try:
        async with Caller([server.target], tls=Tls(roots=certificate)) as caller:
            await caller.lobby.GetLobby(GetLobbyRequest())
        async with Caller([server.target], tls=Tls(roots=stranger)) as caller:
            with pytest.raises(Refused, match="UNAVAILABLE"):
                await caller.lobby.GetLobby(GetLobbyRequest(), timeout=1.0)
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("targets", "address"),
    [
        (["bank.example:443"], "bank.example:443"),
        (["10.0.0.1:7700", "10.0.0.2:7701"], "ipv4:10.0.0.1:7700,10.0.0.2:7701"),
        (["[::1]:1", "[::2]:2"], "ipv6:[::1]:1,[::2]:2"),
    ],
)
def test_targets_are_written_as_grpc_reads_them(targets: list[str], address: str) -> None:
    assert join_targets(targets) == address


@pytest.mark.parametrize(
    ("targets", "fault"),
    [
        ([], "at least one"),
        (["bank.example:443", "10.0.0.1:1"], "'bank.example:443' is not"),
        (["10.0.0.1", "10.0.0.2:1"], "'10.0.0.1' is not"),
        (["10.0.0.1:1", "[::1]:1"], "one family"),
    ],
)
def test_targets_that_grpc_cannot_use_together_are_refused(targets: list[str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        join_targets(targets)
