"""Tells whoever looks after the machine what is in its journal."""

from collections.abc import Iterator
from datetime import datetime

from fingertip_ticket_machine import blocks
from fingertip_ticket_machine.journal import Journal


def of_journal(journal: Journal, now: datetime) -> Iterator[str]:
    """Yields what could be printed without the server, and what the server has not heard of."""
    for block in journal.blocks():
        line = block.service_line_code
        shortage = blocks.shortage(block, now)
        usable = "can be printed" if shortage is None else f"cannot be printed: {shortage.value}"
        yield f"line {line}: {block.left} numbers left of {block.business_day}, which {usable}"
    if not journal.blocks():
        yield "no numbers reserved yet"
    owed = " ".join(taken.number for taken in journal.owed())
    yield f"to be registered: {owed or 'none'}"
    for number, reason in journal.refused():
        yield f"refused for good: {number} ({reason})"
