"""The machine's screen in a terminal: choose a line, present a card or not, take the ticket."""

from collections.abc import Callable, Mapping

from rich.align import Align
from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from fingertip.lobby.v1.lobby_service_pb2 import Identification
from fingertip_client.refusal import Refused
from fingertip_ticket_machine import slips, texts
from fingertip_ticket_machine.attendant import Served
from fingertip_ticket_machine.journal import NoNumber
from fingertip_ticket_machine.readers import Reader

Serve = Callable[[str, Identification | None], Served]


class Screen:
    """Serves one customer after the other until the terminal is closed."""

    def __init__(
        self,
        console: Console,
        reader: Reader,
        serve: Serve,
        *,
        branch_name: str,
        lines: Mapping[str, str],
    ) -> None:
        self._console = console
        self._reader = reader
        self._serve = serve
        self._branch_name = branch_name
        self._lines = dict(lines)

    def run(self) -> None:
        """Serves customers until the end of input."""
        try:
            while True:
                self._serve_one()
        except EOFError:
            self._console.print(texts.GOODBYE)

    def _serve_one(self) -> None:
        chosen = self._choose()
        if chosen is None:
            self._console.print(texts.NOT_OFFERED)
            return
        who = self._reader.read()
        try:
            served = self._serve(chosen, who)
        except Refused as refused:
            self._console.print(texts.of_refusal(refused), style="red")
        except NoNumber as fault:
            self._console.print(texts.of_shortage(fault.shortage), style="red")
        else:
            self._show(served)

    def _choose(self) -> str | None:
        """Returns the code of the line that the customer chose."""
        self._console.rule(self._branch_name)
        for place, (code, name) in enumerate(self._lines.items(), start=1):
            self._console.print(f"  [bold]{place}[/bold]　{code}　{name}")
        said = self._console.input(texts.CHOOSE).strip().upper()
        codes = list(self._lines)
        if said.isdecimal() and 1 <= int(said) <= len(codes):
            return codes[int(said) - 1]
        return said if said in self._lines else None

    def _show(self, served: Served) -> None:
        slip = served.slip
        lines = [
            Text(slip.line_name),
            Text(slip.number, style="bold"),
            Text(slips.waiting_sentence(slip.waiting_count)),
            Text(f"{slip.time:%Y-%m-%d %H:%M:%S}"),
        ]
        if not served.printed_at:
            lines.append(Text(texts.NOT_PRINTED, style="red"))
        self._console.print(Panel(Group(*(Align.center(line) for line in lines)), width=40))
