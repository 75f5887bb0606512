"""Years counted from a civil date.

A period in years ends on the same day of its last year, and on the month's last day where that
day does not exist (民法典 art. 202): whoever was born on 29 February completes a year on
28 February.
"""

from datetime import date


def anniversary(start: date, years: int) -> date:
    """Returns the day on which `years` years from `start` are complete.

    Raises `ValueError` when the day lies outside the calendar's years 1 to 9999.
    """
    year = start.year + years
    try:
        return start.replace(year=year)
    except ValueError:
        if (start.month, start.day) == (2, 29):
            return date(year, 2, 28)
        raise


def completed_years(start: date, today: date) -> int:
    """Returns how many whole years have passed; negative before `start`."""
    years = today.year - start.year
    return years if today >= anniversary(start, years) else years - 1
