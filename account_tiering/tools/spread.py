"""On which days touchpoints take place: pure computation on plain data.

:mod:`rhythm` tells when each is due. Here they get their days.

**Which day.** In the window around the due date (``slack`` days earlier to ``slack``
days later, not before the client's start): the working day on which the owner has most
time left for touchpoints, of several alike the one nearest to the due date, of two the
earlier one. What takes no time (a newsletter) takes nobody's capacity and the working
day nearest to its due date. What takes the time of several owners gets a day on which
all of them work and have it.
Slots with the fewest working days to choose from go first, then by due date and key:
the order of the input does not matter.

**What is bad.** A day has only so much time for touchpoints, and meetings and calls of
one client are not in the same ISO week. Where the window has no such day, the least bad
one is taken, up to ``reach`` days from the due date, and the placement tells why. From
bad to worse: outside the window; in the same week; on a full day; on a day off. The
days of one demand's slots never change their order. One whose window is over before the
horizon begins is offered again as soon as there is time, up to ``reach`` days later.

**What is planned stays.** A planned day is given up for a better one only: when it is
bad, or to make room where otherwise a day would be too full, or a week have two
contacts, and then only for a day that is fine. So planning again what has just been
planned changes nothing.

Successive days of a demand that are not reported are from ``interval - 2 * slack`` to
``interval + 2 + 2 * slack`` apart, once something has moved them up to ``give`` more or
less (:func:`rhythm.get_bounds`): for 4 a year 77 to 107 days, and up to 22 more or
less.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from .rhythm import Demand, Rhythm, check_hours

#: Channels that take the client's time: one touchpoint of them a week at most.
PERSONAL = frozenset({"meeting", "call"})

#: Why a day is not as it should be: nobody works in the window; its working days are
#: full; those that are not have another meeting or call in their week; it is over.
REASONS = ("no_working_day", "capacity", "same_week", "overdue")
NO_WORKING_DAY, CAPACITY, SAME_WEEK, OVERDUE = REASONS

# How bad a day is.
_FINE, _OUTSIDE, _CLASH, _FULL, _OFF = range(5)


class Owner(NamedTuple):
    """Who keeps the promises, such as an account manager.

    :param hours: working hours by date, without holidays and time off. Dates that are
        missing or have 0 are off. Some days more than the horizon give what is due at
        its end the whole window
    :param limit: hours a day for touchpoints, None for all
    :param taken: hours by date of touchpoints that are none of the demands
    """

    key: Hashable
    hours: Mapping[date, float]
    limit: float | None = None
    taken: Mapping[date, float] = MappingProxyType({})


class Placement(NamedTuple):
    """Where a touchpoint is placed; key, year and number identify it.

    :param number: of the year's slots, from 1
    :param reason: one of ``REASONS`` why the day is not as it should be, or None
    """

    key: Hashable
    year: int
    number: int
    due: date
    window_start: date
    window_end: date
    day: date
    reason: str | None


class Workload(NamedTuple):
    """An owner's month, by its first day: overcommitted if promised > capacity.

    :param promised: hours of touchpoints
    :param capacity: hours for touchpoints
    :param available: working hours
    """

    owner: Hashable
    month: date
    promised: float
    capacity: float
    available: float


def spread(
    demands: Iterable[Demand], owners: Iterable[Owner], first: date, last: date
) -> list[Placement]:
    """Place each open slot that is due in the horizon, in the order of due dates.

    Slots that are planned and due later are left out: they stay as they are. A horizon
    of a year (its last day is the one before the anniversary of the first) has each
    demand ``times`` times, as long as nothing has moved it.

    :param first: first day of the horizon, today as a rule: no day is earlier
    :param last: last day of the horizon
    :raise ValueError: the horizon ends before it begins; a key occurs twice, or a slot
        twice in a demand; an owner is unknown; times or hours are out of range
    """
    _check_horizon(first, last)
    agendas: dict[Hashable, _Agenda] = {}
    for owner in owners:
        if owner.key in agendas:
            raise ValueError(f"Owner {owner.key!r} occurs twice")
        agendas[owner.key] = _Agenda(_get_room(owner), _get_taken(owner), Counter())
    clients: dict[Hashable, _Agenda] = {}
    slots: list[_Slot] = []
    keys = set()
    for demand in demands:
        demand.check()
        if demand.key in keys:
            raise ValueError(f"Demand {demand.key!r} occurs twice")
        keys.add(demand.key)
        loads, client = _get_loads(demand, agendas), None
        if demand.channel in PERSONAL:
            client = clients.setdefault(
                demand.client, _Agenda({}, Counter(), Counter())
            )
        for fixed in demand.fixed:
            if fixed.day:
                day = fixed.day.toordinal()
                for agenda, minutes in loads:
                    agenda.fixed[day] += minutes
                if client:
                    client.fixed[_to_week(day)] += 1
        if demand.times:
            slots += _make_slots(
                demand, loads, client, first.toordinal(), last.toordinal()
            )
    slots.sort(key=attrgetter("due", "key"))
    for agenda in (*agendas.values(), *clients.values()):
        agenda.taken.update(agenda.fixed)
    _place(slots)
    faults = _find_faults(slots)
    return [slot.get_placement(slot in faults) for slot in slots]


def sum_months(
    touches: Iterable[tuple[Hashable, date, float]],
    owners: Iterable[Owner],
    first: date,
    last: date,
) -> list[Workload]:
    """Return what each owner has promised for each month of the horizon, in order.

    :param touches: owner, day and hours of each touchpoint; days outside the horizon
        do not count
    :raise ValueError: the horizon ends before it begins; an owner is unknown; hours
        are out of range
    """
    _check_horizon(first, last)
    start, end = (day.year * 12 + day.month - 1 for day in (first, last))
    months = [date(at // 12, at % 12 + 1, 1) for at in range(start, end + 1)]
    sums = {}
    for owner in owners:
        room = _get_room(owner)
        sums.update({(owner.key, month): [0.0, 0.0, 0.0] for month in months})
        for day, hours in owner.hours.items():
            if first <= day <= last and hours:
                row = sums[owner.key, day.replace(day=1)]
                row[1] += room[day.toordinal()] / 60
                row[2] += hours
    for owner, day, hours in touches:
        if (owner, months[0]) not in sums:
            raise ValueError(f"Owner {owner!r} is unknown")
        if first <= day <= last:
            sums[owner, day.replace(day=1)][0] += check_hours(hours, f"Hours on {day}")
    return [
        Workload(owner, month, *(round(value, 6) for value in row))
        for (owner, month), row in sums.items()
    ]


# From here on days are ordinals, and time is in whole minutes: sums are exact.


@dataclass(eq=False, slots=True)
class _Agenda:
    """What is taken: minutes of an owner by day, or contacts of a client by week.

    ``room``: minutes for touchpoints by working day. ``fixed``: part of ``taken``.
    """

    room: dict[int, int]
    fixed: Counter
    taken: Counter


_Loads = tuple[tuple[_Agenda, int], ...]


@dataclass(eq=False, slots=True)
class _Slot:
    """An open slot and its day.

    ``window``: the days from start to end that are in the horizon. ``days``: those
    within reach. ``loads``: the minutes that it takes of each owner. ``target``: the
    day that is nearest to the due date.
    """

    key: Hashable
    year: int
    number: int
    due: int
    start: int
    end: int
    window: range
    days: range
    loads: _Loads
    client: _Agenda | None
    day: int | None
    target: int

    def take(self, sign=1):
        """Take the day, or free it with -1."""
        for agenda, minutes in self.loads:
            agenda.taken[self.day] += sign * minutes
        if self.client:
            self.client.taken[_to_week(self.day)] += sign

    def is_working(self, day):
        """Return whether all owners work on a day."""
        for agenda, _minutes in self.loads:
            if day not in agenda.room:
                return False
        return True

    def rate(self, day):
        """Return how bad a day is, as a tuple to compare, with the grade first."""
        # No min() and max() here: it is called for every day of every window.
        outside = 0
        if not self.start <= day <= self.end:
            outside = max(self.start - day, day - self.end)
        away = abs(day - self.target)
        # The least that an owner has left.
        left, is_full = None, False
        for agenda, minutes in self.loads:
            room = agenda.room.get(day)
            if room is None:
                return _OFF, outside, 0, away, day
            if minutes:
                room -= agenda.taken.get(day, 0)
                if left is None or room < left:
                    left = room
                if room < minutes:
                    is_full = True
        if left is None:
            left = 0
        if is_full:
            grade = _FULL
        elif self.client and self.client.taken.get(_to_week(day)):
            grade = _CLASH
        else:
            grade = _OUTSIDE if outside else _FINE
        return grade, outside, -left, away, day

    def find_best(self, has_to=True):
        """Return the rating of the best day: in the window unless it has to be any."""
        best = min(map(self.rate, self.window), default=(_OFF,))
        if best[0] != _FINE and has_to:
            best = min(map(self.rate, self.days))
        return best

    def get_placement(self, is_fault):
        days = map(date.fromordinal, (self.due, self.start, self.end, self.day))
        reason = self._get_reason() if is_fault else None
        return Placement(self.key, self.year, self.number, *days, reason)

    def _get_reason(self):
        if not self.window:
            return OVERDUE
        self.take(-1)
        grade = self.find_best(has_to=False)[0]
        self.take()
        return {_OFF: NO_WORKING_DAY, _FULL: CAPACITY}.get(grade, SAME_WEEK)


def _get_loads(demand: Demand, agendas: Mapping[Hashable, _Agenda]) -> _Loads:
    """Return the minutes that each slot of a demand takes of each owner."""
    for owner, _hours in demand.get_loads():
        if owner not in agendas:
            raise ValueError(f"Demand {demand.key!r}: owner {owner!r} is unknown")
    return tuple(
        (agendas[owner], _to_minutes(hours)) for owner, hours in demand.get_loads()
    )


def _make_slots(
    demand: Demand, loads: _Loads, client: _Agenda | None, first: int, last: int
) -> Iterator[_Slot]:
    """Yield the demand's open slots that are due in the horizon."""
    rhythm = Rhythm(demand)
    slack, reach = rhythm.bounds.slack, rhythm.bounds.reach
    planned = {
        rhythm.find_slot(slot.year, slot.number): slot.day.toordinal()
        for slot in demand.planned
        if slot.number <= demand.times
    }
    earliest = max(rhythm.start, first)
    for index in rhythm.find_open(first, last, set(planned)):
        due = rhythm.get_due(index)
        start, end = max(due - slack, rhythm.start), due + slack
        nearest = max(due - reach, earliest)
        yield _Slot(
            demand.key,
            index // demand.times,
            index % demand.times + 1,
            due,
            start,
            end,
            range(max(start, earliest), end + 1),
            range(nearest, (due if end >= first else first) + reach + 1),
            loads,
            client,
            planned.get(index),
            max(due, nearest),
        )


