"""Finds everything that stands between an application and its submission, all at once.

The rules of identity know the applicant's fields by their keys, which every form of the bank
shares; where a form has no such field, or its answer is wrong by itself, the rule has nothing to
say. Whatever else is to be checked across fields the form declares itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from fingertip_server.applications import answers, form_rules
from fingertip_server.applications.faults import Fault, FaultKind
from fingertip_server.identifiers import names, phone, resident_id, text, validity
from fingertip_server.identifiers.faults import IdentifierFault
from fingertip_server.identifiers.validity import ValidityYears
from fingertip_server.packs.schema_forms import SIGNATURE, FieldType, Form, SightingKind
from fingertip_server.packs.schema_rules import MasterField

APPLICANT_NAME = "applicant_name"
DOCUMENT_TYPE = "document_type"
RESIDENT_ID = "resident_id"
ISSUE_DATE = "document_issue_date"
VALID_UNTIL = "document_valid_until"
BIRTH_DATE = "birth_date"
SEX = "sex"
MOBILE = "mobile"

# A field is the applicant's only when it is also of the kind that the rule reads.
_TYPES: Mapping[str, FieldType] = {
    APPLICANT_NAME: FieldType.NAME,
    DOCUMENT_TYPE: FieldType.CHOICE,
    RESIDENT_ID: FieldType.RESIDENT_ID,
    ISSUE_DATE: FieldType.DATE,
    VALID_UNTIL: FieldType.VALIDITY,
    BIRTH_DATE: FieldType.DATE,
    SEX: FieldType.CHOICE,
    MOBILE: FieldType.MOBILE,
}
_SIGHTING_LABELS = {
    SightingKind.APPLICANT: "亲见申请人",
    SightingKind.ORIGINAL_DOCUMENT: "亲见证件原件",
    SightingKind.SIGNATURE: "亲见签名",
}


@dataclass(frozen=True, slots=True)
class Master:
    """What the bank's customer master says of the customer; "" where it says nothing."""

    name: str
    resident_id: str
    mobile: str


@dataclass(frozen=True, slots=True)
class DocumentPolicy:
    """What the bank's policies say of identity documents."""

    expired_accepted: bool
    years: ValidityYears


@dataclass(frozen=True, slots=True)
class Filled:
    """An application as it is filled in: `attachments` and `sightings` are those complete.

    `limits` are the policies of amounts that the form's rules read, `shared` the fields whose
    mobile number is known of another person.
    """

    form: Form
    answers: Mapping[str, str]
    attachments: frozenset[str]
    sightings: frozenset[str]
    is_signed: bool
    master: Master | None
    documents: DocumentPolicy
    today: date
    limits: Mapping[str, Decimal] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()


def check(filled: Filled) -> list[Fault]:
    """Returns every fault: of the fields in their order, across fields, then of the evidence."""
    return [
        *_fields(filled),
        *_across(filled),
        *_against_master(filled),
        *_declared(filled),
        *_evidence(filled),
    ]


def _fields(filled: Filled) -> Iterator[Fault]:
    for asked in filled.form.fields:
        written = filled.answers.get(asked.key, "")
        if not asked.is_asked(filled.answers):
            if written:
                note = f"此情形不需填写{asked.label}，请清除。"
                yield Fault(asked.key, FaultKind.CONTRADICTION, note)
        elif written:
            fault = answers.examine(asked, written, today=filled.today)
            if fault is not None:
                yield fault
        elif asked.required:
            yield Fault(asked.key, FaultKind.MISSING, f"{asked.label}未填写。")


def _across(filled: Filled) -> Iterator[Fault]:
    number = _right_answer(filled, RESIDENT_ID)
    issued = _right_answer(filled, ISSUE_DATE)
    until = _right_answer(filled, VALID_UNTIL)
    if number:
        yield from _number_against_answers(filled, number)
    if issued:
        yield from _issue_date(filled, date.fromisoformat(issued), number)
    if until:
        yield from _validity(filled, validity.parse_expiry(until), number, issued)


def _number_against_answers(filled: Filled, number: str) -> Iterator[Fault]:
    told = {
        DOCUMENT_TYPE: ("证件类型与证件号码不一致。", resident_id.document(number).value),
        SEX: ("性别与证件号码不一致。", resident_id.sex(number).value),
        BIRTH_DATE: ("出生日期与证件号码不一致。", resident_id.birth_date(number).isoformat()),
    }
    for key, (note, expected) in told.items():
        answered = _right_answer(filled, key)
        if answered and answered != expected:
            yield Fault(key, FaultKind.CONTRADICTION, note)


