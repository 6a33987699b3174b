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
from typing import NamedTuple

#: Percentage points that two shares may differ by and still count as equal: what is
#: lost when a long list of amounts is summed up.
PRECISION = 1e-9

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
    :param current: index of the present tier, None without one
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
    clients = sorted(clients, key=_revenue, reverse=True)
    total = sum(client.revenue for client in clients if client.revenue > 0)
    count = len(bounds)
    scale = 1 + margin / 100
    easy = [(b.share and b.share + margin, b.revenue / scale) for b in bounds]
    # A bound that the margin brings down to 0 still is one: only the largest pass.
    hard = [
        (b.share and max(b.share - margin, PRECISION * 2), b.revenue * scale)
        for b in bounds
    ]
    placements = []
    add = placements.append
    running = 0.0
    for revenue, tied in groupby(clients, key=_revenue):
        before = running / total * 100 if total > 0 else 0.0
        positive = revenue > 0
        asked = _first(bounds, before, revenue)
        lowest, highest = _first(hard, before, revenue), _first(easy, before, revenue)
        tied = list(tied)
        if positive:
            running += revenue * len(tied)
            share = revenue / total * 100
            cumulative = min(running / total * 100, 100.0)
        else:
            share, cumulative = 0.0, (100.0 if total > 0 else 0.0)
        for client in tied:
            key, current, hold = client.key, client.current, client.hold
            known = current is not None and 0 <= current < count
            if hold == LOCKED:
                tier, held = (current if known else None), LOCKED
            elif not known:
                tier, held = asked, ""
            elif hold == STAY:
                tier, held = current, STAY
            else:
                # Up and down only as far as it is beyond the margin.
                tier, held = min(max(current, highest), lowest), MARGIN
                if hold == GRACE and tier > current:
                    tier, held = current, GRACE
            add(
                Placement(
                    key,
                    revenue,
                    share,
                    cumulative,
                    asked,
                    tier,
                    held if tier != asked else "",
                )
            )
    return placements


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


def top_share(revenues: Iterable[float], count: int) -> float:
    """Return the share of all revenue that the *count* largest bring, in percent."""
    revenues = sorted((r for r in revenues if r > 0), reverse=True)
    total = sum(revenues)
    return sum(revenues[: max(count, 0)]) / total * 100 if total else 0.0


def _revenue(client):
    return client.revenue


def _first(bounds, before, revenue):
    """Return the index of the first of these (share, minimum) that takes a client."""
    last = len(bounds) - 1
    for index in range(last):
        share, least = bounds[index]
        if share and (revenue <= 0 or before >= share - PRECISION):
            continue
        if least and revenue < least:
            continue
        return index
    return last
