"""When a centre has too much to do, and how long somebody waits there. Pure."""

from dataclasses import dataclass
from datetime import timedelta

# A rate is told in thousandths.
_WHOLE = 1_000


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue of a centre for a skill.

    `present` counts those on shift who may decide, `oldest_wait` is of the task that is due next.
    """

    queued: int
    present: int
    oldest_wait: timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these a task goes to the scene's next centre."""

    per_authoriser: int
    wait: timedelta


def is_full(queue: Queue, limits: Limits) -> bool:
    """Tells whether the next task goes elsewhere: too many for those present, or one for long."""
    return queue.queued >= limits.per_authoriser * queue.present or queue.oldest_wait > limits.wait


def load(queue: Queue) -> float:
    """Returns how many tasks each of those present has before him."""
    return queue.queued / queue.present


def expected_wait(*, ahead: int, free: int, present: int, handling: timedelta) -> timedelta | None:
    """Returns how long a task with so many before it waits; nobody can say where nobody is present.

    Those who are free take one each at once; all who are present take the others in turn, one
    `handling` each.
    """
    if not present:
        return None
    return handling * max(ahead + 1 - free, 0) / present


def per_mille(part: int, whole: int) -> int:
    """Returns a share in thousandths, rounded down; of nothing it is nothing."""
    return part * _WHOLE // whole if whole else 0
