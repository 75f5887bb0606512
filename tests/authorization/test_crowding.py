"""When a centre is full, and how long somebody waits."""

from datetime import timedelta

import pytest

from fingertip_server.authorization import crowding
from fingertip_server.authorization.crowding import Limits, Queue

_LIMITS = Limits(per_authoriser=3, wait=timedelta(minutes=2))
_MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("queued", "present", "oldest_seconds", "full"),
    [
        (0, 1, 0, False),
        (2, 1, 120, False),
        (3, 1, 0, True),
        (5, 2, 0, False),
        (6, 2, 0, True),
        (1, 9, 121, True),
    ],
)
def test_a_centre_is_full_by_its_numbers_or_by_who_waits_longest(
    queued: int, present: int, oldest_seconds: int, full: bool
) -> None:
    queue = Queue(queued, present, timedelta(seconds=oldest_seconds))
    assert crowding.is_full(queue, _LIMITS) is full


@pytest.mark.parametrize(
    ("ahead", "free", "present", "minutes"),
    [(0, 1, 1, 0), (0, 0, 1, 1), (3, 0, 2, 2), (3, 2, 2, 1), (0, 0, 0, None), (5, 0, 1, 6)],
)
def test_a_wait_is_what_is_before_one_shared_among_those_present(
    ahead: int, free: int, present: int, minutes: int | None
) -> None:
    wait = crowding.expected_wait(ahead=ahead, free=free, present=present, handling=_MINUTE)
    assert wait == (None if minutes is None else _MINUTE * minutes)


def test_a_share_of_nothing_is_nothing() -> None:
    assert crowding.per_mille(0, 0) == 0
    assert crowding.per_mille(2, 3) == 666
