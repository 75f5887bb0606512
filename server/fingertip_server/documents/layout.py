"""Puts blocks on pages: where each line of text and each picture stands."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fingertip_server.documents.blocks import Block, Fact, Heading, Picture, Text, Title
from fingertip_server.documents.pictures import Raster, raster
from fingertip_server.documents.typeface import Typeface

# ISO 216 A4, in points.
WIDTH, HEIGHT = 595.28, 841.89
_MARGIN = 56.0
_TITLE, _HEADING, _BODY, _FOOT = 16.0, 12.0, 10.0, 8.0
_LEADING = 1.5
_LABEL_WIDTH = 120.0
_GAP = 6.0
# What may not begin a line, and what may not end one (GB/T 15834).
_NEVER_FIRST = frozenset("，。、；：？！）》〉”’】〕…—·,.;:?!)]}%")
_NEVER_LAST = frozenset("（《〈“‘【〔([{")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text: where its base begins, and how large it is."""

    x: float
    y: float
    size: float
    text: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture with its lower left corner."""

    x: float
    y: float
    width: float
    height: float
    raster: Raster


@dataclass(slots=True)
class Page:
    """What stands on a page."""

    lines: list[Line] = field(default_factory=list)
    pictures: list[Placed] = field(default_factory=list)


def lay_out(blocks: Iterable[Block], typeface: Typeface, foot: str) -> list[Page]:
    """Returns the pages, each with its number and the foot."""
    flow = _Flow(typeface)
    for block in blocks:
        flow.add(block)
    for number, page in enumerate(flow.pages, 1):
        count = f"第 {number} 页，共 {len(flow.pages)} 页"
        page.lines.append(Line(_MARGIN, _MARGIN / 2, _FOOT, typeface.spelled(foot)))
        x = WIDTH - _MARGIN - typeface.width(count, _FOOT)
        page.lines.append(Line(x, _MARGIN / 2, _FOOT, count))
    return flow.pages


class _Flow:
    """Fills pages from top to bottom."""

    def __init__(self, typeface: Typeface) -> None:
        self._typeface = typeface
        self.pages = [Page()]
        self._y = HEIGHT - _MARGIN

    def add(self, block: Block) -> None:
        match block:
            case Title():
                text = self._typeface.spelled(block.text)
                for line in self._broken(text, _TITLE, WIDTH - 2 * _MARGIN):
                    x = (WIDTH - self._typeface.width(line, _TITLE)) / 2
                    self._put([(x, line)], _TITLE)
                self._y -= _GAP
            case Heading():
                # A heading never stands alone at the end of a page.
                self._need(_GAP + (_HEADING + 2 * _BODY) * _LEADING)
                self._y -= _GAP
                self._paragraph(block.text, _HEADING)
            case Text():
                for paragraph in block.text.split("\n"):
                    self._paragraph(paragraph, _BODY)
            case Fact():
                self._fact(block)
            case Picture():
                self._picture(block)

    def _paragraph(self, text: str, size: float) -> None:
        if not text.strip():
            self._y -= size / 2
            return
        for line in self._broken(self._typeface.spelled(text), size, WIDTH - 2 * _MARGIN):
            self._put([(_MARGIN, line)], size)

    def _fact(self, fact: Fact) -> None:
        label = self._typeface.spelled(fact.label)
        text = self._typeface.spelled(fact.text.replace("\n", " "))
        labels = list(self._broken(label, _BODY, _LABEL_WIDTH - _GAP))
        texts = list(self._broken(text, _BODY, WIDTH - 2 * _MARGIN - _LABEL_WIDTH))
        for row in range(max(len(labels), len(texts))):
            parts = []
            if row < len(labels):
                parts.append((_MARGIN, labels[row]))
            if row < len(texts):
                parts.append((_MARGIN + _LABEL_WIDTH, texts[row]))
            self._put(parts, _BODY)

    def _picture(self, picture: Picture) -> None:
        image = raster(picture.content)
        # Never taller than a third of the page, whatever its shape.
        width = min(picture.width, image.width / image.height * HEIGHT / 3)
        height = width * image.height / image.width
        # Letters reach below the line that stands above it.
        self._need(height + 2 * _GAP)
        self._y -= height + _GAP
        self.pages[-1].pictures.append(Placed(_MARGIN, self._y, width, height, image))
        self._y -= _GAP

    def _put(self, parts: list[tuple[float, str]], size: float) -> None:
        self._need(size * _LEADING)
        self._y -= size * _LEADING
        self.pages[-1].lines.extend(Line(x, self._y, size, text) for x, text in parts)

    def _need(self, height: float) -> None:
        if self._y - height < _MARGIN:
            self.pages.append(Page())
            self._y = HEIGHT - _MARGIN

    def _broken(self, text: str, size: float, width: float) -> Iterator[str]:
        """Yields the lines of a text: broken between any characters but within no word."""
        line: list[str] = []
        for word in _words(text):
            if line and self._typeface.width("".join(line) + word, size) > width:
                if word[0] in _NEVER_FIRST and len(line) > 1:
                    # What may not begin a line takes the character before it along.
                    last = line.pop()
                    yield "".join(line)
                    line = [last]
                else:
                    carried: list[str] = []
                    while len(line) > 1 and line[-1] in _NEVER_LAST:
                        carried.insert(0, line.pop())
                    yield "".join(line)
                    line = carried
            rest = word
            while self._typeface.width("".join(line) + rest, size) > width and len(rest) > 1:
                # A word that is longer than a line, such as a hash.
                fits = next(
                    count
                    for count in range(len(rest) - 1, 0, -1)
                    if count == 1
                    or self._typeface.width("".join(line) + rest[:count], size) <= width
                )
                yield "".join(line) + rest[:fits]
                line, rest = [], rest[fits:]
            line.append(rest)
        if line:
            yield "".join(line)


def _words(text: str) -> Iterator[str]:
    """Yields what is not broken: runs of Latin letters and digits, and each other character."""
    run = ""
    for char in text:
        if char.isascii() and char != " ":
            run += char
            continue
        if run:
            yield run
            run = ""
        yield char
    if run:
        yield run
