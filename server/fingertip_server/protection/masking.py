"""Masks what an answer shows of a personal text to those who did not give a reason for more.

The shapes follow JR/T 0171-2020. A text too short for its shape is masked harder, so that no mask
ever shows nearly everything.
"""

import re
import unicodedata
from collections.abc import Callable

from fingertip.options.v1.options_pb2 import (
    MASK_ADDRESS,
    MASK_CARD,
    MASK_IDENTITY_NUMBER,
    MASK_NAME,
    MASK_NONE,
    MASK_PHONE,
    MASK_UNSPECIFIED,
    Mask,
)

_STAR = "*"
_REST = _STAR * 4
_CARD_CHARS_MIN = 16
_IDENTITY_CHARS_MIN = 15
_PHONE_CHARS_MIN = 11
_ENDS_CHARS_MIN = 3

# What people write between digits.
_SEPARATORS = re.compile(r"[\s()（）-]")
_CHINA_PREFIX = re.compile(r"^(?:\+|00)86")
# What holds the parts of a name together stays visible.
_BETWEEN_NAMES = " ·"

# One administrative unit: its first character may be any, then come no unit and no street.
_FIRST = r"[^\W\d_]"
_NEXT = r"[^\W\d_省市区县旗路街巷弄号室]"
_DISTRICT = re.compile(
    rf"(?:{_FIRST}{_NEXT}{{1,7}}?(?:省|自治区|特别行政区))?"
    rf"(?:{_FIRST}{_NEXT}{{0,7}}?(?:自治州|地区|盟|市(?!场)))?"
    # A residential quarter, a campus or an estate is no district.
    rf"(?:{_FIRST}{_NEXT}{{0,14}}?(?:(?<![小社园校厂景街宅墅业发])区|县|旗|市(?!场)))?"
)


def mask(kind: Mask.ValueType, text: str) -> str:
    """Masks a text as the contract's option says; an empty text stays empty."""
    return _MASKS[kind](text)


def mask_name(text: str) -> str:
    """Keeps the first character: 王**, J*** *****."""
    name = unicodedata.normalize("NFC", text.strip())
    if len(name) == 1:
        return _STAR
    return name[:1] + "".join(char if char in _BETWEEN_NAMES else _STAR for char in name[1:])


def mask_card(text: str) -> str:
    """Keeps the first six and the last four digits of a card or account number."""
    return _mask_middle(_SEPARATORS.sub("", text), 6, 4, _CARD_CHARS_MIN)


def mask_identity_number(text: str) -> str:
    """Keeps the first three and the last four characters of a resident's number."""
    return _mask_middle(_SEPARATORS.sub("", text), 3, 4, _IDENTITY_CHARS_MIN)


def mask_phone(text: str) -> str:
    """Keeps the first three and the last four digits; the prefix of China is left out."""
    number = _CHINA_PREFIX.sub("", _SEPARATORS.sub("", text))
    return _mask_middle(number, 3, 4, _PHONE_CHARS_MIN)


def mask_address(text: str) -> str:
    """Keeps province, city and district; all of an address that names none is hidden."""
    address = text.strip()
    found = _DISTRICT.match(address)
    kept = found.group() if found else ""
    return kept if kept == address else kept + _REST


def mask_ends(text: str) -> str:
    """Keeps the first and the last character."""
    bare = text.strip()
    if len(bare) < _ENDS_CHARS_MIN:
        return _STAR * len(bare)
    return bare[0] + _STAR * (len(bare) - 2) + bare[-1]


def _mask_middle(text: str, head: int, tail: int, chars_min: int) -> str:
    if len(text) < chars_min:
        return mask_ends(text)
    return text[:head] + _STAR * (len(text) - head - tail) + text[-tail:]


def _mask_nothing(text: str) -> str:
    return text


_MASKS: dict[Mask.ValueType, Callable[[str], str]] = {
    MASK_UNSPECIFIED: mask_ends,
    MASK_NAME: mask_name,
    MASK_CARD: mask_card,
    MASK_IDENTITY_NUMBER: mask_identity_number,
    MASK_PHONE: mask_phone,
    MASK_ADDRESS: mask_address,
    MASK_NONE: _mask_nothing,
}
