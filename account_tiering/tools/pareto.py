"""Which tier each client deserves: by shares of the revenue, by thresholds, or both.

Clients are put in order of their revenue. A client's *share before* is the share of
the total that clients with more revenue bring: 0 for the largest. A tier takes a
client when

- the share before is below the tier's bound (if it has one), and
- the revenue reaches the tier's minimum (if it has one);

the first tier that takes a client gets it, the last one takes everybody. So tier A "to
80 %" holds the fewest of the largest clients that bring 80 % together, the client who
crosses the bound included.

What is easily got wrong:

- **ties**: clients of equal revenue have the same share before, hence the same tier;
- **refunds**: revenue is what remains after credit notes. Revenue of zero or less adds
  nothing to the total, and reaches no tier that has a bound or a minimum;
- **one client**, or all clients equal: nobody is larger, so all of them have a share
  before of 0 and belong to the first tier (if they reach its minimum);
- **no revenue at all**: everybody goes where revenue of zero goes;
- **no client**: nothing.

Clients who have a tier already do not flap. They move up only where they still would
with bounds lowered (and minimums raised) by the margin, and down only where they still
would with bounds raised (and minimums lowered). Some are held: see :class:`Client`.
"""

from collections.abc import Hashable, Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

#: Percentage points that two shares may differ by and still count as equal: what is
#: lost when a long list of amounts is summed up.
PRECISION = 1e-9

_REVENUE = attrgetter("revenue")

#: Why a client does not get the tier that its revenue asks for.
LOCKED, STAY, GRACE, MARGIN = "locked", "stay", "grace", "margin"


class Bound(NamedTuple):
    """What a tier asks for.

    :param share: the tier takes clients up to this cumulative share of the revenue, in
        percent; 0 for any
    :param revenue: the least revenue of its clients; 0 for any
    """

    share: float = 0.0
    revenue: float = 0.0


class Client(NamedTuple):
    """A client to be classified.

    :param key: identifies the client
    :param revenue: in the company's currency, after credit notes
    :param current: index of the present tier, None without one (or if that tier is
        not among those that are given out)
    :param hold: ``locked`` (keeps its tier, or keeps having none), ``stay`` (came into
        its tier too lately to leave it), ``grace`` (is too new to be moved down), or ""
    """

    key: Hashable
    revenue: float
    current: int | None = None
    hold: str = ""


class Placement(NamedTuple):
    """Where a client belongs.

    :param key: identifies the client
    :param revenue: as given
    :param share: of the total, in percent
    :param cumulative: share of this client and of all with as much revenue or more
    :param asked: index of the tier that the revenue asks for
    :param tier: index of the proposed tier; None if locked without one
    :param held: why it is not the one asked for: ``locked``, ``stay``, ``grace``,
        ``margin``, or ""
    """

    key: Hashable
    revenue: float
    share: float
    cumulative: float
    asked: int
    tier: int | None
    held: str


class Concentration(NamedTuple):
    """How few clients bring how much.

    :param few: the least number of clients that bring the share together
    :param clients: all clients
    :param share: what these few bring, in percent; 0 without revenue
    """

    few: int
    clients: int
    share: float


def check_bounds(bounds: Sequence[Bound]) -> None:
    """Raise ValueError unless shares rise and minimums do not, from tier to tier.

    Tiers without a share are passed over.
    """
    if not bounds:
        raise ValueError("There is no tier.")
    shares = [bound.share for bound in bounds if bound.share]
    if any(not 0 < share <= 100 for share in shares):
        raise ValueError("A share lies between 0 and 100 %.")
    if any(next_ <= share for share, next_ in zip(shares, shares[1:], strict=False)):
        raise ValueError("Shares have to rise from tier to tier.")
    minimums = [bound.revenue for bound in bounds]
    if any(next_ > least for least, next_ in zip(minimums, minimums[1:], strict=False)):
        raise ValueError("Minimum revenue must not rise from tier to tier.")


def classify(
    clients: Iterable[Client], bounds: Sequence[Bound], margin: float = 0.0
) -> list[Placement]:
    """Return the placements of all clients, the largest revenue first; clients of equal
    revenue in the order given.

    :param bounds: of the tiers, the best tier first
    :param margin: percentage points around each share, and percent of each minimum
    :raises ValueError: with bounds that are not in order, or a negative margin
    """
    check_bounds(bounds)
    if margin < 0:
        raise ValueError("The margin must not be negative.")
    clients = sorted(clients, key=_REVENUE, reverse=True)
    total = sum(client.revenue for client in clients if client.revenue > 0)
    scale = 1 + margin / 100
    plain = _Descent(bounds)
    easy = _Descent(
        Bound(bound.share and bound.share + margin, bound.revenue / scale)
        for bound in bounds
    )
    hard = _Descent(
        # A bound that the margin brings down to 0 still is one: the largest pass.
        Bound(
            bound.share and max(bound.share - margin, PRECISION * 2),
            bound.revenue * scale,
        )
        for bound in bounds
    )
    placements = []
    running = 0.0
    # The clients are sorted: pylint's reason for another groupby does not hold.
    for revenue, tied in groupby(  # pylint: disable=bad-builtin-groupby
        clients, key=_REVENUE
    ):
        before = running / total * 100 if total > 0 else 0.0
        asked = plain.reach(before, revenue)
        best, worst = easy.reach(before, revenue), hard.reach(before, revenue)
        tied = list(tied)
        if revenue > 0:
            running += revenue * len(tied)
            share = revenue / total * 100
            cumulative = min(running / total * 100, 100.0)
        else:
            share, cumulative = 0.0, (100.0 if total > 0 else 0.0)
        for key, _same, current, hold in tied:
            if current is None and hold != LOCKED:
                tier = asked
            else:
                tier, hold = _settle(current, hold, best, worst)
            placements.append(
                Placement(
                    key,
                    revenue,
                    share,
                    cumulative,
                    asked,
                    tier,
                    "" if tier == asked else hold,
                )
            )
    return placements


def _settle(current, hold, best, worst):
    """Return the tier of a client that has one, or is locked, and what holds it.

    :param best: the tier that bounds raised by the margin allow
    :param worst: the tier that bounds lowered by the margin ask for
    """
    if hold in (LOCKED, STAY):
        return current, hold
    # Up and down only as far as it is beyond the margin.
    tier = min(max(current, best), worst)
    if hold == GRACE and tier > current:
        return current, GRACE
    return tier, MARGIN


class _Descent:
    """Finds the first tier that takes each client, when clients come in order.

    A tier that does not take a client takes no later one: their revenue is less, and
    their share before is more.
    """

    def __init__(self, bounds):
        self._bounds = list(bounds)
        self._last = len(self._bounds) - 1
        self._place = 0

    def reach(self, before, revenue):
        """Return the index of the tier of the next client."""
        place = self._place
        while place < self._last:
            share, least = self._bounds[place]
            if (not share or (revenue > 0 and before < share - PRECISION)) and (
                not least or revenue >= least
            ):
                break
            place += 1
        self._place = place
        return place


def concentrate(revenues: Iterable[float], share: float = 80.0) -> Concentration:
    """Return how few of the clients bring a share of all revenue.

    :param revenues: of each client; what is not above zero brings nothing
    :param share: in percent
    """
    revenues = sorted(revenues, reverse=True)
    total = sum(revenue for revenue in revenues if revenue > 0)
    running, few = 0.0, 0
    for revenue in revenues:
        if revenue <= 0 or running / total * 100 >= share - PRECISION:
            break
        running += revenue
        few += 1
    return Concentration(few, len(revenues), running / total * 100 if total else 0.0)
