"""Finds everything that stands between an application and its submission, all at once.

What is wrong between the answers about one person is found in `documents`, what his age forbids in
`ages`. Whatever else is to be checked across fields the form declares itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from fingertip_server.applications import answers, documents, form_rules, persons, readings
from fingertip_server.applications.documents import DocumentPolicy
from fingertip_server.applications.faults import Fault, FaultKind
from fingertip_server.applications.readings import Readings
from fingertip_server.identifiers import names, phone, text
from fingertip_server.identifiers.faults import IdentifierFault
from fingertip_server.packs.schema_forms import SIGNATURE, Form, SightingKind
from fingertip_server.packs.schema_rules import MasterField

_SIGHTING_LABELS = {
    SightingKind.APPLICANT: "亲见申请人",
    SightingKind.ORIGINAL_DOCUMENT: "亲见证件原件",
    SightingKind.SIGNATURE: "亲见签名",
    SightingKind.PROXY: "亲见代理人",
    SightingKind.PROXY_DOCUMENT: "亲见代理人证件原件",
    SightingKind.IDENTITY_PROOF: "亲见其他身份证明原件",
    SightingKind.PROXY_IDENTITY_PROOF: "亲见代理人其他身份证明原件",
}


@dataclass(frozen=True, slots=True)
class Master:
    """What the bank's customer master says of the customer; "" where it says nothing."""

    name: str
    resident_id: str
    mobile: str


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

    @property
    def read(self) -> Readings:
        """Returns what the answers tell."""
        return Readings(self.form, self.answers, self.today)


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
        if written and asked.is_ruled_out(filled.answers):
            note = f"此情形不需填写{asked.label}，请清除。"
            yield Fault(asked.key, FaultKind.CONTRADICTION, note)
        elif written:
            fault = answers.examine(asked, written, today=filled.today)
            if fault is not None:
                yield fault
        elif asked.required and asked.is_asked(filled.answers):
            yield Fault(asked.key, FaultKind.MISSING, f"{asked.label}未填写。")


def _across(filled: Filled) -> Iterator[Fault]:
    for person in persons.of(filled.read):
        yield from documents.faults(filled.read, persons.keys(person.party), filled.documents)


def _against_master(filled: Filled) -> Iterator[Fault]:
    master = filled.master
    if master is None:
        return
    keys = readings.APPLICANT
    name, number = filled.read.right(keys.name), filled.read.right(keys.resident_id)
    mobile = filled.read.right(readings.MOBILE)
    if name and any(text.is_private(character) for character in master.name):
        # Nobody can say whether it is the same name, which is no reason to turn him away.
        note = "客户资料中的姓名含自造字，无法比对，请与证件原件核对。"
        yield Fault(keys.name, FaultKind.WARNING, note)
    elif name and master.name and name != _same_spelling(master.name):
        yield Fault(keys.name, FaultKind.CONTRADICTION, "姓名与客户资料不一致。")
    if number and master.resident_id and number != master.resident_id.upper():
        yield Fault(keys.resident_id, FaultKind.CONTRADICTION, "证件号码与客户资料不一致。")
    if mobile and master.mobile and mobile != _same_phone(master.mobile):
        note = "手机号码与客户资料不同，请与客户确认。"
        yield Fault(readings.MOBILE, FaultKind.WARNING, note)


def _declared(filled: Filled) -> list[Fault]:
    master = filled.master or Master("", "", "")
    known = form_rules.Known(
        answer=filled.read.right,
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
        needed = sighting.required and sighting.is_asked(filled.answers)
        if needed and sighting.kind not in filled.sightings:
            label = _SIGHTING_LABELS[sighting.kind]
            yield Fault(f"sighting.{sighting.kind}", FaultKind.MISSING, f"缺少“{label}”声明。")
    if not filled.is_signed:
        yield Fault(SIGNATURE, FaultKind.MISSING, "客户尚未对现有内容签名。")


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
