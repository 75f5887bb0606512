"""Machine-readable zones of travel documents, ICAO Doc 9303 parts 3 to 6.

A passport has two lines of 44 characters (TD3), a card three of 30 (TD1) or two of 36 (TD2). What
is stored is the lines without a break between them: their length tells which kind it is. Only what
the check digits cover is believed; the names are as the issuer transliterated and cut them.
"""

import re
from dataclasses import dataclass
from datetime import date

from fingertip_server.identifiers import text
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

_BREAKS = re.compile(r"\s")
_ZONE = re.compile(r"[0-9A-Z<]+")
_DIGITS = re.compile(r"[0-9]{6}")
_UNKNOWN = re.compile(r"[0-9<]{6}")
_WEIGHTS = (7, 3, 1)
_TD1, _TD2, _TD3 = 90, 72, 88
# A document is valid for ten years at most, give or take; so an expiry is of this century until
# then, while a birth lies in the past.
_EXPIRES_WITHIN_YEARS = 50


@dataclass(frozen=True, slots=True)
class Zone:
    """What a zone says. `birth_date` is None when the issuer does not know the day.

    Regions are as the zone has them: ISO 3166-1 with three letters, but "D" for Germany and codes
    of their own for organisations and the stateless. `sex` is "male", "female" or "".
    """

    document_code: str
    issuer: str
    document_number: str
    nationality: str
    birth_date: date | None
    sex: str
    expiry_date: date
    surname: str
    given_names: str


@dataclass(frozen=True, slots=True)
class _Parts:
    """Where a zone's parts are, as text, and what its last digit is computed over."""

    code: str
    issuer: str
    number: str
    nationality: str
    birth: str
    sex: str
    expiry: str
    names: str
    checked: tuple[tuple[str, str], ...]


def normalise(value: str, *, today: date) -> str:
    """Returns the zone as stored: capital letters, no breaks.

    Raises `IdentifierFault` of kind EMPTY, LENGTH, CHARACTERS, CHECK_DIGIT or DATE.
    """
    zone = _BREAKS.sub("", text.to_half_width(value)).upper()
    parse(zone, today=today)
    return zone


def parse(zone: str, *, today: date) -> Zone:
    """Reads a zone without breaks; raises as `normalise` does."""
    if not zone:
        raise IdentifierFault(FaultKind.EMPTY, "The zone is empty.")
    cut = {_TD1: _card, _TD2: _small, _TD3: _passport}.get(len(zone))
    if cut is None:
        raise IdentifierFault(FaultKind.LENGTH, "A zone has 88, 72 or 90 characters.")
    if not _ZONE.fullmatch(zone):
        raise IdentifierFault(FaultKind.CHARACTERS, "A zone has A to Z, 0 to 9 and <.")
    parts = cut(zone)
    if any(not _agrees(covered, digit) for covered, digit in parts.checked):
        raise IdentifierFault(FaultKind.CHECK_DIGIT, "A check digit does not match.")
    surname, _, given_names = parts.names.partition("<<")
    return Zone(
        document_code=_plain(parts.code),
        issuer=_plain(parts.issuer),
        document_number=_plain(parts.number).replace(" ", ""),
        nationality=_plain(parts.nationality),
        birth_date=_birth_date(parts.birth, today),
        sex={"M": "male", "F": "female"}.get(parts.sex, ""),
        expiry_date=_expiry_date(parts.expiry, today),
        surname=_plain(surname),
        given_names=_plain(given_names),
    )


def check_digit(covered: str) -> str:
    """Returns the digit over some characters: weights 7 3 1, modulus 10 (9303-3, 4.9)."""
    total = sum(
        int(character, 36) * _WEIGHTS[place % 3]
        for place, character in enumerate(covered)
        if character != "<"
    )
    return str(total % 10)


def _passport(zone: str) -> _Parts:
    upper, lower = zone[:44], zone[44:]
    return _two_lines(upper, lower, extra=((lower[28:42], lower[42]),))


def _small(zone: str) -> _Parts:
    return _two_lines(zone[:36], zone[36:], extra=())


def _two_lines(upper: str, lower: str, extra: tuple[tuple[str, str], ...]) -> _Parts:
    number, digit = _number(lower[:9], lower[9], lower[28:])
    return _Parts(
        code=upper[:2],
        issuer=upper[2:5],
        number=number,
        nationality=lower[10:13],
        birth=lower[13:19],
        sex=lower[20],
        expiry=lower[21:27],
        names=upper[5:],
        checked=(
            (number, digit),
            (lower[13:19], lower[19]),
            (lower[21:27], lower[27]),
            *extra,
            (lower[:10] + lower[13:20] + lower[21:-1], lower[-1]),
        ),
    )


def _card(zone: str) -> _Parts:
    upper, middle, lower = zone[:30], zone[30:60], zone[60:]
    number, digit = _number(upper[5:14], upper[14], upper[15:])
    return _Parts(
        code=upper[:2],
        issuer=upper[2:5],
        number=number,
        nationality=middle[15:18],
        birth=middle[:6],
        sex=middle[7],
        expiry=middle[8:14],
        names=lower,
        checked=(
            (number, digit),
            (middle[:6], middle[6]),
            (middle[8:14], middle[14]),
            (upper[5:] + middle[:7] + middle[8:15] + middle[18:29], middle[29]),
        ),
    )


def _number(field: str, digit: str, optional: str) -> tuple[str, str]:
    """Returns the document's number and its digit; a long one goes on in the optional data."""
    if digit != "<" or field.endswith("<"):
        return field, digit
    rest = optional.partition("<")[0]
    return field + rest[:-1], rest[-1:]


def _agrees(covered: str, digit: str) -> bool:
    # Where nothing is said, the digit may be left out.
    if digit == "<":
        return not covered.strip("<")
    return digit == check_digit(covered)


def _birth_date(written: str, today: date) -> date | None:
    if not _DIGITS.fullmatch(written):
        if _UNKNOWN.fullmatch(written):
            return None
        raise _no_date()
    born = _date(today.year // 100 * 100, written)
    return born if born <= today else _date(today.year // 100 * 100 - 100, written)


def _expiry_date(written: str, today: date) -> date:
    if not _DIGITS.fullmatch(written):
        raise _no_date()
    century = today.year // 100 * 100
    year = century + int(written[:2])
    if year > today.year + _EXPIRES_WITHIN_YEARS:
        century -= 100
    elif year < today.year - _EXPIRES_WITHIN_YEARS:
        century += 100
    return _date(century, written)


def _date(century: int, written: str) -> date:
    try:
        return date(century + int(written[:2]), int(written[2:4]), int(written[4:]))
    except ValueError:
        raise _no_date() from None


def _no_date() -> IdentifierFault:
    return IdentifierFault(FaultKind.DATE, "The zone holds a date that does not exist.")


def _plain(field: str) -> str:
    return " ".join(field.replace("<", " ").split())
