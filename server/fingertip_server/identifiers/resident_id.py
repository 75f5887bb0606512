"""Resident identity numbers (公民身份号码), GB 11643-1999.

Six digits of region, eight of birth date, three of sequence (odd for men, even for women) and a
check character by ISO 7064 MOD 11-2. Residence permits for residents of Hong Kong, Macau and
Taiwan bear the same kind of number with the regions 810000, 820000 and 830000 (国办发〔2018〕81号,
art. 3). Region codes change with the map while numbers stay: an unknown one is never a fault.
"""

import re
from datetime import date
from enum import StrEnum
from operator import mul

from fingertip_server.identifiers import anniversaries, text
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
_NUMBER = re.compile(r"[0-9]{17}[0-9X]")
_BODY = re.compile(r"[0-9]{17}")
_LEGACY_NUMBER = re.compile(r"[0-9]{15}")


class Sex(StrEnum):
    """The sex that the number states."""

    MALE = "male"
    FEMALE = "female"


class Document(StrEnum):
    """The document that bears a resident identity number."""

    RESIDENT_ID_CARD = "resident_id_card"
    HONG_KONG_RESIDENCE_PERMIT = "hong_kong_residence_permit"
    MACAU_RESIDENCE_PERMIT = "macau_residence_permit"
    TAIWAN_RESIDENCE_PERMIT = "taiwan_residence_permit"


_PERMITS = {
    "810000": Document.HONG_KONG_RESIDENCE_PERMIT,
    "820000": Document.MACAU_RESIDENCE_PERMIT,
    "830000": Document.TAIWAN_RESIDENCE_PERMIT,
}


def normalise(value: str, *, today: date) -> str:
    """Returns the 18 characters as stored: compact, half width, a capital X.

    Raises `IdentifierFault` of kind EMPTY, LENGTH, CHARACTERS, DATE, FUTURE_DATE or CHECK_DIGIT.
    """
    number = text.to_compact(value).upper()
    if not number:
        raise IdentifierFault(FaultKind.EMPTY, "The identity number is empty.")
    if len(number) != 18:
        raise IdentifierFault(FaultKind.LENGTH, "An identity number has 18 characters.")
    if not _NUMBER.fullmatch(number):
        raise IdentifierFault(
            FaultKind.CHARACTERS, "An identity number has 17 digits, then a digit or X."
        )
    if _written_date(number[6:14]) > today:
        raise IdentifierFault(FaultKind.FUTURE_DATE, "The birth date lies in the future.")
    if number[17] != check_character(number[:17]):
        raise IdentifierFault(FaultKind.CHECK_DIGIT, "The check character does not match.")
    return number


def check_character(body: str) -> str:
    """Returns the 18th character for the first 17 digits (ISO 7064 MOD 11-2)."""
    if not _BODY.fullmatch(body):
        raise ValueError("An identity number's body is 17 digits.")
    total = sum(map(mul, _WEIGHTS, map(int, body)))
    return _CHECK_CHARACTERS[total % 11]


def birth_date(number: str) -> date:
    """Returns the birth date of a normalised number."""
    return _written_date(number[6:14])


def sex(number: str) -> Sex:
    """Returns the sex of a normalised number: an odd sequence is a man's."""
    return Sex.MALE if int(number[16]) % 2 else Sex.FEMALE


def age(number: str, *, today: date) -> int:
    """Returns the completed years of life of a normalised number's holder."""
    return anniversaries.completed_years(birth_date(number), today)


def document(number: str) -> Document:
    """Returns which document bears a normalised number."""
    return _PERMITS.get(number[:6], Document.RESIDENT_ID_CARD)


def upgrade_legacy(value: str) -> str:
    """Returns a 15-digit number of before 1999 in its 18-character form, for display only.

    The holder's present number may differ, so the result must not be stored or looked up. All
    births are taken as of the 20th century. Raises `IdentifierFault` of kind CHARACTERS or DATE.
    """
    number = text.to_compact(value)
    if not _LEGACY_NUMBER.fullmatch(number):
        raise IdentifierFault(FaultKind.CHARACTERS, "A legacy identity number has 15 digits.")
    body = number[:6] + "19" + number[6:]
    _written_date(body[6:14])
    return body + check_character(body)


def _written_date(digits: str) -> date:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise IdentifierFault(FaultKind.DATE, "The birth date does not exist.") from None
