"""When in the year clients like to be addressed: pure computation on plain data.

A season is good, or to be avoided, and more or less so. It comes each year on the same
days, or it moves (Easter, trade fairs) and its dates are given. Seasons may overlap:
their weights add up, those to be avoided negative. A day in none has 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

#: Kinds of seasons.
GOOD, AVOID = "good", "avoid"

#: Days for which one waits for a good day unless told otherwise.
HORIZON = 30


class Season(NamedTuple):
    """A part of the year, at which it is good or bad to address clients.

    :param kind: ``good`` or ``avoid``
    :param weight: how much so, above 0
    :param start: (month, day) of the first day of each year; None when it moves
    :param end: (month, day) of the last one, included: if that is before the start, of
        the next year. Where there is no 29 February, it ends a season on the 28th, and
        begins one on 1 March
    :param spans: (first, last) dates, both included, of one that moves
    """

    kind: str
    weight: float = 1.0
    start: tuple[int, int] | None = None
    end: tuple[int, int] | None = None
    spans: Sequence[tuple[date, date]] = ()

    def check(self) -> None:
        """Raise ValueError unless the season makes sense."""
        if self.kind not in (GOOD, AVOID):
            raise ValueError(f"{self.kind!r} is no kind of season.")
        if not self.weight > 0:
            raise ValueError("The weight of a season is above 0.")
        if (self.start is None) != (self.end is None):
            raise ValueError("A season that begins ends, too.")
        for month, day in filter(None, (self.start, self.end)):
            date(2024, month, day)  # a leap year; raises ValueError itself
        if any(last < first for first, last in self.spans):
            raise ValueError("A season ends before it begins.")

    def holds(self, day: date) -> bool:
        """Tell whether a day is in the season."""
        if any(first <= day <= last for first, last in self.spans):
            return True
        if self.start is None or self.end is None:
            return False
        at = day.month, day.day
        if self.start <= self.end:
            return self.start <= at <= self.end
        return at >= self.start or at <= self.end


def weigh(day: date, seasons: Iterable[Season]) -> float:
    """Return how good a day is: above 0 good, below 0 to be avoided."""
    return sum(
        season.weight if season.kind == GOOD else -season.weight
        for season in seasons
        if season.holds(day)
    )


def next_good_day(
    day: date,
    seasons: Sequence[Season],
    horizon: int = HORIZON,
    works: Callable[[date], bool] | None = None,
) -> date | None:
    """Return the best day from a day on, of several as good the first.

    So an offer goes out at once in an ordinary time, waits for the end of one that is
    to be avoided, and for a good one if that is near.

    :param horizon: days for which one can wait, at least 0
    :param works: whether a day is a working day; None for every day
    :return: None if all of these days are to be avoided, or off
    :raise ValueError: a season, or the horizon, makes no sense
    """
    for season in seasons:
        season.check()
    if horizon < 0:
        raise ValueError("One cannot wait for less than no day.")
    best, most = None, 0.0
    for after in range(horizon + 1):
        candidate = day + timedelta(after)
        if works and not works(candidate):
            continue
        weight = weigh(candidate, seasons)
        if weight > most or (best is None and weight == most):
            best, most = candidate, weight
    return best


def find_avoided(
    first: date, last: date, seasons: Sequence[Season]
) -> list[tuple[date, date]]:
    """Return the (first, last) days of periods that are to be avoided, in order.

    They are what :class:`order_rhythm.Clock` takes.

    :param last: included
    :raise ValueError: a season makes no sense
    """
    for season in seasons:
        season.check()
    found: list[tuple[date, date]] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(number)
        if weigh(day, seasons) >= 0:
            continue
        if found and found[-1][1] == day - timedelta(1):
            found[-1] = found[-1][0], day
        else:
            found.append((day, day))
    return found
