"""Makes the signature with which a customer signs, outside of the transaction, and keeps it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from fingertip.applications.v1.applications_service_pb2 import SignApplicationRequest
from fingertip.applications.v1.signature_pb2 import (
    AgreementRead,
    SignatureReference,
    SignatureStatement,
)
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.applications import agreements, rules, store
from fingertip_server.applications.tables import Application, Attachment, Signature
from fingertip_server.authority import authority
from fingertip_server.authority.certificates import Occasion
from fingertip_server.authority.errors import StampRefused
from fingertip_server.packs.schema_forms import SIGNATURE
from fingertip_server.protection.sealing import context_of
from fingertip_server.rpc.call import Call
from fingertip_server.rpc.phases import Outside

_KIND = "fingertip-signature-1"
_log = structlog.get_logger("fingertip.signatures")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signature of an application as it was in one version."""

    version: int
    statement: bytes
    signature: authority.Signature


@dataclass(frozen=True, slots=True)
class _Draft:
    """What is to be signed."""

    version: int
    statement: bytes
    content: bytes
    occasion: Occasion


def signed_content(statement: bytes, signed_form: bytes, texts: Sequence[str]) -> bytes:
    """Returns the bytes that are signed, as the contract describes them at SignatureStatement."""
    return context_of(_KIND, statement, signed_form, *texts)


async def prepare(outside: Outside, request: SignApplicationRequest) -> Prepared | None:
    """Signs what an application says, before the transaction that finds it unchanged.

    Nothing when the handler will refuse: it says why. So is a repetition of what was done already
    never signed, nor time-stamped, again. Raises TIME_STAMP_UNAVAILABLE.
    """
    try:
        draft = await outside.read(_draft, outside, request)
    except errors.Unavailable:
        raise
    except errors.DomainError:
        return None
    if draft is None:
        return None
    try:
        signature = await outside.authority.sign(draft.content, draft.occasion)
    except StampRefused as refused:
        _log.warning("no time-stamp", why=str(refused))
        raise no_time_stamp() from refused
    return Prepared(draft.version, draft.statement, signature)


def no_time_stamp() -> errors.Unavailable:
    """Returns the refusal for what cannot be signed now."""
    return errors.Unavailable(
        ErrorReason.ERROR_REASON_TIME_STAMP_UNAVAILABLE,
        "The time cannot be stamped now. Repeat with the same request_id.",
    )


def keep(
    call: Call,
    application: Application,
    attachment: Attachment,
    read: Sequence[AgreementRead],
) -> None:
    """Makes what was prepared the signature of a locked application."""
    prepared = call.prepared
    if not isinstance(prepared, Prepared) or prepared.version != application.version:
        # What the preparation saw was over a moment later.
        raise rules.another_version(application.version)
    statement = SignatureStatement.FromString(prepared.statement)
    if list(statement.agreements_read) != list(read):
        raise rules.another_version(application.version)
    signature = Signature(
        signature_id=uuid4(),
        application_id=application.application_id,
        form_hash=application.form_hash,
        statement=prepared.statement,
        cms=prepared.signature.cms,
        certificate_sha256=prepared.signature.certificate_sha256,
        token_sha256=prepared.signature.token_sha256,
        sign_time=statement.sign_time.ToDatetime(call.now.tzinfo),
    )
    call.session.add(signature)
    call.flush()
    application.signature_form_hash = application.form_hash
    application.signature_attachment_id = attachment.attachment_id
    application.signature_id = signature.signature_id


def reference(call: Call, application: Application) -> SignatureReference | None:
    """Returns how the content of a submission names the signature; nothing without one."""
    if application.signature_id is None:
        return None
    # The application may be half changed: what is about to be stored is what names it.
    with call.session.no_autoflush:
        signature = call.session.get_one(Signature, application.signature_id)
    return SignatureReference(
        signature_id=str(signature.signature_id),
        statement_sha256=hashlib.sha256(signature.statement).digest(),
        cms_sha256=hashlib.sha256(signature.cms).digest(),
        certificate_sha256=signature.certificate_sha256,
        token_sha256=signature.token_sha256,
    )


def _draft(
    connection: Connection, outside: Outside, request: SignApplicationRequest
) -> _Draft | None:
    """Returns what is to be signed; nothing, or a refusal, when the handler will refuse."""
    with Session(connection) as session:
        application = session.get(Application, UUID(request.application_id))
        attachment = session.get(Attachment, UUID(request.attachment_id))
        if application is None or attachment is None or attachment.sha256 is None:
            return None
        if application.maker_id != outside.principal.id or attachment.kind != SIGNATURE:
            return None
        errors.require_etag(application.version, request.etag)
        rules.require_signed(application.form_hash, request.form_hash)
        now = connection.execute(select(func.fingertip_now())).scalar_one()
        bank = outside.bank
        form = bank.form(application.form_code, application.form_version)
        showings = store.evidence(session, application.application_id).showings
        read = agreements.require_read(bank, form, showings, request.agreements_read, now)
        signed_form = outside.protection.open_bytes(
            Application.signed_form, application.application_id, application.signed_form
        )
        sign_time = Timestamp()
        sign_time.FromDatetime(now)
        statement = SignatureStatement(
            application_id=str(application.application_id),
            customer_id=str(application.customer_id),
            form_hash=application.form_hash,
            attachment_id=str(attachment.attachment_id),
            image_sha256=attachment.sha256,
            agreements_read=read,
            branch_id=application.branch_id,
            staff_id=outside.principal.id,
            device_id=str(outside.principal.device_id or ""),
            sign_time=sign_time,
        ).SerializeToString(deterministic=True)
        texts = [each.text for each in agreements.of_form(bank, form)]
        content = signed_content(statement, signed_form, texts)
        occasion = Occasion(
            pseudonym=str(application.customer_id),
            organisation=bank.pack.bank.name,
            content_sha256=hashlib.sha256(content).digest(),
            time=now,
            valid_for=bank.policies.duration("signatures.certificate_validity"),
        )
        return _Draft(application.version, statement, content, occasion)
