"""How urgently a client needs its account manager: pure computation on plain data.

    urgency = 100 x severity x tier x value

Each factor lies between 0 and 1, and can be told in a sentence:

- **severity**: each reason counts by its severity (:data:`SHARES`); a further one adds
  its share of what is missing to 1. So the gravest reason decides, more reasons come
  before fewer, and a crowd of small ones weighs like a grave one at last.
- **tier**: 1 for the best of the company's tiers, :data:`LEAST` for the worst and for
  clients without a tier, evenly between.
- **value**: from :data:`LEAST` without revenue towards 1; half of the way at the
  company's usual (median) client, so that one giant does not make all others alike.

Tier and value at most halve the urgency each: who is small and in trouble is not
forgotten, but comes after who is large and in the same trouble.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

#: What a reason of a severity counts.
SHARES = {"1": 0.2, "2": 0.4, "3": 0.8}
#: The least that tier and value count each.
LEAST = 0.5


class Urgency(NamedTuple):
    """How urgent a client is, and what made it so.

    :param points: from 0 (no reason) to 100
    :param severity: factor of the reasons, 0 to 1
    :param tier: factor of the tier, :data:`LEAST` to 1
    :param value: factor of the revenue, :data:`LEAST` to 1
    """

    points: float
    severity: float
    tier: float
    value: float


def rate_urgency(
    severities: Iterable[str],
    tier_place: int | None = None,
    tier_count: int = 0,
    revenue: float = 0.0,
    usual_revenue: float = 0.0,
) -> Urgency:
    """Return how urgently a client needs its account manager.

    :param severities: of its reasons, each a key of :data:`SHARES`; the order does not
        matter
    :param tier_place: place of its tier among the company's, 0 for the best; None for
        none
    :param tier_count: how many tiers the company has
    :param revenue: of the client; credit notes may have made it negative
    :param usual_revenue: of the company's usual client, in the same currency
    :raise ValueError: a severity is unknown, or the place is none of the tiers'
    """
    severity = _get_severity(severities)
    tier = _get_tier(tier_place, tier_count)
    value = _get_value(revenue, usual_revenue)
    return Urgency(100 * severity * tier * value, severity, tier, value)


def _get_severity(severities):
    missing = 1.0
    # Sorted: floats multiplied in another order differ in the last digit.
    for severity in sorted(severities):
        if severity not in SHARES:
            raise ValueError(f"Unknown severity: {severity!r}")
        missing *= 1 - SHARES[severity]
    return 1 - missing


def _get_tier(place, count):
    if place is None:
        return LEAST
    if not 0 <= place < count:
        raise ValueError(f"Tier {place} is none of {count}.")
    return 1 - (1 - LEAST) * place / max(count - 1, 1)


def _get_value(revenue, usual):
    revenue, usual = max(revenue, 0.0), max(usual, 0.0)
    if not revenue:
        return LEAST
    # Each step is monotonic, rounding included: more revenue never counts less.
    return LEAST + (1 - LEAST) * (1 - usual / (revenue + usual))
