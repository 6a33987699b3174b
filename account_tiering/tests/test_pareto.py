"""Which tier a client deserves: examples and properties, without a database."""

import random
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.account_tiering.tools.pareto import (
    GRACE,
    LOCKED,
    MARGIN,
    STAY,
    Bound,
    Client,
    check_bounds,
    classify,
    concentrate,
)

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
ABC = (Bound(80), Bound(95), Bound(100))

AMOUNTS = st.integers(-2_000, 20_000).map(float)
HOLDS = st.sampled_from(["", "", "", LOCKED, STAY, GRACE])


@st.composite
def bounds(draw):
    """Bounds that are in order: shares, minimums, or both."""
    count = draw(st.integers(1, 5))
    shares = sorted(
        draw(st.lists(st.integers(1, 100), min_size=count, max_size=count, unique=True))
    )
    minimums = sorted(
        draw(st.lists(st.integers(0, 9_000), min_size=count, max_size=count)),
        reverse=True,
    )
    with_share = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return [
        Bound(float(share) if wanted else 0.0, float(least))
        for share, least, wanted in zip(shares, minimums, with_share, strict=True)
    ]


@st.composite
def portfolios(draw):
    """Bounds, and clients with a tier or without."""
    tiers = draw(bounds())
    amounts = draw(st.lists(AMOUNTS, max_size=30))
    return tiers, [
        Client(
            number,
            amount,
            draw(st.none() | st.integers(0, len(tiers) - 1)),
            draw(HOLDS),
        )
        for number, amount in enumerate(amounts)
    ]


def _slow_first(tiers, clients, client):
    """Return the tier that a client asks for, straight from the definition."""
    total = sum(one.revenue for one in clients if one.revenue > 0)
    larger = sum(one.revenue for one in clients if one.revenue > max(client.revenue, 0))
    for place, bound in enumerate(tiers[:-1]):
        by_share = not bound.share or (
            client.revenue > 0 and larger * 100 < bound.share * total - 1e-6 * total
        )
        if by_share and (not bound.revenue or client.revenue >= bound.revenue):
            return place
    return len(tiers) - 1


def get_share(revenues, count):
    """Return the percentage that the largest bring."""
    revenues = sorted((one for one in revenues if one > 0), reverse=True)
    total = sum(revenues)
    return sum(revenues[:count]) / total * 100 if total else 0.0


