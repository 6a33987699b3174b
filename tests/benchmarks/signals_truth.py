#!/usr/bin/env python3
"""Hold signals against the truth of made-up agencies, beside two naive rules.

Needs neither Odoo nor a database: python3 tests/benchmarks/signals_truth.py --help
"""

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from importlib import util
from pathlib import Path
from statistics import median
from typing import NamedTuple

TESTS = Path(__file__).resolve().parents[1]
if str(TESTS) not in sys.path:
    sys.path.insert(0, str(TESTS))

from agency.generator import Agency, make_agency  # noqa: E402


def _load_tools():
    """Import the tools without the addon, which needs Odoo."""
    name, folder = "retention_tools", TESTS.parent / "retention_playbooks" / "tools"
    if name not in sys.modules:
        spec = util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        sys.modules[name] = util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


_load_tools()
from retention_tools.lapse import find_lapse  # noqa: E402
from retention_tools.order_rhythm import (  # noqa: E402
    Clock,
    Limits,
    Rhythm,
    find_rhythms,
    merge_orders,
)
from retention_tools.season import AVOID, Season, find_avoided  # noqa: E402

DESCRIPTION = """\
Every Monday of the last three of five years, each rule looks at the orders that are
known by then and raises an alarm for clients that it takes for gone; one alarm at most
until the next order. An alarm is true when the client has really stopped, is not back,
and stopped no more than N days ago: later is too late.

  precision  true alarms of all alarms
  recall     of the clients who stopped (early enough for N days to be over), the share
             with a true alarm
  delay      median of the days between stop and true alarm

At the same number of alarms: the naive rules' only number (days, or multiples of the
mean interval) is set, for each agency, such that they raise as many alarms as ours.
Then the other way round: twice the mean interval as it is, ours and the fixed days set
to as many. The rules for broken patterns all look at the same clients, those with four
purchases or more; the mean interval is that of purchases, as ours. The mean interval
takes two purchases. "Fixed days, as early" raises as many alarms as it takes to notice
as early as ours.

The limits, and the N with which ours have to be ahead, were chosen on agencies of other
seeds (101 to 105, 500 clients). N matters: as many alarms as ours leave fixed days with
eight to ten months, so where half a year is in time they are too late, and where a year
is they find a few more, but months later. Several N are shown for that reason."""

SEEDS, CLIENTS = 10, 1000
#: Days of history before the first alarm counts.
WARM_UP = 2 * 365
#: N of both signals, in which ours have to be ahead, and others to compare with. Half a
#: year for a broken pattern: the issue's own example. Who has lapsed is one who has not
#: bought for half a year, so for them a quarter more.
BROKEN_DAYS, LAPSED_DAYS, OTHER_DAYS = 180, 270, (120, 180, 270, 365)
#: Days without purchases after which a client has lapsed.
PERIOD = 180
#: The holidays in the company's calendar.
CHRISTMAS = Season(AVOID, 1.0, (12, 20), (1, 6))


class Silence(NamedTuple):
    """The time after an order, until the next one or the end.

    Days are ordinals.

    :param days: of the orders up to then, sorted
    :param end: day of the next order, or the day after the last one of the agency
    :param quiet_until: end of a pause that was announced at its beginning, else 0
    :param purchases: the days on which purchases began up to then
    """

    client: int
    days: Sequence[int]
    end: int
    quiet_until: int
    purchases: Sequence[int]


class Alarm(NamedTuple):
    """An alarm; ``delay``: days since the client stopped, None for a false alarm."""

    client: int
    day: int
    delay: int | None


class Result(NamedTuple):
    """How good the alarms of a rule are; see the description."""

    alarms: int
    hits: int
    found: int
    stops: int
    delays: tuple[int, ...]

    @property
    def precision(self) -> float:
        return self.hits / self.alarms if self.alarms else 0.0

    @property
    def recall(self) -> float:
        return self.found / self.stops if self.stops else 0.0

    @property
    def delay(self) -> float:
        return median(self.delays) if self.delays else 0.0


