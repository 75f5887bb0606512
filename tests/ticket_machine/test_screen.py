"""The screen flow, as a customer meets it."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime

import grpc
import pytest
from rich.console import Console

from fingertip.lobby.v1.lobby_service_pb2 import Identification
from fingertip_client.refusal import Refused
from fingertip_ticket_machine.attendant import Served
from fingertip_ticket_machine.blocks import Shortage
from fingertip_ticket_machine.journal import NoNumber
from fingertip_ticket_machine.machine import Issued
from fingertip_ticket_machine.readers import TerminalReader, identification
from fingertip_ticket_machine.screen import Screen
from fingertip_ticket_machine.slips import Slip

LINES = {"B": "个人业务", "C": "对公业务"}
CARD = "6225881414207430"
Press = tuple[str, Identification | None]


class Terminal(Console):
    """A console whose input was written down before."""

    def __init__(self, *said: str) -> None:
        """Takes what is typed."""
        super().__init__(file=io.StringIO(), width=60)
        self._said = iter(said)

    def input(self, prompt: object = "", *, password: bool = False, **_options: object) -> str:
        """Returns the next line; what is typed blindly is not shown."""
        said = next(self._said, None)
        if said is None:
            raise EOFError
        self.print(prompt, end="")
        self.print("" if password else said)
        return said

    @property
    def shown(self) -> str:
        """Returns all that was shown."""
        assert isinstance(self.file, io.StringIO)
        return self.file.getvalue()


def served(line: str, *, printed_at: str = "paper", waiting_count: int | None = 4) -> Served:
    time = datetime(2026, 11, 23, 9, 5, 7, tzinfo=UTC)
    issued = Issued("t", f"{line}007", line, time, waiting_count)
    return Served(issued, Slip("支行", LINES[line], f"{line}007", waiting_count, time), printed_at)


def run(*said: str, outcomes: Iterator[Served | Exception]) -> tuple[str, list[Press]]:
    """Plays what is typed; returns what was shown, and the presses."""
    terminal, presses = Terminal(*said), list[Press]()

    def serve(line: str, who: Identification | None) -> Served:
        presses.append((line, who))
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    Screen(terminal, TerminalReader(terminal), serve, branch_name="静安支行", lines=LINES).run()
    return terminal.shown, presses


def test_a_customer_chooses_a_line_and_takes_a_ticket() -> None:
    shown, presses = run("1", "", outcomes=iter([served("B")]))
    assert presses == [("B", None)]
    for text in ["静安支行", "个人业务", "对公业务", "B007", "前面等候 4 人", "09:05:07"]:
        assert text in shown


def test_a_line_can_be_chosen_by_its_letter_too() -> None:
    _, presses = run("c", "", outcomes=iter([served("C")]))
    assert presses == [("C", None)]


def test_a_card_or_a_document_is_read_and_not_shown() -> None:
    outcomes = iter([served("B"), served("B")])
    shown, presses = run(*["1", "1", CARD], *["1", "2", "11010519491231002X"], outcomes=outcomes)
    assert presses == [
        ("B", Identification(card_number=CARD)),
        ("B", Identification(resident_id="11010519491231002X")),
    ]
    assert CARD not in shown
    assert "11010519491231002X" not in shown


@pytest.mark.parametrize("said", ["0", "3", "-1", "²", "X", "", "AB"])
def test_a_line_that_is_not_offered_is_said_so(said: str) -> None:
    shown, presses = run(said, outcomes=iter([]))
    assert presses == []
    assert "没有这项业务" in shown


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (NoNumber(Shortage.USED_UP), "备用号码已经发完"),
        (NoNumber(Shortage.NEVER_RESERVED), "没有备用号码"),
        (NoNumber(Shortage.OTHER_DAY), "今天的备用号码"),
        (Refused(grpc.StatusCode.NOT_FOUND, reason="SERVICE_LINE_NOT_FOUND"), "不办理这项业务"),
        (Refused(grpc.StatusCode.FAILED_PRECONDITION, reason="MOON_PHASE"), "（MOON_PHASE）"),
        (Refused(grpc.StatusCode.INTERNAL), "（INTERNAL）"),
    ],
)
def test_a_fault_is_explained_and_the_next_customer_is_served(fault: Exception, text: str) -> None:
    shown, presses = run("1", "", "1", "", outcomes=iter([fault, served("B")]))
    assert text in shown
    assert len(presses) == 2
    assert "B007" in shown


def test_without_paper_the_number_is_on_the_screen() -> None:
    outcomes = iter([served("B", printed_at="", waiting_count=None)])
    shown, _ = run("1", "", outcomes=outcomes)
    assert "B007" in shown
    assert "请记住您的号码" in shown
    assert "等候人数暂时无法显示" in shown


def test_a_number_is_told_as_what_was_presented() -> None:
    assert identification(card=" 6225 8814 1420 7430") == Identification(card_number=CARD)
    assert identification() is None
    assert identification(resident_id="  ") is None
