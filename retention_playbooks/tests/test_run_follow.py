from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .playbook_common import PlaybookCommon


@tagged("post_install", "-at_install")
class TestRunFollow(PlaybookCommon):
    """Clients change hands, are archived and merged."""

    def _merge(self, sources, target):
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((sources | target).ids, target)
        self.env.invalidate_all()

    def test_hand_over(self):
        playbook = self._create_playbook(
            0, {"delay_from": "start", "user_role": "user", "user_id": self.manager.id}
        )
        run = self._start(playbook)
        queued = self.runs.create(
            {
                "playbook_id": self._create_playbook(kind="recovery").id,
                "partner_id": self.client_a.id,
                "company_id": self.company.id,
                "user_id": self.own.id,
                "state": "queued",
            }
        )
        self.client_a.user_id = self.other
        self.assertEqual(run.user_id, self.other)
        self.assertEqual(queued.user_id, self.other)
        self.assertEqual(run.step_ids.activity_id.user_id, self.other | self.manager)
        self.assertEqual(run.step_ids[0].user_id, self.other)
        told = self.env["mail.message"].search(
            [("partner_ids", "in", self.other.partner_id.ids)]
        )
        self.assertTrue(any("handed over" in (one.subject or "") for one in told))

    def test_hand_over_of_ended_runs(self):
        run = self._start(self._create_playbook())
        run.action_win()
        self.client_a.user_id = self.other
        self.assertEqual(run.user_id, self.own)

    def test_no_manager_any_more(self):
        playbook = self._create_playbook(user_id=self.manager.id)
        run = self._start(playbook)
        self.client_a.user_id = False
        self.assertEqual(run.user_id, self.manager)

    def test_archived(self):
        run = self._start(self._create_playbook())
        self.client_a.active = False
        self.assertEqual(run.state, "stopped")
        self.assertIn("archived", run.stop_reason)
        self._job_on(1)
        self.client_a.active = True
        self._job_on(2)
        self.assertEqual(run.state, "stopped")

    def test_merge(self):
        run = self._start(self._create_playbook(), self.client_b)
        self._merge(self.client_b, self.client_a)
        self.assertEqual(run.partner_id, self.client_a)
        self.assertEqual(run.state, "running")
        self.assertEqual(run.activity_ids.res_id, self.client_a.id)
        run.step_ids.action_done()
        self.assertEqual(run.step_ids.state, "done")

    def test_merge_of_two_runs(self):
        """The one that began first goes on."""
        playbook = self._create_playbook()
        first = self._start(playbook, self.client_b)
        with self._on(1):
            second = self._start(playbook, self.client_a)
        old = self._start(self._create_playbook(kind="recovery"), self.client_b)
        old.action_win()
        self._merge(self.client_b, self.client_a)
        self.assertEqual((first | second | old).partner_id, self.client_a)
        self.assertEqual(first.state, "running")
        self.assertEqual(second.state, "stopped")
        self.assertEqual(old.state, "won")
        self._job_on(2)
        self.assertEqual(first.step_ids.state, "open")

    def test_merge_of_those_left_alone(self):
        playbook = self._create_playbook()
        self.env["retention.holdout"].create(
            [
                {
                    "playbook_id": playbook.id,
                    "partner_id": client.id,
                    "company_id": self.company.id,
                    "date": self.today,
                }
                for client in (self.client_a, self.client_b)
            ]
        )
        self._merge(self.client_b, self.client_a)
        self.assertEqual(playbook.holdout_count, 1)

    def test_client_becomes_a_contact(self):
        run = self._start(self._create_playbook(), self.client_b)
        self.client_b.write({"is_company": False, "parent_id": self.client_a.id})
        self.assertEqual(run.partner_id, self.client_a)

    def test_contact_is_deleted(self):
        person = self.env["res.partner"].create(
            {"name": "Nora", "parent_id": self.client_a.id, "email": "n@example.com"}
        )
        playbook = self._create_playbook(
            {},
            {"kind": "mail", "template_id": self.template.id, "send_mode": "auto"},
        )
        run = self._start(playbook, contact=person)
        person.unlink()
        self._finish(run.activity_ids)
        self.assertEqual(self._get_states(run), ["done", "open"])
        self.assertIn("nobody to write to", run.step_ids[1].remark)

    def test_contact_leaves(self):
        """Nobody is mailed who does not work there any more."""
        mail = {"kind": "mail", "template_id": self.template.id, "send_mode": "auto"}
        for leave, word in (
            (lambda person: person.write({"parent_id": self.client_b.id}), "has left"),
            (lambda person: person.write({"active": False}), "archived"),
        ):
            person = self.env["res.partner"].create(
                {
                    "name": "Nora",
                    "parent_id": self.client_a.id,
                    "email": "n@example.com",
                }
            )
            playbook = self._create_playbook({}, mail)
            run = self._start(playbook, contact=person)
            leave(person)
            run.step_ids[0].action_done()
            self.assertIn(word, run.step_ids[1].remark)
            self.assertFalse(run.step_ids[1].can_mail)
            run.action_lose()
            playbook.action_deactivate()

    def test_contact_of_somebody_else(self):
        run = self._start(self._create_playbook())
        with self.assertRaises(ValidationError):
            run.contact_id = self.client_b

    def test_client_is_deleted(self):
        client = self._create_client("Gone", user=self.own)
        run = self._start(self._create_playbook(), client)
        client.unlink()
        self.assertFalse(run.exists())

    def test_smart_button(self):
        self.assertEqual(self.client_a.run_count, 0)
        run = self._start(self._create_playbook())
        self._start(self._create_playbook(kind="recovery")).action_win()
        self.env.invalidate_all()
        for partner in (self.client_a, self.contact):
            partner = partner.with_user(self.own)
            self.assertEqual((partner.running_count, partner.run_count), (1, 2))
        action = self.contact.action_view_runs()
        self.assertIn(run, self.runs.search(action["domain"]))

    def test_several_at_once_by_hand(self):
        clients = self.client_a | self.client_b
        dialog = (
            self.env["retention.run.start"]
            .with_user(self.own)
            .create(
                {
                    "partner_ids": [Command.set((clients | self.contact).ids)],
                    "playbook_id": self._create_playbook().id,
                }
            )
        )
        action = dialog.action_start()
        runs = self.runs.search(action["domain"])
        self.assertEqual(runs.partner_id, clients)
        self.assertEqual(runs.mapped("state"), ["running"] * 2)
