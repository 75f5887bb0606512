"""The lines in which the parties of the demo tell what they do: JSON, one object a line."""

import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Self, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """Something that a party did, and the answer; `facts` are for the narrator, not for people."""

    actor: str
    what: str
    answer: str = ""
    milliseconds: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    is_failure: bool = False
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def to_json(self) -> str:
        """Writes the line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a line; raises ValueError when it is none."""
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise ValueError(f"{text!r} is no line of a party.") from error


class Reporter:
    """Tells a party's story on its standard output."""

    def __init__(self, actor: str) -> None:
        self._actor = actor
        self._doing = ""

    def tell(self, what: str, answer: str = "", milliseconds: float | None = None) -> None:
        """Tells what was done."""
        self._write(Line(self._actor, what, answer, milliseconds))

    def tell_fact(self, what: str, name: str, value: str) -> None:
        """Tells what was done, and a fact that the narrator waits for."""
        self._write(Line(self._actor, what, facts={name: value}))

    async def timed(self, what: str, call: Awaitable[T], answer: Callable[[T], str]) -> T:
        """Awaits a call, tells its answer and how long it took, and returns the answer."""
        self._doing = what
        start = time.perf_counter()
        response = await call
        self.tell(what, answer(response), (time.perf_counter() - start) * 1000)
        return response

    def fail(self, error: Exception) -> None:
        """Tells why the party cannot go on."""
        self._write(Line(self._actor, self._doing, str(error), is_failure=True))

    def _write(self, line: Line) -> None:
        sys.stdout.write(f"{line.to_json()}\n")
        sys.stdout.flush()