def _issue_date(filled: Filled, issued: date, number: str) -> Iterator[Fault]:
    if issued > filled.today:
        yield Fault(ISSUE_DATE, FaultKind.CONTRADICTION, "证件签发日期在今天之后。")
    elif number and issued < resident_id.birth_date(number):
        yield Fault(ISSUE_DATE, FaultKind.CONTRADICTION, "证件签发日期早于出生日期。")


def _validity(filled: Filled, until: validity.Expiry, number: str, issued: str) -> Iterator[Fault]:
    if validity.is_expired(until, today=filled.today):
        accepted = filled.documents.expired_accepted
        kind = FaultKind.WARNING if accepted else FaultKind.EXPIRED
        yield Fault(VALID_UNTIL, kind, "证件已过有效期。")
    if not issued:
        return
    start = date.fromisoformat(issued)
    if isinstance(until, date) and until <= start:
        yield Fault(VALID_UNTIL, FaultKind.CONTRADICTION, "证件有效期早于签发日期。")
    elif number and resident_id.document(number) == resident_id.Document.RESIDENT_ID_CARD:
        born = resident_id.birth_date(number)
        years = filled.documents.years
        if born <= start <= filled.today and until != validity.expiry_by_law(
            born, start, years=years
        ):
            note = "证件有效期与签发时年龄的法定期限不同，请与原件核对。"
            yield Fault(VALID_UNTIL, FaultKind.WARNING, note)


def _against_master(filled: Filled) -> Iterator[Fault]:
    master = filled.master
    if master is None:
        return
    name, number = _right_answer(filled, APPLICANT_NAME), _right_answer(filled, RESIDENT_ID)
    mobile = _right_answer(filled, MOBILE)
    if name and any(text.is_private(character) for character in master.name):
        # Nobody can say whether it is the same name, which is no reason to turn him away.
        note = "客户资料中的姓名含自造字，无法比对，请与证件原件核对。"
        yield Fault(APPLICANT_NAME, FaultKind.WARNING, note)
    elif name and master.name and name != _same_spelling(master.name):
        yield Fault(APPLICANT_NAME, FaultKind.CONTRADICTION, "姓名与客户资料不一致。")
    if number and master.resident_id and number != master.resident_id.upper():
        yield Fault(RESIDENT_ID, FaultKind.CONTRADICTION, "证件号码与客户资料不一致。")
    if mobile and master.mobile and mobile != _same_phone(master.mobile):
        note = "手机号码与客户资料不同，请与客户确认。"
        yield Fault(MOBILE, FaultKind.WARNING, note)


def _declared(filled: Filled) -> list[Fault]:
    master = filled.master or Master("", "", "")
    known = form_rules.Known(
        answer=lambda key: _right_answer(filled, key),
        written=lambda key: bool(filled.answers.get(key)),
        attachments=filled.attachments,
        master={
            MasterField.NAME: _same_spelling(master.name),
            MasterField.RESIDENT_ID: master.resident_id.upper(),
            MasterField.MOBILE: _same_phone(master.mobile),
        },
        limits=filled.limits,
        shared=filled.shared,
        today=filled.today,
    )
    return form_rules.check(filled.form.rules, known)


def _evidence(filled: Filled) -> Iterator[Fault]:
    for rule in filled.form.attachments:
        needed = rule.required and rule.is_asked(filled.answers)
        if needed and rule.kind not in filled.attachments:
            yield Fault(rule.kind, FaultKind.MISSING, f"缺少{rule.label}。")
    for sighting in filled.form.sightings:
        if sighting.is_asked(filled.answers) and sighting.kind not in filled.sightings:
            label = _SIGHTING_LABELS[sighting.kind]
            yield Fault(f"sighting.{sighting.kind}", FaultKind.MISSING, f"缺少“{label}”声明。")
    if not filled.is_signed:
        yield Fault(SIGNATURE, FaultKind.MISSING, "客户尚未对现有内容签名。")


def right_answer(form: Form, given: Mapping[str, str], key: str, today: date) -> str:
    """Returns the answer in its one spelling; "" when there is none or it is wrong by itself."""
    asked = next((each for each in form.fields if each.key == key), None)
    written = given.get(key, "")
    if asked is None or not written:
        return ""
    if asked.type != _TYPES.get(key, asked.type):
        return ""
    if answers.examine(asked, written, today=today) is not None:
        return ""
    return answers.to_stored(asked, written, today=today)


def _right_answer(filled: Filled, key: str) -> str:
    return right_answer(filled.form, filled.answers, key, filled.today)


def _same_spelling(name: str) -> str:
    try:
        return names.normalise(name)
    except IdentifierFault:
        return name


def _same_phone(number: str) -> str:
    try:
        return phone.normalise(number)
    except IdentifierFault:
        return number
