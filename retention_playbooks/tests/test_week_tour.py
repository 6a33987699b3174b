from odoo.tests import HttpCase, tagged

from .common import RetentionCommon


@tagged("post_install", "-at_install")
class TestWeekTour(RetentionCommon, HttpCase):
    """An account manager's Monday in the browser."""

    def test_week(self):
        second = self._create_client("Beta Tools", user=self.own)
        signals = self.signals.create(
            [
                {
                    "partner_id": client.id,
                    "company_id": self.company.id,
                    "kind": "complaint",
                    "severity": severity,
                    "user_id": self.own.id,
                    "facts": {"sentence": sentence},
                }
                for client, severity, sentence in (
                    (self.client, "3", "Wants to leave"),
                    (second, "1", "Is quiet"),
                )
            ]
        )
        self.env.cr.flush()
        self.start_tour("/odoo/crm", "retention_playbooks_week", login=self.own.login)
        self.assertEqual(signals.mapped("state"), ["handled", "open"])
        self.assertEqual(signals[0].handled_by_id, self.own)
        snooze = self.env["retention.snooze"].search([])
        self.assertEqual(snooze.client_id.partner_id, second)
        self.assertEqual((snooze.reason, snooze.user_id), ("At a fair", self.own))
