"""How winning back goes, beside what was published: pure computation.

The article on retention programmes that the product follows gives 20 to 40 % for lost
clients who are won back, and 5 to 20 % for new prospects who become clients. A result
is judged by its interval (see :mod:`proportion`), not by its share alone: one client of
two is not "more than published".
"""

from __future__ import annotations

from typing import NamedTuple

from .effect import LEAST
from .proportion import CONFIDENCE, Interval, wilson

#: Share of lost clients who are won back, as published.
PUBLISHED = Interval(0.20, 0.40)
#: Share of new prospects who become clients, as published.
PROSPECTS = Interval(0.05, 0.20)

#: What a result is, beside the published one.
TOO_FEW, BELOW, WITHIN, ABOVE = "too_few", "below", "within", "above"


class Result(NamedTuple):
    """A share of clients won back.

    :param share: from 0 to 1; None without any that has ended
    :param low: lower end of its interval
    :param high: upper end
    :param verdict: ``below`` or ``above`` if the whole interval is outside what was
        published, ``too_few``, else ``within``: the published shares agree with it
    """

    share: float | None
    low: float
    high: float
    verdict: str


def judge(
    won: int, ended: int, least: int = LEAST, confidence: float = CONFIDENCE
) -> Result:
    """Return how many clients were won back, and how that is beside what was published.

    :param ended: those won and those lost
    :raise ValueError: more were won than have ended, or less than none
    """
    low, high = wilson(won, ended, confidence)
    if ended < least:
        verdict = TOO_FEW
    elif high < PUBLISHED.low:
        verdict = BELOW
    elif low > PUBLISHED.high:
        verdict = ABOVE
    else:
        verdict = WITHIN
    return Result(won / ended if ended else None, low, high, verdict)
