"""Makes up the clients of an agency, what they did, and what they meant by it.

Everything depends on the seed and the client's number alone: more clients do not change
the first ones. It is plain data, to be written into Odoo or given to the tools. Nothing
here knows how the addons look at it.

Kinds of clients:

- ``monthly``, ``quarterly``, ``yearly``: a rhythm of their own, kept more or less well.
  Half of them are bound to the calendar (a late order does not delay the next one), for
  the others each order starts the wait for the next;
- ``irregular``: when they need something;
- ``one_time``: one order, and never again;
- ``growing``, ``shrinking``: ever more, or ever less often;
- ``seasonal``: some orders in the same months of each year.

Noise: orders in two parts, orders out of turn, orders left out, weekends, holidays
(Christmas for nearly all, August for many), pauses that were announced. Clients stop by
themselves, after a complaint, or because a new contact has come; some come back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

#: Kinds of clients, and how many of a hundred are of it.
KINDS = {
    "monthly": 18,
    "quarterly": 20,
    "yearly": 10,
    "irregular": 16,
    "one_time": 14,
    "growing": 6,
    "shrinking": 6,
    "seasonal": 10,
}
#: By themselves, clients stop so often a year.
STOPS = {
    "monthly": 0.15,
    "quarterly": 0.15,
    "yearly": 0.12,
    "irregular": 0.18,
    "growing": 0.06,
    "shrinking": 0.25,
    "seasonal": 0.1,
}
#: Why they do.
REASONS = ("price", "need", "competitor", "closed")

START = date(2021, 1, 1)
DAYS = 5 * 365 + 1
#: Share of clients that the agency had before.
OLD = 0.45


class Client(NamedTuple):
    """A client, as an agency knows it.

    :param tier: A, B or C, by how much it spends
    """

    id: int
    name: str
    tier: str


class Order(NamedTuple):
    """An order that was confirmed."""

    id: int
    client: int
    day: date
    amount: float


class Invoice(NamedTuple):
    """An invoice of an order, or a credit note, whose amount is below 0."""

    id: int
    client: int
    order: int
    day: date
    amount: float


class Complaint(NamedTuple):
    """A complaint, and whether it was settled well."""

    client: int
    day: date
    settled: bool


class Contact(NamedTuple):
    """A client's manager: from a day on until the next one comes."""

    client: int
    name: str
    since: date


class Pause(NamedTuple):
    """A client's word that it will not order before a day."""

    client: int
    told: date
    until: date


class Stop(NamedTuple):
    """The truth: from that day on a client orders no more.

    :param reason: one of ``REASONS``, "service", "new_manager" or "one_time"
    :param back: when it orders again; None for never
    """

    client: int
    day: date
    reason: str
    back: date | None


@dataclass
class Agency:
    """All rows, in the order of clients and days.

    :param kinds: {client: its kind}; this and the stops nobody but the maker knows
    :param end: the day after the last one
    """

    clients: list[Client] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    kinds: dict[int, str] = field(default_factory=dict)
    start: date = START
    end: date = START + timedelta(DAYS)


def make_agency(seed: int, clients: int = 1000, start: date = START) -> Agency:
    """Return an agency of five years with so many clients, numbered from 1.

    :param start: its first day; its holidays are those of the calendar
    """
    agency = Agency(start=start, end=start + timedelta(DAYS))
    for number in range(1, clients + 1):
        _Life(agency, number, Random(f"{seed}:{number}")).live()
    return agency


