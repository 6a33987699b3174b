from odoo import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.account_tiering.tests.common import TieringCommon


@tagged("post_install", "-at_install")
class TestPlaybookTours(TieringCommon, HttpCase):
    """An account manager takes a client through a playbook in the browser."""

    def test_start_to_goal(self):
        client = self._create_client("Acme", user=self.own)
        contact = self.env["res.partner"].create(
            {"name": "Ann", "email": "ann@example.com", "parent_id": client.id}
        )
        playbook = self.env["retention.playbook"].create(
            {
                "name": "Newcomer",
                "kind": "new_contact",
                "trigger": "manual",
                "goal": "meeting_contact",
                "company_id": self.company.id,
                "step_ids": [
                    Command.create(values)
                    for values in (
                        {
                            "name": "Dossier",
                            "sequence": 1,
                            "kind": "dossier",
                            "dossier_purpose": "new_manager",
                        },
                        {
                            "name": "Congratulate",
                            "sequence": 2,
                            "kind": "mail",
                            "template_id": self.env.ref(
                                "retention_playbooks.mail_template_new_contact"
                            ).id,
                        },
                        {
                            "name": "Call Ann",
                            "sequence": 3,
                            "question_ids": [
                                Command.create({"name": "What matters to her?"})
                            ],
                        },
                    )
                ],
            }
        )
        playbook.action_activate()
        self.start_tour(
            f"/odoo/res.partner/{client.id}",
            "retention_playbooks_start_to_goal",
            login=self.own.login,
        )
        run = playbook.run_ids
        self.assertEqual(run.state, "won")
        self.assertEqual(run.contact_id, contact)
        self.assertEqual(run.dossier_id.recipient_id, contact)
        self.assertEqual(run.step_ids.mapped("state"), ["done"] * 3)
        self.assertEqual(run.step_ids[1].message_id.partner_ids, contact)
        self.assertEqual(run.step_ids[2].answer_ids.text, "Reports on time")
