"""Applications as the contract shows them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from google.type.date_pb2 import Date

from fingertip.applications.v1 import (
    application_pb2,
    applications_service_pb2,
    identity_pb2,
    receipt_pb2,
    reversal_pb2,
)
from fingertip.applications.v1.applications_service_pb2 import (
    ApplicationFault,
    JourneyStep,
    VerifySignatureResponse,
)
from fingertip_server.applications import asked, filling, identity_faults, receipt_text
from fingertip_server.applications.faults import Fault
from fingertip_server.applications.store import Evidence
from fingertip_server.applications.tables import (
    AgreementShowing,
    Application,
    ApplicationIdentity,
    ApplicationInquiry,
    ApplicationSighting,
    Attachment,
    Receipt,
    Reversal,
)
from fingertip_server.applications.verification import Finding
from fingertip_server.authorization import anchors
from fingertip_server.packs.schema_forms import DataClass, FieldType, Form
from fingertip_server.protection import masking
from fingertip_server.rpc import fields

_HIDDEN = "****"
# What has no shape of its own is hidden whole: of a choice even the length tells the answer.
_MASKS = {
    FieldType.NAME: masking.mask_name,
    FieldType.RESIDENT_ID: masking.mask_identity_number,
    FieldType.MOBILE: masking.mask_phone,
    FieldType.BANK_CARD: masking.mask_card,
    FieldType.ACCOUNT: masking.mask_card,
    FieldType.ADDRESS: masking.mask_address,
    FieldType.TEXT: masking.mask_ends,
    FieldType.PASSPORT: masking.mask_identity_number,
    FieldType.HONG_KONG_MACAU_PERMIT: masking.mask_identity_number,
    FieldType.TAIWAN_PERMIT: masking.mask_identity_number,
}


class _Entry(Protocol):
    """An entry of the audit journal, as far as a journey tells it."""

    time: datetime
    actor_name: str
    actor_id: str
    action: str
    reason: str
    object_kind: str
    object_id: str
    object_state: str
    second_person_id: str
    second_person_name: str
    chain: str


def application(row: Application, evidence: Evidence) -> application_pb2.Application:
    """Returns the application as it is now."""
    return application_pb2.Application(
        application_id=str(row.application_id),
        form_code=row.form_code,
        form_version=row.form_version,
        branch_id=row.branch_id,
        customer_id=str(row.customer_id),
        journey_id=str(row.journey_id),
        state=application_pb2.Application.State.Value(f"STATE_{row.state}"),
        revision=row.revision,
        etag=str(row.version),
        maker_id=row.maker_id,
        form_hash=row.form_hash,
        signed=filling.is_signed(row),
        content_hash=row.content_hash or b"",
        task_id=fields.text(row.task_id),
        state_note=row.state_note,
        defects=_defects(row.defects),
        sightings=[sighting(each) for each in evidence.sightings],
        inquiries=[inquiry(each) for each in evidence.inquiries],
        attachments=[attachment(each) for each in evidence.attachments],
        create_time=fields.instant(row.create_time),
        submit_time=fields.instant(row.submit_time),
        version=row.version,
        asked_evidence=[asked_evidence(each) for each in asked.of(row)],
        voucher_id=fields.text(row.voucher_id),
        voucher_serial=row.voucher_serial,
        messages=row.messages,
        reversal_id=fields.text(row.reversal_id),
        reversing=row.is_reversing,
        reverse_time=fields.instant(row.reverse_time),
        identities=identities(evidence),
        agreements_shown=[agreement_shown(each) for each in evidence.showings],
        signature_id=fields.text(row.signature_id),
    )


def identities(evidence: Evidence) -> list[identity_pb2.PartyIdentity]:
    """Returns how far each person's identity is known, the applicant first."""
    return [_identity(row, evidence) for row in evidence.identities]


def _identity(row: ApplicationIdentity, evidence: Evidence) -> identity_pb2.PartyIdentity:
    state = identity_faults.standing(row, evidence).state
    return identity_pb2.PartyIdentity(
        party=identity_pb2.Party.Value(f"PARTY_{row.party}"),
        state=identity_pb2.PartyIdentity.State.Value(f"STATE_{state}"),
        outcome=identity_pb2.IdentityOutcome.Value(
            f"IDENTITY_OUTCOME_{row.outcome or 'UNSPECIFIED'}"
        ),
        ask_time=fields.instant(row.asked_at),
        answer_time=fields.instant(row.answered_at),
        unhindered_time=fields.instant(row.unhindered_at),
    )


def agreement_shown(row: AgreementShowing) -> application_pb2.AgreementShown:
    """Returns since when a text is shown."""
    return application_pb2.AgreementShown(
        agreement_code=row.agreement_code,
        version=row.version,
        sha256=row.sha256,
        show_time=fields.instant(row.show_time),
    )


def asked_evidence(each: asked.Asked) -> application_pb2.AskedEvidence:
    """Returns a piece of evidence that the authoriser asks for."""
    return application_pb2.AskedEvidence(
        subject=each.subject,
        anchor=anchors.value(each.anchor),
        note=each.note,
        kinds=each.kinds,
        message_id=each.message_id,
    )


def attachment(row: Attachment) -> application_pb2.Attachment:
    """Returns an attachment as it is now."""
    return application_pb2.Attachment(
        attachment_id=str(row.attachment_id),
        kind=row.kind,
        content_type=row.content_type,
        size_bytes=row.size_bytes,
        state=application_pb2.Attachment.State.Value(f"STATE_{row.state}"),
        next_offset=row.next_offset,
        sha256=row.sha256 or b"",
    )