#: For each silence the days after its order up to which there is no alarm; None: never.
Bounds = list[float | None]


class World:
    """An agency, seen as silences, and what is true of it."""

    def __init__(self, agency: Agency):
        self.first = agency.start.toordinal() + WARM_UP
        self.end = agency.end.toordinal()
        self.clock = Clock(find_avoided(agency.start, agency.end, [CHRISTMAS]))
        self.stops: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for stop in agency.stops:
            back = stop.back.toordinal() if stop.back else math.inf
            self.stops[stop.client].append((stop.day.toordinal(), back))
        orders, pauses = defaultdict(list), defaultdict(list)
        for order in agency.orders:
            orders[order.client].append(order.day.toordinal())
        for pause in agency.pauses:
            days = pause.told.toordinal(), pause.until.toordinal()
            pauses[pause.client].append(days)
        self.silences = [
            silence
            for client, days in orders.items()
            for silence in self._find_silences(client, days, pauses[client])
        ]

    def _find_silences(self, client, days, pauses):
        for place, day in enumerate(days):
            end = days[place + 1] if place + 1 < len(days) else self.end
            if end == day:
                continue
            known = days[: place + 1]
            quiet = [until for told, until in pauses if day <= told < end]
            purchases = merge_orders(known, Limits().together)
            yield Silence(client, known, end, max(quiet, default=0), purchases)

    def find_rhythms(self, limits: Limits, calendar: bool = True) -> list[Rhythm]:
        """Return the rhythm of each silence as if it never ended: its bound is final.

        :param calendar: whether pauses and closed days are known
        """
        quiet = {
            number: date.fromordinal(silence.quiet_until)
            for number, silence in enumerate(self.silences)
            if calendar and silence.quiet_until
        }
        found = find_rhythms(
            ((number, one.days) for number, one in enumerate(self.silences)),
            date.fromordinal(self.end + 5000),
            limits,
            quiet,
            self.clock if calendar else None,
        )
        return [rhythm for _number, rhythm in found]

    def raise_alarms(self, bounds: Bounds, within: int) -> list[Alarm]:
        """Return the alarms of a rule.

        :param within: N of the description
        """
        alarms = []
        for silence, bound in zip(self.silences, bounds, strict=True):
            if bound is None:
                continue
            day = get_next_monday(silence.days[-1] + math.floor(bound))
            if self.first <= day < silence.end:
                delay = self._find_delay(silence.client, day, within)
                alarms.append(Alarm(silence.client, day, delay))
        return alarms

    def _find_delay(self, client: int, day: int, within: int) -> int | None:
        for stop, back in self.stops.get(client, ()):
            if stop <= day < back and day <= stop + within:
                return day - stop
        return None

    def judge(self, bounds: Bounds, within: int, least: int) -> Result:
        """Return how good a rule is.

        :param least: purchases before the stop, with fewer of which no rule counts
        """
        alarms = self.raise_alarms(bounds, within)
        delays = tuple(one.delay for one in alarms if one.delay is not None)
        caught = {
            (one.client, one.day - one.delay) for one in alarms if one.delay is not None
        }
        stops = self._find_stops(within, least)
        return Result(len(alarms), len(delays), len(caught & stops), len(stops), delays)

    def _find_stops(self, within: int, least: int) -> set[tuple[int, int]]:
        """Return the (client, day) of stops that count for the recall."""
        most: dict[tuple[int, int], int] = {}
        for silence in self.silences:
            for stop, _back in self.stops.get(silence.client, ()):
                if silence.days[-1] < stop:
                    key = silence.client, stop
                    most[key] = max(most.get(key, 0), len(silence.purchases))
        return {
            key
            for key, purchases in most.items()
            if purchases >= least and self.first <= key[1] < self.end - within
        }


