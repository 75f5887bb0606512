"""Customers' consents: recorded by the text that was shown, withdrawn, looked for before a use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select

from fingertip.customer.v1.consent_pb2 import Consent as ConsentMessage
from fingertip.customer.v1.restriction_pb2 import CustomerChanged
from fingertip.errors.v1.error_reason_pb2 import ErrorReason
from fingertip_server import errors
from fingertip_server.customer.restrictions import AUDIENCE
from fingertip_server.customer.tables import Consent
from fingertip_server.rpc import fields
from fingertip_server.rpc.call import Call

LISTED_MAX = 200


@dataclass(frozen=True, slots=True)
class Given:
    """A consent as far as its use depends on it."""

    consent_id: UUID
    agreement: str
    record_time: datetime


def record(
    call: Call, customer_id: UUID, reference: str, channel: str, application_id: UUID | None
) -> Consent:
    """Records a consent by a text of the pack in force. Raises CONSENT_TEXT_NOT_FOUND."""
    text = next((t for t in call.bank.pack.agreements if t.reference == reference), None)
    if text is None or text.purpose is None:
        raise errors.NotFound(
            ErrorReason.ERROR_REASON_CONSENT_TEXT_NOT_FOUND,
            "The bank has no such text to consent by.",
        )
    row = Consent(
        consent_id=uuid4(),
        customer_id=customer_id,
        purpose=text.purpose,
        agreement_code=text.code,
        agreement_version=text.version,
        agreement_sha256=text.sha256,
        channel=channel,
        application_id=application_id,
        recorded_by=call.principal.id,
        device_id=call.principal.device_id,
        record_time=call.now,
        withdrawn_by="",
    )
    call.session.add(row)
    call.flush()
    return row


def withdraw(call: Call, consent_id: UUID) -> Consent:
    """Withdraws a consent. Raises CONSENT_NOT_FOUND or CONSENT_STATE."""
    row = call.session.scalars(
        select(Consent)
        .where(Consent.consent_id == consent_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise errors.NotFound(
            ErrorReason.ERROR_REASON_CONSENT_NOT_FOUND, "There is no such consent."
        )
    if row.withdraw_time is not None:
        raise errors.InvalidState(
            ErrorReason.ERROR_REASON_CONSENT_STATE,
            "The consent was withdrawn already.",
            state="WITHDRAWN",
        )
    row.withdraw_time = call.now
    row.withdrawn_by = call.principal.id
    call.flush()
    return row


def listed(call: Call, customer_id: UUID) -> Sequence[Consent]:
    """Returns a customer's consents, newest first."""
    return call.session.scalars(
        select(Consent)
        .where(Consent.customer_id == customer_id)
        .order_by(Consent.record_time.desc(), Consent.consent_id)
        .limit(LISTED_MAX)
    ).all()


def given(
    call: Call, customer_id: UUID, purpose: str, application_id: UUID, validity: timedelta
) -> Given | None:
    """Returns the consent by which an application may use something now, None without one.

    It was given for this application or for no one in particular, not too long ago, and not
    withdrawn.
    """
    statement = (
        select(Consent)
        .where(
            Consent.customer_id == customer_id,
            Consent.purpose == purpose,
            Consent.withdraw_time.is_(None),
            Consent.record_time > call.now - validity,
            (Consent.application_id == application_id) | Consent.application_id.is_(None),
        )
        .order_by(Consent.record_time.desc())
        .limit(1)
    )
    with call.session.no_autoflush:
        row = call.session.scalars(statement).one_or_none()
    if row is None:
        return None
    reference = f"{row.agreement_code}.v{row.agreement_version}"
    return Given(row.consent_id, reference, row.record_time)


def holds(call: Call, consent_id: UUID) -> bool:
    """Tells whether a consent was not withdrawn."""
    statement = select(Consent.consent_id).where(
        Consent.consent_id == consent_id, Consent.withdraw_time.is_(None)
    )
    return call.connection.execute(statement).one_or_none() is not None


def forget(call: Call, application_id: UUID, used: Sequence[UUID]) -> None:
    """Deletes the consents given for an application that is erased, but those that were used."""
    statement = delete(Consent).where(
        Consent.application_id == application_id, Consent.consent_id.not_in(used)
    )
    call.connection.execute(statement)


def announce(call: Call, customer_id: UUID) -> None:
    """Tells the caller's branch that a customer's consents have changed."""
    count = func.count() + func.count(Consent.withdraw_time)
    version = call.session.scalars(select(count).where(Consent.customer_id == customer_id)).one()
    news = CustomerChanged(
        customer_id=str(customer_id), kind=CustomerChanged.KIND_CONSENTS, version=version
    )
    call.publish(news, AUDIENCE)


def message(row: Consent) -> ConsentMessage:
    """Returns a consent."""
    return ConsentMessage(
        consent_id=str(row.consent_id),
        customer_id=str(row.customer_id),
        purpose=row.purpose,
        agreement_code=row.agreement_code,
        agreement_version=row.agreement_version,
        agreement_sha256=row.agreement_sha256,
        channel=ConsentMessage.Channel.Value(f"CHANNEL_{row.channel}"),
        application_id=fields.text(row.application_id),
        recorded_by=row.recorded_by,
        record_time=fields.instant(row.record_time),
        withdraw_time=fields.instant(row.withdraw_time),
    )
