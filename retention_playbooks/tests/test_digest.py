from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from .week_common import WeekCommon


@tagged("post_install", "-at_install")
class TestDigest(WeekCommon):
    """One activity a week that names the clients who need their manager."""

    def _send(self):
        self._end_transaction()
        made = self.clients._send_digests(self.company)
        self.env.flush_all()
        return made

    def _get_digests(self, user=None, active=True):
        activities = self.env["mail.activity"].with_context(active_test=False)
        return activities.search(
            [
                (
                    "activity_type_id",
                    "=",
                    self.env.ref("retention_playbooks.mail_activity_type_week").id,
                ),
                ("user_id", "=", (user or self.own).id),
                ("active", "=", active),
            ]
        )

    def test_only_when_there_is_something(self):
        self.assertFalse(self._send())
        self._create_signal(
            self.client_a, severity="3", facts={"sentence": "Wants to leave"}
        )
        self._create_signal(self.client_b, facts={"sentence": "Is quiet"})
        self._send()
        digest = self._get_digests()
        self.assertEqual(digest.summary, "2 clients need you this week, 1 gravely")
        self.assertIn("Acme", digest.note)
        self.assertIn("Wants to leave", digest.note)
        self.assertIn("/odoo/retention-week", digest.note)
        self.assertLess(digest.note.index("Acme"), digest.note.index("Beta"))
        self.assertFalse(self._get_digests(self.other), "nothing for who has nothing")

    def test_twice_in_a_row(self):
        self._create_signal(self.client_a)
        self.assertEqual(len(self._send()), 1)
        digest = self._get_digests()
        with patch.object(type(digest), "write", autospec=True) as write:
            self.assertFalse(self._send())
        write.assert_not_called()
        self.assertEqual(self._get_digests(), digest)

    def test_brought_up_to_date(self):
        self._create_signal(self.client_a)
        self._send()
        digest = self._get_digests()
        self.assertEqual(digest.summary, "One client needs you this week")
        self._create_signal(self.client_b)
        self.assertFalse(self._send())
        self.assertEqual(digest.summary, "2 clients need you this week")

    def test_done_this_week(self):
        self._create_signal(self.client_a)
        self._send()
        self._get_digests().action_feedback()
        with self._on(3):
            self.assertFalse(self._send(), "not again in the same week")
        with self._on(7):
            self.assertEqual(len(self._send()), 1)

    def test_nothing_left(self):
        signal = self._create_signal(self.client_a)
        self._send()
        signal.action_handle("Called")
        self._send()
        self.assertFalse(self._get_digests())

    def test_snoozed_clients_are_not_named(self):
        self._create_signal(self.client_a)
        client = self._get_client()
        self.env["retention.snooze"].create(
            {
                "client_id": client.id,
                "date_until": self.today.replace(day=20),
                "reason": "Holiday",
            }
        )
        self.assertFalse(self._send())

    def test_switched_off(self):
        self._create_signal(self.client_a)
        self._send()
        self.company.retention_digest = False
        self._send()
        self.assertFalse(self._get_digests())

    def test_many_clients(self):
        for partner in self._create_clients(20):
            self._create_signal(partner)
        self._send()
        self.assertIn("and 5 more", self._get_digests().note)

    def test_sent_when_the_weekly_search_ends(self):
        order = self._create_order()
        order.date_order = self._moment("2024-06-01")
        scan = self.env["retention.scan"].create({"company_id": self.company.id})
        while scan.state == "running":
            scan._scan_batch()
        self.assertIn("One client needs you this week", self._get_digests().summary)
        self.assertEqual(self.company.retention_usual_revenue, 2000)

    def _get_mails(self):
        return self.env["mail.mail"].search(
            [
                ("model", "=", "mail.activity"),
                ("recipient_ids", "in", self.own.partner_id.ids),
            ]
        )

    def test_mailed_once_a_week(self):
        self._create_signal(self.client_a, facts={"sentence": "Wants to leave"})
        self.own.email = "own@example.com"
        self._send()
        mail = self._get_mails()
        self.assertEqual(mail.recipient_ids, self.own.partner_id)
        self.assertEqual(mail.subject, "One client needs you this week")
        self.assertIn("Wants to leave", mail.body_html)
        link = f'href="{self.own.get_base_url()}/odoo/retention-week"'
        self.assertIn(link, mail.body_html, "mails have no relative links")
        with self._on(2):
            self._create_signal(self.client_b)
            self._send()
        self.assertEqual(self._get_mails(), mail, "not again in the same week")
        with self._on(7):
            self._send()
        self.assertEqual(len(self._get_mails()), 2, "the activity is still open")
        self.assertEqual(len(self._get_digests()), 1)

    def test_no_mail(self):
        self._create_signal(self.client_a)
        self.company.retention_digest_mail = False
        self.assertTrue(self._send())
        self.assertFalse(self._get_mails())

    def test_broken_template(self):
        self._create_signal(self.client_a)
        template = self.env.ref("retention_playbooks.mail_template_week")
        self._set_body('<p t-out="object.gone"/>', template)
        logger = "odoo.addons.retention_playbooks.models.retention_client_digest"
        with mute_logger("odoo.addons.mail.models.mail_render_mixin"):
            with self.assertLogs(logger, "ERROR"):
                self.assertTrue(self._send())
        self.assertFalse(self._get_mails())
