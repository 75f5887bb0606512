"""Images as they are put into a document: grey, on white, no larger than print can show."""

import io
import zlib
from dataclasses import dataclass

from PIL import Image

_SIDE_MAX = 1200


@dataclass(frozen=True, slots=True)
class Raster:
    """An image's grey values, packed."""

    width: int
    height: int
    packed: bytes


def raster(content: bytes) -> Raster:
    """Returns an image that was examined when it was uploaded."""
    with Image.open(io.BytesIO(content)) as opened:
        opened.thumbnail((_SIDE_MAX, _SIDE_MAX))
        clear = opened.convert("RGBA")
    paper = Image.new("RGBA", clear.size, "white")
    grey = Image.alpha_composite(paper, clear).convert("L")
    return Raster(grey.width, grey.height, zlib.compress(grey.tobytes(), 9))
