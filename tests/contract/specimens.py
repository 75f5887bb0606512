"""Values to fill requests with: what fits a field of this name, and what fits none."""

import hashlib
import random
from collections.abc import Callable, Sequence
from typing import Final

from google.protobuf.message import Message

from fingertip.applications.v1.application_pb2 import Answer
from fingertip.authorization.v1.task_pb2 import ChecklistFinding
from tests.applications import undoing
from tests.applications.images import JPEG
from tests.applications.paper import ANSWERS, customer_id
from tests.authorization.desk import ITEMS
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
NASTY_INT32: Final = (0, 1, -1, 2, 999, 2**31 - 1, -(2**31))
NASTY_INT64: Final = (*NASTY_INT32, 2**53, 2**63 - 1, -(2**63))
NASTY_ENUMS: Final = (-1, 999, 2**31 - 1)
NASTY_FLOATS: Final = (0.0, -0.0, float("nan"), float("inf"), 1e308)
NASTY_BYTE_COUNTS: Final = (0, 31, 33, 2_000)
_SECONDS: Final = (0, -1, 951_782_400, -62_135_596_801, 253_402_300_800, 2**63 - 1, -(2**63))
_YEARS: Final = (0, 1, 1900, 2023, 2024, 9999, 10_000, -1)
_DAYS: Final = ((2, 29), (1, 1), (12, 31), (4, 31), (13, 1), (0, 0), (-1, 40))
_CURRENCIES: Final = ("CNY", "JPY", "KWD", "", "cny", "\x00")

# By the field's name, or by that of its message too. Ids, hashes, tokens and the like are learnt
# from answers; but devices and accounts are only these, so that the fuzzer is not locked out.
EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "account_class": ("class_one", "class_two", "class_three", "class_nine"),
    "account_number": ("6225881414207430",),
    "agreement_code": ("credit_report_consent", "no_such_text"),
    "appeal_route": ("携带用途证明到网点申诉",),
    "ImposeRestrictionRequest.customer_id": (customer_id(1), customer_id(2)),
    "branch_id": ("0101", "0102", "0000", "C001"),
    "centre_id": ("C001", "C002"),
    "chain": ("0101", "C001", "bank", "security"),
    "card_numbers": ("6222020000000000004", "6222021234567890128"),
    "card_number": ("6222020000000000004", "6222021234567890128"),
    "content_type": ("image/jpeg", "image/jpeg", "image/png", "application/pdf", "image/svg+xml"),
    "core_reference": ("CORE-1",),
    "customer_id": (customer_id(0), customer_id(1), customer_id(2)),
    "customer_number": ("DEMO000000001", "DEMO000000002", "X-1"),
    # Nobody changes Ms Wang, whose applications have to stay without faults.
    "CustomerRecord.customer_number": ("DEMO000000002", "DEMO000000003", "X-1"),
    "delegate_id": ("100104", "100108", "999999"),
    "document_numbers": ("110101190001010009",),
    "entry_number": ("E-1", "E-2"),
    "list_code": ("sanctions",),
    "names": ("张三",),
    "desk": ("1", "2", "3", "7"),
    "display_name": ("二号平板",),
    "etag": ("1", "2", "3", "4", "0"),
    "holder_id": ("100103", "100104", "100108", ""),
    "home_branch_id": ("0101", "0102"),
    "enrolment_code": ("7Q3K-9ZRT-XM2P",),
    "failure_code": ("TIMEOUT", "BUSY"),
    "field_key": (*ANSWERS, "nothing"),
    "first_serial": ("JK00000001", "JK00050001", "JK00050003", "UK00000001"),
    "form_code": ("debit_card_account", "no_such_form"),
    "inquiry_kind": ("credit_report", "horoscope"),
    "item_id": ITEMS,
    "kind": ("crm.view", "core.open_account", "core.reverse"),
    "StartAttachmentRequest.kind": ("id_front", "signature", "id_back", "supplement", "nothing"),
    "kinds": ("crm.view", "core.view", "crm.resolve_customer", "core.open_account", "core.reverse"),
    "last_serial": ("", "", "JK00000005", "JK00050005"),
    "mobile": ("13800138000", "+86 138 0013 8000"),
    "note": ("看不清",),
    "password": (PASSWORD, "a wrong one"),
    "picture_kind": ("", "supplement", "id_back", "signature"),
    "place": ("3号柜台",),
    "previous_position": ("", "1"),
    "position": ("1", "2", "9"),
    "purpose": ("客户改变主意", "核对身份"),
    "reason": ("客户信息录入有误",),
    "report_reference": ("CR-1",),
    "restriction_code": ("ABNORMAL_OPENING", "COURT"),
    "relationship_manager_id": ("100106", ""),
    "resident_id": ("190102197805209021", "110101190001010009", "11010120230229001X"),
    "serial": ("JK00000001", "JK00050002", "JK00050003"),
    "scene_codes": ("debit_card_account", "no_such_scene"),
    "service_line_code": ("A", "B", "C", "Z"),
    "service_line_codes": ("A", "B", "C", "Z"),
    "skills": ("account_opening", "no_such_skill"),
    "source": ("crm", "core"),
    "staff_id": ("100107", "100304"),
    "staff_number": ("100107", "100304", "999999"),
    "subject": ("id_back", "mobile"),
    "SupplementItem.subject": ("id_back", "supplement", "purpose_plausible", "mobile"),
    "text": ("请拍现场", "好的"),
    "tier_code": ("private", "standard", "no_such_tier"),
    "to_staff_id": ("", "900101", "900102", "999999"),
    "value": ("王若兰", "190102197805209021", "2023-02-29", "长期", "true", "5000.00"),
    "voucher_type": ("debit_card", "debit_card", "security_device", "cheque"),
    "work_kinds": ("crm.view",),
}
EXAMPLE_BYTES: Final = {"chunk": JPEG, "sha256": hashlib.sha256(JPEG).digest()}
# Where a small number of any size will not do.
EXAMPLE_NUMBERS: Final = {"agreement_version": 1, "size_bytes": len(JPEG), "offset": 0}
# A method that asks for all of something is never gone through with a few.
EXAMPLE_LISTS: Final[dict[str, Sequence[Message]]] = {
    "answers": [Answer(field_key=key, value=value) for key, value in ANSWERS.items()],
    "findings": [ChecklistFinding(item_id=item, passed=True) for item in (*ITEMS, *undoing.ITEMS)],
}


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
    is_nasty = draw.random() < nastiness
    month, day = draw.choice(_DAYS) if is_nasty else (draw.randrange(1, 13), draw.randrange(1, 29))
    year = draw.choice(_YEARS) if is_nasty else 2023
    message.MergeFrom(type(message)(year=year, month=month, day=day))


def _money(message: Message, draw: random.Random, nastiness: float) -> None:
    is_nasty = draw.random() < nastiness
    currency = draw.choice(_CURRENCIES) if is_nasty else "CNY"
    units = draw.choice(NASTY_INT64) if is_nasty else 1_200
    nanos = draw.choice((0, -1, 10**9, 2**31 - 1, -500_000_000)) if is_nasty else 0
    message.MergeFrom(type(message)(currency_code=currency, units=units, nanos=nanos))


SPECIAL: Final[dict[str, Callable[[Message, random.Random, float], None]]] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    "google.type.Date": _date,
    "google.type.Money": _money,
}
