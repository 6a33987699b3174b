"""Counting in working days: pure computation on plain data."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import date, timedelta


class WorkDays:
    """The days on which a company works.

    :param days: working days
    :param first: first day that ``days`` tells about
    :param last: last one; outside of the two every day from Monday to Friday counts
    """

    def __init__(self, days: Iterable[date], first: date, last: date) -> None:
        self.first, self.last = first, last
        known = {day for day in days if first <= day <= last}
        # A company without working hours would wait for ever.
        self.days = sorted(known) or [
            first + timedelta(number)
            for number in range((last - first).days + 1)
            if (first + timedelta(number)).weekday() < 5
        ]
        self._known = set(self.days)

    def works(self, day: date) -> bool:
        """Tell whether a day is a working day."""
        if self.first <= day <= self.last:
            return day in self._known
        return day.weekday() < 5

    def add(self, day: date, count: int) -> date:
        """Return the working day so many working days after a day.

        0 is the day itself, or the next working day after it.

        :raise ValueError: the count is negative
        """
        if count < 0:
            raise ValueError("Steps do not go back in time.")
        if self.first <= day <= self.last:
            # Behind a day off, counting begins with the day before the next one.
            at = bisect_left(self.days, day) + count
            if count and not self.works(day):
                at -= 1
            if at < len(self.days):
                return self.days[at]
        while not self.works(day):
            day += timedelta(1)
            # The first working day behind days off is the first one that counts.
            count = max(count - 1, 0) if self.works(day) and count else count
        for _number in range(count):
            day += timedelta(1)
            while not self.works(day):
                day += timedelta(1)
        return day
