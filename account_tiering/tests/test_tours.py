from odoo.tests import HttpCase, tagged

from .common import TieringCommon


@tagged("post_install", "-at_install")
class TestTours(TieringCommon, HttpCase):
    """What a director does in the browser."""

    def test_classify_and_apply(self):
        clients = [
            self._create_client(f"Tour {name}", revenue, self.own)
            for name, revenue in (("Alpha", 900), ("Beta", 70), ("Gamma", 30))
        ]
        self.start_tour(
            "/odoo/tier-reviews",
            "account_tiering_classify_and_apply",
            login=self.manager.login,
        )
        self.assertEqual(self._get_tiers(*clients), ["A", "B", False])
        review = self.env["client.tier.review"].search(
            [("company_id", "=", self.company.id)]
        )
        self.assertEqual(review.state, "applied")
        self.assertEqual(review.applied_by_id, self.manager)

    def test_change_a_tier(self):
        client = self._create_client("Tour Alpha", 900, self.own)
        self.start_tour(
            f"/odoo/contacts/{client.id}",
            "account_tiering_change_a_tier",
            login=self.manager.login,
        )
        self.assertEqual(client.tier_id, self.tier_b)
        self.assertEqual(client.tier_lock_reason, "Reference client")
        change = client.tier_change_ids
        self.assertEqual(
            (change.user_id, change.reason),
            (self.manager, "Frame contract for next year"),
        )

    def test_plan_and_hold(self):
        client = self._create_client("Tour Alpha", user=self.manager)
        self._assign(client, self.tier_a)
        self.start_tour(
            "/odoo/touchpoints",
            "account_tiering_plan_and_hold",
            login=self.manager.login,
        )
        [held] = client.touchpoint_ids.filtered(lambda one: one.state == "done")
        self.assertEqual((held.channel, held.date_done), ("call", self.today))
        self.assertEqual(len(client.touchpoint_ids), 6)
