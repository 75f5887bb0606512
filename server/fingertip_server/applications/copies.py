"""Makes the copy that a customer takes home, when what he signed is proved once more."""

import asyncio
import hashlib
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from fingertip.applications.v1.content_pb2 import SignedForm
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.applications import (
    agreements,
    copy_text,
    receipt_text,
    receipts,
    signatures,
    verification,
)
from fingertip_server.applications.copy_text import Copied
from fingertip_server.applications.tables import Application
from fingertip_server.applications.verification import Finding, Stored
from fingertip_server.authority.errors import StampRefused
from fingertip_server.documents import rendering
from fingertip_server.documents.pdf import About, SignatureTooLarge
from fingertip_server.rpc.phases import Outside

# With the message around it, an answer stays within what gRPC clients take by default.
_BYTES_MAX = 4 * 1024 * 1024 - 64 * 1024
_REASON = "客户联"
_log = structlog.get_logger("fingertip.copies")


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy as it is handed out, and the signature that it is about."""

    signature_id: UUID
    content: bytes
    sha256: bytes


async def make(outside: Outside, application_id: UUID) -> Copy | Finding | None:
    """Returns the copy; what is broken where something is; nothing where nothing is signed.

    Nothing either for an application of another branch: the handler says why. Nobody's data are
    kept: the copy is made anew each time.
    """
    stored = await outside.read(verification.read, outside.protection, application_id)
    if stored is None:
        return None
    found = await asyncio.to_thread(verification.prove, stored, outside.authority)
    if not found.is_valid:
        return found
    copied = await outside.read(_copied, outside, stored, found)
    if copied is None:
        return None
    now = await outside.read(lambda connection: connection.scalar(select(func.fingertip_now())))
    about = About(copy_text.title(copied), copied.bank_name, _REASON, now)
    unsigned = await asyncio.to_thread(
        rendering.render, copy_text.blocks(copied), about, copy_text.foot(copied)
    )
    try:
        signature = await outside.authority.sign_document(unsigned.sha256, now)
        content = unsigned.signed(signature)
    except StampRefused as refused:
        _log.warning("no time-stamp", why=str(refused))
        raise signatures.no_time_stamp() from refused
    except SignatureTooLarge:
        _log.warning("no time-stamp", why="it is too large for a document")
        raise signatures.no_time_stamp() from None
    if len(content) > _BYTES_MAX:
        raise errors.LimitReached(
            ErrorReason.ERROR_REASON_COPY_TOO_LARGE,
            "The customer's copy is too large.",
            limit=str(_BYTES_MAX),
        )
    return Copy(stored.signature_id, content, hashlib.sha256(content).digest())


def _copied(
    connection: Connection, outside: Outside, stored: Stored, found: Finding
) -> Copied | None:
    """Returns what the copy says; nothing when the application is none of the caller's branch."""
    with Session(connection) as session:
        application = session.get(Application, stored.application_id)
        if application is None or application.branch_id != outside.principal.branch_id:
            return None
        bank = outside.bank
        form = bank.form(application.form_code, application.form_version)
        branch = bank.branch(application.branch_id)
        zone = bank.time_zone(application.branch_id)
        signed = SignedForm.FromString(stored.signed_form or b"")
        statement, stamp_time = found.statement, found.stamp_time
        if statement is None or stamp_time is None:
            raise AssertionError("Every link held.")
        receipt = session.scalars(
            receipts.of(application.application_id, receipts.EXECUTION)
        ).one_or_none()
        number = (
            outside.protection.open(
                Application.account_number,
                application.application_id,
                application.account_number,
            )
            if application.account_number is not None
            else ""
        )
        return Copied(
            bank_name=bank.pack.bank.name,
            branch_name=branch.name,
            branch_id=branch.code,
            application_id=str(application.application_id),
            form=form,
            answers={each.field_key: each.value for each in signed.answers},
            agreements=agreements.of_form(bank, form),
            texts=[text for text in stored.texts if text is not None],
            statement=statement,
            image=stored.image or b"",
            certificate_sha256=found.certificate_sha256,
            stamp_time=stamp_time,
            receipt=receipt_text.facts(receipt, number, zone) if receipt else (),
            zone=zone,
        )
