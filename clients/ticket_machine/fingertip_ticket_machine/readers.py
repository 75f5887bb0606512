"""Readers: how a customer presents a card or an identity document, if he wants to."""

from typing import Protocol

from rich.console import Console

from fingertip.lobby.v1.lobby_service_pb2 import Identification


class Reader(Protocol):
    """Reads what a customer presents."""

    def read(self) -> Identification | None:
        """Waits for a card or document; None when the customer goes on without one."""


class TerminalReader:
    """Stands for a card slot: the number is typed, and not shown."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def read(self) -> Identification | None:
        """Asks what is presented, and for its number."""
        kind = self._console.input(
            "插入银行卡请按 [b]1[/b]，放置身份证请按 [b]2[/b]，直接取号请回车："
        )
        match kind.strip():
            case "1":
                number = self._console.input("银行卡号：", password=True)
                return identification(card=number)
            case "2":
                number = self._console.input("身份证号：", password=True)
                return identification(resident_id=number)
            case _:
                return None


def identification(*, card: str = "", resident_id: str = "") -> Identification | None:
    """Makes of a number what the server is told; None of an empty one."""
    if card := card.replace(" ", ""):
        return Identification(card_number=card)
    if resident_id := resident_id.replace(" ", ""):
        return Identification(resident_id=resident_id)
    return None
