"""Intervals of shares: published examples and properties."""

import math
from statistics import NormalDist

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.retention_playbooks.tools.proportion import get_z, wilson

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
COUNTS = st.integers(1, 500).flatmap(
    lambda total: st.tuples(st.integers(0, total), st.just(total))
)


@tagged("post_install", "-at_install")
class TestProportion(BaseCase):
    def test_published_intervals(self):
        # R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
        for hits, total, low, high in (
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ):
            found = wilson(hits, total)
            self.assertAlmostEqual(found.low, low, 4)
            self.assertAlmostEqual(found.high, high, 4)

    def test_confidence(self):
        self.assertAlmostEqual(get_z(0.95), 1.959964, 6)
        self.assertAlmostEqual(get_z(0.9), 1.644854, 6)
        self.assertLess(wilson(5, 10).low, wilson(5, 10, 0.8).low)
        for wrong in (0, 1, -0.5, 1.5, float("nan")):
            with self.assertRaises(ValueError):
                get_z(wrong)
            with self.assertRaises(ValueError):
                wilson(1, 2, wrong)

    def test_nobody(self):
        self.assertEqual(wilson(0, 0), (0, 1))

    def test_no_shares(self):
        for hits, total in ((-1, 5), (6, 5), (1, 0), (0, -1), (1, math.inf)):
            with self.assertRaises(ValueError):
                wilson(hits, total)

    @PROPERTY
    @given(COUNTS, st.floats(0.5, 0.99))
    def test_ends_are_those_that_a_score_test_just_accepts(self, counts, confidence):
        hits, total = counts
        found = wilson(hits, total, confidence)
        share = hits / total
        self.assertTrue(0 <= found.low <= share <= found.high <= 1)
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        for end in found:
            if 0 < end < 1:
                deviation = math.sqrt(end * (1 - end) / total)
                self.assertAlmostEqual(abs(share - end) / deviation, z, 5)

    @PROPERTY
    @given(COUNTS)
    def test_misses_mirror_hits(self, counts):
        hits, total = counts
        one, other = wilson(hits, total), wilson(total - hits, total)
        self.assertAlmostEqual(one.low, 1 - other.high)
        self.assertAlmostEqual(one.high, 1 - other.low)

    @PROPERTY
    @given(COUNTS, st.integers(2, 10))
    def test_more_of_the_same_is_more_certain(self, counts, times):
        hits, total = counts
        one, other = wilson(hits, total), wilson(hits * times, total * times)
        self.assertLess(other.high - other.low, one.high - one.low)
