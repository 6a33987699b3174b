"""Whether a client's own rhythm of orders is broken: pure computation on plain data.

**Purchases.** Orders a few days apart are one purchase, counted from its first day: an
order that came in two parts says nothing about the rhythm.

**Interval and spread.** The median of the last intervals between purchases, and their
scaled median absolute deviation from it: one long holiday, or one pair of orders by
chance close together, moves neither. The spread is never below a share of the median
and a number of days, because a few equal intervals prove no clockwork; and with few
intervals it leans towards a share of the median that is usual. Source: P. J. Rousseeuw
and C. Croux, "Alternatives to the Median Absolute Deviation", Journal of the American
Statistical Association 88 (1993), 1273-1283: the factor 1.4826 makes the deviation that
of a normal distribution.

**Bound.** Broken is what has waited longer than the median, ``grace`` days and
``factor`` spreads (a one-sided control limit; W. A. Shewhart, "Economic Control of
Quality of Manufactured Product", 1931). Regular buyers are noticed early, then, and
irregular ones late. The grace is there because being late by some days means little
whatever the rhythm, and who orders often has many occasions. Whatever the spread, one
does not wait longer than ``patience`` days, or than the longest interval that the
client has come back from and the grace, if that is more.

**Trend.** Only the last ``memory`` intervals count, so those who order ever more often
are noticed by their present rhythm, and those who order ever less often are not taken
for gone.

**Seasons.** A client who was silent at this time of the year in every year before is
waited for until the season in which it came back, and ``season`` days longer.

**Pauses.** Days before ``quiet_until``, which the client has announced, and days on
which everybody rests (:class:`Clock`) do not count.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

#: States of a rhythm.
REGULAR, IRREGULAR, BROKEN, TOO_FEW = "regular", "irregular", "broken", "too_few"

#: Median absolute deviation to standard deviation, see the source above.
SCALE = 1.4826
#: Days of a year and of a month on average.
YEAR, MONTH = 365.25, 365.25 / 12


class Limits(NamedTuple):
    """When a rhythm is one, and when it is broken.

    The defaults were chosen on made-up agencies; ``tests/benchmarks/signals_truth.py``
    tells how they do on others.

    :param purchases: fewer are too few to tell, at least 3
    :param together: orders at most so many days after a purchase began belong to it
    :param grace: days beyond the median that nobody minds
    :param factor: spreads beyond that after which the rhythm is broken
    :param patience: days after which a client is waited for as long as ever before only
    :param least_share: the spread is at least so many times the median
    :param least_days: and at least so many days
    :param usual_share: the spread, as a share of the median, that is assumed ...
    :param usual_weight: ... as strongly as if so many intervals had shown it
    :param memory: so many of the last intervals count, at least 2
    :param irregular_share: above this share of the median, the spread is irregular
    :param season: days by which a season shifts from year to year; 0 for no seasons
    """

    purchases: int = 4
    together: int = 7
    grace: int = 30
    factor: float = 2.5
    patience: int = 180
    least_share: float = 0.15
    least_days: float = 7.0
    usual_share: float = 0.3
    usual_weight: float = 4.0
    memory: int = 12
    irregular_share: float = 0.5
    season: int = 45

    def check(self) -> None:
        """Raise ValueError unless the limits make sense."""
        if self.purchases < 3 or self.memory < 2:
            raise ValueError("A rhythm takes three purchases and two intervals.")
        spreads = self.factor, self.least_share, self.least_days, self.usual_share
        days = self.together, self.grace, self.patience, self.season
        others = self.usual_weight, self.irregular_share
        # Not "x < 0": that lets NaN pass.
        if not all(value >= 0 for value in (*days, *spreads, *others)):
            raise ValueError("Limits of a rhythm must not be negative.")


class Rhythm(NamedTuple):
    """How a client orders, and whether it still does.

    :param state: ``regular``, ``irregular``, ``broken`` or ``too_few`` (purchases)
    :param interval: median of the intervals that count, in days; None with too few
    :param spread: in days, see the module; None with too few
    :param since_last: days from the last order to today; None without an order
    :param bound: days after the last order up to which its rhythm is not broken, pauses
        included; None with too few
    :param purchases: how many, all of the history
    :param months: from the first purchase to the last, rounded
    :param score: days waited as a multiple of those allowed, pauses apart: above 1 is
        broken, 2 is twice as long; 0.0 with too few
    :param seasonal: whether the bound is that of a season
    :param waited: days since the last order, or since the end of an announced pause;
        None without an order
    :param longest: the longest interval between two purchases, of all the history, in
        days; None with less than two
    """

    state: str
    interval: float | None
    spread: float | None
    since_last: int | None
    bound: int | None
    purchases: int
    months: int
    score: float
    seasonal: bool
    waited: int | None
    longest: int | None


class Clock:
    """Counts the days on which business is done.

    :param closed: (first, last) days of periods, both included, on which nobody orders,
        in any order; they may overlap
    :raise ValueError: a period ends before it begins
    """

    def __init__(self, closed: Iterable[tuple[date, date]] = ()):
        self._starts: list[int] = []
        self._before: list[int] = []  # closed days before each period
        self._ends: list[int] = []
        for first, last in sorted(closed):
            if last < first:
                raise ValueError(f"A period ends on {last}, before {first}.")
            start, end = first.toordinal(), last.toordinal() + 1
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
                continue
            before = 0
            if self._ends:
                before = self._before[-1] + self._ends[-1] - self._starts[-1]
            self._starts.append(start)
            self._ends.append(end)
            self._before.append(before)

    def __bool__(self) -> bool:
        return bool(self._starts)

    def count(self, day: int) -> int:
        """Return the number of a day (an ordinal) if closed days had none of their own:
        they have that of the next open day."""
        place = bisect_right(self._starts, day) - 1
        if place < 0:
            return day
        closed = min(day, self._ends[place]) - self._starts[place]
        return day - self._before[place] - closed

    def find(self, number: int) -> int:
        """Return the open day (an ordinal) that has the number."""
        opens = [
            start - before
            for start, before in zip(self._starts, self._before, strict=True)
        ]
        place = bisect_right(opens, number) - 1
        if place < 0:
            return number
        length = self._ends[place] - self._starts[place]
        return number + self._before[place] + length


def find_rhythm(
    days: Sequence[date],
    today: date,
    limits: Limits = Limits(),  # noqa: B008 (immutable)
    quiet_until: date | None = None,
    clock: Clock | None = None,
) -> Rhythm:
    """Return the rhythm of one client.

    :param days: of the orders, sorted; several on a day are welcome. An order that is
        dated after today counts: the client has placed it
    :param quiet_until: the client has said not to order before that day
    :param clock: for days that do not count
    :raise ValueError: the days are not sorted, or the limits make no sense
    """
    limits.check()
    return _find(
        [day.toordinal() for day in days],
        today.toordinal(),
        limits,
        quiet_until.toordinal() if quiet_until else 0,
        clock,
    )


def find_rhythms(
    clients: Iterable[tuple[Hashable, Sequence[int]]],
    today: date,
    limits: Limits = Limits(),  # noqa: B008 (immutable)
    quiet: Mapping[Hashable, date] | None = None,
    clock: Clock | None = None,
) -> Iterator[tuple[Hashable, Rhythm]]:
    """Yield (client, rhythm) of many clients, one after the other: memory stays flat.

    :param clients: (client, days of the orders), the days sorted and as ordinals: those
        of ``date.toordinal()``; in PostgreSQL ``day - DATE '0001-01-01' + 1``
    :param quiet: {client: day before which it will not order}
    :raise ValueError: days are not sorted, or the limits make no sense
    """
    limits.check()
    quiet = {client: day.toordinal() for client, day in (quiet or {}).items()}
    number = today.toordinal()
    for client, days in clients:
        yield client, _find(days, number, limits, quiet.get(client, 0), clock)


def merge_orders(days: Sequence[int], together: int) -> list[int]:
    """Return the days on which purchases began.

    :param days: of the orders, sorted, as ordinals
    :param together: orders at most so many days after a purchase began belong to it
    :raise ValueError: the days are not sorted
    """
    purchases: list[int] = []
    before = begin = None
    for day in days:
        if before is None or day - begin > together:
            purchases.append(day)
            begin = day
        elif day < before:
            raise ValueError("The days of orders are not sorted.")
        before = day
    return purchases


def _find(
    days: Sequence[int],
    today: int,
    limits: Limits,
    quiet_until: int,
    clock: Clock | None,
) -> Rhythm:
    purchases = merge_orders(days, limits.together)
    if not purchases:
        return Rhythm(TOO_FEW, None, None, None, None, 0, 0, 0.0, False, None, None)
    last = days[-1]
    start = max(last, quiet_until)
    gaps = _differ(purchases)
    interval = spread = end = None
    state, score, seasonal = TOO_FEW, 0.0, False
    if len(purchases) >= limits.purchases:
        recent = gaps[-limits.memory :]
        interval = middle = _get_median(recent)
        if clock:
            numbers = map(clock.count, purchases[-len(recent) - 1 :])
            recent = _differ(list(numbers))
            middle = _get_median(recent)
        raw = SCALE * _get_median([abs(gap - middle) for gap in recent])
        spread = _steady(raw, middle, len(recent), limits)
        allowed = middle + limits.grace + limits.factor * spread
        most = max(limits.patience, max(gaps) + limits.grace)
        allowed = max(int(min(allowed, most)), 1)
        end = clock.find(clock.count(start) + allowed) if clock else start + allowed
        if today > end and limits.season:
            season = _find_season(purchases, allowed, limits.season)
            seasonal = season > end
            end = max(season, end)
        state = IRREGULAR if raw > limits.irregular_share * middle else REGULAR
        if today > end:
            state = BROKEN
        score = max(today - start, 0) / (end - start)
    return Rhythm(
        state,
        interval,
        spread,
        max(today - last, 0),
        None if end is None else end - last,
        len(purchases),
        round((purchases[-1] - purchases[0]) / MONTH),
        score,
        seasonal,
        max(today - start, 0),
        max(gaps, default=None),
    )


def _steady(raw: float, middle: float, count: int, limits: Limits) -> float:
    """Return the spread that so many intervals support.

    :param raw: the one that they show
    :param middle: their median
    """
    weight = limits.usual_weight
    spread = (raw * count + limits.usual_share * middle * weight) / (count + weight)
    return max(spread, limits.least_share * middle, limits.least_days)


def _find_season(purchases: list[int], allowed: int, shift: int) -> int:
    """Return the day up to which a season's client is waited for; 0 for others.

    That is one whose purchases of each earlier year were followed by a pause longer
    than allowed, which began at the time of the year at which this one did.

    :param shift: days by which a season differs from year to year
    """
    returns = []
    for years in range(1, len(purchases)):
        shifted = round(YEAR * years)
        begin = purchases[-1] - shifted
        if begin < purchases[0]:
            break
        near = range(
            bisect_left(purchases, begin - shift),
            min(bisect_right(purchases, begin + shift), len(purchases) - 1),
        )
        back = [
            purchases[place + 1] + shifted
            for place in near
            if purchases[place + 1] - purchases[place] > allowed
        ]
        if not back:
            return 0
        returns.append(max(back))
    return max(returns) + shift if returns else 0


def _differ(days: list[int]) -> list[int]:
    return [later - day for day, later in zip(days, days[1:], strict=False)]


def _get_median(values: list[float]) -> float:
    """Return the median; ``statistics.median`` takes three times as long."""
    values = sorted(values)
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
