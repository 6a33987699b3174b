from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.retention_playbooks.tools.win_back import (
    ABOVE,
    BELOW,
    PROSPECTS,
    PUBLISHED,
    TOO_FEW,
    WITHIN,
    judge,
)

from .effect_common import EffectCommon


@tagged("post_install", "-at_install")
class TestJudge(BaseCase):
    def test_published(self):
        self.assertEqual(PUBLISHED, (0.2, 0.4))
        self.assertEqual(PROSPECTS, (0.05, 0.2))

    def test_verdicts(self):
        for won, ended, verdict in (
            (0, 0, TOO_FEW),
            (19, 19, TOO_FEW),
            (6, 20, WITHIN),
            # Wilson: 0 to 16.1 %, and 0 to 20.4 %.
            (0, 20, BELOW),
            (0, 15, TOO_FEW),
            # 64 % to 95 %.
            (17, 20, ABOVE),
            # 50 %: 30 to 70 %, which may still be 40.
            (10, 20, WITHIN),
            (500, 1000, ABOVE),
            (100, 1000, BELOW),
        ):
            with self.subTest(won=won, ended=ended):
                self.assertEqual(judge(won, ended).verdict, verdict)

    def test_nothing_has_ended(self):
        self.assertEqual(judge(0, 0), (None, 0.0, 1.0, TOO_FEW))

    def test_nonsense(self):
        with self.assertRaises(ValueError):
            judge(3, 2)

    @given(st.integers(0, 500), st.integers(0, 500))
    def test_the_share_is_in_its_interval(self, won, lost):
        result = judge(won, won + lost)
        if result.share is not None:
            self.assertTrue(0 <= result.low <= result.share <= result.high <= 1)
        if result.verdict == ABOVE:
            self.assertGreater(result.share, PUBLISHED.high)
        if result.verdict == BELOW:
            self.assertLess(result.share, PUBLISHED.low)


@tagged("post_install", "-at_install")
class TestWinBackResult(EffectCommon):
    """Clients won back by reason and offer, beside what was published."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.win_back = cls._create_playbook(kind="win_back", name="Win-back")
        cls.discount, cls.bundle = cls.env["retention.offer"].create(
            [{"name": "Discount"}, {"name": "Bundle"}]
        )

    def _try(self, count, state, reason=None, offer=None):
        for client in self._create_clients(count):
            self._enter(
                client,
                state=state,
                playbook=self.win_back,
                reason_id=reason and reason.id,
                offer_id=offer and offer.id,
            )

    def _get_results(self, user=None):
        return (
            self.env["retention.win.back.result"]
            .with_user(user or self.manager)
            ._compute_rows()
        )

    def test_by_reason_and_offer(self):
        self._try(18, "won", self.price, self.bundle)
        self._try(2, "lost", self.price, self.bundle)
        self._try(1, "running", self.price, self.bundle)
        self._try(20, "lost", self.service, self.discount)
        self._try(1, "stopped", self.service, self.discount)
        self._try(1, "lost")
        self._enter(self.client_a)  # of another kind
        self.assertRecordValues(
            self._get_results(),
            [
                {
                    "is_total": True,
                    "entered": 43,
                    "won": 18,
                    "lost": 23,
                    "verdict": "within",
                },
                {
                    "is_total": False,
                    "entered": 21,
                    "won": 18,
                    "lost": 2,
                    "verdict": "above",
                },
                {
                    "is_total": False,
                    "entered": 21,
                    "won": 0,
                    "lost": 20,
                    "verdict": "below",
                },
                {
                    "is_total": False,
                    "entered": 1,
                    "won": 0,
                    "lost": 1,
                    "verdict": "too_few",
                },
            ],
        )

    def test_in_words(self):
        self._try(18, "won", self.price, self.bundle)
        self._try(2, "lost", self.price, self.bundle)
        self._try(20, "lost", self.service, self.discount)
        self._try(1, "lost")
        _total, more, less, few = self._get_results()
        # Wilson's interval of 18 of 20: 69.9 to 97.2 %.
        self.assertIn("18 of 20 won back (90 %", more.sentence)
        self.assertIn("between 70 and 97 %", more.sentence)
        self.assertIn("more than the published 20 to 40 %", more.sentence)
        self.assertEqual((more.published_low, more.published_high), (20, 40))
        self.assertAlmostEqual(more.success, 90)
        self.assertIn("less than the published 20 to 40 %", less.sentence)
        self.assertIn("5 to 20 %", less.sentence)
        self.assertIn("Too few to tell: 0 won of 1", few.sentence)

    def test_names(self):
        self._try(1, "won", self.price, self.bundle)
        self._try(1, "won")
        total, *_others = results = self._get_results()
        self.assertIn("All reasons", total.name)
        self.assertIn(f"{self.price.name}, Bundle", results.mapped("name"))
        self.assertIn("Reason not known, Without an offer", results.mapped("name"))

    def test_each_figure_opens_its_list(self):
        self._try(2, "won", self.price, self.bundle)
        self._try(3, "lost", self.price, self.bundle)
        self._try(4, "won")
        self._enter(self.client_a)
        for row in self._get_results():
            for figure in ("entered", "won", "lost", "running", "stopped"):
                action = row.with_context(figure=figure).action_view_clients()
                found = self.entries.search_count(action["domain"])
                self.assertEqual(found, row[figure], (row.name, figure))

    def test_nothing(self):
        self.assertFalse(self._get_results())

    def test_own_clients(self):
        self._try(2, "won", self.price, self.bundle)
        client = self._create_client("Theirs", user=self.other)
        self._enter(client, playbook=self.win_back, reason_id=self.price.id)
        self.assertEqual(self._get_results(self.own)[0].won, 2)
        self.assertEqual(self._get_results(self.other)[0].won, 1)
        self.assertEqual(self._get_results(self.all_docs)[0].won, 3)