def _place(slots: list[_Slot]) -> None:
    """Give each slot its day.

    Each move leaves fewer on days off, else fewer minutes too many, else fewer contacts
    in one week, else fewer outside their windows: so there is a last one.
    """
    new = []
    for slot in slots:
        if slot.day in slot.days and slot.is_working(slot.day):
            slot.take()
        else:
            new.append(slot)
    new.sort(key=lambda slot: sum(map(slot.is_working, slot.window)))
    for slot in new:
        slot.day = slot.find_best()[-1]
        slot.take()
    has_moved = True
    while has_moved:
        has_moved = False
        faults = _find_faults(slots)
        for slot in sorted(slots, key=lambda slot: slot not in faults):
            slot.take(-1)
            grade = slot.rate(slot.day)[0]
            if grade != _FINE:
                best = slot.find_best(has_to=slot in faults)
                if best[0] == _FINE or (slot in faults and best[0] < grade):
                    slot.day = best[-1]
                    has_moved = True
            slot.take()


def _find_faults(slots: list[_Slot]) -> set[_Slot]:
    """Return the slots on bad days; of those that share a day or week the later ones.

    Without them no day is too full: what they take beyond that is theirs.
    """
    taken = {
        agenda: agenda.fixed.copy()
        for agenda in {
            agenda
            for slot in slots
            for agenda in (slot.client, *(one for one, _minutes in slot.loads))
        }
        if agenda
    }
    faults = set()
    for slot in slots:
        is_working = slot.is_working(slot.day)
        if not is_working or slot.day not in slot.window:
            faults.add(slot)
        if is_working:
            if any(
                minutes and taken[agenda][slot.day] + minutes > agenda.room[slot.day]
                for agenda, minutes in slot.loads
            ):
                faults.add(slot)
            else:
                for agenda, minutes in slot.loads:
                    taken[agenda][slot.day] += minutes
        if slot.client:
            weeks, week = taken[slot.client], _to_week(slot.day)
            if weeks[week]:
                faults.add(slot)
            weeks[week] += 1
    return faults


def _get_room(owner: Owner) -> dict[int, int]:
    """Return the minutes for touchpoints by working day."""
    limit = math.inf
    if owner.limit is not None:
        limit = check_hours(owner.limit, f"Owner {owner.key!r}: the daily limit")
    return {
        day.toordinal(): _to_minutes(min(hours, limit))
        for day, hours in owner.hours.items()
        if check_hours(hours, f"Owner {owner.key!r}: the time on {day}")
    }


def _get_taken(owner: Owner) -> Counter:
    """Return the minutes that are taken already, by day."""
    return Counter(
        {
            day.toordinal(): _to_minutes(
                check_hours(hours, f"Owner {owner.key!r}: what {day} holds")
            )
            for day, hours in owner.taken.items()
        }
    )


def _check_horizon(first: date, last: date) -> None:
    if last < first:
        raise ValueError(f"The horizon ends on {last}, before it begins on {first}")


def _to_minutes(hours: float) -> int:
    return round(hours * 60)


def _to_week(day: int) -> int:
    return (day - 1) // 7  # 1 January of the year 1 was a Monday