class _Life:
    """Days are numbers from the agency's start on."""

    def __init__(self, agency: Agency, number: int, source: Random):
        self.agency = agency
        self.number = number
        self.source = source
        self.kind = source.choices(list(KINDS), list(KINDS.values()))[0]
        self.spend = source.lognormvariate(7.5, 0.9)
        self.rests_in_august = source.random() < 0.4
        self.is_bound = source.random() < 0.5
        self._set_rhythm()

    def _set_rhythm(self):
        draw = self.source.uniform
        self.mean, self.change = {
            "monthly": (draw(26, 36), 1.0),
            "quarterly": (draw(80, 102), 1.0),
            "yearly": (365.25, 1.0),
            "irregular": (math.exp(draw(math.log(40), math.log(160))), 1.0),
            "one_time": (0.0, 1.0),
            "growing": (draw(70, 130), draw(0.6, 0.8)),
            "shrinking": (draw(25, 45), draw(1.25, 1.5)),
            "seasonal": (draw(20, 35), 1.0),
        }[self.kind]
        self.noise = {
            "irregular": draw(0.6, 1.1),
            "yearly": draw(0.03, 0.12),
        }.get(self.kind, draw(0.08, 0.4))
        self.season = self.source.randrange(365)
        self.season_days = self.source.randrange(60, 130)

    def live(self):
        """Write the client's rows into the agency."""
        source = self.source
        first = 0 if source.random() < OLD else source.randrange(int(DAYS * 0.85))
        if first == 0 and self.mean:
            # Somewhere in its rhythm on the first day.
            first = source.randrange(int(min(self.mean, 365)))
        self.born = first
        tier = "A" if self.spend > 4000 else "B" if self.spend > 1500 else "C"
        name = f"Client {self.number:05}"
        self.agency.clients.append(Client(self.number, name, tier))
        self.agency.kinds[self.number] = self.kind
        contacts = self._draw_times(first, 0.25)
        complaints = [
            (day, source.random() < 0.6) for day in self._draw_times(first, 0.15)
        ]
        days: list[int] = []
        begin: int | None = first
        while begin is not None:
            stop, reason = self._draw_stop(begin, contacts, complaints)
            days += [day for day in self._draw_orders(begin) if day < stop]
            if not days or days[-1] < begin:
                # It came, if only for once.
                days.append(self._skip_weekend(begin))
                stop = max(stop, days[-1] + 1)
            begin = self._write_stop(stop, reason)
        days = self._pause(days)
        self._write_orders(sorted(day for day in days if day < DAYS))
        self._write_people(first, contacts, complaints)

    # ------------------------------------------------------------
    # TRUTH
    # ------------------------------------------------------------

    def _draw_times(self, first: int, rate: float) -> list[int]:
        """Return days of events that come so often a year."""
        times, day = [], float(first)
        while True:
            day += self.source.expovariate(rate) * 365
            if day >= DAYS:
                return times
            times.append(int(day))

    def _draw_stop(self, begin, contacts, complaints) -> tuple[int, str]:
        source = self.source
        if self.kind == "one_time":
            return begin + 1, "one_time"
        day = begin + 1 + int(source.expovariate(STOPS[self.kind]) * 365)
        ends = [(day, source.choice(REASONS))]
        for day in contacts:
            if day > begin and source.random() < 0.2:
                ends.append((day + source.randrange(10, 120), "new_manager"))
        for day, settled in complaints:
            if day > begin and source.random() < (0.06 if settled else 0.35):
                ends.append((day + source.randrange(1, 60), "service"))
        return min(ends)

    def _write_stop(self, stop: int, reason: str) -> int | None:
        """Return when the client comes back, None for not in these years."""
        if stop >= DAYS:
            return None
        back = None
        if self.kind != "one_time" and self.source.random() < 0.2:
            back = stop + self.source.randrange(240, 600)
        is_back = back is not None and back < DAYS
        self.agency.stops.append(
            Stop(
                self.number,
                self._get_day(stop),
                reason,
                self._get_day(back) if is_back else None,
            )
        )
        return back if is_back else None

    # ------------------------------------------------------------
    # ORDERS
    # ------------------------------------------------------------

    def _draw_orders(self, begin: int) -> Iterator[int]:
        """Yield the days of orders from a day on, as if the client never stopped."""
        source = self.source
        for day in self._draw_needs(begin):
            if day > begin and source.random() < 0.03:
                continue  # left out
            day = self._avoid_days_off(day)
            yield day
            if source.random() < 0.12:
                yield self._avoid_days_off(day + source.randrange(0, 6))
            if source.random() < 0.04:
                yield self._avoid_days_off(day + source.randrange(8, 25))

    def _draw_needs(self, begin: int) -> Iterator[int]:
        if self.kind == "one_time":
            yield begin
        elif self.kind == "seasonal":
            yield from self._draw_seasons(begin)
        elif self.is_bound and self.change == 1 and self.kind != "irregular":
            number = 0
            while begin + number * self.mean < DAYS:
                shift = self.source.gauss(0, self.noise * self.mean) if number else 0
                yield max(int(begin + number * self.mean + shift), begin)
                number += 1
        else:
            day = float(begin)
            shape = 1 / self.noise**2
            while day < DAYS:
                yield int(day)
                mean = self.mean * self.change ** ((day - self.born) / 365)
                day += max(self.source.gammavariate(shape, mean / shape), 1)

    def _draw_seasons(self, begin: int) -> Iterator[int]:
        yield begin
        for year in range(-1, DAYS // 365 + 1):
            shift = self.source.gauss(0, 9)
            day = year * 365.25 + self.season + shift + self.source.random() * 15
            end = year * 365.25 + self.season + shift + self.season_days
            while day < min(end, DAYS):
                if day > begin + 10:
                    yield int(day)
                day += max(self.source.gauss(self.mean, self.noise * self.mean), 8)

    def _avoid_days_off(self, day: int) -> int:
        at = self._get_day(day)
        if (at.month, at.day) >= (12, 20) or (at.month, at.day) <= (1, 6):
            if self.source.random() < 0.85:
                year = at.year + (at.month == 12)
                day = self._get_number(date(year, 1, 7)) + self.source.randrange(10)
        elif at.month == 8 and self.rests_in_august and self.source.random() < 0.8:
            day = self._get_number(date(at.year, 9, 1)) + self.source.randrange(12)
        return self._skip_weekend(day)

    def _skip_weekend(self, day: int) -> int:
        weekday = self._get_day(day).weekday()
        return day + (7 - weekday if weekday > 4 else 0)

    def _pause(self, days: list[int]) -> list[int]:
        """Return the days without those of a pause, which few clients announce."""
        source = self.source
        if not days or source.random() >= 0.04:
            return days
        told = source.choice(days) + source.randrange(1, 15)
        until = told + source.randrange(90, 240)
        if until >= DAYS:
            return days
        self.agency.pauses.append(
            Pause(self.number, self._get_day(told), self._get_day(until))
        )
        return [day for day in days if not told <= day < until]

    # ------------------------------------------------------------
    # ROWS
    # ------------------------------------------------------------

    def _write_orders(self, days: list[int]) -> None:
        source, agency = self.source, self.agency
        for day in days:
            amount = round(self.spend * source.lognormvariate(0, 0.4), 2)
            order = Order(
                len(agency.orders) + 1, self.number, self._get_day(day), amount
            )
            agency.orders.append(order)
            self._write_invoice(order, day + source.randrange(5, 40), amount)
            if source.random() < 0.02:
                part = -round(amount * source.choice((0.2, 0.5, 1.0)), 2)
                self._write_invoice(order, day + source.randrange(40, 80), part)

    def _write_invoice(self, order: Order, day: int, amount: float) -> None:
        if day < DAYS:
            invoices = self.agency.invoices
            invoices.append(
                Invoice(
                    len(invoices) + 1,
                    self.number,
                    order.id,
                    self._get_day(day),
                    amount,
                )
            )

    def _write_people(self, first, contacts, complaints) -> None:
        for place, day in enumerate([first, *contacts], 1):
            name = f"Manager {self.number:05}-{place}"
            self.agency.contacts.append(Contact(self.number, name, self._get_day(day)))
        self.agency.complaints += [
            Complaint(self.number, self._get_day(day), settled)
            for day, settled in complaints
        ]

    def _get_day(self, number: int) -> date:
        return self.agency.start + timedelta(number)

    def _get_number(self, day: date) -> int:
        return (day - self.agency.start).days
