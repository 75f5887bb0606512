"""Names of natural persons.

银发〔2007〕345号 forbids to turn a customer away over a failed identity check, so a rare character
or the dot of a transliterated name must pass. What must not pass is what a reader cannot see:
control characters, marks that turn the direction of writing, characters without width. With them
two names look alike and are not, and an approver approves another text than he reads. Neither may
a character pass that its drawer alone knows: everybody else's screen shows another or none, and the
police know the bearer by the character's standard code.
"""

import re
import unicodedata

from fingertip_server.identifiers import text
from fingertip_server.identifiers.faults import FaultKind, IdentifierFault

# Longer than the longest transliterated name on an identity card (our default).
LENGTH_MAX = 60

MIDDLE_DOT = "\u00b7"
# Readers, keyboards and fonts write the middle dot in these ways; GB 18030 A1A4 is U+00B7.
_MIDDLE_DOTS = re.compile("[\u2022\u2027\u2219\u22c5\u30fb\uff65]")
_BLANKS = re.compile(" +")

# Between the parts of a passport name: O'Neil, SMITH-JONES, SMITH, JOHN Jr.
_PUNCTUATION = frozenset(f"{MIDDLE_DOT} '\u2019-.,")
# The ideographic zero is a number to Unicode and a given name to its bearers.
_IDEOGRAPHIC_ZERO = "\u3007"
_LETTERS = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo"})
_MARKS = frozenset({"Mn", "Mc"})


def normalise(value: str) -> str:
    """Returns the name in NFC, its dots as U+00B7, single blanks inside and none around.

    Raises `IdentifierFault` of kind EMPTY, LENGTH, HIDDEN_CHARACTER, PRIVATE_USE or CHARACTERS.
    """
    if any(text.is_private(character) for character in value):
        raise IdentifierFault(
            FaultKind.PRIVATE_USE, "The name holds a character that somebody has drawn himself."
        )
    if any(text.is_hidden(character) for character in value):
        raise IdentifierFault(
            FaultKind.HIDDEN_CHARACTER, "The name holds a character that nobody sees."
        )
    name = unicodedata.normalize("NFC", text.to_half_width(value))
    name = _MIDDLE_DOTS.sub(MIDDLE_DOT, name.replace("\u00a0", " "))
    name = _BLANKS.sub(" ", name).strip(" ")
    if not name:
        raise IdentifierFault(FaultKind.EMPTY, "The name is empty.")
    if len(name) > LENGTH_MAX:
        raise IdentifierFault(FaultKind.LENGTH, f"A name has at most {LENGTH_MAX} characters.")
    if not _is_letter(name[0]) or not all(_may_follow(character) for character in name):
        raise IdentifierFault(
            FaultKind.CHARACTERS, "A name begins with a letter and has letters and dots."
        )
    return name


def _is_letter(character: str) -> bool:
    return (
        character == _IDEOGRAPHIC_ZERO
        or unicodedata.category(character) in _LETTERS
        or _is_rare_ideograph(character)
    )


def _may_follow(character: str) -> bool:
    return (
        character in _PUNCTUATION
        or unicodedata.category(character) in _MARKS
        or _is_letter(character)
    )


def _is_rare_ideograph(character: str) -> bool:
    """Tells whether the character may be an ideograph that Python's Unicode does not know yet.

    Planes 2 and 3 are set aside for ideographs and grow faster than Python.
    """
    point = ord(character)
    return 0x20000 <= point <= 0x3FFFF and point & 0xFFFF < 0xFFFE
