"""Puts a server process together, and takes it down in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from types import ModuleType
from uuid import UUID

import grpc
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from sqlalchemy import Connection, text

from fingertip.applications.v1 import applications_service_pb2
from fingertip.audit.v1 import audit_service_pb2
from fingertip.authorization.v1 import authorization_service_pb2
from fingertip.customer.v1 import customer_service_pb2
from fingertip.events.v1 import events_service_pb2
from fingertip.fulfilment.v1 import fulfilment_service_pb2
from fingertip.identity.v1 import identity_service_pb2
from fingertip.lobby.v1 import lobby_service_pb2
from fingertip.quality.v1 import quality_service_pb2
from fingertip.screening.v1 import screening_service_pb2
from fingertip.vouchers.v1 import vouchers_service_pb2
from fingertip_server import domains, errors, telemetry
from fingertip_server.applications import evidence_handlers, outcome_handlers
from fingertip_server.applications import handlers as applications
from fingertip_server.audit import handlers as audit
from fingertip_server.authority import keyfile as authority_file
from fingertip_server.authority.authority import Authority
from fingertip_server.authority.remote import RemoteTimeStamps
from fingertip_server.authorization import handlers as authorization
from fingertip_server.customer import handlers as customer
from fingertip_server.db import engine as engines
from fingertip_server.db import installation, schema
from fingertip_server.events.readers import Readers
from fingertip_server.events.scopes import Scopes
from fingertip_server.events.security import SecurityWatch
from fingertip_server.events.tokens import Tokens
from fingertip_server.events.watching import Limits, Watching
from fingertip_server.events.wiring import Wiring
from fingertip_server.fulfilment import handlers as fulfilment
from fingertip_server.identity import handlers as identity
from fingertip_server.identity.authentication import Authenticator
from fingertip_server.lobby import handlers as lobby
from fingertip_server.packs.bank import Bank
from fingertip_server.protection import keyfile
from fingertip_server.protection.keyring import KeyRing
from fingertip_server.protection.protection import Protection
from fingertip_server.quality import handlers as quality
from fingertip_server.rpc import binding, service
from fingertip_server.rpc.frame import Frame
from fingertip_server.rpc.health import Health
from fingertip_server.rpc.measuring import Measuring
from fingertip_server.rpc.pipeline import Pipeline
from fingertip_server.rpc.timers import Timers
from fingertip_server.rpc.units import Units
from fingertip_server.rpc.wakeups import Wakeups
from fingertip_server.screening import handlers as screening
from fingertip_server.settings import Settings
from fingertip_server.vouchers import handlers as vouchers

_log = structlog.get_logger("fingertip.app")

_OPTIONS = (
    # Otherwise a second process binds the same port and takes half of the calls, silently.
    ("grpc.so_reuseport", 0),
    # Keepalive's own time-out is ignored; the ping's is what ends a dead connection.
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.max_receive_message_length", 4 << 20),
    ("grpc.max_metadata_size", 16 << 10),
    ("grpc.max_concurrent_streams", 1_000),
)

# The module of a service's messages, and those of its handlers.
_MODULES: Mapping[str, tuple[ModuleType, ...]] = {
    "IdentityService": (identity_service_pb2, identity),
    "LobbyService": (lobby_service_pb2, lobby),
    "CustomerService": (customer_service_pb2, customer),
    "ApplicationsService": (
        applications_service_pb2,
        applications,
        evidence_handlers,
        outcome_handlers,
    ),
    "AuthorizationService": (authorization_service_pb2, authorization),
    "FulfilmentService": (fulfilment_service_pb2, fulfilment),
    "AuditService": (audit_service_pb2, audit),
    "QualityService": (quality_service_pb2, quality),
    "ScreeningService": (screening_service_pb2, screening),
    "VouchersService": (vouchers_service_pb2, vouchers),
}


class StartRefused(Exception):
    """The server cannot start; the message says in a sentence what to do."""


class App:
    """A server process."""

    def __init__(self, settings: Settings, *, pipeline: type[Pipeline] = Pipeline) -> None:
        self.settings = settings
        self._pipeline = pipeline
        self.engine = engines.create(
            settings.database_url,
            connections_max=settings.connections_max,
            application_name="fingertip server",
        )
        self.units = Units(self.engine)
        self.wakeups = Wakeups()
        self.readers = Readers(self.units, self.wakeups)
        self.measuring = Measuring(self.units, domains.QUEUES)
        self.port = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Starts to serve. Raises a refusal that says what to do when anything is amiss."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        wiring, epoch = await self._open()
        settings = self.settings
        self.watching = Watching(
            units=self.units,
            readers=self.readers,
            tokens=Tokens(self.protection, epoch),
            scopes=Scopes(self.units, domains.branch_of_application),
            snapshots=domains.snapshots(lambda: self.frame.bank),
            clock=self.authenticator.clock,
            limits=Limits(
                settings.heartbeat_seconds, settings.stream_seconds_max, settings.streams_max
            ),
        )
        await self.security.start()
        self._serve()
        self._run(wiring.run())
        self._run(self.timers.run())
        self._run(self.authenticator.keep_flushing())
        self._run(self.health.run())
        if telemetry.is_measured():
            self._run(self.measuring.run())
        await self.health.look()
        await self.server.start()
        _log.info("serving", port=self.port)

    async def open(self) -> None:
        """Makes the pipeline ready for what an operator does, and serves nobody."""
        await self._open()

    async def _open(self) -> tuple[Wiring, UUID]:
        settings = self.settings
        ring = keyfile.load(settings.key_ring)
        self.protection = Protection(ring)
        authority = _authority(settings)
        epoch = await self.units.transaction(lambda c: _checked(c, ring, authority, settings))
        # Not in that transaction: making a bank of its pack takes longer than one may idle.
        bank = await self.units.autocommit(Bank.load)
        wiring = Wiring(settings.database_url, self.wakeups)
        self.security = SecurityWatch(self.units, self.readers, self._invalidate)
        self.authenticator = Authenticator(
            units=self.units,
            protection=self.protection,
            bank=lambda: self.frame.bank,
            trusted=self.security.is_trusted,
        )
        self.frame = Frame(
            units=self.units,
            authenticator=self.authenticator,
            protection=self.protection,
            authority=authority,
            bank=bank,
            hooks=domains.HOOKS,
            wakeups=self.wakeups,
            announce=wiring.announce,
            constraints=domains.CONSTRAINTS,
            calls_max=settings.calls_max,
        )
        self.pipeline = self._pipeline(self.frame)
        self.timers = Timers(self.units, self.pipeline, domains.HOOKS.timers)
        return wiring, epoch

    async def drain(self) -> None:
        """Stops in order: says so, moves the streams, finishes the calls, writes what is left."""
        started = asyncio.get_running_loop().time()
        self.frame.is_draining = True
        await self.health.leave()
        self.watching.drain()
        self.wakeups.wake_all()
        await self.watching.ended(_left(started, self.settings.drain_seconds) - 1)
        await self.server.stop(_left(started, self.settings.drain_seconds))
        with contextlib.suppress(errors.Unavailable):
            # When sessions were last used; a database that is away learns it from other processes.
            await self.authenticator.flush()
        await self.stop()

    async def stop(self) -> None:
        """Ends what runs in the background and closes the database."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.readers.stop()
        await self.units.drained()
        await self.engine.dispose()

    def _serve(self) -> None:
        services: dict[ServiceDescriptor, Sequence[object]] = {
            module.DESCRIPTOR.services_by_name[name]: handlers
            for name, (module, *handlers) in _MODULES.items()
        }
        services[events_service_pb2.DESCRIPTOR.services_by_name["EventsService"]] = [self.watching]
        methods = binding.bind(services)
        self.server = grpc.aio.server(options=_OPTIONS)
        service.register(self.server, methods, self.pipeline)
        names = sorted({method.service for method in methods})
        self.health = Health(names, self.units)
        health_pb2_grpc.add_HealthServicer_to_server(self.health.servicer, self.server)
        if not self.settings.production:
            health = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
            reflection.enable_server_reflection(
                [*names, health, reflection.SERVICE_NAME], self.server
            )
        try:
            self.port = self.server.add_insecure_port(self.settings.listen)
        except RuntimeError:
            raise StartRefused(
                f"{self.settings.listen} cannot be listened on: it is taken, or not this machine's."
            ) from None

    def _run(self, work: Coroutine[object, object, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _invalidate(self, subject: str) -> None:
        self.authenticator.invalidate(subject)
        if subject.startswith("pack:"):
            self._run(self._reload())

    async def _reload(self) -> None:
        self.frame.bank = await self.units.autocommit(Bank.load)


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Units]:
    """Gives units of work on a database whose schema is current, whatever is loaded in it."""
    engine = engines.create(
        settings.database_url, connections_max=2, application_name="fingertip operator"
    )
    units = Units(engine)
    try:
        await units.autocommit(schema.require_current)
        yield units
    finally:
        await engine.dispose()


def _left(started: float, seconds: float) -> float:
    return max(0.0, started + seconds - asyncio.get_running_loop().time())


def _authority(settings: Settings) -> Authority:
    keys = authority_file.load(settings.authority)
    if settings.tsa_anchors is None:
        return Authority(keys)
    anchors = authority_file.load_anchors(settings.tsa_anchors)
    stamps = RemoteTimeStamps(settings.tsa_url, anchors, settings.tsa_seconds_max)
    return Authority(keys, stamps)


def _checked(
    connection: Connection, ring: KeyRing, authority: Authority, settings: Settings
) -> UUID:
    schema.require_current(connection)
    found = installation.read(connection)
    if mismatches := ring.mismatches(found.key_ring):
        raise StartRefused("The key ring is not this database's:\n" + "\n".join(mismatches))
    if found.authority and not authority.knows(found.authority):
        raise StartRefused("The authority is not this database's: what it signed would not hold.")
    installation.remember_key_ring(connection, ring.fingerprint())
    installation.remember_authority(connection, authority.fingerprint)
    moved = connection.execute(text("SELECT count(*) FROM test_clock")).scalar_one()
    if moved and settings.production:
        raise StartRefused(
            "The database's clock was moved for a test: it is no production database."
        )
    return found.epoch
