"""Draws requests from the contract's descriptors: some fit, most are nasty in one place or two."""

import random
from collections import defaultdict
from collections.abc import Callable
from typing import Final
from uuid import UUID

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from tests.world import PASSWORD

NASTY_TEXTS: Final = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\u202e1234567890",
    "\u200b\u200d\ufeff",
    "𠮷野家𠮷",
    "e\u0301",
    "é",
    "раypal",
    "'; DROP TABLE ticket; --",
    "%_\\",
    "(((((a+)+)+)+)+)$",
    "=cmd|'/c calc'!A1",
    "{{7*7}} ${7*7} %s%n {0.__class__}",
    "a\r\nauthorization: Bearer x",
    "2023-02-29",
    "9999-12-31",
    "٣٤٥",
    "½",
    "-1",
    "*",
    "x" * 70,
    "长" * 400,
    "y" * 70_000,
)
NASTY_UUIDS: Final = (
    "",
    "0",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "{01234567-89ab-cdef-0123-456789abcdef}",
    "0123456789abcdef0123456789abcdef",
    "01234567-89AB-CDEF-0123-456789ABCDEF",
    "01234567-89ab-cdef-0123-456789abcdeg",
    "z" * 10_000,
)
_INT32: Final = (0, 1, -1, 2, 999, 2**31 - 1, -(2**31))
_INT64: Final = (*_INT32, 2**53, 2**63 - 1, -(2**63))
_SECONDS: Final = (0, -1, 951_782_400, -62_135_596_801, 253_402_300_800, 2**63 - 1, -(2**63))
_YEARS: Final = (0, 1, 1900, 2023, 2024, 9999, 10_000, -1)
_LIST_LENGTHS: Final = (0, 1, 1, 2, 3, 51)
_LONG_LIST: Final = 10_000
_REQUEST_BYTES_MAX: Final = 4_000_000
_KNOWN_MAX: Final = 12

# What fits a field of this name. Ids, hashes, tokens and the like are learnt from answers; but
# devices and accounts are only these, so that the fuzzer does not lock itself out.
EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "branch_id": ("0101", "0102", "0000", "9001"),
    "centre_id": ("9001", "9002"),
    "chain": ("0101", "9001", "bank", "security"),
    "card_numbers": ("6222020000000000004", "6222021234567890128"),
    "card_number": ("6222020000000000004", "6222021234567890128"),
    "content_type": ("image/jpeg", "image/png", "application/pdf", "image/svg+xml"),
    "core_reference": ("CORE-1",),
    "customer_number": ("DEMO000000001", "DEMO000000002", "X-1"),
    "desk": ("1", "2", "3", "7"),
    "display_name": ("二号平板",),
    "etag": ("1", "2", "3", "4", "0"),
    "failure_code": ("TIMEOUT", "BUSY"),
    "field_key": ("applicant_name", "resident_id", "mobile", "document_issue_date", "nothing"),
    "form_code": ("debit_card_account", "no_such_form"),
    "kind": ("id_front", "signature", "customer_photo", "crm.view", "core.open_account"),
    "kinds": ("crm.view", "core.view", "crm.resolve_customer", "core.open_account"),
    "mobile": ("13800138000", "+86 138 0013 8000"),
    "note": ("看不清",),
    "password": (PASSWORD, "a wrong one"),
    "place": ("3号柜台",),
    "previous_position": ("", "1"),
    "position": ("1", "2", "9"),
    "purpose": ("客户改变主意", "核对身份"),
    "resident_id": ("190102197805209021", "110101190001010009", "11010120230229001X"),
    "service_line_code": ("A", "B", "C", "Z"),
    "service_line_codes": ("A", "B", "C", "Z"),
    "source": ("crm", "core"),
    "staff_id": ("100107", "100304"),
    "staff_number": ("100107", "100304", "999999"),
    "subject": ("id_back", "mobile"),
    "tier_code": ("private", "standard", "no_such_tier"),
    "value": ("王若兰", "190102197805209021", "2023-02-29", "长期", "true", "5000.00"),
    "work_kinds": ("crm.view",),
}
_NEVER_LEARNT: Final = {"device_id", "staff_id", "request_id"}
# What an answer calls differently from the request that quotes it.
_QUOTED_AS: Final = {"next_page_token": "page_token", "next_offset": "offset"}

