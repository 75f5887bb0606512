"""What stands on a ticket, and the bytes that make a receipt printer print it."""

from dataclasses import dataclass
from datetime import datetime

from escpos.printer import Dummy

# FS &: from here on two bytes above 127 are one Chinese character. Printers begin without it.
_CHINESE = b"\x1c&"


@dataclass(frozen=True, slots=True)
class Slip:
    """A ticket as the customer reads it; holds nothing about him.

    `waiting_count` is None on a ticket taken while the server was away. `time` is in the branch's
    time zone.
    """

    branch_name: str
    line_name: str
    number: str
    waiting_count: int | None
    time: datetime


def render(slip: Slip) -> bytes:
    """Returns the ESC/POS bytes of a slip, the paper cut included."""
    return b"".join(
        [
            _reset(),
            _CHINESE,
            _style(bold=True),
            _line(slip.branch_name),
            _style(bold=False),
            _line(slip.line_name),
            _style(bold=True, custom_size=True, width=4, height=4),
            _line(slip.number),
            _style(bold=False, normal_textsize=True),
            _line(waiting_sentence(slip.waiting_count)),
            _line(slip.time.strftime("%Y-%m-%d %H:%M:%S")),
            _line("请留意叫号，过号请到服务台。"),
            _cut(),
        ]
    )


def waiting_sentence(waiting_count: int | None) -> str:
    """Tells how many wait before, if that is known."""
    if waiting_count is None:
        return "等候人数暂时无法显示"
    return f"前面等候 {waiting_count} 人"


def _line(text: str) -> bytes:
    return text.encode("gb18030") + b"\n"


def _reset() -> bytes:
    printer = Dummy()
    printer.hw("INIT")
    return bytes(printer.output)


def _style(**style: bool | int) -> bytes:
    printer = Dummy()
    printer.set(align="center", **style)
    return bytes(printer.output)


def _cut() -> bytes:
    printer = Dummy()
    printer.cut()
    return bytes(printer.output)
