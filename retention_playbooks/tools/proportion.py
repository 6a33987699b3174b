"""How far a share that was counted can be trusted."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

#: Of the intervals, unless told otherwise.
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """The values that agree with what was counted, both ends included."""

    low: float
    high: float


def get_z(confidence: float) -> float:
    """Return how many standard deviations around the mean hold so much of a normal
    distribution.

    :param confidence: between 0 and 1, neither included
    :raise ValueError: it is not
    """
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence of {confidence} is not between 0 and 1.")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(hits: float, total: float, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of a share.

    Right for few clients, too, and for shares of 0 and 1. Source: E. B. Wilson,
    "Probable Inference, the Law of Succession, and Statistical Inference", Journal of
    the American Statistical Association 22 (1927), 209-212; without a correction for
    continuity.

    :param hits: of the total, whole numbers or not
    :return: shares from 0 to 1; with a total of 0 all of them
    :raise ValueError: there are more hits than the total, or less than none
    """
    z = get_z(confidence)
    if not 0 <= hits <= total < math.inf:
        raise ValueError(f"{hits} of {total} is no share.")
    if not total:
        return Interval(0.0, 1.0)
    share = hits / total
    center = share + z * z / (2 * total)
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    # The ends are exact where rounding would not let them be.
    low = 0.0 if hits == 0 else max((center - reach) / scale, 0.0)
    high = 1.0 if hits == total else min((center + reach) / scale, 1.0)
    return Interval(low, high)
