"""How many clients buy again after 1, 2, 3 ... purchases: pure computation.

Who has bought last week has had no time to come back: to count such a client as lost
makes rates too low, and to leave all of them out makes them too high, as those who came
back soon stay in. The rate is one minus the product-limit estimate of the share that
has not bought again: each client counts for as long as it was observed. Source: E. L.
Kaplan and P. Meier, "Nonparametric Estimation from Incomplete Observations", Journal of
the American Statistical Association 53 (1958), 457-481; its variance by M. Greenwood,
"The Natural Duration of Cancer" (1926). The interval is that of Wilson with as many
clients as, observed to the end, have the same variance. Source: K. J. Rothman,
"Estimation of Confidence Limits for the Cumulative Probability of Survival in Life
Table Analysis", Journal of Chronic Diseases 31 (1978), 557-560.

Where everybody was observed to the end, the rate is the plain share.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from statistics import median
from typing import NamedTuple

from .order_rhythm import merge_orders
from .proportion import CONFIDENCE, wilson

#: What was published of shops, to show beside one's own: the share of clients who buy
#: again after so many purchases. After the second it is told to be "notably higher".
#: Source: Luxury Client Experience Board, as cited by the article on retention
#: programmes that the product follows.
PUBLISHED = {1: 0.27, 3: 0.54}


class ReturnRate(NamedTuple):
    """How many clients bought again after a number of purchases.

    :param purchases: the number
    :param clients: who made at least so many
    :param returned: who bought again in time
    :param waiting: who have not bought again, and still have time
    :param rate: the share that buys again in time, from 0 to 1; None when there are too
        few to tell, or nobody was observed for long enough
    :param low: lower end of its confidence interval; None without a rate
    :param high: upper end; None without a rate
    :param days: median of the days until those who returned did; None without any
    :param published: the published share, None where there is none
    """

    purchases: int
    clients: int
    returned: int
    waiting: int
    rate: float | None
    low: float | None
    high: float | None
    days: float | None
    published: float | None


def compute_return_rates(
    clients: Iterable[Sequence[int]],
    today: date,
    within: int = 365,
    up_to: int = 5,
    together: int = 7,
    least: int = 20,
    confidence: float = CONFIDENCE,
) -> list[ReturnRate]:
    """Return the rates after 1, 2, ... ``up_to`` purchases.

    :param clients: days of the orders of each, sorted, as ordinals (see
        :func:`order_rhythm.find_rhythms`); those after today do not count
    :param within: days in which a client has to buy again, the last included
    :param together: orders at most so many days after a purchase began belong to it
    :param least: clients, fewer of which are too few to tell; those who were observed
        for a part of the time count in part
    :raise ValueError: days are not sorted, or a number is less than 1 (``together``: 0)
    """
    if min(within, up_to, least) < 1 or together < 0:
        raise ValueError("Days, purchases and clients are at least one.")
    end = today.toordinal()
    back = [Counter() for _purchases in range(up_to)]
    open_ = [Counter() for _purchases in range(up_to)]
    for days in clients:
        purchases = merge_orders(days, together)
        del purchases[bisect_right(purchases, end) :]
        for place, day in enumerate(purchases[:up_to]):
            following = purchases[place + 1 : place + 2]
            if following and following[0] - day <= within:
                back[place][following[0] - day] += 1
            else:
                open_[place][min(end - day, within)] += 1
    return [
        _compute_rate(place + 1, back[place], open_[place], within, least, confidence)
        for place in range(up_to)
    ]


def _compute_rate(
    purchases: int,
    back: Counter[int],
    open_: Counter[int],
    within: int,
    least: int,
    confidence: float,
) -> ReturnRate:
    """Return the rate from {days: clients} of those who returned and those who did not.

    :param open_: days for which each was observed, up to ``within``
    """
    returned, others = back.total(), open_.total()
    gone = open_[within]
    rate = low = high = None
    share, weight = _estimate(back, open_)
    # Else the last ones were lost sight of, and what they did after that is unknown.
    is_known = gone or share == 1
    if is_known and weight >= least:
        rate = share
        low, high = wilson(share * weight, weight, confidence)
    return ReturnRate(
        purchases,
        returned + others,
        returned,
        others - gone,
        rate,
        low,
        high,
        median(back.elements()) if back else None,
        PUBLISHED.get(purchases),
    )


def _estimate(back: Counter[int], open_: Counter[int]) -> tuple[float, float]:
    """Return the share that returns, and how many clients observed to the end would
    tell it as exactly."""
    at_risk = back.total() + open_.total()
    if not at_risk:
        return 0.0, 0.0
    staying, variance = 1.0, 0.0
    for days in sorted(back.keys() | open_.keys()):
        events = back[days]
        if events and events < at_risk:
            variance += events / (at_risk * (at_risk - events))
        # Who was observed until that day was still there when others came back.
        staying *= 1 - events / at_risk
        at_risk -= events + open_[days]
    # All or nothing: those whose outcome is known.
    if not back:
        return 0.0, float(open_[max(open_)])
    if not staying:
        return 1.0, float(back.total())
    return 1 - staying, (1 - staying) / (staying * variance)
