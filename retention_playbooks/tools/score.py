"""Which lost clients to win back first, and why: pure computation on plain data.

Each part gives points out of a maximum: its weight. The score is their share of all
maximums that apply, in percent: what is not known neither helps nor harms. The order of
the parts, and of their usual weights, is that of the article on retention programmes
that the product follows: those who referred others, never complained and never needed
support come first, then revenue and how lately they bought.

The revenue counts by its rank among the candidates, not by its amount: one giant would
leave all others alike.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

#: Parts of the score.
PARTS = ("referral", "complaint", "support", "revenue", "recency")
REFERRAL, COMPLAINT, SUPPORT, REVENUE, RECENCY = PARTS

#: Days after which the points for a purchase are half.
HALF_LIFE = 365


class Weights(NamedTuple):
    """The most points of each part, 0 for none."""

    referral: float = 30.0
    complaint: float = 20.0
    support: float = 15.0
    revenue: float = 20.0
    recency: float = 15.0

    def check(self) -> None:
        """Raise ValueError for a negative weight, or if all are 0."""
        if not all(weight >= 0 for weight in self) or not any(self):
            raise ValueError("Weights must not be negative, nor all of them zero.")


class Candidate(NamedTuple):
    """A client that might be won back; None is what is not known.

    :param key: identifies the client; keys can be sorted
    :param referrals: clients that it has brought
    :param complaints: that it has made
    :param tickets: for which it has needed support
    :param revenue: of all its time, in the company's currency
    :param since_last: days since its last purchase
    """

    key: int
    referrals: int | None = None
    complaints: int | None = None
    tickets: int | None = None
    revenue: float | None = None
    since_last: int | None = None


class Part(NamedTuple):
    """A part of a score, and what its sentence needs.

    :param name: one of ``PARTS``
    :param sentence: key of the sentence: ``referred`` or ``not_referred``;
        ``no_complaint`` or ``complaints``; ``no_support`` or ``support``; ``revenue``;
        ``recency``; ``unknown``
    :param value: what was counted: the number that the sentence tells, for revenue the
        percentage of the candidates with less; None if not known
    :param points: got
    :param most: that could be got; 0 if not known
    """

    name: str
    sentence: str
    value: float | None
    points: float
    most: float


class Score(NamedTuple):
    """Why a client has which place.

    :param place: from 1; there are no two alike
    :param score: from 0 to 100
    :param parts: in the order of ``PARTS``
    """

    key: int
    place: int
    score: float
    parts: tuple[Part, ...]


def rank(
    candidates: Iterable[Candidate],
    weights: Weights = Weights(),  # noqa: B008 (immutable)
) -> list[Score]:
    """Return the scores of all candidates, the best first.

    Of equal scores (to a hundredth) the one with more revenue comes first, then the
    later purchase, then the smaller key.

    :raise ValueError: a weight is negative, or all are 0
    """
    weights.check()
    candidates = list(candidates)
    revenues = sorted(one.revenue for one in candidates if one.revenue is not None)
    rated = []
    for one in candidates:
        parts = _rate(one, weights, revenues)
        most = sum(part.most for part in parts)
        points = sum(part.points for part in parts)
        rated.append((one, round(points / most * 100, 2) if most else 0.0, parts))
    rated.sort(key=_get_order)
    return [
        Score(one.key, place, score, parts)
        for place, (one, score, parts) in enumerate(rated, 1)
    ]


def get_rank_share(value: float, values: list[float]) -> float:
    """Return the share of the other values that are less, from 0 to 1.

    Equal ones count half; alone it is a half, too.

    :param values: sorted, with the value itself
    """
    below, until = bisect_left(values, value), bisect_right(values, value)
    others = len(values) - 1
    if not others:
        return 0.5
    return (below + (until - below - 1) / 2) / others


def _get_order(rated):
    one, score, _parts = rated
    revenue = float("-inf") if one.revenue is None else one.revenue
    since_last = float("inf") if one.since_last is None else one.since_last
    return -score, -revenue, since_last, one.key


def _rate(one: Candidate, weights: Weights, revenues: list[float]) -> tuple[Part, ...]:
    parts = []
    for name, weight, (sentence, value, share) in zip(
        PARTS, weights, _get_shares(one, revenues), strict=True
    ):
        if value is None:
            parts.append(Part(name, "unknown", None, 0.0, 0.0))
        else:
            parts.append(Part(name, sentence, value, weight * share, weight))
    return tuple(parts)


def _get_shares(one, revenues):
    """Yield (key of the sentence, value, share of the points) in the order of parts."""
    referrals = one.referrals
    yield "referred" if referrals else "not_referred", referrals, bool(referrals)
    # The first one weighs most: half of the points.
    for count, none, some in (
        (one.complaints, "no_complaint", "complaints"),
        (one.tickets, "no_support", "support"),
    ):
        yield some if count else none, count, 1 / (1 + (count or 0))
    share = value = None
    if one.revenue is not None:
        share = get_rank_share(one.revenue, revenues)
        value = share * 100
    yield "revenue", value, share
    since_last = one.since_last
    share = None if since_last is None else 0.5 ** (max(since_last, 0) / HALF_LIFE)
    yield "recency", since_last, share
