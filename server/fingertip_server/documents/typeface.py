"""The font of documents: Noto Sans SC, of which each document gets the glyphs that it needs.

It has every character of GB 18030's first level and those of the other planes that names are
written with (通用规范汉字表). What it has not is spelled by its number, never left out.
"""

import io
from collections.abc import Iterable
from functools import cache

import pylopdf_fonts_zh_cn
from fontTools import subset
from fontTools.ttLib import TTFont

# A glyph's width is counted in thousandths of the font's size.
EM = 1000
_DROPPED = ("BASE", "DSIG", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx")


class Typeface:
    """The whole font, read once in a process."""

    def __init__(self) -> None:
        with self._opened() as font:
            metrics = font["hmtx"].metrics
            # In a font of this kind a glyph's name is its number: cid00123.
            self._glyphs: dict[int, tuple[int, int]] = {
                point: (int(name.removeprefix("cid")), metrics[name][0])
                for point, name in font.getBestCmap().items()
                if name.startswith("cid") and name in metrics
            }
            self.ascent: int = font["hhea"].ascent
            self.descent: int = font["hhea"].descent

    def spelled(self, text: str) -> str:
        """Returns a text whose characters are all there: others are told by their numbers."""
        return "".join(
            char if char == "\n" or ord(char) in self._glyphs else f"〔U+{ord(char):04X}〕"
            for char in text.replace("\t", " ").replace("\r", "")
        )

    def width(self, text: str, size: float) -> float:
        """Returns how wide a text is, in points."""
        return sum(self._glyphs[ord(char)][1] for char in text) * size / EM

    def glyph(self, char: str) -> tuple[int, int]:
        """Returns a character's number in the font and its width."""
        return self._glyphs[ord(char)]

    def embedded(self, characters: Iterable[str]) -> bytes:
        """Returns the font with these characters alone, as CFF, the numbers as they were."""
        options = subset.Options(drop_tables=[*subset.Options().drop_tables, *_DROPPED])
        options.layout_features = []
        options.name_IDs = []
        options.notdef_outline = True
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=[ord(char) for char in sorted(set(characters))])
        written = io.BytesIO()
        with self._opened() as font:
            subsetter.subset(font)
            font.save(written)
        with TTFont(written) as small:
            return bytes(small.reader["CFF "])

    def _opened(self) -> TTFont:
        # Nothing of the machine's clock may get into the document.
        return TTFont(pylopdf_fonts_zh_cn.sans_path(), lazy=True, recalcTimestamp=False)


@cache
def typeface() -> Typeface:
    """Returns the font, read when it is needed for the first time."""
    return Typeface()