_TEXT: Final = FieldDescriptor.TYPE_STRING
_BYTES: Final = FieldDescriptor.TYPE_BYTES


class Drawing:
    """Draws messages, and learns from answers what exists."""

    def __init__(self, device_ids: list[str]) -> None:
        self._known: defaultdict[str, list[object]] = defaultdict(list)
        self._known["device_id"] = list(device_ids)
        self._draw = random.Random()

    def request(self, message: Descriptor, seed: str) -> bytes:
        """Returns the bytes of a request; with the same seed and knowledge the same ones."""
        self._draw = random.Random(seed)
        drawn = self._message(message, nastiness=self._draw.choice((0.0, 0.05, 0.2, 0.6)))
        # More than that a server does not even receive.
        content = drawn.SerializeToString()[:_REQUEST_BYTES_MAX]
        return self._spoilt(content) if self._draw.random() < 0.08 else content

    def learn(self, answer: Message) -> None:
        """Remembers the ids, hashes, fences and tokens of an answer."""
        for field, value in answer.ListFields():
            if field.message_type is not None:
                for element in value if field.is_repeated else (value,):
                    self.learn(element)
            elif not field.is_repeated and field.name not in _NEVER_LEARNT:
                known = self._known[_QUOTED_AS.get(field.name, field.name)]
                if value not in known:
                    known.append(value)
                    del known[:-_KNOWN_MAX]

    def _spoilt(self, content: bytes) -> bytes:
        draw = self._draw
        at = draw.randrange(len(content) + 1)
        return draw.choice(
            (
                draw.randbytes(draw.randrange(1, 40)),
                content[:at],
                content[:at] + draw.randbytes(3) + content[at:],
                content + b"\xff" * 12,
                # A field of a newer contract, which nobody here knows.
                content + b"\xfa\x3f\x02hi",
                # Text that is no UTF-8, as the first field of most requests.
                b"\x0a\x02\xc3\x28" + content,
            )
        )

    def _message(self, message: Descriptor, nastiness: float) -> Message:
        special = _SPECIAL.get(message.full_name)
        drawn: Message = message_factory.GetMessageClass(message)()
        if special is not None:
            special(drawn, self._draw, nastiness)
            return drawn
        chosen = {oneof.name: self._draw.choice(oneof.fields).name for oneof in message.oneofs}
        for field in message.fields:
            oneof = field.containing_oneof
            if oneof is not None and chosen[oneof.name] != field.name:
                continue
            # What is unset is as good a test as what is set wrongly.
            absence = 0.5 if _is_optional(field) else nastiness / 4
            if self._draw.random() >= absence:
                self._fill(drawn, field, nastiness)
        return drawn

    def _fill(self, message: Message, field: FieldDescriptor, nastiness: float) -> None:
        is_nasty = self._draw.random() < nastiness
        if not field.is_repeated:
            if field.message_type is not None:
                inner = self._message(field.message_type, nastiness)
                getattr(message, field.name).CopyFrom(inner)
                getattr(message, field.name).SetInParent()
            else:
                setattr(message, field.name, self._scalar(field, is_nasty=is_nasty))
            return
        values = getattr(message, field.name)
        is_long = is_nasty and self._draw.random() < 0.2
        count = _LONG_LIST if is_long else self._draw.choice(_LIST_LENGTHS)
        if field.message_type is not None:
            elements = [self._message(field.message_type, nastiness) for _ in range(min(count, 3))]
            values.extend(elements[i % len(elements)] for i in range(count))
        else:
            # It is the length of a long list that is nasty.
            is_nasty = is_nasty and count < _LONG_LIST
            drawn = [self._scalar(field, is_nasty=is_nasty) for _ in range(count)]
            is_set = not is_nasty and count < _LONG_LIST
            values.extend(dict.fromkeys(drawn) if is_set else drawn)

    def _scalar(self, field: FieldDescriptor, *, is_nasty: bool) -> object:
        draw = self._draw
        known = self._known.get(field.name, [])
        if known and not is_nasty and draw.random() < 0.7:
            value = draw.choice(known)
            if isinstance(value, _python_type(field)):
                return value
        match field.type:
            case FieldDescriptor.TYPE_STRING:
                return self._text(field, is_nasty=is_nasty)
            case FieldDescriptor.TYPE_BYTES:
                return draw.randbytes(draw.choice((0, 31, 33, 2_000) if is_nasty else (32,)))
            case FieldDescriptor.TYPE_BOOL:
                return draw.random() < 0.5
            case FieldDescriptor.TYPE_ENUM:
                values = field.enum_type.values if field.enum_type else ()
                known_numbers = [value.number for value in values]
                return draw.choice((-1, 999, 2**31 - 1) if is_nasty else known_numbers)
            case FieldDescriptor.TYPE_DOUBLE | FieldDescriptor.TYPE_FLOAT:
                return draw.choice((0.0, -0.0, float("nan"), float("inf"), 1e308))
            case FieldDescriptor.TYPE_INT32:
                return draw.choice(_INT32) if is_nasty else draw.randrange(1, 6)
            case _:
                return draw.choice(_INT64) if is_nasty else draw.randrange(1, 6)

    def _text(self, field: FieldDescriptor, *, is_nasty: bool) -> str:
        draw = self._draw
        is_id = field.name.endswith("_id") and field.name not in EXAMPLES
        if is_nasty:
            return draw.choice(NASTY_UUIDS if is_id and draw.random() < 0.5 else NASTY_TEXTS)
        if field.name in EXAMPLES:
            return draw.choice(EXAMPLES[field.name])
        if is_id:
            return str(UUID(int=draw.getrandbits(128), version=4))
        return "" if field.name.endswith("_token") else "某个文本"


