"""How urgently a client needs its account manager: examples and properties."""

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.retention_playbooks.tools.urgency import LEAST, SHARES, rate_urgency

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
SEVERITIES = st.lists(st.sampled_from(sorted(SHARES)), max_size=12)
AMOUNTS = st.floats(-1e12, 1e12)
TIERS = st.integers(1, 8).flatmap(
    lambda count: st.tuples(st.none() | st.integers(0, count - 1), st.just(count))
)
CASES = st.tuples(SEVERITIES, TIERS, AMOUNTS, AMOUNTS)


def _rate(case):
    severities, (place, count), revenue, usual = case
    return rate_urgency(severities, place, count, revenue, usual)


@tagged("post_install", "-at_install")
class TestUrgency(BaseCase):
    # ------------------------------------------------------------
    # EXAMPLES
    # ------------------------------------------------------------

    def test_factors(self):
        """A grave reason, the middle of three tiers, the usual revenue."""
        rated = rate_urgency(["3"], 1, 3, 5000.0, 5000.0)
        self.assertAlmostEqual(rated.severity, 0.8)
        self.assertAlmostEqual(rated.tier, 0.75)
        self.assertAlmostEqual(rated.value, 0.75)
        self.assertAlmostEqual(rated.points, 45.0)

    def test_no_reason(self):
        self.assertEqual(rate_urgency([], 0, 3, 1e6, 1.0).points, 0)

    def test_nothing_known(self):
        """Without tier and revenue a reason still counts."""
        self.assertAlmostEqual(rate_urgency(["2"]).points, 10.0)

    def test_further_reasons(self):
        self.assertAlmostEqual(rate_urgency(["2", "2"]).severity, 0.64)
        self.assertLess(rate_urgency(["1"] * 7).severity, SHARES["3"])
        self.assertGreater(rate_urgency(["1"] * 8).severity, SHARES["3"])

    def test_tiers(self):
        self.assertEqual(rate_urgency([], 0, 1).tier, 1)
        self.assertEqual(rate_urgency([], 0, 3).tier, 1)
        self.assertEqual(rate_urgency([], 2, 3).tier, LEAST)
        self.assertEqual(rate_urgency([], None, 3).tier, LEAST)

    def test_value(self):
        self.assertEqual(rate_urgency([], revenue=-5.0, usual_revenue=9.0).value, LEAST)
        self.assertEqual(rate_urgency([], revenue=5.0).value, 1)
        self.assertAlmostEqual(
            rate_urgency([], revenue=30.0, usual_revenue=10.0).value, 0.875
        )

    def test_small_in_grave_trouble(self):
        """The best client with a trifle comes after any client in grave trouble."""
        trifle = rate_urgency(["1"], 0, 3, 1e9, 1000.0)
        grave = rate_urgency(["3"], 2, 3, 1000.0, 1000.0)
        self.assertLess(trifle.points, grave.points)

    def test_wrong_input(self):
        for arguments in ((["4"],), (["1"], 3, 3), (["1"], -1, 3), (["1"], 0, 0)):
            with self.subTest(arguments=arguments), self.assertRaises(ValueError):
                rate_urgency(*arguments)

    # ------------------------------------------------------------
    # PROPERTIES
    # ------------------------------------------------------------

    @PROPERTY
    @given(CASES)
    def test_bounds_and_product(self, case):
        rated = _rate(case)
        self.assertTrue(0 <= rated.points <= 100)
        self.assertTrue(0 <= rated.severity <= 1)
        for factor in (rated.tier, rated.value):
            self.assertTrue(LEAST <= factor <= 1)
        self.assertEqual(rated.points, 100 * rated.severity * rated.tier * rated.value)
        self.assertEqual(rated.points == 0, not case[0])

    @PROPERTY
    @given(CASES, st.randoms())
    def test_order_does_not_matter(self, case, random):
        shuffled = list(case[0])
        random.shuffle(shuffled)
        self.assertEqual(_rate(case), _rate((shuffled, *case[1:])))

    @PROPERTY
    @given(CASES, st.sampled_from(sorted(SHARES)))
    def test_another_reason_never_lessens(self, case, severity):
        self.assertGreaterEqual(
            _rate(([*case[0], severity], *case[1:])).points, _rate(case).points
        )

    @PROPERTY
    @given(CASES, st.integers(0, 11))
    def test_a_graver_reason_never_lessens(self, case, at):
        severities = list(case[0])
        if at < len(severities):
            severities[at] = "3"
        self.assertGreaterEqual(
            _rate((severities, *case[1:])).points, _rate(case).points
        )

    @PROPERTY
    @given(CASES, AMOUNTS)
    def test_more_revenue_never_lessens(self, case, revenue):
        more = max(case[2], revenue)
        self.assertGreaterEqual(
            _rate((*case[:2], more, case[3])).value, _rate(case).value
        )

    @PROPERTY
    @given(CASES)
    def test_a_better_tier_never_lessens(self, case):
        severities, (place, count), *amounts = case
        better = (place or 1) - 1
        self.assertGreaterEqual(
            _rate((severities, (better, count), *amounts)).tier, _rate(case).tier
        )
