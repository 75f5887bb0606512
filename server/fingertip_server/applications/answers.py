"""Reads single answers: what is stored, and what is wrong with it.

A wrong answer is stored as it was typed, so that the teller finds it again; a right one in its
one spelling, so that the customer signs and the bank gets the same.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from fingertip_server.applications.faults import Fault, FaultKind
from fingertip_server.identifiers import (
    bank_card,
    mrz,
    names,
    phone,
    resident_id,
    text,
    travel_document,
    uscc,
    validity,
)
from fingertip_server.identifiers import faults as identifier_faults
from fingertip_server.identifiers.faults import IdentifierFault
from fingertip_server.packs.schema_forms import FieldType, FormField

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ACCOUNT = re.compile(r"[0-9]{8,32}")
_AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]{1,2})?")
_HUNDREDTHS = Decimal("0.01")

# What the teller reads for what the identifiers' rules find.
_NOTES: Mapping[identifier_faults.FaultKind, str] = MappingProxyType(
    {
        identifier_faults.FaultKind.EMPTY: "未填写。",
        identifier_faults.FaultKind.LENGTH: "位数不对。",
        identifier_faults.FaultKind.CHARACTERS: "含有不应出现的字符。",
        identifier_faults.FaultKind.HIDDEN_CHARACTER: "含有看不见的字符。",
        identifier_faults.FaultKind.PRIVATE_USE: (
            "含有自造字，其他系统无法识别。请改录该字的国家标准编码；尚无编码的，按证件所附拼音录入。"
        ),
        identifier_faults.FaultKind.CHECK_DIGIT: "校验码不符，请逐位核对。",
        identifier_faults.FaultKind.DATE: "所含日期不存在。",
        identifier_faults.FaultKind.FUTURE_DATE: "所含日期在今天之后。",
    }
)
_WRONG_USCC = "校验码不符，请与证照原件核对后确认。"


class _Wrong(Exception):
    """An answer is wrong in a way that the identifiers' rules do not know."""

    def __init__(self, kind: FaultKind, note: str) -> None:
        super().__init__(note)
        self.kind = kind
        self.note = note


def to_stored(field: FormField, written: str, *, today: date) -> str:
    """Returns the answer as it is stored: in its one spelling, or as written when it is wrong."""
    try:
        return _READERS[field.type](field, written, today)
    except (IdentifierFault, _Wrong):
        return written


def examine(field: FormField, written: str, *, today: date) -> Fault | None:
    """Returns what is wrong with an answer that is not empty."""
    try:
        stored = _READERS[field.type](field, written, today)
    except IdentifierFault as fault:
        is_digit = fault.kind == identifier_faults.FaultKind.CHECK_DIGIT
        kind = FaultKind.CHECK_DIGIT if is_digit else FaultKind.MALFORMED
        return Fault(field.key, kind, field.label + _NOTES[fault.kind])
    except _Wrong as wrong:
        return Fault(field.key, wrong.kind, field.label + wrong.note)
    if field.type == FieldType.USCC and uscc.examine(stored) != uscc.Verdict.OK:
        return Fault(field.key, FaultKind.WARNING, field.label + _WRONG_USCC)
    return None


def _read_text(field: FormField, written: str, _today: date) -> str:
    value = unicodedata.normalize("NFC", written).strip()
    if any(text.is_hidden(character) for character in value):
        raise _Wrong(FaultKind.MALFORMED, "含有看不见的字符。")
    if not value:
        raise _Wrong(FaultKind.MALFORMED, "只有空格。")
    return _short_enough(field, value)


def _read_name(field: FormField, written: str, _today: date) -> str:
    return _short_enough(field, names.normalise(written))


def _read_date(_field: FormField, written: str, _today: date) -> str:
    value = text.to_half_width(written).strip()
    if not _DATE.fullmatch(value):
        raise _Wrong(FaultKind.MALFORMED, "应写作2026-01-31。")
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise _Wrong(FaultKind.MALFORMED, "不存在。") from None


def _read_choice(field: FormField, written: str, _today: date) -> str:
    if all(written != choice.value for choice in field.choices):
        raise _Wrong(FaultKind.NOT_A_CHOICE, "不在可选范围内。")
    return written


def _read_boolean(_field: FormField, written: str, _today: date) -> str:
    if written not in {"true", "false"}:
        raise _Wrong(FaultKind.NOT_A_CHOICE, "应选是或否。")
    return written


def _read_amount(field: FormField, written: str, _today: date) -> str:
    value = text.to_half_width(written).strip()
    if not _AMOUNT.fullmatch(value):
        raise _Wrong(FaultKind.MALFORMED, "应写作1000.00。")
    amount = Decimal(value).quantize(_HUNDREDTHS)
    if field.minimum is not None and amount < field.minimum:
        raise _Wrong(FaultKind.MALFORMED, f"不得少于{field.minimum}。")
    if field.maximum is not None and amount > field.maximum:
        raise _Wrong(FaultKind.MALFORMED, f"不得超过{field.maximum}。")
    return str(amount)


def _read_account(_field: FormField, written: str, _today: date) -> str:
    value = text.to_compact(written)
    if not _ACCOUNT.fullmatch(value):
        raise _Wrong(FaultKind.MALFORMED, "应为8至32位数字。")
    return value


def _short_enough(field: FormField, value: str) -> str:
    if field.length_max is not None and len(value) > field.length_max:
        raise _Wrong(FaultKind.TOO_LONG, f"超过{field.length_max}个字。")
    return value


_READERS: Mapping[FieldType, Callable[[FormField, str, date], str]] = MappingProxyType(
    {
        FieldType.TEXT: _read_text,
        FieldType.ADDRESS: _read_text,
        FieldType.NAME: _read_name,
        FieldType.RESIDENT_ID: lambda _, written, today: resident_id.normalise(
            written, today=today
        ),
        FieldType.MOBILE: lambda _, written, __: phone.normalise(written),
        FieldType.BANK_CARD: lambda _, written, __: bank_card.normalise(written),
        FieldType.DATE: _read_date,
        FieldType.VALIDITY: lambda _, written, __: validity.format_expiry(
            validity.parse_expiry(written)
        ),
        FieldType.CHOICE: _read_choice,
        FieldType.BOOLEAN: _read_boolean,
        FieldType.AMOUNT: _read_amount,
        FieldType.ACCOUNT: _read_account,
        FieldType.USCC: lambda _, written, __: uscc.normalise(written).code,
        FieldType.PASSPORT: lambda _, written, __: travel_document.normalise_passport(written),
        FieldType.HONG_KONG_MACAU_PERMIT: lambda _, written, __: (
            travel_document.normalise_hong_kong_macau_permit(written)
        ),
        FieldType.TAIWAN_PERMIT: lambda _, written, __: travel_document.normalise_taiwan_permit(
            written
        ),
        FieldType.MRZ: lambda _, written, today: mrz.normalise(written, today=today),
    }
)