def _is_optional(field: FieldDescriptor) -> bool:
    rules = field.GetOptions().Extensions[validate_pb2.field]
    if field.message_type is not None:
        is_needed = rules.required or bool(rules.repeated.min_items)
        return field.containing_oneof is None and not is_needed
    return rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE


def _python_type(field: FieldDescriptor) -> type:
    return {_TEXT: str, _BYTES: bytes}.get(field.type, int)


def _timestamp(message: Message, draw: random.Random, nastiness: float) -> None:
    is_nasty = draw.random() < nastiness
    seconds = draw.choice(_SECONDS) if is_nasty else draw.randrange(1_700_000_000, 1_900_000_000)
    nanos = draw.choice((-1, 10**9, 2**31 - 1, 999_999_999)) if is_nasty else 0
    message.MergeFrom(type(message)(seconds=seconds, nanos=nanos))


def _duration(message: Message, draw: random.Random, nastiness: float) -> None:
    # What fits is short: the server does wait.
    is_nasty = draw.random() < nastiness
    seconds = draw.choice(_SECONDS[1:]) if is_nasty else 0
    nanos = draw.choice((-1, 10**9, 2**31 - 1)) if is_nasty else 50_000_000
    message.MergeFrom(type(message)(seconds=seconds, nanos=nanos))


def _date(message: Message, draw: random.Random, nastiness: float) -> None:
    month, day = draw.choice(((2, 29), (1, 1), (12, 31), (4, 31), (13, 1), (0, 0), (-1, 40)))
    year = draw.choice(_YEARS) if draw.random() < nastiness else 2023
    message.MergeFrom(type(message)(year=year, month=month, day=day))


def _money(message: Message, draw: random.Random, nastiness: float) -> None:
    currency = draw.choice(("CNY", "JPY", "KWD", "", "cny", "\x00")) if nastiness else "CNY"
    units = draw.choice(_INT64) if draw.random() < nastiness else 1_200
    nanos = draw.choice((0, -1, 10**9, 2**31 - 1, -500_000_000)) if nastiness else 0
    message.MergeFrom(type(message)(currency_code=currency, units=units, nanos=nanos))


_SPECIAL: Final[dict[str, Callable[[Message, random.Random, float], None]]] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    "google.type.Date": _date,
    "google.type.Money": _money,
}
