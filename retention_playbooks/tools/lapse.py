"""Which clients have bought nothing for too long: pure computation on plain data.

A period without purchases is given (per tier). Measured by it alone, who buys once a
year would be taken for gone each spring. So a client has lapsed when it has waited
longer than the period, and longer than its own history explains:

- with a rhythm, longer than that one's bound (:mod:`order_rhythm`);
- with two purchases or more, but too few for a rhythm, longer than ``times`` the
  longest interval between them;
- with one purchase, there is nothing but the period.
"""

from __future__ import annotations

from typing import NamedTuple

from .order_rhythm import Rhythm

#: Kinds of buyers: those who never bought, once, or more often.
NEVER, ONE_TIME, REPEAT = "never", "one_time", "repeat"


class Lapse(NamedTuple):
    """Whether a client has lapsed.

    :param has_lapsed: whether it has waited longer than allowed; never without an order
    :param buyer: ``never``, ``one_time`` or ``repeat``
    :param allowed: days that it may wait, from its last order or the end of a pause
    :param score: days waited as a multiple of those allowed: above 1 has lapsed
    """

    has_lapsed: bool
    buyer: str
    allowed: int
    score: float


def find_lapse(rhythm: Rhythm, period: int, times: float = 1.0) -> Lapse:
    """Return whether the client with that rhythm has lapsed.

    :param period: days without a purchase, at least 1
    :param times: see the module, at least 0
    :raise ValueError: the period or the times are less
    """
    if period < 1 or not times >= 0:
        raise ValueError("A period has at least one day, and times are not negative.")
    if rhythm.waited is None:
        return Lapse(False, NEVER, period, 0.0)
    allowed = period
    if rhythm.bound is not None:
        # The bound counts from the last order, a pause included.
        pause = rhythm.since_last - rhythm.waited
        allowed = max(period, rhythm.bound - pause)
    elif rhythm.longest is not None:
        allowed = max(period, int(times * rhythm.longest))
    buyer = ONE_TIME if rhythm.purchases == 1 else REPEAT
    has_lapsed = rhythm.waited > allowed
    return Lapse(has_lapsed, buyer, allowed, rhythm.waited / allowed)
