"""Writes pages as PDF 1.7, with room for a signature of the whole file (PAdES, ETSI EN 319 142-1).

The signature certifies the document: nothing may be added to it either (DocMDP, level 1).
"""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fingertip_server.documents.layout import HEIGHT, WIDTH, Page, Placed
from fingertip_server.documents.typeface import EM, Typeface

# In bytes, for a signature, its certificates and its time-stamp with those of its authority.
_SIGNATURE_BYTES = 24 * 1024
_RANGE = b"[0 %010d %010d %010d]"
_MAPPED_AT_ONCE = 100


class SignatureTooLarge(Exception):
    """Says that a signature does not fit into the room that was left for it."""


@dataclass(frozen=True, slots=True)
class About:
    """What a document says of itself."""

    title: str
    author: str
    reason: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A document with room for its signature, between `start` and `end`."""

    content: bytes
    start: int
    end: int

    @property
    def sha256(self) -> bytes:
        """Returns the digest of everything but the room."""
        digest = hashlib.sha256(self.content[: self.start])
        digest.update(self.content[self.end :])
        return digest.digest()

    def signed(self, signature: bytes) -> bytes:
        """Returns the document with its signature."""
        room = self.end - self.start - 2
        written = signature.hex().encode()
        if len(written) > room:
            raise SignatureTooLarge
        filled = b"<" + written.ljust(room, b"0") + b">"
        return self.content[: self.start] + filled + self.content[self.end :]


def write(pages: Sequence[Page], typeface: Typeface, about: About) -> Unsigned:
    """Returns the document."""
    file = _File()
    catalog, tree, font, form, signature = (file.reserve() for _ in range(5))
    leaves = [_page(file, page, tree, font, typeface) for page in pages]
    field = file.add(
        b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature)/F 132/Rect[0 0 0 0]/P %d 0 R/V %d 0 R>>"
        % (leaves[0], signature)
    )
    file.fill(leaves[0], file.content_of(leaves[0])[:-2] + b"/Annots[%d 0 R]>>" % field)
    kids = b" ".join(b"%d 0 R" % leaf for leaf in leaves)
    file.fill(tree, b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(leaves)))
    file.fill(form, b"<</Fields[%d 0 R]/SigFlags 3>>" % field)
    file.fill(
        catalog,
        b"<</Type/Catalog/Pages %d 0 R/AcroForm %d 0 R/Perms<</DocMDP %d 0 R>>/Lang(zh-CN)>>"
        % (tree, form, signature),
    )
    _font(file, font, pages, typeface)
    info = file.add(
        b"<</Title%s/Author%s/Producer(Fingertip)/CreationDate%s>>"
        % (_text(about.title), _text(about.author), _date(about.time))
    )
    file.fill(signature, _signature(about))
    return file.finished(catalog, info, signature)


class _File:
    """The objects of a file, by number."""

    def __init__(self) -> None:
        self._objects: list[bytes] = []

    def reserve(self) -> int:
        """Returns the number of an object that is filled later."""
        self._objects.append(b"")
        return len(self._objects)

    def fill(self, number: int, content: bytes) -> None:
        """Says what an object is."""
        self._objects[number - 1] = content

    def content_of(self, number: int) -> bytes:
        """Returns what an object is so far."""
        return self._objects[number - 1]

    def add(self, content: bytes) -> int:
        """Adds an object and returns its number."""
        number = self.reserve()
        self.fill(number, content)
        return number

    def stream(self, content: bytes, entries: bytes = b"") -> int:
        """Adds a stream, packed."""
        packed = zlib.compress(content, 9)
        return self.packed_stream(packed, entries)

    def packed_stream(self, packed: bytes, entries: bytes) -> int:
        """Adds a stream that is packed already."""
        head = b"<</Length %d/Filter/FlateDecode%s>>" % (len(packed), entries)
        return self.add(head + b"\nstream\n" + packed + b"\nendstream")

    def finished(self, catalog: int, info: int, signature: int) -> Unsigned:
        """Returns the file, the ranges that are signed written into it."""
        content = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        places = []
        for number, written in enumerate(self._objects, 1):
            places.append(len(content))
            content += b"%d 0 obj\n%s\nendobj\n" % (number, written)
        table = len(content)
        content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
        content += b"".join(b"%010d 00000 n \n" % place for place in places)
        # Of the content, so that the same document has the same name.
        name = hashlib.sha256(content).hexdigest()[:32].encode()
        content += b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID[<%s><%s>]>>\n" % (
            (len(places) + 1, catalog, info, name, name)
        )
        content += b"startxref\n%d\n%%%%EOF\n" % table
        place = places[signature - 1]
        start = content.index(b"/Contents<", place) + len(b"/Contents")
        end = start + 2 * _SIGNATURE_BYTES + 2
        ranges = _RANGE % (start, end, len(content) - end)
        at = content.index(_RANGE % (0, 0, 0), place)
        content[at : at + len(ranges)] = ranges
        return Unsigned(bytes(content), start, end)


def _page(file: _File, page: Page, tree: int, font: int, typeface: Typeface) -> int:
    names = []
    drawn = [_drawn_line(line.x, line.y, line.size, line.text, typeface) for line in page.lines]
    for index, picture in enumerate(page.pictures):
        names.append(b"/P%d %d 0 R" % (index, _picture(file, picture)))
        place = (picture.width, picture.height, picture.x, picture.y)
        drawn.append(b"q %.2f 0 0 %.2f %.2f %.2f cm /P%d Do Q" % (*place, index))
    content = file.stream(b"\n".join(drawn))
    return file.add(
        b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %.2f %.2f]/Contents %d 0 R"
        b"/Resources<</Font<</F %d 0 R>>/XObject<<%s>>>>>>"
        % (tree, WIDTH, HEIGHT, content, font, b"".join(names))
    )


def _drawn_line(x: float, y: float, size: float, text: str, typeface: Typeface) -> bytes:
    shown = "".join(f"{typeface.glyph(char)[0]:04X}" for char in text).encode()
    return b"BT /F %.1f Tf %.2f %.2f Td <%s> Tj ET" % (size, x, y, shown)


def _picture(file: _File, picture: Placed) -> int:
    raster = picture.raster
    return file.packed_stream(
        raster.packed,
        b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8"
        % (raster.width, raster.height),
    )


def _font(file: _File, number: int, pages: Sequence[Page], typeface: Typeface) -> None:
    used = {char for page in pages for line in page.lines for char in line.text}
    glyphs = sorted({typeface.glyph(char): char for char in sorted(used)}.items())
    # The tag says which part of the font it is; it follows from the part.
    digest = hashlib.sha256("".join(sorted(used)).encode()).digest()
    tag = bytes(ord("A") + byte % 26 for byte in digest[:6])
    name = tag + b"+NotoSansSC-Regular"
    embedded = file.stream(typeface.embedded(used), b"/Subtype/CIDFontType0C")
    descriptor = file.add(
        b"<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[-1000 -1000 3000 2000]/ItalicAngle 0"
        b"/Ascent %d/Descent %d/CapHeight 733/StemV 90/FontFile3 %d 0 R>>"
        % (name, typeface.ascent, typeface.descent, embedded)
    )
    widths = b"".join(b"%d[%d]" % glyph for glyph, _ in glyphs if glyph[1] != EM)
    descendant = file.add(
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/%s/FontDescriptor %d 0 R/DW %d/W[%s]"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>>>"
        % (name, descriptor, EM, widths)
    )
    unicode = file.stream(_unicode([(glyph[0], char) for glyph, char in glyphs]))
    file.fill(
        number,
        b"<</Type/Font/Subtype/Type0/BaseFont/%s-Identity-H/Encoding/Identity-H"
        b"/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>" % (name, descendant, unicode),
    )


def _unicode(glyphs: Sequence[tuple[int, str]]) -> bytes:
    """Says which character each glyph is, so that text can be searched and copied."""
    parts = [
        (
            b"/CIDInit/ProcSet findresource begin 12 dict begin begincmap"
            b"/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def"
            b"/CMapName/Adobe-Identity-UCS def/CMapType 2 def"
            b" 1 begincodespacerange<0000><FFFF>endcodespacerange"
        )
    ]
    for place in range(0, len(glyphs), _MAPPED_AT_ONCE):
        some = glyphs[place : place + _MAPPED_AT_ONCE]
        mapped = "".join(f"<{cid:04X}><{char.encode('utf-16-be').hex()}>" for cid, char in some)
        parts.append(b"%d beginbfchar%s endbfchar" % (len(some), mapped.encode()))
    parts.append(b"endcmap CMapName currentdict/CMap defineresource pop end end")
    return b"\n".join(parts)


def _signature(about: About) -> bytes:
    return (
        b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached"
        b"/ByteRange%s/Contents<%s>/M%s/Name%s/Reason%s"
        b"/Reference[<</Type/SigRef/TransformMethod/DocMDP"
        b"/TransformParams<</Type/TransformParams/P 1/V/1.2>>>>]>>"
        % (
            _RANGE % (0, 0, 0),
            b"0" * (2 * _SIGNATURE_BYTES),
            _date(about.time),
            _text(about.author),
            _text(about.reason),
        )
    )


def _text(text: str) -> bytes:
    return b"<FEFF" + text.encode("utf-16-be").hex().upper().encode() + b">"


def _date(time: datetime) -> bytes:
    return f"(D:{time.astimezone(UTC):%Y%m%d%H%M%S}Z)".encode()
