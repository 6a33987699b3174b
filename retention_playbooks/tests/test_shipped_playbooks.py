from datetime import timedelta

from odoo.tests import tagged

from .playbook_common import PlaybookCommon

KEYS = ("onboarding", "at_risk", "lapsed", "win_back", "new_contact", "departing")
IMAGE = (
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    b"AABJRU5ErkJggg=="
)


@tagged("post_install", "-at_install")
class TestShippedPlaybooks(PlaybookCommon):
    """What is installed works."""

    def _get(self, key):
        return self.env.ref(f"retention_playbooks.playbook_{key}")

    def test_ready(self):
        for key in KEYS:
            with self.subTest(key=key):
                playbook = self._get(key).copy()
                self.assertFalse(playbook._get_problems())
                playbook.action_activate()
                self.assertFalse(playbook.company_id, "Shared by all companies.")

    def test_nothing_is_sent_by_itself(self):
        steps = self.env["retention.playbook.step"].search(
            [
                ("playbook_id", "in", [self._get(key).id for key in KEYS]),
                ("kind", "=", "mail"),
            ]
        )
        self.assertTrue(steps)
        self.assertEqual(set(steps.mapped("send_mode")), {"offer"})

    def test_onboarding(self):
        playbook = self._get("onboarding")
        playbook.action_activate()
        self._create_order()
        self._job()
        run = playbook.run_ids.filtered(lambda one: one.partner_id == self.client_a)
        self.assertEqual(self._get_days(run), [1, False, 14, 28, 56, 84])
        self.assertFalse(run.activity_ids)
        self._job_on(1)
        call = run.activity_ids
        self.assertEqual(len(run.step_ids[0].answer_ids), 4)
        self._finish(call, 1)
        mail = run.step_ids[1]
        self.assertEqual(mail.state, "open")
        self.assertTrue(mail.can_mail)
        self.own.partner_id.image_1920 = IMAGE
        self.own.partner_id.function = "Research Director"
        template = mail.step_id.template_id
        body = template._render_field("body_html", run.ids)[run.id]
        for text in ("Ann", "Research Director", self.own.name, "access_token="):
            self.assertIn(text, body)
        for day in (14, 28, 56, 84):
            self._job_on(day)
        self.assertEqual(self._get_states(run)[2:], ["open"] * 4)
        self._job_on(130)
        self.assertEqual(run.state, "lost")

    def test_mails_render(self):
        """With and without photo, contact, manager and order."""
        nobody = self._create_client("Nobody's")
        playbook = self._create_playbook()
        runs = self._start(playbook) | self._start(playbook, nobody)
        templates = self.env["mail.template"].search(
            [("model", "=", "retention.run"), ("id", "!=", self.template.id)]
        )
        self.assertEqual(len(templates), 6)
        for template in templates:
            with self.subTest(template=template.name):
                rendered = template._render_field("body_html", runs.ids)
                self.assertIn("Ann", rendered[runs[0].id])
                self.assertNotIn("<img", rendered[runs[1].id])
                self.assertTrue(template._render_field("subject", runs.ids))

    def test_new_manager_at_the_client(self):
        playbook = self._get("new_contact")
        playbook.action_activate()
        newcomer = self.env["res.partner"].create(
            {"name": "Nora", "parent_id": self.client_a.id, "email": "n@example.com"}
        )
        self._create_signal(self.client_a, "new_contact")
        run = self._start(playbook, contact=newcomer)
        self.assertEqual(run.dossier_id.recipient_id, newcomer)
        self.assertEqual(run.dossier_id.purpose, "new_manager")
        self._create_event(self.today + timedelta(3), newcomer, hour=7)
        self._job_on(3)
        self.assertEqual(run.state, "won")

    def test_win_back_by_reason(self):
        playbook = self._get("win_back")
        playbook.action_activate()
        self.env["retention.season"].search([]).active = False
        bundle = self.env.ref("retention_playbooks.offer_bundle")
        # As it ships: what the client ordered last, with a discount.
        bundle.write({"order_template_id": False, "program_id": False, "discount": 10})
        with self._on(-400):
            self._create_order()
        run = self._start(playbook)
        run.reason_id = self.price
        run.step_ids[0].action_done()
        self._job_on(1)
        self.assertEqual(run.offer_id, bundle)
        self.assertEqual(run.order_id.amount_untaxed, 1800)
        body = run.step_ids[2].step_id.template_id._render_field("body_html", run.ids)
        self.assertIn(run.order_id.access_token, body[run.id])

    def test_departing(self):
        playbook = self._get("departing")
        playbook.action_activate()
        run = self._start(playbook, reason=self.price)
        self.assertEqual(run.dossier_id.purpose, "departing")
        run.step_ids[1].action_done()
        self._job_on(1)
        talk = run.step_ids[2]
        self.assertEqual(talk.state, "open")
        talk.answer_ids[-1].choice = "no"
        with self._on(1):
            talk.action_done()
        self._job_on(2)
        self.assertEqual(self._get_states(run)[3:5], ["skipped", "skipped"])
        self.assertFalse(run.order_id)
        self._job_on(10)
        self.assertEqual(run.step_ids[5].state, "open")

    def test_every_quotation_is_sent(self):
        """A quotation that is drafted is offered to be mailed next."""
        for step in self.env["retention.playbook.step"].search(
            [
                ("playbook_id", "in", [self._get(key).id for key in KEYS]),
                ("kind", "=", "quotation"),
            ]
        ):
            steps = step.playbook_id.step_ids
            following = steps[list(steps).index(step) + 1]
            self.assertEqual(following.kind, "mail", step.playbook_id.name)
            self.assertIn("get_portal_url", following.template_id.body_html)
            self.assertEqual(
                following.condition_question_id, step.condition_question_id
            )