def get_next_monday(day: int) -> int:
    """Return the first Monday after a day; both are ordinals."""
    return day + 7 - (day - 1) % 7


# ------------------------------------------------------------
# RULES
# ------------------------------------------------------------


def set_factor(world: World, factor: float, calendar: bool = True) -> Bounds:
    """Ours, for broken patterns."""
    rhythms = world.find_rhythms(Limits()._replace(factor=factor), calendar)
    return [rhythm.bound for rhythm in rhythms]


def set_period(world: World, period: float) -> Bounds:
    """Ours, for lapsed clients."""
    bounds = []
    for rhythm in world.find_rhythms(Limits()):
        lapse = find_lapse(rhythm, max(int(period), 1))
        bounds.append(lapse.allowed + rhythm.since_last - rhythm.waited)
    return bounds


def set_days(world: World, days: float, least: int) -> Bounds:
    """The naive rule: a number of days for everybody."""
    return [days if len(one.purchases) >= least else None for one in world.silences]


def set_times(world: World, times: float, least: int) -> Bounds:
    """The other naive rule: a multiple of the mean interval."""
    return [
        times * (one.purchases[-1] - one.purchases[0]) / (len(one.purchases) - 1)
        if len(one.purchases) >= max(least, 2)
        else None
        for one in world.silences
    ]


def match(
    make: Callable[[float], Bounds],
    count: Callable[[Bounds], int],
    alarms: int,
    low: float,
    high: float,
) -> tuple[float, Bounds]:
    """Return the value with which a rule raises as many alarms as wanted, or nearest.

    :param make: returns the bounds for a value; the more, the fewer alarms
    :param count: returns how many alarms they raise
    """
    best = None
    for _step in range(16):
        value = (low + high) / 2
        bounds = make(value)
        more = count(bounds) - alarms
        if best is None or abs(more) < best[0]:
            best = abs(more), value, bounds
        if not more:
            break
        low, high = (value, high) if more > 0 else (low, value)
    return best[1:]


# ------------------------------------------------------------
# COMPARISON
# ------------------------------------------------------------

#: The first one is ours.
OURS, DAYS, TIMES = "ours", "fixed days", "times the mean interval"
#: For the cost of being early: as many alarms as it takes.
EARLY = "fixed days, as early"


class Signal(NamedTuple):
    """A kind of signal that is compared.

    :param least: purchases of the clients that all rules look at
    :param within: N with which ours have to be ahead
    :param set: returns our bounds for a value
    :param usual: the value that is shipped
    :param high: the highest value that is tried
    """

    name: str
    least: int
    within: int
    set: Callable[[World, float], Bounds]
    usual: float
    high: float


SIGNALS = (
    Signal(
        "broken_pattern",
        Limits().purchases,
        BROKEN_DAYS,
        set_factor,
        Limits().factor,
        20.0,
    ),
    Signal("lapsed", 1, LAPSED_DAYS, set_period, PERIOD, 900.0),
)


def compare(world: World, signal: Signal, as_naive: bool) -> dict[str, tuple]:
    """Return {rule: (its value, its bounds)}, all with the same number of alarms.

    :param as_naive: as many as twice the mean interval raises, else as ours
    """

    def count(bounds):
        return len(world.raise_alarms(bounds, signal.within))

    least = signal.least
    makers = {
        OURS: (lambda value: signal.set(world, value), signal.usual, signal.high),
        DAYS: (lambda value: set_days(world, value, least), None, 900.0),
        TIMES: (lambda value: set_times(world, value, least), 2.0, 15.0),
    }
    leader = TIMES if as_naive else OURS
    make, value, _high = makers[leader]
    rules = {leader: (value, make(value))}
    alarms = count(rules[leader][1])
    for name, (make, _value, high) in makers.items():
        if name != leader:
            rules[name] = match(make, count, alarms, 0.0, high)
    return rules


