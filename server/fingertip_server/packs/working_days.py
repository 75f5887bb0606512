"""Which days the bank and the authorities work."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """Monday to Friday, but for holidays and for weekends that are worked in their place (调休)."""

    holidays: Collection[date]
    worked_weekends: Collection[date]

    def is_worked(self, day: date) -> bool:
        """Tells whether a day is worked."""
        if day in self.worked_weekends:
            return True
        return day.weekday() < _SATURDAY and day not in self.holidays

    def after(self, day: date, count: int) -> date:
        """Returns the last of the `count` working days after a day; the day itself for none."""
        while count > 0:
            day += timedelta(days=1)
            count -= self.is_worked(day)
        return day
