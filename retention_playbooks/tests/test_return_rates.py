"""How many clients buy again: examples, a published one, and properties."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.retention_playbooks.tools.proportion import wilson
from odoo.addons.retention_playbooks.tools.return_rates import (
    PUBLISHED,
    compute_return_rates,
)

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
TODAY = date(2025, 12, 31)
END = TODAY.toordinal()
#: The textbook example of the estimate, weeks of remission of 21 patients: E. J.
#: Freireich and others, Blood 21 (1963), 699-716.
RELAPSED = (6, 6, 6, 7, 10, 13, 16, 22, 23)
OBSERVED = (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)

CLIENTS = st.lists(
    st.lists(st.integers(0, 900), min_size=1, max_size=8).map(
        lambda ago: sorted(END - days for days in ago)
    ),
    max_size=30,
)


def _compute(clients, **values):
    values = {"together": 0, "least": 1, **values}
    return compute_return_rates(clients, TODAY, **values)


def _published_example():
    back = [[END - 100, END - 100 + days] for days in RELAPSED]
    return back + [[END - days] for days in OBSERVED]


@tagged("post_install", "-at_install")
class TestReturnRates(BaseCase):
    # ------------------------------------------------------------
    # EXAMPLES
    # ------------------------------------------------------------

    def test_published_estimate(self):
        for within, rate, error in ((10, 0.2471, 0.0963), (23, 0.5518, 0.1346)):
            first = _compute(_published_example(), within=within)[0]
            self.assertAlmostEqual(first.rate, rate, 4)
            weight = rate * (1 - rate) / error**2
            low, high = wilson(rate * weight, weight)
            self.assertAlmostEqual(first.low, low, 3)
            self.assertAlmostEqual(first.high, high, 3)

    def test_counts(self):
        first, second = _compute(_published_example(), within=23, up_to=2)
        self.assertEqual((first.purchases, second.purchases), (1, 2))
        self.assertEqual((first.clients, second.clients), (21, 9))
        self.assertEqual((first.returned, second.returned), (9, 0))
        # Five were observed for longer than that.
        self.assertEqual(first.waiting, 7)
        self.assertEqual((first.days, second.days), (10, None))

    def test_plain_shares_where_everybody_had_time(self):
        clients = [[0, 100, 200]] * 3 + [[0, 100]] * 5 + [[0]] * 12
        rates = _compute(clients, up_to=4)
        self.assertEqual([one.rate for one in rates], [0.4, 0.375, 0.0, None])
        self.assertEqual([one.clients for one in rates], [20, 8, 3, 0])
        self.assertEqual([one.returned for one in rates], [8, 3, 0, 0])
        self.assertEqual([one.waiting for one in rates], [0, 0, 0, 0])
        low, high = wilson(8, 20)
        self.assertAlmostEqual(rates[0].low, low)
        self.assertAlmostEqual(rates[0].high, high)
        self.assertEqual((rates[3].low, rates[3].high), (None, None))

    def test_those_who_have_time_do_not_count_as_lost(self):
        seen = [[0, 100]] * 5 + [[0]] * 5
        waiting = [[END - 5]] * 90
        self.assertEqual(_compute(seen)[0].rate, 0.5)
        self.assertEqual(_compute(seen + waiting)[0].rate, 0.5)
        self.assertEqual(_compute(seen + waiting)[0].waiting, 90)

    def test_coming_back_on_the_last_day_is_in_time(self):
        clients = [[0, 365]] * 10
        self.assertEqual(_compute(clients)[0].returned, 10)
        self.assertEqual(_compute(clients, within=364)[0].returned, 0)

    def test_time_is_over_on_the_last_day(self):
        for days, waiting in ((364, 10), (365, 0), (366, 0)):
            first = _compute([[END - days]] * 10)[0]
            self.assertEqual(first.waiting, waiting)
            self.assertEqual(first.rate, None if waiting else 0.0)

    def test_late_returns_count_for_the_next_purchase(self):
        first, second = _compute([[0, 500, 600]] * 10, up_to=2)
        self.assertEqual((first.rate, second.rate), (0.0, 1.0))

    def test_nobody_observed_for_long_enough(self):
        # Who came back did so soon; what the others will do is unknown.
        clients = [[END - 100, END - 90]] * 20 + [[END - 100]] * 20
        self.assertIsNone(_compute(clients)[0].rate)
        self.assertEqual(_compute(clients[:20])[0].rate, 1.0)
        # One of them observed to the end is enough for an estimate.
        self.assertIsNotNone(_compute([*clients, [END - 365]])[0].rate)

    def test_too_few(self):
        clients = [[0, 100]] * 5 + [[0]] * 5
        self.assertEqual(_compute(clients, least=10)[0].rate, 0.5)
        self.assertIsNone(_compute(clients, least=11)[0].rate)
        for clients in ([[0, 100]] * 10, [[0]] * 10):
            self.assertIsNotNone(_compute(clients, least=10)[0].rate)
            self.assertIsNone(_compute(clients, least=11)[0].rate)
        waiting = [[0]] * 9 + [[END - 5]] * 100
        self.assertIsNone(_compute(waiting, least=10)[0].rate)

    def test_orders_a_few_days_apart_are_one_purchase(self):
        clients = [[0, 7, 200]] * 10
        self.assertEqual(_compute(clients, together=7)[0].days, 200)
        self.assertEqual(_compute(clients, together=6)[0].days, 7)
        self.assertEqual(compute_return_rates(clients, TODAY)[0].days, 200)

    def test_orders_of_the_future_do_not_count(self):
        self.assertEqual(_compute([[END, END + 1]])[0].clients, 1)
        self.assertEqual(_compute([[END, END + 1]])[0].returned, 0)
        self.assertEqual(_compute([[END - 9, END]])[0].returned, 1)
        self.assertEqual(_compute([[END + 1]])[0].clients, 0)

    def test_published_rates_stand_beside(self):
        rates = _compute([], up_to=4)
        self.assertEqual([one.published for one in rates], [0.27, None, 0.54, None])
        self.assertEqual(PUBLISHED, {1: 0.27, 3: 0.54})
        self.assertEqual([one.clients for one in rates], [0] * 4)
        self.assertEqual([one.rate for one in rates], [None] * 4)

    def test_confidence(self):
        wide, narrow = (
            _compute([[0, 9], [0]] * 9, confidence=value)[0] for value in (0.95, 0.5)
        )
        self.assertLess(wide.low, narrow.low)
        self.assertGreater(wide.high, narrow.high)

    def test_wrong_numbers(self):
        for wrong in (
            {"within": 0},
            {"up_to": 0},
            {"least": 0},
            {"together": -1},
            {"confidence": 1},
        ):
            with self.subTest(values=wrong), self.assertRaises(ValueError):
                _compute([[0]] * 30, **wrong)
        with self.assertRaises(ValueError):
            _compute([[9, 8]], together=5)

    # ------------------------------------------------------------
    # PROPERTIES
    # ------------------------------------------------------------

    @PROPERTY
    @given(CLIENTS, st.integers(1, 500), st.integers(0, 30))
    def test_counts_add_up(self, clients, within, together):
        rates = _compute(clients, within=within, together=together)
        before = None
        for one in rates:
            self.assertTrue(0 <= one.returned + one.waiting <= one.clients)
            # Only who has bought before can have bought again.
            self.assertLessEqual(
                one.clients, len(clients) if before is None else before
            )
            before = one.clients
            if one.rate is None:
                self.assertEqual((one.low, one.high), (None, None))
                continue
            self.assertTrue(0 <= one.low <= one.rate + 1e-9)
            self.assertTrue(one.rate - 1e-9 <= one.high <= 1)
            # Between counting those who wait as lost, and as coming back.
            self.assertGreaterEqual(one.rate, one.returned / one.clients - 1e-9)
            most = (one.returned + one.waiting) / one.clients
            self.assertLessEqual(one.rate, most + 1e-9)

    @PROPERTY
    @given(CLIENTS, st.integers(1, 300))
    def test_as_the_definition_says(self, clients, within):
        first = _compute(clients, within=within, up_to=1)[0]
        waits = []
        for days in clients:
            days = sorted(set(days))
            gap = days[1] - days[0] if len(days) > 1 else None
            if gap is not None and gap <= within:
                waits.append((gap, True))
            else:
                waits.append((min(END - days[0], within), False))
        staying = 1.0
        for day in range(within + 1):
            at_risk = sum(wait >= day for wait, _back in waits)
            events = sum(wait == day and back for wait, back in waits)
            if at_risk:
                staying *= 1 - events / at_risk
        if first.rate is not None:
            self.assertAlmostEqual(first.rate, 1 - staying)
        self.assertEqual(first.returned, sum(back for _wait, back in waits))

    @PROPERTY
    @given(CLIENTS, st.randoms(use_true_random=False))
    def test_the_order_of_clients_does_not_matter(self, clients, source):
        shuffled = list(clients)
        source.shuffle(shuffled)
        self.assertEqual(_compute(clients), _compute(shuffled))

    @PROPERTY
    @given(CLIENTS, st.integers(2, 4))
    def test_more_of_the_same_changes_no_rate(self, clients, times):
        for one, many in zip(_compute(clients), _compute(clients * times), strict=True):
            if one.rate is not None:
                self.assertAlmostEqual(one.rate, many.rate)
                self.assertGreaterEqual(many.low, one.low - 1e-9)
                self.assertLessEqual(many.high, one.high + 1e-9)
            self.assertEqual(many.clients, one.clients * times)
            self.assertEqual(many.days, one.days)
