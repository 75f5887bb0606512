"""The codes that receipt printers understand, as python-escpos writes them."""

import tempfile
from tempfile import TemporaryDirectory

with TemporaryDirectory() as _folder:
    # Each import of python-escpos leaves a folder with a cache behind that nobody reads again.
    _usual, tempfile.tempdir = tempfile.tempdir, _folder
    try:
        from escpos.printer import Dummy
    finally:
        tempfile.tempdir = _usual

# FS &: from here on two bytes above 127 are one Chinese character. Printers begin without it.
CHINESE = b"\x1c&"


def reset() -> bytes:
    """Returns the code that forgets all that was set before."""
    printer = Dummy()
    printer.hw("INIT")
    return bytes(printer.output)


def style(**style: bool | int) -> bytes:
    """Returns the codes of a style, as python-escpos names it, for centred lines."""
    printer = Dummy()
    printer.set(align="center", **style)
    return bytes(printer.output)


def line(text: str) -> bytes:
    """Returns a line as printers that know Chinese read it."""
    return text.encode("gb18030") + b"\n"


def cut() -> bytes:
    """Returns the code that feeds and cuts the paper."""
    printer = Dummy()
    printer.cut()
    return bytes(printer.output)
