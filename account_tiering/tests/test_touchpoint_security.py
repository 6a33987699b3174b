from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .touchpoint_common import TouchpointCommon


@tagged("post_install", "-at_install")
class TestTouchpointSecurity(TouchpointCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client_b.user_id = cls.other
        cls.touchpoints.plan()
        cls.mine = cls.touchpoints.search(
            [("partner_id", "=", cls.client_a.id), ("channel", "=", "call")], limit=1
        )
        cls.theirs = cls.touchpoints.search(
            [("partner_id", "=", cls.client_b.id), ("channel", "=", "call")], limit=1
        )

    def test_own_documents(self):
        mine, theirs = self.mine.with_user(self.own), self.theirs.with_user(self.own)
        self.assertEqual(mine.search([]).partner_id, self.client_a | self.client_c)
        self.assertTrue(mine.channel)
        with self.assertRaises(AccessError):
            theirs.read(["channel"])
        mine.action_reschedule("2026-12-01")
        mine.note = "Ask about the fair"
        mine.action_done()
        for act in (
            lambda: theirs.action_done(),
            lambda: theirs.action_cancel("No"),
            lambda: theirs.action_reschedule("2026-12-01"),
            lambda: theirs.write({"note": "No"}),
        ):
            with self.assertRaises(AccessError):
                act()

    def test_own_documents_write_no_facts(self):
        """Nobody writes adherence by hand."""
        for vals in (
            {"state": "done"},
            {"date_done": "2026-03-01"},
            {"user_id": self.other.id},
            {"touch_model": "res.partner", "touch_id": 1},
            {"hours": 1},
        ):
            for user in (self.own, self.all_docs):
                with self.assertRaises(AccessError):
                    self.mine.with_user(user).write(vals)

    def test_create_and_delete(self):
        values = self.mine.copy_data({"year": 2040})[0]
        for user in (self.own, self.all_docs, self.internal, self.portal):
            with self.assertRaises(AccessError):
                self.touchpoints.with_user(user).create(values)
            with self.assertRaises(AccessError):
                self.mine.with_user(user).unlink()

    def test_all_documents(self):
        both = (self.mine | self.theirs).with_user(self.all_docs)
        self.assertEqual(set(both.mapped("channel")), {"call"})
        both.action_reschedule("2026-12-01")
        both.action_done()
        self.assertEqual(set(both.mapped("state")), {"done"})

    def test_administrator(self):
        both = (self.mine | self.theirs).with_user(self.manager)
        both.write({"hours": 0.25})
        both.unlink()
        self.assertFalse(both.exists())

    def test_others_see_nothing(self):
        for user in (self.internal, self.portal):
            with self.assertRaises(AccessError):
                self.touchpoints.with_user(user).search([])
            with self.assertRaises(AccessError):
                self.client_a.with_user(user).read(["touch_state"])

    def test_former_manager_keeps_his_own(self):
        """Whoever is still to make the call sees it, though the client has moved on."""
        self.company.touch_weeks = 60
        self._plan()
        self.client_a.with_context(touchpoint_only_future=True).user_id = self.other
        self.assertEqual(self.mine.user_id, self.own)
        self.mine.with_user(self.own).action_done()
        self.assertEqual(self.mine.state, "done")

    def test_companies(self):
        company = self.env["res.company"].create({"name": "Second Agency"})
        stranger = self._new_user("stranger", "sales_team.group_sale_manager")
        stranger.write(
            {
                "company_ids": [Command.set(company.ids)],
                "company_id": company.id,
            }
        )
        strange = self.touchpoints.with_user(stranger).with_context(
            allowed_company_ids=company.ids
        )
        self.assertFalse(strange.search([]))
        with self.assertRaises(AccessError):
            self.mine.with_user(stranger).with_context(
                allowed_company_ids=company.ids
            ).read(["channel"])

    def test_two_companies(self):
        """Each company has its own tier of a client, and its own touchpoints."""
        company = self.env["res.company"].create({"name": "Second Agency"})
        self.env.user.company_ids += company
        tier = self.env["client.tier"].search(
            [("company_id", "=", company.id), ("code", "=", "C")]
        )
        assignments = self.env["client.tier.assignment"].with_context(
            allowed_company_ids=company.ids
        )
        assignments._assign(self.client_a, company, tier)
        before = self._get(self.client_a).ids
        second = self.touchpoints.with_context(allowed_company_ids=company.ids)
        second.plan()
        found = self._get(self.client_a, company_id=company.id)
        self.assertEqual(set(found.mapped("channel")), {"newsletter"})
        self.assertFalse(found.user_id, "The manager does not work there")
        others = self._get(self.client_a, company_id=self.company.id)
        self.assertEqual(others.ids, before)

    def test_dialogs(self):
        wizard = self.env["client.touchpoint.close"].with_user(self.own)
        wizard = wizard.with_context(active_ids=self.mine.ids)
        wizard.create({"kind": "cancel", "reason": "Holiday"}).action_confirm()
        self.assertEqual(self.mine.cancel_reason, "Holiday")
        with self.assertRaises(AccessError):
            self.env["client.touchpoint.preview"].with_user(self.own).action_open()
        with self.assertRaises(AccessError):
            self.env["client.touchpoint.handover"].with_user(self.own).create(
                {"partner_ids": self.client_a.ids, "user_id": self.other.id}
            )

    def test_capacity_shows_what_one_may_see(self):
        rows = self.env["client.touchpoint.capacity"].with_user(self.own)
        rows = rows.search(rows.action_open()["domain"])
        self.assertEqual(rows.user_id, self.own)
        rows = self.env["client.touchpoint.capacity"].with_user(self.all_docs)
        rows = rows.search(rows.action_open()["domain"])
        self.assertEqual(rows.user_id, self.own | self.other)
