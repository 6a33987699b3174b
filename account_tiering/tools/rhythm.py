"""When touchpoints are due: pure computation on plain data.

A client is owed n touchpoints a year of a cadence: a *demand*. Each calendar year has
n *slots*, and a touchpoint belongs to one: "2026, 2 of 4". Together with the demand's
key that identifies it for ever, whenever the plan is made.

**Due dates.** Slots follow each other at an even distance, at the same dates each year
(29 February, which most years lack, is never one): so any twelve months hold exactly n
of them. The dates go back to the day a client starts, who is then due at once, or for
all others to a checksum of the client, so that a first plan is spread over the whole
interval. There channels are a quarter of the interval apart, lest a client hears from
us on all of them at once and then not for months.

**What took place counts.** A touchpoint held within its window leaves the rest as it
is. One that is earlier or later moves the next one: that is due a whole interval after
it. Its slot is used up all the same, so nobody gets more or less in a year. The offset
is limited to twice the ``give``, about half an interval, and shrinks by ``give`` with
each further slot: one of up to a quarter of the interval moves no other than the next.

Due dates of open slots are from ``interval - give`` to ``interval + give + 2`` days
apart (2: the interval is rounded down, and there may be a 29 February); from
``interval`` to ``interval + 2`` where nothing was moved. See :func:`get_bounds`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

#: By how many quarters of its interval a channel comes later than a meeting.
QUARTERS = {"meeting": 0, "newsletter": 1, "call": 2, "other": 3}


class Fixed(NamedTuple):
    """A slot that is settled: held, in the calendar for certain, or given up.

    :param number: of the year's slots, from 1
    :param due: date on which it was due
    :param day: date on which it took or takes place, None for given up
    """

    year: int
    number: int
    due: date
    day: date | None


class Planned(NamedTuple):
    """A slot that is open, with the day it was placed on: that may be changed."""

    year: int
    number: int
    day: date


class Demand(NamedTuple):
    """What one client is owed of one cadence.

    :param key: identifies the demand; the keys of all demands can be sorted together
    :param client: int, str or tuple of them, the same at each plan
    :param owner: key of the owner
    :param channel: one of ``QUARTERS``; any other counts as "other"
    :param times: how many a year, up to 365; 0 for none
    :param hours: that each takes, preparation included
    :param start: due date of the first one, which all others go back to: the same at
        each plan; what was before does not count. None to begin anywhere in the
        interval. Demands which one mailing fulfils have it in common, and the owner
    :param last_touch: date of the last contact before all settled slots, the same at
        each plan; it uses up the slot nearest to it, unless they do
    :param fixed: settled slots: all, or those from the year before the horizon on
    :param planned: open slots that have a day; those of the past, too, are offered
        again until they are settled
    :param others: (key of an owner, hours) of those whose time each takes besides
    """

    key: Hashable
    client: Hashable
    owner: Hashable
    channel: str
    times: int
    hours: float
    start: date | None = None
    last_touch: date | None = None
    fixed: Sequence[Fixed] = ()
    planned: Sequence[Planned] = ()
    others: Sequence[tuple[Hashable, float]] = ()

    def check(self):
        """Raise ValueError for times or hours out of range, or a slot or an owner given
        twice."""
        name = f"Demand {self.key!r}"
        if not 0 <= self.times <= 365:
            raise ValueError(
                f"{name}: {self.times} times a year is not between 0 and 365"
            )
        for _key, hours in self.get_loads():
            check_hours(hours, f"{name}: the time it takes")
        if len({key for key, _hours in self.get_loads()}) <= len(self.others):
            raise ValueError(f"{name}: an owner occurs twice")
        seen = set()
        for slot in (*self.fixed, *self.planned):
            if slot.number < 1 or slot[:2] in seen:
                problem = "occurs twice" if slot.number > 0 else "does not exist"
                raise ValueError(f"{name}: slot {slot.number} of {slot.year} {problem}")
            seen.add(slot[:2])

    def get_loads(self):
        """Return [(key of an owner, hours)] of all whose time each takes."""
        return [(self.owner, self.hours), *self.others]


class Bounds(NamedTuple):
    """Days between two touchpoints of a demand, and by how many they may differ.

    :param slack: a window ends so many days before and after the due date
    :param give: an offset shrinks by so many days with each slot
    :param reach: no day is further from the due date
    """

    interval: int
    slack: int
    give: int
    reach: int


@lru_cache(maxsize=400)
def get_bounds(times: int) -> Bounds:
    """Return the bounds for so many touchpoints a year.

    :raise ValueError: less than 1 or more than 365
    """
    if not 1 <= times <= 365:
        raise ValueError(f"{times} times a year is not between 1 and 365")
    interval = 365 // times
    # A week at most, so that one held two weeks early or late moves the next one; three
    # days reach a working day from any weekend. What is within slack or reach of one
    # due date is never within that of the next.
    slack = max(min(7, interval // 8), min(3, (interval - 1) // 2))
    give = min(interval // 4, interval - 2 * slack - 1)
    return Bounds(interval, slack, give, min(4 * slack, (interval - give - 1) // 2))


def stagger(start: date, channel: str, times: int) -> date:
    """Return when a channel starts that shall not come together with the meetings.

    For a new client with several cadences: one starts at once, the others then.

    :raise ValueError: times are less than 1 or more than 365
    """
    get_bounds(times)
    shift = 365 * QUARTERS.get(channel, QUARTERS["other"]) // (4 * times)
    return date.fromordinal(_from_number(_to_number(start) + shift))


def check_hours(hours: float, name: str) -> float:
    """Return the hours.

    :param name: what they are, for the message
    :raise ValueError: they are negative, infinite or not a number
    """
    if not 0 <= hours < math.inf:
        raise ValueError(f"{name}: {hours} is not a number of hours")
    return hours


class Rhythm:
    """The due dates of a demand's slots; ``times`` is not 0.

    Days are ordinals. A slot has the index year * times + number - 1.

    ``settled``: indexes of settled slots; ``begin``: index of the first slot that may
    be open; ``start``: no touchpoint is earlier.
    """

    def __init__(self, demand: Demand):
        self.times = demand.times
        self.bounds = get_bounds(self.times)
        if demand.start:
            self._anchor = _to_number(demand.start)
        else:
            day = date.fromordinal(crc32(repr(demand.client).encode()) % 365 + 1)
            self._anchor = _to_number(stagger(day, demand.channel, self.times))
        self._shift = self._anchor * self.times // 365
        self.begin = self._shift if demand.start else 0
        self.start = demand.start.toordinal() if demand.start else 1
        settled = [
            (self.find_slot(slot.year, min(slot.number, self.times)), slot)
            # A number above times is of a cadence that was cut: the year's last one.
            for slot in demand.fixed
        ]
        self.settled = {index for index, _slot in settled}
        held = [
            (index, slot.due.toordinal(), slot.day.toordinal())
            for index, slot in settled
            if slot.day and index >= self.begin
        ]
        if demand.last_touch and demand.last_touch >= (demand.start or date.min):
            day = demand.last_touch.toordinal()
            after = self.find_first(day)
            near = min(after - 1, after, key=lambda index: abs(self._get(index) - day))
            if all(near < index and day < on for index, _due, on in held):
                held.append((near, self._get(near), day))
                self.begin = max(self.begin, near + 1)
        self._offsets = [
            (index, self._get_offset(index, due, day))
            for index, due, day in sorted(held, reverse=True)
        ]

    def find_slot(self, year: int, number: int) -> int:
        """Return the index of a slot."""
        return year * self.times + number - 1

    def find_open(self, first: int, last: int, planned: set[int]) -> list[int]:
        """Return the indexes of open slots that are due in the horizon, in order.

        Of those due before it there are the ones that are planned, the ones that only
        an early touchpoint has moved there, and a client's first one as long as its
        window is open: a plan made a few days late does not lose it.
        """
        _interval, slack, give, _reach = self.bounds
        margin = max(2 * give, slack)
        near = range(
            self.find_first(first - margin), self.find_first(last + margin + 1)
        )
        found = []
        for index in sorted(planned.union(near)):
            if index < self.begin or index in self.settled:
                continue
            due = self.get_due(index)
            is_late_start = index == self._shift and due + slack >= first
            if due <= last and (
                max(self._get(index), due) >= first or index in planned or is_late_start
            ):
                found.append(index)
        return found

    def find_first(self, day: int) -> int:
        """Return the index of the first slot on the day or later, offsets apart."""
        number = _to_number(date.fromordinal(day))
        return -((self._anchor - number) * self.times // 365) + self._shift

    def get_due(self, index: int) -> int:
        """Return when a slot is due after what took place before it."""
        for held, offset in self._offsets:
            if held < index:
                return self._get(index) + self._shrink(offset, index - held - 1)
        return self._get(index)

    def _get(self, index: int) -> int:
        """Return when a slot is due as long as nothing has moved it."""
        days = (index - self._shift) * 365 // self.times
        return _from_number(self._anchor + days)

    def _get_offset(self, index: int, due: int, day: int) -> int:
        """Return by how much a slot that took place moves the next one."""
        is_on_time = abs(day - due) <= self.bounds.slack
        limit = 2 * self.bounds.give
        offset = (due if is_on_time else day) - self._get(index)
        return self._shrink(max(min(offset, limit), -limit), int(is_on_time))

    def _shrink(self, offset: int, slots: int) -> int:
        size = max(abs(offset) - slots * self.bounds.give, 0)
        return size if offset > 0 else -size


# The number of a day counts days as if no year had a 29 February: 1 March has the same.


def _to_number(day: date) -> int:
    days = day.toordinal() - date(day.year, 1, 1).toordinal()
    return day.year * 365 + days - (_is_leap(day.year) and days > 59)


def _from_number(number: int) -> int:
    year, days = divmod(number, 365)
    return date(year, 1, 1).toordinal() + days + (_is_leap(year) and days >= 59)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
