"""What stands on a receipt, for a printer of 48 columns: a Chinese character takes two of them."""

import unicodedata
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from fingertip_server.applications.tables import Receipt
from fingertip_server.protection import masking

COLUMNS = 48
_TITLES = {"EXECUTION": "业 务 回 单", "REVERSAL": "冲 正 回 单"}
# As wide as two in the character sets of receipt printers, GBK and GB18030.
_WIDE = frozenset("WFA")
_CODE_BYTES = 6


def number(receipt: Receipt) -> str:
    """Names a receipt for people: 0101-20261125-000012."""
    return f"{receipt.branch_id}-{receipt.business_day:%Y%m%d}-{receipt.number:06d}"


def content_code(content_hash: bytes) -> str:
    """Returns the beginning of a hash as people compare it: 3FA9 12BC 88D0."""
    code = content_hash[:_CODE_BYTES].hex().upper()
    return " ".join(code[place : place + 4] for place in range(0, len(code), 4))


def facts(receipt: Receipt, account_number: str, zone: ZoneInfo) -> list[tuple[str, str]]:
    """Returns what a receipt says, label by label, the account number masked."""
    said = [
        ("回单编号", number(receipt)),
        ("业务名称", receipt.title),
        ("办理网点", f"{receipt.branch_name}（{receipt.branch_id}）"),
        ("账    号", masking.mask_card(account_number) if account_number else ""),
        ("核心流水", receipt.core_reference),
        ("提交时间", _time(receipt.submit_time, zone)),
        ("办理时间", _time(receipt.execute_time, zone)),
        ("经办柜员", f"{receipt.maker_name}（{receipt.maker_id}）"),
        *(("授 权 员", f"{name}（{staff_id}）") for staff_id, name in receipt.authorisers),
        ("内容校验", content_code(receipt.content_hash)),
    ]
    return [(label, text) for label, text in said if text]


def lines(receipt: Receipt, bank_name: str, account_number: str, zone: ZoneInfo) -> list[str]:
    """Returns the text of a receipt, the account number masked."""
    rule = "-" * COLUMNS
    return [
        _centred(bank_name),
        _centred(_TITLES[receipt.kind]),
        *([_centred(f"副本 第{receipt.print_count}次打印")] if receipt.print_count > 1 else []),
        rule,
        *(
            line
            for label, text in facts(receipt, account_number, zone)
            for line in _fact(label, text)
        ),
        rule,
        "客户签名：",
        "",
        _centred("请妥善保管，账号已作屏蔽。"),
    ]


def width(text: str) -> int:
    """Returns how many columns a text takes."""
    return sum(2 if unicodedata.east_asian_width(char) in _WIDE else 1 for char in text)


def _fact(label: str, text: str) -> Iterator[str]:
    """Yields a fact with its label, in as many lines as it takes."""
    line = f"{label}："
    indent = " " * width(line)
    for char in text:
        if width(line) + width(char) > COLUMNS:
            yield line
            line = indent
        line += char
    yield line


def _centred(text: str) -> str:
    return " " * max((COLUMNS - width(text)) // 2, 0) + text


def _time(value: datetime, zone: ZoneInfo) -> str:
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
