"""A form of the pack as the contract shows it, and what a customer signs of it."""

import hashlib
from collections.abc import Iterable, Mapping
from uuid import UUID

from fingertip.applications.v1 import form_pb2
from fingertip.applications.v1.application_pb2 import Answer
from fingertip.applications.v1.content_pb2 import SignedForm
from fingertip.options.v1 import options_pb2
from fingertip_server.packs.bank import Bank
from fingertip_server.packs.schema_forms import (
    SIGNATURE,
    Agreement,
    Asked,
    AttachmentRule,
    DataClass,
    Form,
    FormField,
    ImageRule,
    InquiryRule,
)

# An answer's longest text in the contract, for the types that have no limit of their own.
_LENGTH_MAX = 1000

_CLASSES = {DataClass.C1: options_pb2.DATA_CLASS_C1, DataClass.C2: options_pb2.DATA_CLASS_C2}


def to_message(form: Form, bank: Bank) -> form_pb2.Form:
    """Returns the form with its agreements; the signature is the last of its attachments."""
    rules = [_asked_for(rule) for rule in form.attachments]
    return form_pb2.Form(
        identity_check=form.identity_check,
        form_code=form.code,
        version=form.version,
        title=form.title,
        sections=[
            form_pb2.FormSection(
                title=section.title, fields=[_field(field) for field in section.fields]
            )
            for section in form.sections
        ],
        attachment_rules=[*rules, _rule(SIGNATURE, form.signature, required=True)],
        agreements=[_agreement(agreement) for agreement in _agreements(form, bank)],
        inquiry_rules=[_inquiry_rule(rule, bank) for rule in form.inquiries],
    )


def image_rule(form: Form, kind: str) -> ImageRule | None:
    """Returns what an attachment of the kind may be; none when the form asks for no such thing."""
    if kind == SIGNATURE:
        return form.signature
    return next((rule for rule in form.attachments if rule.kind == kind), None)


def shown_by(form: Form, kind: str) -> frozenset[str]:
    """Returns the kinds of attachments that may show a sighting; none when it is not asked for."""
    return frozenset(
        attachment
        for sighting in form.sightings
        if sighting.kind == kind
        for attachment in sighting.attachments
    )


def signed_bytes(form: Form, bank: Bank, customer_id: UUID, answers: Mapping[str, str]) -> bytes:
    """Returns the bytes of what the customer signs. They are stored, and never made again."""
    return SignedForm(
        form_code=form.code,
        form_version=form.version,
        customer_id=str(customer_id),
        answers=[Answer(field_key=key, value=answers[key]) for key in sorted(answers)],
        agreements=[
            SignedForm.Agreed(
                agreement_code=agreement.code,
                version=agreement.version,
                sha256=_sha256(agreement),
            )
            for agreement in _agreements(form, bank)
        ],
    ).SerializeToString(deterministic=True)


def _agreement(agreement: Agreement) -> form_pb2.Agreement:
    return form_pb2.Agreement(
        agreement_code=agreement.code,
        version=agreement.version,
        title=agreement.title,
        text=agreement.text,
        sha256=_sha256(agreement),
    )


def _inquiry_rule(rule: InquiryRule, bank: Bank) -> form_pb2.InquiryRule:
    message = form_pb2.InquiryRule(inquiry_kind=rule.kind, label=rule.label)
    text = bank.consent_text(rule.consent)
    if text is not None:
        message.consent_text.CopyFrom(_agreement(text))
    return message


def _field(field: FormField) -> form_pb2.FormField:
    return form_pb2.FormField(
        field_key=field.key,
        label=field.label,
        type=form_pb2.FormField.Type.Value(f"TYPE_{field.type.name}"),
        required=field.required,
        length_max=field.length_max or _LENGTH_MAX,
        choices=[
            form_pb2.FieldChoice(value=choice.value, label=choice.label) for choice in field.choices
        ],
        help=field.help or "",
        data_class=_CLASSES[field.data_class],
        only_when=_condition(field),
    )


def _condition(asked: Asked) -> form_pb2.Condition | None:
    if asked.only_when is None:
        return None
    return form_pb2.Condition(field_key=asked.only_when.field, values=asked.only_when.values)


def _asked_for(rule: AttachmentRule) -> form_pb2.AttachmentRule:
    message = _rule(rule.kind, rule, required=rule.required)
    message.MergeFrom(form_pb2.AttachmentRule(only_when=_condition(rule)))
    return message


def _rule(kind: str, rule: ImageRule, *, required: bool) -> form_pb2.AttachmentRule:
    return form_pb2.AttachmentRule(
        kind=kind,
        label=rule.label,
        required=required,
        content_types=list(rule.content_types),
        size_bytes_max=rule.size_bytes_max,
    )


def _agreements(form: Form, bank: Bank) -> Iterable[Agreement]:
    return [bank.agreement(reference) for reference in form.agreements]


def _sha256(agreement: Agreement) -> bytes:
    return hashlib.sha256(agreement.text.encode()).digest()
