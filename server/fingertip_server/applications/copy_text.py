"""What stands in the copy that a customer takes home (客户联): all that he signed, and how."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from fingertip.applications.v1.signature_pb2 import SignatureStatement
from fingertip_server.documents.blocks import Block, Fact, Heading, Picture, Text, Title
from fingertip_server.packs.schema_forms import Agreement, FieldType, Form, FormField

_HANDWRITING_POINTS = 200.0
_FLAGS = {"true": "是", "false": "否"}


@dataclass(frozen=True, slots=True)
class Copied:
    """All that the copy says."""

    bank_name: str
    branch_name: str
    branch_id: str
    application_id: str
    form: Form
    answers: Mapping[str, str]
    agreements: Sequence[Agreement]
    texts: Sequence[str]
    statement: SignatureStatement
    image: bytes
    certificate_sha256: bytes
    stamp_time: datetime
    receipt: Sequence[tuple[str, str]]
    zone: ZoneInfo


def title(copied: Copied) -> str:
    """Returns the name of the document."""
    return f"{copied.form.title}（客户联）"


def foot(copied: Copied) -> str:
    """Returns what stands at the foot of every page."""
    return f"申请编号 {copied.application_id}"


def blocks(copied: Copied) -> list[Block]:
    """Returns the copy from its top to its end."""
    return [
        Title(copied.bank_name),
        Title(title(copied)),
        Fact("申请编号", copied.application_id),
        Fact("办理网点", f"{copied.branch_name}（{copied.branch_id}）"),
        *_answers(copied),
        *_agreements(copied),
        *_signature(copied),
        *_receipt(copied),
    ]


def _answers(copied: Copied) -> Iterator[Block]:
    for section in copied.form.sections:
        answered = [field for field in section.fields if copied.answers.get(field.key)]
        if answered:
            yield Heading(section.title)
        for field in answered:
            yield Fact(field.label, _shown(field, copied.answers[field.key]))


def _agreements(copied: Copied) -> Iterator[Block]:
    for agreement, text in zip(copied.agreements, copied.texts, strict=True):
        yield Heading(f"{agreement.title}（第{agreement.version}版）")
        yield Text(text)
        yield Fact("文本摘要 SHA-256", agreement.sha256.hex())


def _signature(copied: Copied) -> Iterator[Block]:
    statement = copied.statement
    signed = _time(statement.sign_time.ToDatetime(copied.stamp_time.tzinfo), copied.zone)
    yield Heading("客户签名")
    yield Picture(copied.image, _HANDWRITING_POINTS)
    yield Fact("签名时间", signed)
    for read in statement.agreements_read:
        shown = _time(read.show_time.ToDatetime(copied.stamp_time.tzinfo), copied.zone)
        how_long = f"{shown} 起出示，阅读 {read.seconds} 秒并到末尾"
        yield Fact("协议阅读", f"{read.agreement_code} 第{read.version}版，{how_long}")
    yield Fact("经办柜员", statement.staff_id)
    yield Fact("所签内容 SHA-256", statement.form_hash.hex())
    yield Fact("签名影像 SHA-256", statement.image_sha256.hex())
    yield Fact("签名证书 SHA-256", copied.certificate_sha256.hex())
    yield Fact("时间戳", _time(copied.stamp_time, copied.zone))


def _receipt(copied: Copied) -> Iterator[Block]:
    if copied.receipt:
        yield Heading("业务回单")
    for label, text in copied.receipt:
        yield Fact(label, text)


def _shown(field: FormField, answer: str) -> str:
    """Returns an answer as people read it; the customer's own copy masks nothing."""
    if field.type == FieldType.CHOICE:
        return next((choice.label for choice in field.choices if choice.value == answer), answer)
    return _FLAGS.get(answer, answer) if field.type == FieldType.BOOLEAN else answer


def _time(value: datetime, zone: ZoneInfo) -> str:
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
