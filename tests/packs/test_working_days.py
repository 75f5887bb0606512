"""Which days are worked."""

from datetime import date

import pytest

from fingertip_server.packs.working_days import Calendar

_PLAIN = Calendar((), ())
# The National Day of 2026, with a Saturday worked in its place.
_CHINA = Calendar({date(2026, 10, day) for day in (1, 2, 5, 6, 7)}, {date(2026, 10, 10)})


@pytest.mark.parametrize(
    ("calendar", "day", "count", "last"),
    [
        (_PLAIN, date(2026, 11, 25), 0, date(2026, 11, 25)),
        # Wednesday, Thursday, Friday.
        (_PLAIN, date(2026, 11, 25), 2, date(2026, 11, 27)),
        # Over a weekend, and from within one.
        (_PLAIN, date(2026, 11, 27), 2, date(2026, 12, 1)),
        (_PLAIN, date(2026, 11, 28), 1, date(2026, 11, 30)),
        (_CHINA, date(2026, 9, 30), 1, date(2026, 10, 8)),
        (_CHINA, date(2026, 9, 30), 3, date(2026, 10, 10)),
        (_CHINA, date(2026, 9, 30), 4, date(2026, 10, 12)),
    ],
)
def test_days_on_which_nobody_works_do_not_count(
    calendar: Calendar, day: date, count: int, last: date
) -> None:
    assert calendar.after(day, count) == last
