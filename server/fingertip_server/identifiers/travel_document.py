"""Numbers of passports and of permits to travel to the mainland, as far as they have a shape.

None of them has a check digit of its own: a passport's is in its machine-readable zone. The shapes
of permits are those of cards issued since 2013 and 2015 (unverified).
"""

import re

from fingertip_server.identifiers import text
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

_PASSPORT = re.compile(r"[0-9A-Z]{5,15}")
# 港澳居民来往内地通行证: H for Hong Kong or M for Macau, eight digits; older cards add two digits
# that count the renewals.
_HONG_KONG_MACAU_PERMIT = re.compile(r"[HM][0-9]{8}([0-9]{2})?")
# 台湾居民来往大陆通行证: eight digits.
_TAIWAN_PERMIT = re.compile(r"[0-9]{8}")


def normalise_passport(value: str) -> str:
    """Returns a passport's number as stored: compact, capital letters."""
    return _matching(value, _PASSPORT, "A passport's number has 5 to 15 letters and digits.")


def normalise_hong_kong_macau_permit(value: str) -> str:
    """Returns the permit's number without the count of renewals: the holder keeps it for life."""
    number = _matching(
        value, _HONG_KONG_MACAU_PERMIT, "Such a permit's number has H or M and eight digits."
    )
    return number[:9]


def normalise_taiwan_permit(value: str) -> str:
    """Returns the permit's number as stored."""
    return _matching(value, _TAIWAN_PERMIT, "Such a permit's number has eight digits.")


def _matching(value: str, shape: re.Pattern[str], sentence: str) -> str:
    number = text.to_compact(value).upper()
    if not number:
        raise IdentifierFault(FaultKind.EMPTY, "The document's number is empty.")
    if not shape.fullmatch(number):
        raise IdentifierFault(FaultKind.CHARACTERS, sentence)
    return number