def sighting(row: ApplicationSighting) -> application_pb2.Sighting:
    """Returns a sighting as it was attested."""
    return application_pb2.Sighting(
        kind=application_pb2.Sighting.Kind.Value(f"KIND_{row.kind}"),
        attachment_id=str(row.attachment_id),
        staff_id=row.staff_id,
        device_id=fields.text(row.device_id),
        place=row.place,
        attest_time=fields.instant(row.attest_time),
    )


def inquiry(row: ApplicationInquiry) -> application_pb2.ApplicationInquiry:
    """Returns what the bank was asked, and whether it has answered."""
    return application_pb2.ApplicationInquiry(
        inquiry_kind=row.kind,
        state=application_pb2.ApplicationInquiry.State.Value(f"STATE_{row.state}"),
        asked_by=row.asked_by,
        ask_time=fields.instant(row.ask_time),
        answer_time=fields.instant(row.answer_time),
        reference=row.reference,
        consent_id=str(row.consent_id),
        consent_time=fields.instant(row.consent_time),
        consent_text=row.consent_agreement,
    )


def fault(found: Fault) -> ApplicationFault:
    """Returns a fault."""
    return ApplicationFault(
        subject=found.subject,
        kind=ApplicationFault.Kind.Value(f"KIND_{found.kind}"),
        note=found.note,
    )


def verified(found: Finding) -> VerifySignatureResponse:
    """Returns which links of a signature hold."""
    return VerifySignatureResponse(
        valid=found.is_valid,
        checks=found.checks,
        signature_id=str(found.signature_id),
        statement=found.statement,
        certificate_sha256=found.certificate_sha256,
        stamp_time=fields.instant(found.stamp_time),
    )


def answers(form: Form, given: Mapping[str, str], *, whole: bool) -> list[application_pb2.Answer]:
    """Returns the answers in the order of the form, masked by its data classes unless whole."""
    return [
        application_pb2.Answer(
            field_key=field.key,
            value=given[field.key]
            if whole or field.data_class == DataClass.C1
            else _masked(field.type, given[field.key]),
        )
        for field in form.fields
        if field.key in given
    ]


def result(account_number: str, row: Application) -> applications_service_pb2.ExecutionResult:
    """Returns what the bank did, the account number masked."""
    return applications_service_pb2.ExecutionResult(
        account_number=masking.mask_card(account_number),
        core_reference=row.core_reference,
        execute_time=fields.instant(row.execute_time),
    )


def reversal(row: Reversal) -> reversal_pb2.Reversal:
    """Returns a reversal as it is now."""
    return reversal_pb2.Reversal(
        reversal_id=str(row.reversal_id),
        application_id=str(row.application_id),
        branch_id=row.branch_id,
        customer_id=str(row.customer_id),
        journey_id=str(row.journey_id),
        state=reversal_pb2.Reversal.State.Value(f"STATE_{row.state}"),
        maker_id=row.maker_id,
        reason=row.reason,
        content_hash=row.content_hash,
        task_id=str(row.task_id),
        state_note=row.state_note,
        defects=_defects(row.defects),
        core_reference=row.core_reference,
        create_time=fields.instant(row.create_time),
        execute_time=fields.instant(row.execute_time),
        version=row.version,
    )


def receipt(row: Receipt, account_number: str, lines: Iterable[str]) -> receipt_pb2.Receipt:
    """Returns a receipt; its lines are masked already, the account number by the pipeline."""
    day = row.business_day
    return receipt_pb2.Receipt(
        receipt_number=receipt_text.number(row),
        kind=receipt_pb2.Receipt.Kind.Value(f"KIND_{row.kind}"),
        application_id=str(row.application_id),
        reversal_id=fields.text(row.reversal_id),
        title=row.title,
        branch_id=row.branch_id,
        branch_name=row.branch_name,
        business_day=Date(year=day.year, month=day.month, day=day.day),
        account_number=account_number,
        core_reference=row.core_reference,
        content_code=receipt_text.content_code(row.content_hash),
        maker=_signatory(row.maker_id, row.maker_name),
        authorisers=[_signatory(staff_id, name) for staff_id, name in row.authorisers],
        submit_time=fields.instant(row.submit_time),
        execute_time=fields.instant(row.execute_time),
        print_count=row.print_count,
        lines=lines,
    )


def steps(entries: Iterable[_Entry]) -> list[JourneyStep]:
    """Returns the steps of a journey."""
    return [
        JourneyStep(
            time=fields.instant(entry.time),
            actor=entry.actor_name or entry.actor_id,
            action=entry.action,
            refusal=entry.reason,
            object_kind=entry.object_kind,
            object_id=entry.object_id,
            object_state=entry.object_state,
            branch_id=entry.chain,
            second_person=entry.second_person_name or entry.second_person_id,
        )
        for entry in entries
    ]


def _defects(stored: Iterable[list[str]]) -> list[application_pb2.Defect]:
    return [
        application_pb2.Defect(
            subject=each.subject, note=each.note, anchor=anchors.value(each.anchor)
        )
        for each in anchors.from_stored(stored)
    ]


def _signatory(staff_id: str, name: str) -> receipt_pb2.Receipt.Signatory:
    return receipt_pb2.Receipt.Signatory(staff_id=staff_id, name=name)


def _masked(kind: FieldType, value: str) -> str:
    mask = _MASKS.get(kind)
    return mask(value) if mask is not None else _HIDDEN
