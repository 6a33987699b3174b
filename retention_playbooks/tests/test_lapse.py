"""Which clients have lapsed: examples and properties."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.retention_playbooks.tools.lapse import (
    NEVER,
    ONE_TIME,
    REPEAT,
    find_lapse,
)
from odoo.addons.retention_playbooks.tools.order_rhythm import Limits, find_rhythm

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
START = date(2022, 1, 10)
#: A client who orders every 100 days may wait for 150.
LIMITS = Limits(
    purchases=4, grace=20, factor=3.0, least_share=0.1, least_days=0, usual_weight=0
)


def _find(numbers, today, period=120, quiet_until=None, **values):
    rhythm = find_rhythm(
        [START + timedelta(number) for number in numbers],
        START + timedelta(today),
        LIMITS,
        None if quiet_until is None else START + timedelta(quiet_until),
    )
    return find_lapse(rhythm, period, **values)


@tagged("post_install", "-at_install")
class TestLapse(BaseCase):
    # ------------------------------------------------------------
    # EXAMPLES
    # ------------------------------------------------------------

    def test_one_time_buyers_have_the_period(self):
        lapse = _find([0], 120)
        self.assertEqual(lapse, (False, ONE_TIME, 120, 1.0))
        lapse = _find([0, 3], 124)
        self.assertEqual((lapse.has_lapsed, lapse.buyer), (True, ONE_TIME))
        self.assertEqual(lapse.score, 121 / 120)

    def test_few_purchases_have_their_longest_interval(self):
        lapse = _find([0, 300, 400], 700)
        self.assertEqual(lapse, (False, REPEAT, 300, 1.0))
        self.assertTrue(_find([0, 300, 400], 701).has_lapsed)
        self.assertEqual(_find([0, 300, 400], 700, times=1.5).allowed, 450)
        self.assertEqual(_find([0, 300, 400], 700, period=301).allowed, 301)
        self.assertEqual(_find([0, 300, 400], 700, period=1, times=0).allowed, 1)

    def test_a_rhythm_has_its_bound(self):
        days = [0, 100, 200, 300]
        self.assertEqual(_find(days, 450).allowed, 150)
        self.assertFalse(_find(days, 450).has_lapsed)
        self.assertTrue(_find(days, 451).has_lapsed)
        # The period is the least.
        self.assertEqual(_find(days, 451, period=180).allowed, 180)
        self.assertFalse(_find(days, 480, period=180).has_lapsed)
        self.assertTrue(_find(days, 481, period=180).has_lapsed)

    def test_an_announced_pause_does_not_count(self):
        for days, allowed in (([0], 120), ([0, 300], 300), ([0, 100, 200, 300], 150)):
            until = days[-1] + 60
            lapse = _find(days, until + allowed, quiet_until=until)
            self.assertEqual((lapse.has_lapsed, lapse.allowed), (False, allowed))
            self.assertEqual(lapse.score, 1.0)
            lapse = _find(days, until + allowed + 1, quiet_until=until)
            self.assertTrue(lapse.has_lapsed)

    def test_who_never_bought_has_not_lapsed(self):
        self.assertEqual(_find([], 5000), (False, NEVER, 120, 0.0))

    def test_wrong_numbers(self):
        for wrong in ({"period": 0}, {"times": -1}, {"times": float("nan")}):
            with self.assertRaises(ValueError):
                _find([0], 100, **wrong)

    # ------------------------------------------------------------
    # PROPERTIES
    # ------------------------------------------------------------

    @PROPERTY
    @given(
        st.lists(st.integers(0, 900), min_size=1, max_size=12).map(sorted),
        st.integers(0, 900),
        st.integers(1, 400),
        st.integers(0, 400),
    )
    def test_a_longer_period_lets_fewer_lapse(self, numbers, silence, period, more):
        today = numbers[-1] + silence
        one, other = _find(numbers, today, period), _find(numbers, today, period + more)
        self.assertEqual(one.has_lapsed, silence > one.allowed)
        self.assertEqual(one.has_lapsed, one.score > 1)
        self.assertGreaterEqual(one.allowed, period)
        self.assertGreaterEqual(one.score, other.score)
