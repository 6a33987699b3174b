from datetime import timedelta
from urllib.parse import quote

from odoo import Command, fields
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import RetentionCommon


@tagged("post_install", "-at_install")
class TestProgrammeTours(RetentionCommon, HttpCase):
    """Whole programmes in the browser, from the signal to the outcome."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.playbooks = cls.env["retention.playbook"]
        cls.playbooks.search([("state", "=", "active")]).state = "draft"
        cls.own.partner_id.email = "own@example.com"

    def _create_playbook(self, kind, signal_kind, goal, steps):
        playbook = self.playbooks.create(
            {
                "name": "Programme",
                "kind": kind,
                "goal": goal,
                "company_id": self.company.id,
                "trigger_ids": [
                    Command.create({"signal_kind": signal_kind, "severity": "1"})
                ],
                "step_ids": [
                    Command.create({"sequence": number, **step})
                    for number, step in enumerate(steps)
                ],
            }
        )
        playbook.action_activate()
        return playbook

    def _enter(self, playbook):
        """Let the client enter and begin, as the hourly job does; return the run."""
        playbook._enter(self.company)
        runs = self.playbooks._start_queued(self.company)
        runs._advance()
        self.env.cr.flush()
        return runs

    def _print(self, dossier):
        """Print a dossier as its account manager. Not in the tour: while Odoo prints in
        a test, it refuses what the browser asks for at the same time."""
        self.authenticate(self.own.login, self.own.login)
        context = quote('{"force_report_rendering": true}')
        # In tests the PDF is stored when it is printed first, not when the dossier is
        # issued. Odoo prints in a read-only transaction, says so, and tries again.
        with mute_logger("odoo.sql_db", "odoo.http"):
            printed = self.url_open(
                f"/report/pdf/client_value_dossier.report_dossier/{dossier.id}"
                f"?context={context}"
            )
        self.assertEqual(printed.headers["Content-Type"], "application/pdf")
        self.assertTrue(printed.content.startswith(b"%PDF"))

    def _start_tour(self, run, name):
        self.env.cr.flush()
        url = f"/odoo/retention-runs/{run.id}" if run else "/odoo/crm"
        self.start_tour(url, f"retention_playbooks_{name}", login=self.own.login)
        self.env.invalidate_all()

    def _get_type(self, name):
        return self.env.ref(f"mail.mail_activity_data_{name}").id

    def test_rescue(self):
        """A client whose rhythm breaks is rescued."""
        self._create_orders(*range(150, 700, 60))
        signal = self._find("broken_pattern")
        self.assertTrue(signal)
        playbook = self._create_playbook(
            "at_risk",
            "broken_pattern",
            "signal_closed",
            [
                {"name": "Look into it", "activity_type_id": self._get_type("todo")},
                {
                    "name": "Call the client",
                    "activity_type_id": self._get_type("call"),
                    "question_ids": [
                        Command.create({"name": "What is not as it should be?"})
                    ],
                },
                {
                    "name": "Confirm what was agreed",
                    "kind": "mail",
                    "send_mode": "offer",
                    "template_id": self.env.ref(
                        "retention_playbooks.mail_template_follow_up"
                    ).id,
                },
                {"name": "Check", "delay_days": 10},
            ],
        )
        run = self._enter(playbook)
        self._start_tour(None, "rescue")
        self.assertEqual(
            run.step_ids.mapped("state"), ["done", "done", "done", "waiting"]
        )
        self.assertEqual((run.state, signal.state), ("running", "open"))
        self._create_order(0)
        self._refresh(self.client)
        run._advance()
        self.assertEqual((run.state, signal.state), ("won", "expired"))
        self._start_tour(run, "rescue_won")

    def test_new_contact(self):
        """A new contact leads to a printed dossier and a held meeting."""
        self._create_order(100)
        newcomer = self.env["res.partner"].create(
            {
                "name": "Nora Bell",
                "email": "nora@acme.example",
                "parent_id": self.client.id,
                "is_decision_maker": True,
            }
        )
        signal = self._find("new_contact")
        playbook = self._create_playbook(
            "new_contact",
            "new_contact",
            "meeting_contact",
            [
                {
                    "name": "Dossier",
                    "kind": "dossier",
                    "dossier_purpose": "new_manager",
                },
                {
                    "name": "Congratulate",
                    "kind": "mail",
                    "send_mode": "offer",
                    "template_id": self.env.ref(
                        "retention_playbooks.mail_template_new_contact"
                    ).id,
                },
                {
                    "name": "Present the dossier",
                    "activity_type_id": self._get_type("meeting"),
                    "question_ids": [
                        Command.create({"name": "Which goals have been agreed?"})
                    ],
                },
            ],
        )
        run = self._enter(playbook)
        self.assertEqual(run.contact_id, newcomer)
        self._start_tour(None, "new_contact")
        self.assertEqual(run.step_ids.mapped("state"), ["done", "done", "open"])
        self.assertEqual(run.step_ids[1].message_id.partner_ids, newcomer)
        self.assertEqual(run.dossier_id.state, "issued")
        self._print(run.dossier_id)
        now = fields.Datetime.now()
        run.started_on = now - timedelta(hours=3)
        self.env["calendar.event"].with_context(no_mail_to_attendees=True).create(
            {
                "name": "Meeting",
                "start": now - timedelta(hours=2),
                "stop": now - timedelta(hours=1),
                "partner_ids": [Command.set((newcomer | self.own.partner_id).ids)],
                "user_id": self.own.id,
            }
        )
        run._advance()
        self.assertEqual((run.state, signal.state), ("won", "handled"))
        self._start_tour(run, "new_contact_won")
        self.assertEqual(run.step_ids[2].answer_ids.text, "Two waves a year")
