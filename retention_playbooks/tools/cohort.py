"""How many clients stay, and how much of their revenue: pure computation on flat rows.

An agency's clients do not pay every month, so a *client* of a quarter is who brought
revenue in the twelve months that end with it, and a quarter is compared with the same
one of the year before: no month is in both, and no season disturbs.

- **Client retention**: clients of the year before who still are, of all clients of the
  year before. Source: P. W. Farris and others, "Marketing Metrics" (2nd edition 2010),
  chapter 5: the ratio of the customers retained to the number at risk.
- **Net revenue retention**: the revenue of the clients of the year before now, of their
  revenue then: (base + expansion - contraction - lost) / base. **Gross** leaves out
  expansion, so it is 100 % at most. Source: the definitions of the SaaS Metrics
  Standards Board, with revenue in the place of recurring revenue.

A client counts for the tier that it had at the end of the year before: the tiers of
today would show that those who buy much buy much. Who was no client then counts for the
first tier that it had after that.

A client whose refunds outweigh what it bought is none, and brings 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import NamedTuple

#: Quarters of a year.
YEAR = 4


def get_quarter(day: date) -> int:
    """Return the number of a quarter: successive quarters have successive numbers."""
    return day.year * YEAR + (day.month - 1) // 3


def get_first_day(quarter: int) -> date:
    """Return the day on which a quarter begins."""
    return date(quarter // YEAR, quarter % YEAR * 3 + 1, 1)


class Row(NamedTuple):
    """Revenue of a client in a quarter.

    :param quarter: its number, see :func:`get_quarter`
    :param revenue: in the company's currency, after credit notes
    :param tier: that the client had at the end of the quarter, None without one
    """

    client: Hashable
    quarter: int
    revenue: float
    tier: Hashable = None


@dataclass(frozen=True)
class Retention:
    """What became of the clients of a tier from one year to the next.

    :param quarter: with which the later year ends
    :param tier: None: those without one, or those of all tiers (:func:`add_up`)
    :param clients: of the year before
    :param kept: of them, who still are
    :param lost: of them, who no longer are
    :param new: clients who never were before
    :param regained: clients who were before, though not in the year before
    :param base: revenue of the clients of the year before, in that year
    :param expansion: by how much more those kept bring who bring more
    :param contraction: by how much less those kept bring who bring less
    :param lost_revenue: what the lost clients brought in the year before
    :param new_revenue: what the new clients bring
    :param regained_revenue: what the regained clients bring
    """

    quarter: int
    tier: Hashable = None
    clients: int = 0
    kept: int = 0
    lost: int = 0
    new: int = 0
    regained: int = 0
    base: float = 0.0
    expansion: float = 0.0
    contraction: float = 0.0
    lost_revenue: float = 0.0
    new_revenue: float = 0.0
    regained_revenue: float = 0.0

    @property
    def revenue(self) -> float:
        """All revenue of the later year."""
        return self._retained + self.new_revenue + self.regained_revenue

    @property
    def client_rate(self) -> float | None:
        """Client retention, from 0 to 1; None without clients."""
        return self.kept / self.clients if self.clients else None

    @property
    def net_rate(self) -> float | None:
        """Net revenue retention, from 0 up; None without clients."""
        return self._retained / self.base if self.base else None

    @property
    def gross_rate(self) -> float | None:
        """Gross revenue retention, from 0 to 1; None without clients."""
        if not self.base:
            return None
        return (self.base - self.contraction - self.lost_revenue) / self.base

    @property
    def _retained(self) -> float:
        less = self.contraction + self.lost_revenue
        return self.base + self.expansion - less


def compute_retention(rows: Iterable[Row], first: int, last: int) -> list[Retention]:
    """Return the retention of the quarters from the first to the last, by quarter and
    tier, those without tier first; a tier without any client then is missing.

    :param rows: in any order, several of a client and quarter add up; all of the past,
        else clients of old are taken for new, and at least those of the seven quarters
        before the first. Tiers can be sorted
    :raise ValueError: the last quarter is before the first
    """
    if last < first:
        raise ValueError("The last quarter is before the first.")
    sums: dict[tuple[int, Hashable], dict[str, float]] = {}
    for revenues, tiers in _group(rows).values():
        for quarter in range(first, last + 1):
            changes = _compare(revenues, quarter)
            if not changes:
                continue
            tier = _find_tier(tiers, quarter - YEAR)
            cell = sums.setdefault((quarter, tier), defaultdict(float))
            for name, value in changes.items():
                cell[name] += value
    order = sorted(sums, key=lambda key: (key[0], key[1] is not None, key[1] or 0))
    return [Retention(*key, **sums[key]) for key in order]


def add_up(parts: Iterable[Retention]) -> list[Retention]:
    """Return the retention of each quarter, all tiers together, in their order."""
    quarters: dict[int, list[Retention]] = defaultdict(list)
    for part in parts:
        quarters[part.quarter].append(part)
    names = [field.name for field in fields(Retention)][2:]
    return [
        Retention(
            quarter,
            **{
                name: sum(getattr(part, name) for part in quarters[quarter])
                for name in names
            },
        )
        for quarter in sorted(quarters)
    ]


class Cohort(NamedTuple):
    """Clients whose first purchase was in the same quarter.

    :param quarter: that one
    :param clients: how many
    :param active: how many of them brought revenue in that quarter, the next, ... up to
        the last one
    :param revenues: what they brought then
    """

    quarter: int
    clients: int
    active: tuple[int, ...]
    revenues: tuple[float, ...]


def compute_cohorts(rows: Iterable[Row], last: int) -> list[Cohort]:
    """Return the cohorts up to the last quarter, the oldest first.

    :param rows: as for :func:`compute_retention`, all of the past
    """
    cohorts: dict[int, list[dict[int, float]]] = defaultdict(list)
    for revenues, _tiers in _group(rows).values():
        bought = [quarter for quarter, revenue in revenues.items() if revenue > 0]
        if bought and min(bought) <= last:
            cohorts[min(bought)].append(revenues)
    found = []
    for begin in sorted(cohorts):
        amounts = [
            [max(revenues.get(quarter, 0.0), 0.0) for revenues in cohorts[begin]]
            for quarter in range(begin, last + 1)
        ]
        found.append(
            Cohort(
                begin,
                len(cohorts[begin]),
                tuple(sum(amount > 0 for amount in column) for column in amounts),
                tuple(sum(column) for column in amounts),
            )
        )
    return found


def _group(rows):
    """Return {client: ({quarter: revenue}, {quarter: tier})}."""
    clients = {}
    for client, quarter, revenue, tier in rows:
        revenues, tiers = clients.setdefault(client, ({}, {}))
        revenues[quarter] = revenues.get(quarter, 0.0) + revenue
        tiers[quarter] = tier
    return clients


def _sum_year(revenues: dict[int, float], quarter: int) -> float:
    """Return the revenue of the year that ends with a quarter, at least 0."""
    year = range(quarter - YEAR + 1, quarter + 1)
    return max(sum(revenues.get(one, 0.0) for one in year), 0.0)


def _compare(revenues: dict[int, float], quarter: int) -> dict[str, float]:
    """Return what a client adds to the fields of the quarter's retention."""
    before, now = _sum_year(revenues, quarter - YEAR), _sum_year(revenues, quarter)
    if before and now:
        return {
            "clients": 1,
            "kept": 1,
            "base": before,
            "expansion": max(now - before, 0.0),
            "contraction": max(before - now, 0.0),
        }
    if before:
        return {"clients": 1, "lost": 1, "base": before, "lost_revenue": before}
    if not now:
        return {}
    start = quarter - 2 * YEAR
    was_before = any(revenue > 0 for one, revenue in revenues.items() if one <= start)
    kind = "regained" if was_before else "new"
    return {kind: 1, f"{kind}_revenue": now}


def _find_tier(tiers, quarter):
    """Return the last tier that is known until a quarter, else the first one after."""
    until = max((one for one in tiers if one <= quarter), default=None)
    return tiers[min(tiers) if until is None else until]