def add_up(results: Sequence[Result]) -> Result:
    """Return the result of several agencies together."""
    return Result(
        *(sum(column) for column in list(zip(*results, strict=True))[:4]),
        tuple(delay for result in results for delay in result.delays),
    )


class Table:
    """The results of all agencies, and what they come to."""

    def __init__(self, worlds: Sequence[World]):
        self.worlds = worlds
        self.ahead = True

    def show(self, signal: Signal, as_naive: bool) -> None:
        """Print one comparison."""
        rules = [compare(world, signal, as_naive) for world in self.worlds]
        title = "as many alarms as " + (
            "twice the mean interval" if as_naive else "ours, as shipped"
        )
        print(f"\n{signal.name}: {title}")
        print(
            f"{'':4}{'':26}{'value':>14}{'alarms':>8}{'true':>7}"
            f"{'precision':>11}{'recall':>8}{'delay':>7}{'ahead in':>10}"
        )
        for within in OTHER_DAYS:
            self._show_within(signal, rules, within, as_naive)

    def _judge_early(self, world: World, signal: Signal, ours: Result) -> Result:
        """Return how good fixed days are that notice as early as ours."""

        def judge(bounds):
            return world.judge(bounds, signal.within, signal.least)

        _value, bounds = match(
            lambda value: set_days(world, value, signal.least),
            lambda bounds: -int(judge(bounds).delay),
            -int(ours.delay),
            0.0,
            float(signal.within),
        )
        return judge(bounds)

    def _show_within(self, signal, rules, within, as_naive):
        results = {
            name: [
                world.judge(found[name][1], within, signal.least)
                for world, found in zip(self.worlds, rules, strict=True)
            ]
            for name in (OURS, DAYS, TIMES)
        }
        if not as_naive and within == signal.within:
            results[EARLY] = [
                self._judge_early(world, signal, ours)
                for world, ours in zip(self.worlds, results[OURS], strict=True)
            ]
        total = {name: add_up(found) for name, found in results.items()}
        stops = total[OURS].stops
        print(f"  N = {within} days, {stops} clients stopped")
        for name, result in total.items():
            values = [found[name][0] for found in rules if name in found]
            spread = f"{min(values):.4g}-{max(values):.4g}" if values else ""
            wins = ""
            if name in (DAYS, TIMES):
                ahead = sum(
                    _is_ahead(ours, other)
                    for ours, other in zip(results[OURS], results[name], strict=True)
                )
                wins = f"{ahead}/{len(self.worlds)}"
                if within == signal.within and not as_naive:
                    self.ahead &= _is_ahead(total[OURS], result)
            print(
                f"{'':4}{name:26}{spread:>14}{result.alarms:8}{result.hits:7}"
                f"{result.precision:11.3f}{result.recall:8.3f}{result.delay:7.0f}"
                f"{wins:>10}"
            )


def _is_ahead(ours: Result, other: Result) -> bool:
    return ours.precision > other.precision and ours.recall > other.recall


def main() -> int:
    """Print all comparisons; return the exit status."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=SEEDS, help="agencies, from 1 on")
    parser.add_argument("--clients", type=int, default=CLIENTS, help="of each agency")
    options = parser.parse_args()
    worlds = [
        World(make_agency(seed, options.clients))
        for seed in range(1, options.seeds + 1)
    ]
    print(
        f"{options.seeds} agencies of {options.clients} clients, seeds 1 to"
        f" {options.seeds}. Value: the least and the most of all agencies. Ahead in: "
        "agencies in which\nours is ahead of the rule in precision and recall."
    )
    table = Table(worlds)
    for signal in SIGNALS:
        for as_naive in (False, True):
            table.show(signal, as_naive)
    needed = ", ".join(f"{one.name} with N = {one.within}" for one in SIGNALS)
    print(f"\n{'PASS' if table.ahead else 'FAIL'}: ours ahead ({needed})")
    return 0 if table.ahead else 1


if __name__ == "__main__":
    sys.exit(main())
