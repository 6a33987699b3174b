from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .playbook_common import PlaybookCommon


@tagged("post_install", "-at_install")
class TestPlaybookSteps(PlaybookCommon):
    """Changing a playbook while clients are on their way."""

    def setUp(self):
        super().setUp()
        self.playbook = self._create_playbook(
            {"question_ids": [Command.create({"name": "A problem?", "kind": "check"})]},
            1,
            1,
            activate=False,
        )
        self.playbook.step_ids[2].write(
            {
                "condition_question_id": self.playbook.step_ids[0].question_ids.id,
                "condition_answer": "yes",
            }
        )
        self.playbook.action_activate()
        self.run_ = self._start(self.playbook)

    def _change(self, choice):
        dialog = self.env["retention.playbook.change"].create(
            {"playbook_id": self.playbook.id, "choice": choice}
        )
        self.assertEqual(dialog.running_count, 1)
        dialog.action_change()

    def test_locked(self):
        self.assertTrue(self.playbook.steps_locked)
        with self.assertRaises(UserError):
            self.playbook.step_ids[1].delay_days = 5
        with self.assertRaises(UserError):
            self.playbook.step_ids[1].unlink()
        with self.assertRaises(UserError):
            self.playbook.step_ids = [Command.create(self._prepare_step(4, 0))]
        self.playbook.step_ids[1].name = "A better name"
        self.assertEqual(self.run_.step_ids[1].name, "A better name")
        self.run_.action_win()
        self.env.invalidate_all()
        self.assertFalse(self.playbook.steps_locked)
        self.playbook.step_ids[1].delay_days = 5

    def test_upgrades_are_not_locked_out(self):
        """An upgrade that adds a step meets clients who are on their way."""
        self.playbook.with_context(install_mode=True).step_ids = [
            Command.create(self._prepare_step(4, 0))
        ]
        self.assertEqual(len(self.playbook.step_ids), len(self.run_.step_ids) + 1)

    def test_finish_as_they_are(self):
        old = self.playbook.step_ids
        self._change("finish")
        new = self.playbook.step_ids
        self.assertFalse(new & old)
        self.assertEqual(new.mapped("name"), old.mapped("name"))
        self.assertEqual(new[2].condition_question_id, new[0].question_ids)
        self.assertFalse(self.playbook.steps_locked)
        new[1].delay_days = 10
        new[2].unlink()
        self._finish(self.run_.activity_ids)
        self.assertEqual(len(self.run_.step_ids), 3)
        self.assertEqual(self._get_days(self.run_)[1], 1)
        other = self._start(self.playbook, self.client_b)
        self.assertEqual(other.step_ids.step_id, self.playbook.step_ids)

    def test_follow(self):
        self._change("follow")
        self.env.invalidate_all()
        self.assertFalse(self.playbook.steps_locked)
        first, second, third = self.playbook.step_ids
        third.unlink()
        second.delay_days = 10
        self.playbook.step_ids = [
            Command.create(self._prepare_step(5, {"name": "Added"})),
            Command.create(self._prepare_step(0, {"name": "Too late"})),
        ]
        self.playbook.action_finish_change()
        self.env.invalidate_all()
        self.assertEqual(
            [step.name for step in self.run_.step_ids], ["Step 1", "Step 2", "Added"]
        )
        self.assertTrue(self.playbook.steps_locked)
        self._finish(self.run_.activity_ids)
        self.assertEqual(self._get_days(self.run_)[1], 14)
        self.assertEqual(self.run_.step_ids.step_id[:2], first | second)

    def test_reordered_while_following(self):
        self._change("follow")
        self.playbook.step_ids[2].write({"condition_question_id": False})
        self.playbook.step_ids[1].sequence = 40
        self.playbook.action_finish_change()
        self.env.invalidate_all()
        self.assertEqual(
            [step.name for step in self.run_.step_ids], ["Step 1", "Step 3", "Step 2"]
        )

    def test_copy(self):
        copied = self.playbook.copy()
        self.assertEqual(copied.state, "draft")
        self.assertEqual(copied.step_ids.mapped("name"), ["Step 1", "Step 2", "Step 3"])
        self.assertEqual(copied.trigger_ids.signal_kind, "complaint")
        self.assertEqual(
            copied.step_ids[2].condition_question_id, copied.step_ids[0].question_ids
        )
        self.assertNotEqual(copied.name, self.playbook.name)

    def test_used_playbooks_keep_their_kind(self):
        with self.assertRaises(UserError):
            self.playbook.kind = "lapsed"
        other = self.env["res.company"].create({"name": "Elsewhere"})
        with self.assertRaises(UserError):
            self.playbook.company_id = other
        unused = self._create_playbook()
        unused.kind = "lapsed"

    def test_used_playbooks_are_kept(self):
        with self.assertRaises(UserError):
            self.playbook.unlink()
        self.playbook.active = False
        self._job_on(1)
        self._finish(self.run_.activity_ids, 1)
        self.assertEqual(self._get_states(self.run_), ["done", "waiting", "waiting"])
