"""Tells the story on the terminal as it happens."""

import json
from datetime import datetime

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from fingertip_server.demo.lines import Line

_ACTOR_CELLS = 18
_WHAT_CELLS = 26
# Without a terminal there is no width to keep to.
_WIDTH = 140


class Narrator:
    """Prints what the parties do, each line as soon as it is heard."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        self._console = console if console.is_terminal else Console(highlight=False, width=_WIDTH)

    def heading(self, text: str) -> None:
        """Begins a part of the story."""
        self._console.print(Rule(text, style="bold"))

    def tell(self, line: Line) -> None:
        """Tells who did what, the answer, and how long it took."""
        words = Text()
        words.append(f"{_clock(line.time)}  ", style="dim")
        words.append(set_cell_size(line.actor, _ACTOR_CELLS), style="cyan")
        words.append(set_cell_size(line.what, max(_WHAT_CELLS, cell_len(line.what))))
        words.append(f" {line.answer}", style="bold red" if line.is_failure else "green")
        if line.milliseconds is not None:
            words.append(f"  {line.milliseconds:.0f} 毫秒", style="dim")
        self._console.print(words, soft_wrap=True)

    def say(self, what: str, answer: str = "", milliseconds: float | None = None) -> None:
        """Tells what the narrator himself did."""
        self.tell(Line("旁白", what, answer, milliseconds))

    def journey(self, steps: str) -> None:
        """Prints a journey's steps as a table."""
        table = Table(title="一次旅程的时间线（GetJourney）", title_justify="left")
        for name in ("时间", "谁", "做了什么", "对象与状态"):
            table.add_column(name)
        for step in json.loads(steps):
            action = step["action"].rpartition("/")[2]
            table.add_row(_clock(step["time"]), step["actor"], action, step["state"])
        self._console.print(table)

    def fail(self, reason: str) -> None:
        """Tells why the story broke off."""
        self._console.print(Text(f"故事中断：{reason}", style="bold red"), soft_wrap=True)


def _clock(time: str) -> str:
    return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S.%f")[:-3]
