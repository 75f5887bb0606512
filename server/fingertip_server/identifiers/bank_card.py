"""Bank card numbers: 16 to 19 digits with a Luhn check digit (ISO/IEC 7812-1, annex B).

The settlement accounts of companies are not cards and have no such digit: check no account
number here. Neither PIN nor CVN nor expiry date is ever asked for on a tablet.
"""

import re

from fingertip_server.identifiers import text
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

_DIGITS = re.compile(r"[0-9]+")
# What a digit in a doubled place adds: twice itself, with the digits of the result added up.
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def normalise(value: str) -> str:
    """Returns the digits as stored, without blanks, dashes and full-width forms.

    Raises `IdentifierFault` of kind EMPTY, CHARACTERS, LENGTH or CHECK_DIGIT.
    """
    number = text.to_compact(value)
    if not number:
        raise IdentifierFault(FaultKind.EMPTY, "The card number is empty.")
    if not _DIGITS.fullmatch(number):
        raise IdentifierFault(FaultKind.CHARACTERS, "A card number has digits only.")
    if not 16 <= len(number) <= 19:
        raise IdentifierFault(FaultKind.LENGTH, "A card number has 16 to 19 digits.")
    if number[-1] != check_digit(number[:-1]):
        raise IdentifierFault(FaultKind.CHECK_DIGIT, "The check digit does not match.")
    return number


def check_digit(body: str) -> str:
    """Returns the Luhn digit that completes the digits before it."""
    digits = [int(digit) for digit in reversed(body)]
    total = sum(_DOUBLED[digit] for digit in digits[::2]) + sum(digits[1::2])
    return str(-total % 10)


def is_union_pay(number: str) -> bool:
    """Tells whether a normalised number is in UnionPay's ranges, 62 and the older 60."""
    return number.startswith(("62", "60"))
