"""Which lost clients to win back first: examples and properties."""

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.retention_playbooks.tools.score import (
    PARTS,
    Candidate,
    Weights,
    get_rank_share,
    rank,
)

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
COUNTS = st.none() | st.integers(0, 5)
FIELDS = st.tuples(
    COUNTS,
    COUNTS,
    COUNTS,
    st.none() | st.integers(-100, 1000).map(float),
    st.none() | st.integers(0, 2000),
)
CANDIDATES = st.lists(FIELDS, max_size=12).map(
    lambda found: [Candidate(key, *values) for key, values in enumerate(found)]
)
WEIGHTS = st.builds(Weights, *[st.integers(0, 50).map(float)] * 5).filter(any)


def _part(score, name):
    return score.parts[PARTS.index(name)]


@tagged("post_install", "-at_install")
class TestScore(BaseCase):
    # ------------------------------------------------------------
    # EXAMPLES
    # ------------------------------------------------------------

    def test_who_comes_first(self):
        found = rank(
            [
                Candidate(1, 0, 0, 0, 500.0, 100),
                Candidate(2, 2, 0, 0, 500.0, 100),
                Candidate(3, 0, 3, 0, 500.0, 100),
                Candidate(4, 0, 0, 3, 500.0, 100),
            ]
        )
        self.assertEqual([one.key for one in found], [2, 1, 4, 3])
        self.assertEqual([one.place for one in found], [1, 2, 3, 4])

    def test_the_best_gets_everything(self):
        best, worst = rank(
            [
                Candidate(1, 1, 0, 0, 900.0, 0),
                Candidate(2, 0, 999, 999, 100.0, 100_000),
            ]
        )
        self.assertEqual((best.key, best.score), (1, 100))
        self.assertEqual([part.points for part in best.parts], [30, 20, 15, 20, 15])
        self.assertEqual(worst.score, 0.04)

    def test_parts_tell_why(self):
        (score, _other) = rank(
            [Candidate(1, 2, 1, 3, 900.0, 365), Candidate(2, 0, 3, 3, 100.0, 730)]
        )
        self.assertEqual(
            score.parts,
            (
                ("referral", "referred", 2, 30, 30),
                ("complaint", "complaints", 1, 10, 20),
                ("support", "support", 3, 3.75, 15),
                ("revenue", "revenue", 100, 20, 20),
                ("recency", "recency", 365, 7.5, 15),
            ),
        )
        self.assertEqual(score.score, 71.25)
        (score,) = rank([Candidate(1, 0, 0, 0, 1.0, 730)])
        self.assertEqual(
            [part.sentence for part in score.parts],
            ["not_referred", "no_complaint", "no_support", "revenue", "recency"],
        )
        self.assertEqual([part.points for part in score.parts], [0, 20, 15, 10, 3.75])

    def test_what_is_not_known_neither_helps_nor_harms(self):
        (score,) = rank([Candidate(1, None, 1, None, None, 365)])
        self.assertEqual(score.score, 50)
        for name in ("referral", "support", "revenue"):
            self.assertEqual(_part(score, name), (name, "unknown", None, 0, 0))
        (score,) = rank([Candidate(1)])
        self.assertEqual(score.score, 0)

    def test_ties(self):
        found = rank(
            [
                Candidate(5),
                Candidate(4, revenue=0.0),
                Candidate(3, since_last=0),
                Candidate(2, complaints=0, since_last=0),
                Candidate(1, complaints=0, since_last=0),
                Candidate(6, complaints=0, since_last=0, tickets=0),
            ]
        )
        # 100 % each but for 4, whose only part is worth a half, and 5 without any.
        self.assertEqual([one.key for one in found], [1, 2, 3, 6, 4, 5])
        weights = Weights(1, 0, 0, 0, 0)
        found = rank(
            [
                Candidate(1, 1, revenue=100.0, since_last=50),
                Candidate(2, 1, revenue=200.0, since_last=90),
                Candidate(3, 1, revenue=200.0, since_last=50),
                Candidate(4, 1, revenue=200.0),
                Candidate(5, 1, since_last=1),
            ],
            weights,
        )
        self.assertEqual([one.key for one in found], [3, 2, 4, 1, 5])

    def test_rank_shares(self):
        values = [1, 2, 2, 3, 3]
        self.assertEqual(
            [get_rank_share(value, values) for value in (1, 2, 3)], [0, 0.375, 0.875]
        )
        self.assertEqual(get_rank_share(7, [7]), 0.5)
        self.assertEqual(get_rank_share(7, [7, 7]), 0.5)

    def test_a_purchase_of_tomorrow_is_one_of_today(self):
        (score,) = rank([Candidate(1, since_last=-5)])
        self.assertEqual(score.score, 100)

    def test_weights(self):
        (score,) = rank([Candidate(1, 0, 0, 1, 5.0, 0)], Weights(0, 1, 1, 0, 0))
        self.assertEqual(score.score, 75)
        for wrong in (Weights(-1), Weights(0, 0, 0, 0, 0), Weights(float("nan"))):
            with self.assertRaises(ValueError):
                rank([], wrong)
        self.assertEqual(sum(Weights()), 100)

    def test_nobody(self):
        self.assertEqual(rank([]), [])

    # ------------------------------------------------------------
    # PROPERTIES
    # ------------------------------------------------------------

    @PROPERTY
    @given(CANDIDATES, WEIGHTS, st.randoms(use_true_random=False))
    def test_the_order_of_candidates_does_not_matter(self, candidates, weights, source):
        shuffled = list(candidates)
        source.shuffle(shuffled)
        found = rank(candidates, weights)
        self.assertEqual(found, rank(shuffled, weights))
        self.assertEqual([one.place for one in found], list(range(1, len(found) + 1)))
        scores = [one.score for one in found]
        self.assertEqual(scores, sorted(scores, reverse=True))

    @PROPERTY
    @given(CANDIDATES, WEIGHTS)
    def test_the_score_is_that_of_its_parts(self, candidates, weights):
        for one in rank(candidates, weights):
            self.assertEqual(tuple(part.name for part in one.parts), PARTS)
            most = sum(part.most for part in one.parts)
            points = sum(part.points for part in one.parts)
            exact = points / most * 100 if most else 0
            # Rounded to a hundredth: half of one at most.
            self.assertAlmostEqual(one.score, exact, delta=0.005 + 1e-9)
            self.assertTrue(0 <= one.score <= 100)
            for part, weight in zip(one.parts, weights, strict=True):
                self.assertTrue(0 <= part.points <= part.most <= weight)
                self.assertEqual(part.value is None, part.sentence == "unknown")

    @PROPERTY
    @given(CANDIDATES.filter(bool), WEIGHTS, st.data())
    def test_doing_better_is_never_worse(self, candidates, weights, data):
        chosen = data.draw(st.sampled_from(candidates))
        others = [one for one in candidates if one is not chosen]

        def score(one):
            found = rank([*others, one], weights)
            return next(s.score for s in found if s.key == one.key)

        for field in Candidate._fields[1:]:
            value = getattr(chosen, field)
            step = -1 if field in ("complaints", "tickets", "since_last") else 1
            if value is None or (value + step < 0 and field != "revenue"):
                continue
            better = chosen._replace(**{field: value + step})
            self.assertGreaterEqual(score(better), score(chosen))
