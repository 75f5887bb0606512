"""Unified social credit codes (统一社会信用代码), GB 32100-2015.

One character of registering authority, one of category, six digits of region, the nine-character
organisation code with a check character of its own (GB 11714) and a check character over all.
Codes registered early exist whose check characters are wrong, so a mismatch is a warning that a
person confirms, never a refusal.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from fingertip_server.identifiers import text
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

# Without I, O, S, V and Z, which are mistaken for digits and for each other.
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CODE = re.compile(f"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}")


class Verdict(StrEnum):
    """What may be done with a code."""

    OK = "ok"
    WARN_CHECK_DIGIT = "warn_check_digit"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Uscc:
    """A well-formed code, and whether each of its two check characters matches."""

    code: str
    code_check_matches: bool
    organisation_check_matches: bool

    @property
    def verdict(self) -> Verdict:
        """Tells whether a person must confirm the code before it is used."""
        if self.code_check_matches and self.organisation_check_matches:
            return Verdict.OK
        return Verdict.WARN_CHECK_DIGIT


def normalise(value: str) -> Uscc:
    """Returns the code compact and in capitals, with the result of its checks.

    Raises `IdentifierFault` of kind EMPTY, LENGTH or CHARACTERS.
    """
    code = text.to_compact(value).upper()
    if not code:
        raise IdentifierFault(FaultKind.EMPTY, "The social credit code is empty.")
    if len(code) != 18:
        raise IdentifierFault(FaultKind.LENGTH, "A social credit code has 18 characters.")
    if not _CODE.fullmatch(code):
        raise IdentifierFault(
            FaultKind.CHARACTERS,
            "A social credit code has digits and capitals without I, O, S, V and Z, "
            "and six digits from the third place on.",
        )
    return Uscc(
        code=code,
        code_check_matches=code[17] == check_character(code[:17]),
        organisation_check_matches=code[16] == organisation_check_character(code[8:16]),
    )


def examine(value: str) -> Verdict:
    """Returns the verdict on any text: OK, WARN_CHECK_DIGIT or INVALID."""
    try:
        return normalise(value).verdict
    except IdentifierFault:
        return Verdict.INVALID


def check_character(body: str) -> str:
    """Returns the 18th character for the first 17."""
    total = sum(
        ALPHABET.index(character) * weight for character, weight in zip(body, _WEIGHTS, strict=True)
    )
    # A remainder of 0 gives 0, not the 32nd character of an alphabet that has 31.
    return ALPHABET[(31 - total % 31) % 31]


def organisation_check_character(body: str) -> str:
    """Returns the ninth character of an organisation code for its first eight (GB 11714)."""
    # Read in base 36, digits count 0 to 9 and letters 10 to 35, those not in ALPHABET included.
    total = sum(
        int(character, 36) * weight
        for character, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True)
    )
    return "0X987654321"[total % 11]
