"""What a programme brought: published examples, properties and simulations."""

import math
import random
import statistics
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.retention_playbooks.tools.effect import (
    LESS,
    MORE,
    TOO_FEW,
    UNCLEAR,
    compare_means,
    compare_shares,
    get_t,
    is_held_out,
)

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
COUNTS = st.integers(1, 200).flatmap(
    lambda total: st.tuples(st.integers(0, total), st.just(total))
)
AMOUNTS = st.lists(st.integers(-500, 5000).map(float), min_size=2, max_size=30)
#: Who of the first sixty is held out at a tenth: what was once decided never changes.
HELD = [13, 20, 24, 25, 51, 55, 56]
KEYS = st.integers(0, 10**6) | st.text(max_size=5)


@tagged("post_install", "-at_install")
class TestEffect(BaseCase):
    # ------------------------------------------------------------
    # HOLD-OUT
    # ------------------------------------------------------------

    def test_share_of_none_and_of_all(self):
        for client in range(2000):
            self.assertFalse(is_held_out(1, 2, client, 0))
            self.assertTrue(is_held_out(1, 2, client, 1))

    def test_the_same_for_ever(self):
        held = [client for client in range(60) if is_held_out(7, 3, client, 0.1)]
        self.assertEqual(held, HELD)

    def test_as_many_as_asked_for(self):
        for share in (0.05, 0.1, 0.5, 0.9):
            held = sum(is_held_out("a", 1, client, share) for client in range(20_000))
            # Four standard deviations.
            reach = 4 * math.sqrt(20_000 * share * (1 - share))
            self.assertLess(abs(held - 20_000 * share), reach)

    def test_playbooks_and_seeds_choose_independently(self):
        for other in ((1, 2), (2, 1)):
            both = sum(
                is_held_out(1, 1, client, 0.5) and is_held_out(*other, client, 0.5)
                for client in range(20_000)
            )
            self.assertLess(abs(both - 5_000), 4 * math.sqrt(20_000 * 3 / 16))

    def test_keys_do_not_run_together(self):
        shares = [place / 50 for place in range(50)]
        for one, other in (((1, 11, 1), (11, 1, 1)), ((1, 1, 11), (1, 11, 1))):
            self.assertNotEqual(
                [is_held_out(*one, share) for share in shares],
                [is_held_out(*other, share) for share in shares],
            )

    def test_a_share_out_of_range(self):
        for share in (-0.01, 1.01, float("nan")):
            with self.assertRaises(ValueError):
                is_held_out(1, 1, 1, share)

    @PROPERTY
    @given(KEYS, KEYS, KEYS, st.floats(0, 1), st.floats(0, 1))
    def test_a_larger_share_holds_out_the_same_and_more(
        self, seed, playbook, client, share, other
    ):
        share, larger = sorted((share, other))
        if is_held_out(seed, playbook, client, share):
            self.assertTrue(is_held_out(seed, playbook, client, larger))

    # ------------------------------------------------------------
    # SHARES
    # ------------------------------------------------------------

    def test_published_intervals(self):
        # R. G. Newcombe (see the module), table II, method 10.
        for counts, low, high in (
            ((56, 70, 48, 80), 0.0524, 0.3339),
            ((9, 10, 3, 10), 0.1705, 0.8090),
            ((10, 10, 0, 20), 0.6791, 1.0000),
            ((5, 56, 0, 29), -0.0381, 0.1926),
            ((0, 10, 0, 20), -0.1611, 0.2775),
        ):
            effect = compare_shares(*counts, least=1)
            self.assertAlmostEqual(effect.low, low, 4)
            self.assertAlmostEqual(effect.high, high, 4)

    def test_verdicts_of_shares(self):
        effect = compare_shares(56, 70, 48, 80)
        self.assertEqual(effect.verdict, MORE)
        self.assertEqual((effect.treated, effect.control), (0.8, 0.6))
        self.assertAlmostEqual(effect.difference, 0.2)
        self.assertEqual(compare_shares(48, 80, 56, 70).verdict, LESS)
        self.assertEqual(compare_shares(50, 80, 48, 80).verdict, UNCLEAR)
        self.assertEqual(compare_shares(0, 80, 0, 80).verdict, UNCLEAR)

    def test_too_few_for_shares(self):
        self.assertEqual(compare_shares(20, 20, 0, 20).verdict, MORE)
        for counts in ((19, 19, 0, 20), (20, 20, 0, 19)):
            effect = compare_shares(*counts)
            self.assertEqual(effect.verdict, TOO_FEW)
            self.assertEqual(effect.difference, 1)
            self.assertEqual((effect.low, effect.high), (None, None))
        self.assertEqual(compare_shares(9, 10, 1, 10, least=10).verdict, MORE)

    def test_nobody(self):
        effect = compare_shares(0, 0, 5, 50, least=0)
        self.assertEqual(effect, (None, 0.1, None, None, None, TOO_FEW))
        effect = compare_shares(5, 50, 0, 0, least=0)
        self.assertEqual(effect, (0.1, None, None, None, None, TOO_FEW))

    def test_confidence_of_shares(self):
        wide, narrow = (
            compare_shares(9, 20, 7, 20, confidence=value) for value in (0.95, 0.5)
        )
        self.assertLess(wide.low, narrow.low)
        self.assertGreater(wide.high, narrow.high)

    def test_no_shares(self):
        for counts in ((5, 4, 1, 4), (1, 4, 5, 4), (-1, 4, 1, 4)):
            with self.assertRaises(ValueError):
                compare_shares(*counts)

    @PROPERTY
    @given(COUNTS, COUNTS)
    def test_intervals_of_shares(self, one, other):
        effect = compare_shares(*one, *other, least=1)
        self.assertLessEqual(effect.low, effect.difference)
        self.assertLessEqual(effect.difference, effect.high)
        self.assertTrue(-1 <= effect.low + 1e-12 and effect.high - 1e-12 <= 1)
        mirrored = compare_shares(*other, *one, least=1)
        self.assertAlmostEqual(mirrored.low, -effect.high)
        self.assertAlmostEqual(mirrored.high, -effect.low)
        opposite = {MORE: LESS, LESS: MORE, UNCLEAR: UNCLEAR}
        self.assertEqual(mirrored.verdict, opposite[effect.verdict])

    def test_intervals_of_shares_hold_the_truth(self):
        source = random.Random(6)
        held = 0
        for _round in range(1000):
            hits = sum(source.random() < 0.4 for _client in range(90))
            control = sum(source.random() < 0.3 for _client in range(20))
            effect = compare_shares(hits, 90, control, 20)
            held += effect.low <= 0.1 <= effect.high
        self.assertTrue(930 <= held <= 975, held)

    # ------------------------------------------------------------
    # MEANS
    # ------------------------------------------------------------

    def test_an_example_of_means(self):
        # By hand: means 3 and 6, errors 2.5 / 5 and 10 / 5, 5.882 degrees of freedom.
        effect = compare_means([1, 2, 3, 4, 5], [2, 4, 6, 8, 10], least=5)
        self.assertEqual((effect.treated, effect.control), (3, 6))
        self.assertEqual(effect.difference, -3)
        reach = 2.4588 * math.sqrt(2.5)
        self.assertAlmostEqual(effect.low, -3 - reach, 2)
        self.assertAlmostEqual(effect.high, -3 + reach, 2)
        self.assertEqual(effect.verdict, UNCLEAR)

    def test_a_small_group_borrows_the_spread_of_a_large_one(self):
        # Variances 6250 / 81 and 2.5, together with 13 degrees of freedom.
        effect = compare_means([0.0, 50.0 / 3] * 5, [1, 2, 3, 4, 5], least=5)
        together = (9 * 6250 / 81 + 4 * 2.5) / 13
        reach = 2.1604 * math.sqrt(together * (1 / 10 + 1 / 5))
        self.assertAlmostEqual(effect.high - effect.difference, reach, 2)

    def test_quantiles_of_t(self):
        # Tables of Student's t, two-sided.
        for confidence, freedom, value in (
            (0.95, 9, 2.262157),
            (0.95, 19, 2.093024),
            (0.95, 100, 1.983972),
            (0.9, 9, 1.833113),
            (0.99, 19, 2.860935),
        ):
            self.assertAlmostEqual(get_t(confidence, freedom), value, delta=2e-5)
        # With fewer, it is a little less.
        for freedom, value, less in ((5, 2.570582, 3e-4), (3, 3.182446, 4e-3)):
            self.assertTrue(value - less < get_t(0.95, freedom) < value)
        for freedom in (0.5, float("nan")):
            with self.assertRaises(ValueError):
                get_t(0.95, freedom)

    def test_verdicts_of_means(self):
        low, high = [100.0, 120.0] * 10, [200.0, 220.0] * 10
        self.assertEqual(compare_means(high, low).verdict, MORE)
        self.assertEqual(compare_means(low, high).verdict, LESS)
        self.assertEqual(compare_means(low, low).verdict, UNCLEAR)

    def test_too_few_for_means(self):
        twenty, fewer = [100.0, 120.0] * 10, [0.0, 1.0] * 9 + [0.0]
        self.assertEqual(compare_means(twenty, [*fewer, 0.0]).verdict, MORE)
        for one, other in ((twenty, fewer), (fewer, twenty)):
            effect = compare_means(one, other)
            self.assertEqual((effect.low, effect.high), (None, None))
            self.assertEqual(effect.verdict, TOO_FEW)
            self.assertAlmostEqual(abs(effect.difference), 110 - 9 / 19)
        self.assertEqual(compare_means([], [5.0]), (None, 5, None, None, None, TOO_FEW))
        self.assertEqual(compare_means([5.0], []), (5, None, None, None, None, TOO_FEW))
        # One client has no spread, whatever is asked for.
        self.assertEqual(compare_means([5.0], [1.0, 2.0], least=1).verdict, TOO_FEW)
        self.assertNotEqual(
            compare_means([5.0, 6.0], [1.0, 2.0], least=1).verdict, TOO_FEW
        )

    def test_one_group_whose_amounts_are_all_the_same(self):
        effect = compare_means([0.0, 100.0] * 10, [5.0] * 20)
        reach = get_t(0.95, 19) * math.sqrt(50_000 / 19 / 20)
        self.assertAlmostEqual(effect.high - effect.difference, reach)

    def test_amounts_that_are_all_the_same(self):
        effect = compare_means([5.0] * 20, [3.0] * 20)
        self.assertEqual((effect.low, effect.high, effect.verdict), (2, 2, MORE))
        self.assertEqual(compare_means([5.0] * 20, [5.0] * 20).verdict, UNCLEAR)

    def test_no_amounts(self):
        for wrong in (float("nan"), math.inf):
            with self.assertRaises(ValueError):
                compare_means([wrong], [1.0])
            with self.assertRaises(ValueError):
                compare_means([1.0], [wrong])
        with self.assertRaises(ValueError):
            compare_means([1.0], [1.0], confidence=1)

    @PROPERTY
    @given(AMOUNTS, AMOUNTS, st.integers(-100, 100), st.integers(2, 50))
    def test_intervals_of_means(self, one, other, shift, scale):
        effect = compare_means(one, other, least=2)
        self.assertLessEqual(effect.low, effect.difference)
        self.assertLessEqual(effect.difference, effect.high)
        mirrored = compare_means(other, one, least=2)
        self.assertAlmostEqual(mirrored.low, -effect.high)
        # In another currency, and from another level, it is the same.
        moved = compare_means(
            [amount * scale + shift for amount in one],
            [amount * scale + shift for amount in other],
            least=2,
        )
        self.assertAlmostEqual(moved.low, effect.low * scale, 4)
        self.assertAlmostEqual(moved.high, effect.high * scale, 4)

    @PROPERTY
    @given(AMOUNTS, AMOUNTS)
    def test_the_reach_is_that_of_the_groups_apart_or_more(self, one, other):
        effect = compare_means(one, other, least=2)
        error = math.sqrt(
            sum(statistics.variance(group) / len(group) for group in (one, other))
        )
        free = len(one) + len(other) - 2
        reach = effect.high - effect.difference
        self.assertGreaterEqual(reach, get_t(0.95, free) * error - 1e-6)

    def test_intervals_of_skewed_revenue_hold_the_truth(self):
        source = random.Random(3)

        def draw(count):
            return [
                source.lognormvariate(8, 1) if source.random() < 0.4 else 0.0
                for _client in range(count)
            ]

        verdicts = Counter(
            compare_means(draw(90), draw(20)).verdict for _round in range(1000)
        )
        self.assertLessEqual(verdicts[MORE], 25)
        self.assertLessEqual(verdicts[LESS], 25)
