"""How long identity documents are valid (居民身份证法 art. 5).

A card is issued for five years to those under 16, for ten from 16 to 25, for twenty from 26 to
45, and without end (长期) from 46 on. 长期 is a value like any date, never the absence of one.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import TypeAlias

from fingertip_server.identifiers import anniversaries, text
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault


class LongTerm(Enum):
    """The end of a card that does not end."""

    LONG_TERM = "长期"


Expiry: TypeAlias = date | LongTerm
LONG_TERM = LongTerm.LONG_TERM

_WRITTEN_DATE = re.compile(r"([0-9]{4})([-./]?)([0-9]{2})\2([0-9]{2})")


@dataclass(frozen=True, slots=True)
class ValidityYears:
    """For how many years a card is issued at which age; the law's numbers by default."""

    under_16: int = 5
    from_16_to_25: int = 10
    from_26_to_45: int = 20


ARTICLE_5 = ValidityYears()


def expiry_by_law(born: date, issued: date, *, years: ValidityYears = ARTICLE_5) -> Expiry:
    """Returns the last day of a card issued on that day, or LONG_TERM.

    Raises `IdentifierFault` of kind DATE when the card is older than its holder.
    """
    if issued < born:
        raise IdentifierFault(FaultKind.DATE, "The card was issued before its holder was born.")
    age = anniversaries.completed_years(born, issued)
    if age >= 46:
        return LONG_TERM
    if age >= 26:
        return anniversaries.anniversary(issued, years.from_26_to_45)
    if age >= 16:
        return anniversaries.anniversary(issued, years.from_16_to_25)
    return anniversaries.anniversary(issued, years.under_16)


def is_expired(expiry: Expiry, *, today: date) -> bool:
    """Tells whether the document's last day has passed; the last day itself still counts."""
    return isinstance(expiry, date) and expiry < today


def parse_expiry(value: str) -> Expiry:
    """Returns the end of validity as written on a card: 长期, 2035.06.15, 2035-06-15, 20350615.

    Raises `IdentifierFault` of kind EMPTY, CHARACTERS or DATE.
    """
    written = text.to_half_width(value).strip()
    if not written:
        raise IdentifierFault(FaultKind.EMPTY, "The end of validity is empty.")
    if written == LONG_TERM.value:
        return LONG_TERM
    match = _WRITTEN_DATE.fullmatch(written)
    if not match:
        raise IdentifierFault(
            FaultKind.CHARACTERS, f"An end of validity is a date or {LONG_TERM.value}."
        )
    try:
        return date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        raise IdentifierFault(FaultKind.DATE, "The end of validity does not exist.") from None


def format_expiry(expiry: Expiry) -> str:
    """Returns the end of validity as it is stored: 长期 or the date as 2035-06-15."""
    return LONG_TERM.value if isinstance(expiry, LongTerm) else expiry.isoformat()
