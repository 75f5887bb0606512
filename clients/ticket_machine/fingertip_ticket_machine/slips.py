"""What stands on a ticket, and the bytes that make a receipt printer print it."""

from dataclasses import dataclass
from datetime import datetime

from fingertip_ticket_machine import escpos_codes as codes


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
            codes.reset(),
            codes.CHINESE,
            codes.style(bold=True),
            codes.line(slip.branch_name),
            codes.style(bold=False),
            codes.line(slip.line_name),
            codes.style(bold=True, custom_size=True, width=4, height=4),
            codes.line(slip.number),
            codes.style(bold=False, normal_textsize=True),
            codes.line(waiting_sentence(slip.waiting_count)),
            codes.line(slip.time.strftime("%Y-%m-%d %H:%M:%S")),
            codes.line("请留意叫号，过号请到服务台。"),
            codes.cut(),
        ]
    )


def waiting_sentence(waiting_count: int | None) -> str:
    """Tells how many wait before, if that is known."""
    if waiting_count is None:
        return "等候人数暂时无法显示"
    return f"前面等候 {waiting_count} 人"
