"""The right answers of a form by the keys that every form of the bank shares.

Rules about persons and documents know fields by their keys. A field is meant only when it is also
of the type that the rule reads; where a form has no such field, or its answer is wrong by itself,
the rule has nothing to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from fingertip_server.applications import answers
from fingertip_server.packs.schema_forms import FieldType, Form

HANDLED_BY = "handled_by"
MOBILE = "mobile"


@dataclass(frozen=True, slots=True)
class Keys:
    """What the fields about one person are called."""

    name: str
    document_type: str
    resident_id: str
    passport_number: str
    hong_kong_macau_permit: str
    taiwan_permit: str
    mrz: str
    issue_date: str
    valid_until: str
    birth_date: str
    sex: str
    nationality: str


_WORDS = (
    "document_type",
    "resident_id",
    "passport_number",
    "hong_kong_macau_permit",
    "taiwan_permit",
    "passport_mrz",
    "document_issue_date",
    "document_valid_until",
    "birth_date",
    "sex",
    "nationality",
)
APPLICANT = Keys("applicant_name", *_WORDS)
PROXY = Keys("proxy_name", *(f"proxy_{word}" for word in _WORDS))

_TYPES: Mapping[str, FieldType] = MappingProxyType(
    {HANDLED_BY: FieldType.CHOICE, MOBILE: FieldType.MOBILE}
    | {
        key: kind
        for keys in (APPLICANT, PROXY)
        for key, kind in (
            (keys.name, FieldType.NAME),
            (keys.document_type, FieldType.CHOICE),
            (keys.resident_id, FieldType.RESIDENT_ID),
            (keys.passport_number, FieldType.PASSPORT),
            (keys.hong_kong_macau_permit, FieldType.HONG_KONG_MACAU_PERMIT),
            (keys.taiwan_permit, FieldType.TAIWAN_PERMIT),
            (keys.mrz, FieldType.MRZ),
            (keys.issue_date, FieldType.DATE),
            (keys.valid_until, FieldType.VALIDITY),
            (keys.birth_date, FieldType.DATE),
            (keys.sex, FieldType.CHOICE),
            (keys.nationality, FieldType.CHOICE),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Readings:
    """A form as it is filled in, read on a day."""

    form: Form
    answers: Mapping[str, str]
    today: date

    def right(self, key: str) -> str:
        """Returns the answer in its one spelling; "" when it is absent, wrong or not asked for."""
        field = next((field for field in self.form.fields if field.key == key), None)
        written = self.answers.get(key, "")
        if field is None or not written or field.is_ruled_out(self.answers):
            return ""
        if field.type != _TYPES.get(key, field.type):
            return ""
        if answers.examine(field, written, today=self.today) is not None:
            return ""
        return answers.to_stored(field, written, today=self.today)
