"""Mobile phone numbers of mainland China: 11 digits that begin with 13 to 19 (unverified)."""

import re

from fingertip_server.identifiers import text
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

_COUNTRY_CODE = re.compile(r"(?:\+|00)86")
# Without + or 00 the country code is one only when 11 digits follow.
_BARE_COUNTRY_CODE = re.compile(r"86(?=[0-9]{11}\Z)")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")


def normalise(value: str) -> str:
    """Returns the 11 digits as stored, without country code, blanks, dashes and full-width forms.

    Raises `IdentifierFault` of kind EMPTY, LENGTH or CHARACTERS.
    """
    number = text.to_compact(value)
    if not number:
        raise IdentifierFault(FaultKind.EMPTY, "The phone number is empty.")
    if prefix := _COUNTRY_CODE.match(number) or _BARE_COUNTRY_CODE.match(number):
        number = number[prefix.end() :]
    if len(number) != 11:
        raise IdentifierFault(FaultKind.LENGTH, "A mobile number has 11 digits.")
    if not _MOBILE.fullmatch(number):
        raise IdentifierFault(
            FaultKind.CHARACTERS, "A mobile number has digits only and begins with 13 to 19."
        )
    return number
