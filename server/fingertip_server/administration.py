"""What an operator does at the command line: through the pipeline, as the system, journalled."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip.identity.v1.device_pb2 import Device
from fingertip_server import errors
from fingertip_server.app import App, connected
from fingertip_server.applications import verification
from fingertip_server.audit import journal
from fingertip_server.audit.journal import Finding
from fingertip_server.identity import accounts, operator, passwords
from fingertip_server.packs import loading, reading
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import Outside
from fingertip_server.rpc.principal import SYSTEM
from fingertip_server.rpc.tables import TopicHead
from fingertip_server.settings import Settings

_VERIFIED_PER_STATEMENT = 10_000


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[App]:
    app = App(settings)
    try:
        await app.open()
        yield app
    finally:
        await app.stop()


def load_pack(settings: Settings, folder: Path) -> tuple[str, bool]:
    """Makes a folder the bank's active pack; returns its version and whether anything changed.

    Raises PackRefused with every fault. Servers that are running take it over within a second.
    """
    pack = reading.read_pack(folder)

    async def run() -> tuple[str, bool]:
        async with connected(settings) as units:
            is_new = await units.transaction(lambda connection: loading.load(connection, pack))
        # Told even when nothing is new: somebody may have died between the two the last time.
        async with _opened(settings) as app:
            await app.pipeline.due("operator/load_pack", tell)
        return pack.version, is_new

    def tell(call: Call) -> None:
        call.home = "bank"
        call.record("pack", pack.version, "ACTIVE")
        call.invalidate(f"pack:{pack.version}")

    return asyncio.run(run())


def create_enrolment_code(
    settings: Settings,
    *,
    kind: Device.Kind.ValueType,
    branch_id: str,
    display_name: str,
    work_kinds: tuple[str, ...] = (),
) -> str:
    """Returns a single-use code with which one device is enrolled within 10 minutes."""
    codes: list[str] = []

    def invite(call: Call) -> None:
        invitation = operator.create_enrolment_code(
            call,
            kind=kind,
            branch_id=branch_id,
            display_name=display_name,
            work_kinds=work_kinds,
        )
        codes.append(invitation.code)

    _do(settings, "operator/create_enrolment_code", invite)
    return codes[-1]


def set_password(settings: Settings, staff_id: str, password: str) -> None:
    """Gives a staff account a password, and unlocks it. Raises PASSWORD_NOT_ACCEPTED."""

    async def run() -> None:
        async with _opened(settings) as app:
            former = await app.units.autocommit(lambda c: accounts.former_hashes(c, staff_id))
            password_hash = passwords.accepted_hash(staff_id, password, former)
            await app.pipeline.due(
                "operator/set_password",
                lambda call: operator.set_password(call, staff_id, password_hash),
            )

    asyncio.run(run())


def verify_signature(settings: Settings, application_id: str) -> list[tuple[str, bool, str]]:
    """Returns each link of a customer's signature, whether it holds, and if not a sentence.

    Raises APPLICATION_NOT_FOUND, also for one that nobody has signed.
    """

    async def run() -> verification.Finding:
        async with _opened(settings) as app:
            frame = app.frame
            outside = Outside(SYSTEM, frame.protection, frame.bank, frame.units, frame.authority)
            found = await verification.find(outside, _uuid(application_id))
            if found is None:
                raise _nothing_signed()

            def tell(call: Call) -> None:
                call.home = "bank"
                call.record("application", application_id)

            await app.pipeline.due("operator/verify_signature", tell)
            return found

    return [
        (verification.name_of(check.link), check.holds, check.note)
        for check in asyncio.run(run()).checks
    ]


def _uuid(written: str) -> UUID:
    try:
        return UUID(written)
    except ValueError:
        raise _nothing_signed() from None


def _nothing_signed() -> errors.NotFound:
    return errors.NotFound(
        ErrorReason.ERROR_REASON_APPLICATION_NOT_FOUND,
        "There is no application with this id, or nobody has signed it.",
    )


def verify_audit(settings: Settings, chain: str, tell: Callable[[str, Finding], None]) -> bool:
    """Verifies one chain, or all when `chain` is empty; tells of each as it goes on.

    Returns whether all of them are intact. Raises CHAIN_NOT_FOUND.
    """

    async def run() -> bool:
        intact = True
        async with connected(settings) as units:
            topics = select(TopicHead.topic).order_by(TopicHead.topic)
            every = await units.autocommit(lambda c: list(c.execute(topics).scalars()))
            if chain and chain not in every:
                raise errors.NotFound(
                    ErrorReason.ERROR_REASON_CHAIN_NOT_FOUND,
                    f"There is no chain {chain}; there are {', '.join(every)}.",
                )
            for name in [chain] if chain else every:
                position = 1
                while position:
                    finding = await units.snapshot(
                        partial(
                            journal.verify,
                            chain=name,
                            first_position=position,
                            count=_VERIFIED_PER_STATEMENT,
                        )
                    )
                    tell(name, finding)
                    intact = intact and not finding.sentence
                    position = finding.next_position
        return intact

    return asyncio.run(run())


def _do(settings: Settings, name: str, work: Callable[[Call], None]) -> None:
    async def run() -> None:
        async with _opened(settings) as app:
            await app.pipeline.due(name, work)

    asyncio.run(run())
