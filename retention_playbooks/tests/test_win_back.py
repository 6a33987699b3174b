from odoo.exceptions import UserError
from odoo.tests import tagged

from .playbook_common import PlaybookCommon


@tagged("post_install", "-at_install")
class TestWinBack(PlaybookCommon):
    """The choice of lost clients, explained."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.playbook = cls.env.ref("retention_playbooks.playbook_win_back")
        cls.playbook.action_activate()
        for client in (cls.client_a, cls.client_b, cls.client_c):
            cls._create_signal(client, "lost", "3")

    def _open(self, user=None):
        choices = self.env["retention.win.back"].with_user(user or self.env.user)
        return choices.browse(choices.action_open()["res_id"])

    def test_ranking(self):
        """Who referred others comes first, who complained last."""
        self.env["crm.lead"].create({"name": "New", "referred": " beta "})
        self._create_signal(self.client_c, "complaint", state="expired")
        for client in (self.client_a, self.client_c):
            self._create_invoice(client, 100)
        choice = self._open()
        self.assertEqual(
            choice.line_ids.partner_id.ids,
            [self.client_b.id, self.client_a.id, self.client_c.id],
        )
        self.assertIn("referred 1", choice.line_ids[0].explanation)
        self.assertIn("never complained", choice.line_ids[1].explanation)
        self.assertIn("complained 1", choice.line_ids[2].explanation)
        self.assertEqual(choice.client_count, 3)

    def test_start(self):
        choice = self._open(self.own)
        client = choice.line_ids[0].partner_id
        choice.line_ids[0].action_start()
        run = self.playbook.run_ids.filtered(lambda one: one.partner_id == client)
        self.assertEqual(run.state, "running")
        self.assertEqual(run.signal_id.kind, "lost")
        again = self._open(self.own)
        self.assertEqual(len(again.line_ids), 2)

    def test_own_clients_only(self):
        theirs = self._create_client("Theirs", user=self.other)
        self._create_signal(theirs, "lost", "3")
        self.assertEqual(self._open(self.other).line_ids.partner_id, theirs)
        self.assertEqual(len(self._open(self.all_docs).line_ids), 4)

    def test_template_of_another_company(self):
        """An offer is shared, though its template is not: it is no offer of ours, and
        who may not see the template can choose all the same."""
        template = self.env["sale.order.template"].create(
            {
                "name": "Theirs",
                "company_id": self.env["res.company"].create({"name": "East"}).id,
            }
        )
        self.env["retention.offer"].search([]).order_template_id = template
        self.assertFalse(self._open(self.own).line_ids.offer_id)
        self.env["retention.offer"].search([]).order_template_id = False
        self.assertTrue(self._open(self.own).line_ids.offer_id)

    def test_nobody_lost(self):
        self.env["retention.signal"].search([]).state = "handled"
        self.assertFalse(self._open().line_ids)

    def test_no_playbook(self):
        self.playbook.action_deactivate()
        choice = self._open(self.own)
        with self.assertRaises(UserError):
            choice.line_ids[0].action_start()
        self.env["retention.playbook"].search(
            [("kind", "=", "win_back")]
        ).active = False
        with self.assertRaises(UserError):
            self._open(self.own)
