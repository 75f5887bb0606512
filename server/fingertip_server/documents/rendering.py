"""From blocks to a document that waits for its signature."""

import threading
from collections.abc import Sequence

from fingertip_server.documents import layout, pdf
from fingertip_server.documents.blocks import Block
from fingertip_server.documents.pdf import About, Unsigned
from fingertip_server.documents.typeface import typeface

# One at a time in a process: a document takes a processor for half a second, and an image memory.
_ALONE = threading.Lock()


def render(blocks: Sequence[Block], about: About, foot: str) -> Unsigned:
    """Returns the document. Takes time: not for the event loop."""
    with _ALONE:
        font = typeface()
        return pdf.write(layout.lay_out(blocks, font, foot), font, about)
