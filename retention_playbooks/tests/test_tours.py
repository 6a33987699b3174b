from odoo.tests import HttpCase, tagged

from .common import RetentionCommon


@tagged("post_install", "-at_install")
class TestTours(RetentionCommon, HttpCase):
    """What an account manager does in the browser."""

    def test_complaint_to_handled(self):
        lead = self.env["crm.lead"].create(
            {
                "name": "Tracker",
                "type": "opportunity",
                "partner_id": self.client.id,
                "user_id": self.own.id,
                "company_id": self.company.id,
            }
        )
        lead.message_post(
            body="This is not what we agreed",
            message_type="email",
            subtype_xmlid="mail.mt_comment",
            author_id=self.contact.id,
        )
        self.start_tour(
            f"/odoo/crm/{lead.id}",
            "retention_playbooks_complaint_to_handled",
            login=self.own.login,
        )
        signal = self._get("complaint", state="handled")
        self.assertEqual(signal.handled_by_id, self.own)
        self.assertEqual(signal.handled_note, "Called Ann, the tables are corrected")