@tagged("post_install", "-at_install")
class TestPareto(BaseCase):
    def _classify(self, revenues, tiers=ABC, current=(), margin=0.0, holds=()):
        """Return the tiers of clients with these revenues, in the order given."""
        clients = [
            Client(
                number,
                revenue,
                current[number] if current else None,
                holds[number] if holds else "",
            )
            for number, revenue in enumerate(revenues)
        ]
        placed = {one.key: one for one in classify(clients, tiers, margin)}
        return [placed[number] for number in range(len(clients))]

    def _tiers(self, *args, **kwargs):
        return [one.tier for one in self._classify(*args, **kwargs)]

    # ------------------------------------------------------------
    # EXAMPLES
    # ------------------------------------------------------------

    def test_shares(self):
        self.assertEqual(self._tiers([50, 30, 10, 6, 4]), [0, 0, 1, 1, 2])

    def test_the_client_who_crosses_a_bound_belongs_to_the_better_tier(self):
        self.assertEqual(self._tiers([50, 29, 17, 4]), [0, 0, 0, 2])

    def test_shares_and_cumulative_shares(self):
        placed = self._classify([50, 30, 20])
        self.assertEqual([one.share for one in placed], [50, 30, 20])
        self.assertEqual([one.cumulative for one in placed], [50, 80, 100])

    def test_ties_share_a_fate(self):
        self.assertEqual(self._tiers([60, 10, 10, 10, 10]), [0, 0, 0, 0, 0])
        placed = self._classify([70, 10, 10, 10])
        self.assertEqual([one.cumulative for one in placed], [70, 100, 100, 100])

    def test_all_equal_clients_belong_to_the_first_tier(self):
        self.assertEqual(self._tiers([5] * 10), [0] * 10)

    def test_one_client_belongs_to_the_first_tier(self):
        self.assertEqual(self._tiers([5]), [0])

    def test_no_client(self):
        self.assertEqual(classify([], ABC), [])

    def test_no_revenue(self):
        self.assertEqual(self._tiers([0, 0]), [2, 2])
        self.assertEqual([one.cumulative for one in self._classify([0, 0])], [0, 0])

    def test_only_refunds(self):
        self.assertEqual(self._tiers([-5, -1]), [2, 2])

    def test_refunds_add_nothing_to_the_total(self):
        placed = self._classify([80, 20, -50])
        self.assertEqual([one.share for one in placed], [80, 20, 0])
        self.assertEqual([one.tier for one in placed], [0, 1, 2])

    def test_a_tier_without_bounds_takes_clients_without_revenue(self):
        self.assertEqual(self._tiers([5, 0], [Bound(80), Bound(0), Bound(100)]), [0, 1])

    def test_minimum_revenue(self):
        tiers = [Bound(0, 1000), Bound(0, 100), Bound()]
        self.assertEqual(self._tiers([5000, 1000, 999, 100, 0], tiers), [0, 0, 1, 1, 2])

    def test_share_and_minimum_revenue(self):
        tiers = [Bound(80, 1000), Bound(95), Bound(100)]
        self.assertEqual(self._tiers([900, 50, 50], tiers), [1, 1, 1])
        self.assertEqual(self._tiers([9000, 500, 500], tiers), [0, 1, 1])

    def test_margin_keeps_clients_near_a_bound(self):
        # The second client: 79 % before it; bound at 80 %.
        revenues = [79, 11, 10]
        self.assertEqual(self._tiers(revenues, current=[0, 1, 1]), [0, 0, 1])
        self.assertEqual(self._tiers(revenues, current=[0, 1, 1], margin=2), [0, 1, 1])
        self.assertEqual(
            self._classify(revenues, current=[0, 1, 1], margin=2)[1].held, MARGIN
        )
        # 81 % before it: stays above.
        self.assertEqual(self._tiers([81, 10, 9], current=[0, 0, 1], margin=2)[1], 0)
        # Beyond the margin it moves.
        self.assertEqual(self._tiers([83, 10, 7], current=[0, 0, 1], margin=2)[1], 1)

    def test_margin_does_not_bind_clients_without_tier(self):
        self.assertEqual(self._tiers([79, 11, 10], margin=10), [0, 0, 1])

    def test_margin_of_minimum_revenue_is_in_percent(self):
        tiers = [Bound(0, 1000), Bound()]
        self.assertEqual(self._tiers([950, 1050], tiers, [0, 1], margin=10), [0, 1])
        self.assertEqual(self._tiers([905, 1101], tiers, [0, 1], margin=10), [1, 0])

    def test_the_largest_client_moves_up_whatever_the_margin(self):
        tiers = [Bound(5), Bound(100)]
        self.assertEqual(self._tiers([60, 40], tiers, [1, 1], margin=10), [0, 1])

    def test_minimum_stay(self):
        placed = self._classify([90, 10], current=[1, 0], holds=[STAY, STAY])
        self.assertEqual([one.tier for one in placed], [1, 0])
        self.assertEqual([one.held for one in placed], [STAY, STAY])

    def test_grace_holds_from_moving_down_only(self):
        placed = self._classify([90, 10], current=[1, 0], holds=[GRACE, GRACE])
        self.assertEqual([one.tier for one in placed], [0, 0])
        self.assertEqual([one.held for one in placed], ["", GRACE])

    def test_lock(self):
        placed = self._classify([90, 10], current=[2, None], holds=[LOCKED, LOCKED])
        self.assertEqual([one.tier for one in placed], [2, None])
        self.assertEqual([one.held for one in placed], [LOCKED, LOCKED])

    def test_nothing_is_held_where_the_tier_is_right(self):
        placed = self._classify([90, 10], current=[0, 1], holds=[LOCKED, STAY])
        self.assertEqual([one.held for one in placed], ["", ""])

    def test_bounds_are_checked(self):
        for wrong in (
            [],
            [Bound(80), Bound(80)],
            [Bound(95), Bound(80)],
            [Bound(101)],
            [Bound(-1)],
            [Bound(0, 5), Bound(0, 6)],
        ):
            with self.subTest(bounds=wrong), self.assertRaises(ValueError):
                check_bounds(wrong)
        with self.assertRaises(ValueError):
            classify([], ABC, margin=-1)

    def test_concentration(self):
        self.assertEqual(concentrate([50, 30, 10, 6, 4]), (2, 5, 80.0))
        self.assertEqual(concentrate([50, 29, 17, 4])[0], 3)
        self.assertEqual(concentrate([]), (0, 0, 0.0))
        self.assertEqual(concentrate([0, -5]), (0, 2, 0.0))
        self.assertEqual(concentrate([7]), (1, 1, 100.0))

    def test_it_is_fast(self):
        source = random.Random(4)
        clients = [
            Client(number, round(source.paretovariate(1.2) * 100, 2), number % 3)
            for number in range(100_000)
        ]
        seconds = []
        for _round in range(3):
            start = time.perf_counter()
            classify(clients, ABC, 2.0)
            seconds.append(time.perf_counter() - start)
        self.assertLess(min(seconds), 1.0)

    # ------------------------------------------------------------
    # PROPERTIES
    # ------------------------------------------------------------

    @PROPERTY
    @given(portfolios(), st.floats(0, 30))
    def test_everybody_is_placed_once_in_order_of_revenue(self, portfolio, margin):
        tiers, clients = portfolio
        placed = classify(clients, tiers, margin)
        self.assertEqual(
            sorted(one.key for one in placed), [client.key for client in clients]
        )
        amounts = [one.revenue for one in placed]
        self.assertEqual(amounts, sorted(amounts, reverse=True))
        cumulatives = [one.cumulative for one in placed]
        self.assertEqual(cumulatives, sorted(cumulatives))
        if any(amount > 0 for amount in amounts):
            self.assertAlmostEqual(sum(one.share for one in placed), 100)
            self.assertAlmostEqual(cumulatives[-1], 100)

    @PROPERTY
    @given(portfolios())
    def test_what_is_asked_for_is_as_defined(self, portfolio):
        tiers, clients = portfolio
        for one in classify(clients, tiers):
            client = clients[one.key]
            self.assertEqual(one.asked, _slow_first(tiers, clients, client))

    @PROPERTY
    @given(portfolios())
    def test_more_revenue_is_never_worse(self, portfolio):
        tiers, clients = portfolio
        asked = [one.asked for one in classify(clients, tiers)]
        self.assertEqual(asked, sorted(asked))

    @PROPERTY
    @given(portfolios(), st.floats(0, 30))
    def test_equal_clients_share_a_fate(self, portfolio, margin):
        tiers, clients = portfolio
        fates = {}
        for one in classify(clients, tiers, margin):
            client = clients[one.key]
            same = fates.setdefault(
                (client.revenue, client.current, client.hold), (one.tier, one.held)
            )
            self.assertEqual((one.tier, one.held), same)

    @PROPERTY
    @given(portfolios(), st.floats(0, 30), st.randoms(use_true_random=False))
    def test_the_order_of_clients_does_not_matter(self, portfolio, margin, source):
        tiers, clients = portfolio
        shuffled = list(clients)
        source.shuffle(shuffled)
        self.assertEqual(
            sorted(classify(clients, tiers, margin)),
            sorted(classify(shuffled, tiers, margin)),
        )

    @PROPERTY
    @given(portfolios(), st.floats(0, 30))
    def test_a_proposal_that_was_applied_is_proposed_again(self, portfolio, margin):
        tiers, clients = portfolio
        first = {one.key: one.tier for one in classify(clients, tiers, margin)}
        again = classify(
            [client._replace(current=first[client.key]) for client in clients],
            tiers,
            margin,
        )
        self.assertEqual({one.key: one.tier for one in again}, first)

    @PROPERTY
    @given(portfolios(), st.floats(0, 30), st.floats(0, 30))
    def test_a_larger_margin_moves_fewer(self, portfolio, margin, more):
        tiers, clients = portfolio

        def moved(by):
            return {
                one.key
                for one in classify(clients, tiers, by)
                if clients[one.key].current not in (None, one.tier)
            }

        self.assertLessEqual(moved(margin + more), moved(margin))

    @PROPERTY
    @given(portfolios(), st.floats(0, 30))
    def test_holds_hold(self, portfolio, margin):
        tiers, clients = portfolio
        for one in classify(clients, tiers, margin):
            client = clients[one.key]
            if client.hold == LOCKED:
                self.assertEqual(one.tier, client.current)
            elif client.current is None:
                self.assertEqual(one.tier, one.asked)
            elif client.hold == STAY:
                self.assertEqual(one.tier, client.current)
            elif client.hold == GRACE:
                self.assertLessEqual(one.tier, client.current)
            # A client moves towards what it asks for, not past it, not away from it.
            if one.tier not in (None, client.current):
                low, high = sorted(
                    (one.asked, one.asked if client.current is None else client.current)
                )
                self.assertTrue(low <= one.tier <= high)
            self.assertEqual(bool(one.held), one.tier != one.asked)

    @PROPERTY
    @given(st.lists(AMOUNTS, max_size=40), st.integers(1, 100))
    def test_concentration_is_the_least_number(self, amounts, share):
        few, count, brought = concentrate(amounts, share)
        self.assertEqual(count, len(amounts))
        total = sum(amount for amount in amounts if amount > 0)
        if not total:
            self.assertEqual((few, brought), (0, 0))
            return
        ranked = sorted(amounts, reverse=True)
        self.assertGreaterEqual(brought, share - 1e-6)
        self.assertAlmostEqual(brought, get_share(amounts, few))
        self.assertLess(sum(ranked[: few - 1]) / total * 100, share)
