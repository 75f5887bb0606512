"""Opens channels that notice a dead server within seconds and find a living one by themselves."""

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import grpc

_NAMES_IN_TURN: Final = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})


@dataclass(frozen=True, slots=True)
class Keepalive:
    """How a connection is proved alive: a ping after silence, and how long its answer may take."""

    silence_ms: int = 10_000
    answer_ms: int = 5_000


@dataclass(frozen=True, slots=True)
class Tls:
    """What a channel needs for TLS, as PEM; without roots, those that gRPC brings are trusted."""

    roots: bytes | None = None
    private_key: bytes | None = None
    certificate_chain: bytes | None = None


def open_channel(
    targets: Sequence[str],
    *,
    tls: Tls | None = None,
    keepalive: Keepalive | None = None,
    interceptors: Sequence[grpc.aio.ClientInterceptor] = (),
) -> grpc.aio.Channel:
    """Opens a channel to servers that are equal: calls go round those that are reachable.

    One target may be a name with a port, all of whose addresses are used; several must be IP
    addresses with ports, because gRPC resolves only one name per channel. Raises ValueError when
    they are not.
    """
    address = join_targets(targets)
    options = _options(keepalive or Keepalive())
    if tls is None:
        return grpc.aio.insecure_channel(address, options=options, interceptors=interceptors)
    credentials = grpc.ssl_channel_credentials(tls.roots, tls.private_key, tls.certificate_chain)
    return grpc.aio.secure_channel(address, credentials, options=options, interceptors=interceptors)


def join_targets(targets: Sequence[str]) -> str:
    """Writes targets the way gRPC reads them, for example `ipv4:10.0.0.1:7700,10.0.0.2:7700`."""
    if not targets:
        raise ValueError("A channel needs at least one target, HOST:PORT.")
    if len(targets) == 1:
        return targets[0]
    families = {_family(target) for target in targets}
    if len(families) > 1:
        raise ValueError("Several targets must be of one family: all IPv4 or all IPv6.")
    return f"{families.pop()}:{','.join(targets)}"


def _family(target: str) -> str:
    """Tells whether a target is an IPv4 or an IPv6 address."""
    host, _, port = target.rpartition(":")
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        address = None
    if address is None or not port.isdecimal():
        raise ValueError(f"One of several targets must be IP:PORT, and {target!r} is not.")
    return f"ipv{address.version}"


def _options(keepalive: Keepalive) -> list[tuple[str, int | str]]:
    """Lists the channel's options, each with what goes wrong without it."""
    return [
        # A frozen server or a dead link shows only by a ping that nobody answers. What waits for
        # the answer is the ping's own time-out, 60 s by default; keepalive_timeout_ms does nothing.
        ("grpc.keepalive_time_ms", keepalive.silence_ms),
        ("grpc.keepalive_timeout_ms", keepalive.answer_ms),
        ("grpc.http2.ping_timeout_ms", keepalive.answer_ms),
        # An idle client learns that its server went before the next customer comes.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        # A stream that is read slowly must push back on the server, not fill buffers here.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", 65_536),
        # gRPC waits up to 2 min between attempts to connect; a server restarts within seconds.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 3_000),
        # Calls go round all reachable servers. Nobody adds retries by a DNS record.
        ("grpc.service_config", _NAMES_IN_TURN),
        ("grpc.service_config_disable_resolution", 1),
    ]
