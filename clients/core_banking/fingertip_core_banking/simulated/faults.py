"""How the simulated bank misbehaves, switchable while it runs.

A control file is a JSON object from operation to what goes wrong with it, for example

    {"*": {"latency_s": 0.05},
     "check_identity": {"outcome": "name_differs"},
     "execute": {"timeout_rate": 1.0, "timeout": "acts_late", "late_s": 2}}

where "*" stands for every operation that is not named. The operations are the methods of `Bank`.
The file is read again whenever it has changed; replace it by renaming another one to its name.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path

from fingertip_core_banking.simulated import draws
from fingertip_core_banking.simulated.register import OUTCOMES

EVERY_OPERATION = "*"


class Timeout(StrEnum):
    """What the bank does in a call that it never answers."""

    ACTS = "acts"
    ACTS_LATE = "acts_late"
    NEVER_ACTS = "never_acts"


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong with an operation. Rates run from 0, never, to 1, always.

    `failure_rate` is for calls that do not reach the bank, `refusal_rate` for those that it
    refuses, `timeout_rate` for those that it does not answer.
    """

    latency_s: float = 0.0
    failure_rate: float = 0.0
    refusal_rate: float = 0.0
    timeout_rate: float = 0.0
    timeout: Timeout = Timeout.ACTS
    late_s: float = 0.0
    # What a check of an identity ends with whoever is asked about; "" for what is so.
    outcome: str = ""

    def __post_init__(self) -> None:
        for rate in (self.failure_rate, self.refusal_rate, self.timeout_rate):
            if not 0 <= rate <= 1:
                raise ValueError("A rate runs from 0 to 1.")
        if min(self.latency_s, self.late_s) < 0:
            raise ValueError("A time is not negative.")


class Fate(StrEnum):
    """What becomes of one call."""

    ANSWERED = "answered"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"


class FaultPlan:
    """Decides what becomes of each call: the n-th call of an operation always fares the same."""

    def __init__(self, standing: Faults, control_file: Path | None = None, seed: str = "") -> None:
        self._standing = {EVERY_OPERATION: standing}
        self._control_file = control_file
        self._seed = seed
        self._read_at = (0, 0)
        self._controlled: Mapping[str, Faults] = {}
        self._calls: Counter[str] = Counter()

    def faults(self, operation: str) -> Faults:
        """Returns what goes wrong with an operation now; raises `ValueError` for a bad file."""
        self._read_control_file()
        for plan in (self._controlled, self._standing):
            for name in (operation, EVERY_OPERATION):
                if name in plan:
                    return plan[name]
        return Faults()

    def fate(self, operation: str) -> Fate:
        """Draws what becomes of the next call of an operation."""
        faults = self.faults(operation)
        self._calls[operation] += 1
        drawn = draws.fraction(self._seed, operation, self._calls[operation])
        for fate, rate in (
            (Fate.UNREACHABLE, faults.failure_rate),
            (Fate.REFUSED, faults.refusal_rate),
            (Fate.TIMED_OUT, faults.timeout_rate),
        ):
            if drawn < rate:
                return fate
            drawn -= rate
        return Fate.ANSWERED

    def _read_control_file(self) -> None:
        if self._control_file is None or not self._control_file.exists():
            self._controlled = {}
            return
        found = self._control_file.stat()
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._read_at:
            self._controlled = parse(self._control_file.read_text(encoding="utf-8"))
            self._read_at = stamp


def parse(text: str) -> dict[str, Faults]:
    """Returns the faults by operation; raises `ValueError` when the text is wrong."""
    written = json.loads(text)
    if not isinstance(written, dict):
        raise ValueError("A control file is an object from operation to faults.")  # noqa: TRY004 - a wrong file.
    known = {field.name for field in fields(Faults)}
    plan = {}
    for operation, faults in written.items():
        if not isinstance(faults, dict) or not known.issuperset(faults):
            raise ValueError(
                f"The faults of {operation} are an object with some of {sorted(known)}."
            )
        if faults.get("outcome", "") not in {"", *OUTCOMES}:
            raise ValueError(f"An outcome is one of {sorted(OUTCOMES)}.")
        if "timeout" in faults:
            faults["timeout"] = Timeout(faults["timeout"])
        plan[operation] = Faults(**faults)
    return plan
