from psycopg2.errors import UniqueViolation

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import TieringCommon


@tagged("post_install", "-at_install")
class TestScheduledReview(TieringCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls._create_client("Acme", 100)
        cls.cron = cls.env.ref("account_tiering.ir_cron_prepare_reviews")

    def _run(self):
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()

    def _get_reviews(self):
        return self.env["client.tier.review"].search(
            [("company_id", "=", self.company.id)]
        )

    def _schedule(self, **values):
        self.company.write(
            {
                "tier_review_schedule": "quarterly",
                "tier_review_next": self.today,
                "tier_director_id": self.manager.id,
                **values,
            }
        )

    def test_off_by_default(self):
        self.assertFalse(self.company.tier_review_schedule)
        self._run()
        self.assertFalse(self._get_reviews())

    def test_it_prepares_and_tells_the_director(self):
        self._schedule()
        self._run()
        review = self._get_reviews()
        self.assertEqual(review.state, "draft")
        self.assertEqual(review.line_ids.partner_id, self.client)
        self.assertEqual(review.user_id, self.manager)
        self.assertEqual(review.activity_ids.user_id, self.manager)
        self.assertIn("1 of 1 clients", review.activity_ids.note)
        self.assertFalse(self.client.tier_id)
        self.assertEqual(self.company.tier_review_next, self._months_ago(-3))

    def test_it_runs_once(self):
        self._schedule()
        self._run()
        self._run()
        self.assertEqual(len(self._get_reviews()), 1)
        # Somebody sets the date back.
        self.company.tier_review_next = self.today
        self._run()
        self.assertEqual(len(self._get_reviews()), 1)

    def test_a_day_that_has_not_come(self):
        self._schedule(tier_review_next=self._months_ago(-1))
        self._run()
        self.assertFalse(self._get_reviews())

    def test_a_missed_quarter_is_not_made_up_for(self):
        self._schedule(tier_review_next=self._months_ago(7))
        self._run()
        self.assertEqual(len(self._get_reviews()), 1)
        self.assertGreater(self.company.tier_review_next, self.today)

    def test_it_applies_if_asked(self):
        self._schedule(tier_review_apply=True)
        self._run()
        self.assertEqual(self._get_reviews().state, "applied")
        self.assertEqual(self.client.tier_id, self.tier_a)

    def test_without_director(self):
        self._schedule(tier_director_id=False)
        self._run()
        self.assertEqual(self._get_reviews().state, "draft")
        self.assertFalse(self._get_reviews().activity_ids)

    @mute_logger("odoo.sql_db")
    def test_the_database_refuses_a_second_one(self):
        values = {"company_id": self.company.id, "scheduled_for": self.today}
        self.env["client.tier.review"].create(values)
        with self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            self.env["client.tier.review"].create(values)
