from unittest.mock import patch

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .playbook_common import PlaybookCommon


@tagged("post_install", "-at_install")
class TestRunSignals(PlaybookCommon):
    """Runs and the signals that start them; and what must not stop the job."""

    def _create_newcomer(self, change="new"):
        newcomer = self.env["res.partner"].create(
            {"name": "Nora", "parent_id": self.client_a.id, "email": "n@example.com"}
        )
        signal = self._create_signal(
            self.client_a,
            "new_contact",
            res_model="res.partner",
            res_id=newcomer.id,
            facts={"change": change, "name": "Nora", "date": "2026-03-01"},
        )
        return newcomer, signal

    def _create_dossier_playbook(self):
        return self._create_playbook(
            {"kind": "dossier", "dossier_purpose": "new_manager"},
            kind="new_contact",
            trigger_ids=[
                Command.create({"signal_kind": "new_contact", "severity": "1"})
            ],
        )

    def test_the_new_contact_is_addressed(self):
        newcomer, _signal = self._create_newcomer()
        playbook = self._create_dossier_playbook()
        self._job()
        self.assertEqual(playbook.run_ids.contact_id, newcomer)
        self.assertEqual(playbook.run_ids.dossier_id.recipient_id, newcomer)

    def test_who_has_left_is_not_addressed(self):
        self._create_newcomer("left")
        playbook = self._create_dossier_playbook()
        self._job()
        self.assertEqual(playbook.run_ids.contact_id, self.contact)

    def test_bounced_addresses_come_last(self):
        self._create_newcomer("bounced")
        self.contact.message_bounce = 3
        playbook = self._create_dossier_playbook()
        self._job()
        self.assertNotEqual(playbook.run_ids.contact_id, self.contact)

    def test_choosing_the_contact_changes_the_draft(self):
        newcomer, _signal = self._create_newcomer("left")
        self._create_dossier_playbook()
        self._job()
        run = self.runs.search([("partner_id", "=", self.client_a.id)])
        run.with_user(self.own).contact_id = newcomer
        self.assertEqual(run.dossier_id.recipient_id, newcomer)
        run.dossier_id.action_issue()
        run.with_user(self.own).contact_id = self.contact
        self.assertEqual(run.dossier_id.recipient_id, newcomer, "It is sealed.")

    def test_starting_from_a_signal(self):
        playbook = self._create_playbook(kind="win_back")
        playbook.trigger_ids.signal_kind = "lost"
        signal = self._create_signal(
            self.client_a, "lost", "3", reason_id=self.price.id
        ).with_user(self.own)
        dialog = Form.from_action(signal.env, signal.action_start_playbook()).save()
        self.assertEqual(dialog.playbook_id, playbook)
        self.assertEqual(dialog.reason_id, self.price)
        action = dialog.action_start()
        run = self.runs.browse(action["res_id"])
        self.assertRecordValues(
            run,
            [
                {
                    "state": "running",
                    "signal_id": signal.id,
                    "reason_id": self.price.id,
                    "severity": "3",
                    "user_id": self.own.id,
                }
            ],
        )
        self.assertEqual(signal.run_ids, run)

    def test_starting_drafts(self):
        with self.assertRaises(UserError):
            self._start(self._create_playbook(activate=False))

    def test_starting_by_hand_ends_the_waiting(self):
        playbook = self._create_playbook(daily_cap=1)
        self._create_signal(self.client_b, severity="3")
        self._create_signal(self.client_a)
        self._job()
        waiting = playbook.run_ids.filtered(lambda run: run.state == "queued")
        self.assertEqual(waiting.partner_id, self.client_a)
        self._start(playbook)
        self.assertEqual(playbook.run_ids.mapped("state"), ["running"] * 2)

    def test_one_broken_run_does_not_stop_the_others(self):
        playbook = self._create_playbook(1)
        runs = self._start(
            playbook, self.client_a | self.client_b | self.client_c
        ).sorted("id")
        steps = self.env.registry["retention.run.step"]
        broken, prepare = runs[1], steps._prepare_activity

        def fail(step, *args):
            if step.run_id == broken:
                raise ValueError("Something unforeseen")
            return prepare(step, *args)

        with (
            patch.object(steps, "_prepare_activity", fail),
            mute_logger("odoo.addons.retention_playbooks.models.retention_run_advance"),
        ):
            self._job_on(1)
        self.assertEqual(
            [run.step_ids.state for run in runs], ["open", "waiting", "open"]
        )
        self._job_on(2)
        self.assertEqual(broken.step_ids.state, "open")

    def test_one_broken_playbook_does_not_stop_the_others(self):
        broken = self._create_playbook(sequence=1)
        taken = self._create_playbook(kind="recovery", sequence=2)
        fine = self._create_playbook(kind="lapsed", sequence=3)
        self._create_signal(self.client_a)
        self._start(taken)
        # A filter that made sense once, and a client who is in it by now.
        self.env.cr.execute(
            "UPDATE retention_playbook SET domain = %s WHERE id = %s",
            ["[('gone', '=', 1)]", broken.id],
        )
        find = type(taken)._find_candidates

        def find_stale(playbook, company):
            found = find(playbook, company)
            return find(fine, company) if playbook == taken else found

        self.env.invalidate_all()
        with (
            patch.object(type(taken), "_find_candidates", find_stale),
            mute_logger(
                "odoo.addons.retention_playbooks.models.retention_playbook_enter",
                "odoo.sql_db",
            ),
        ):
            self._job()
        self.assertFalse(broken.run_ids)
        self.assertEqual(len(taken.run_ids), 1)
        self.assertEqual(fine.run_ids.mapped("state"), ["running"])

    def test_quiet_days(self):
        mail = {
            "kind": "mail",
            "template_id": self.template.id,
            "send_mode": "auto",
            "delay_from": "start",
        }
        self.company.retention_mail_quiet_days = 4
        run = self._start(self._create_playbook(mail, mail))
        other = self._start(self._create_playbook(mail, kind="recovery"))
        # The three are due on Monday: the next one waits for Friday, the last one would
        # go out on the Tuesday after it.
        self.assertEqual(self._get_states(run), ["done", "waiting"])
        self.assertEqual(self._get_states(other), ["waiting"])
        self.assertEqual(self._get_days(run)[1], 4)
        self._job_on(3)
        self.assertEqual(self._get_states(run | other).count("waiting"), 2)
        # The job did not run on Friday, and nothing goes out on a Sunday.
        self._job_on(6)
        self.assertEqual(self._get_states(run | other).count("waiting"), 2)
        self._job_on(7)
        self.assertEqual(self._get_states(run | other).count("waiting"), 1)
        self._job_on(11)
        self.assertEqual(self._get_states(run | other).count("waiting"), 0)

    def test_limit_of_automatic_mails(self):
        self.company.retention_mail_limit = 2
        self.company.retention_mail_quiet_days = 0
        mail = {
            "kind": "mail",
            "template_id": self.template.id,
            "send_mode": "auto",
            "delay_from": "start",
        }
        run = self._start(
            self._create_playbook(mail, mail, mail, {**mail, "delay_days": 30})
        )
        self.assertEqual(self._get_states(run), ["done", "done", "open", "waiting"])
        self.assertIn("2 automatic mails", run.step_ids[2].activity_id.note)
        other = self._start(self._create_playbook(mail, kind="recovery"), self.client_b)
        self.assertIn("no email address", other.step_ids.remark)
        self._job_on(45)
        self.assertEqual(run.step_ids[3].state, "done")
