"""What Chinese keyboards, card readers and copied texts do to digits and letters."""

import re
import unicodedata

# U+FF01..U+FF5E are the full-width forms of the printable ASCII characters, in the same order.
_HALF_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(94)} | {0x3000: 0x20}

# People group digits with blanks and dashes; phones and word processors choose which dash. The
# last of these is the minus sign.
_SEPARATORS = re.compile("[ \t\u00a0\u2009\u202f\u2010\u2011\u2012\u2013\u2014\u2212-]")

# Controls, formats (direction of writing, no width), surrogates, line and paragraph separators.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Letters and marks by category, yet drawn as nothing: the combining grapheme joiner, the fillers
# of Hangul and Khmer, and the selectors of variants.
_DRAWN_AS_NOTHING = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def to_half_width(text: str) -> str:
    """Returns the text with full-width ASCII and the ideographic space in their usual width."""
    return text.translate(_HALF_WIDTH)


def to_compact(text: str) -> str:
    """Returns the text in half width, without the blanks and dashes that group its digits."""
    return _SEPARATORS.sub("", to_half_width(text))


def is_hidden(character: str) -> bool:
    """Tells whether a reader does not see the character, the line break and the tab included."""
    return (
        unicodedata.category(character) in _HIDDEN_CATEGORIES
        or _DRAWN_AS_NOTHING.match(character) is not None
    )


def is_private(character: str) -> bool:
    """Tells whether the character is of the areas for private use, where each draws his own."""
    return unicodedata.category(character) == "Co"
