from datetime import timedelta

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .playbook_common import PlaybookCommon


@tagged("post_install", "-at_install")
class TestRunGoals(PlaybookCommon):
    """What ends a run."""

    def _run(self, goal, partner=None, **values):
        return self._start(self._create_playbook(0, 0, goal=goal, **values), partner)

    def _assert_won(self, run, day, by=None):
        """The run is not won before that day, and is then; its activities go."""
        self.assertEqual(run.state, "running")
        self._job_on(day, hour=12)
        self.assertEqual(run.state, "won")
        self.assertFalse(self.client_a.activity_ids)
        self.assertEqual(self._get_states(run), ["skipped", "skipped"])
        self.assertEqual(run.progress, 100)
        if by:
            self.assertEqual((run.goal_model, run.goal_res_id), (by._name, by.id))
            self.assertEqual(run.action_view_goal()["res_id"], by.id)
        self.assertIn("reached its goal", self._get_notes())

    def test_order(self):
        before = self._create_order()
        with self._on(0, hour=9):
            run = self._run("order")
        with self._on(0, hour=10):
            self._create_order(confirm=False)
            self._create_order(self.client_b)
        self._job_on(1)
        self.assertEqual(run.state, "running", before.date_order)
        with self._on(2):
            order = self._create_order(self.contact)
        self._assert_won(run, 2, order)

    def test_invoice_paid(self):
        run = self._run("invoice_paid")
        invoice = self._create_invoice(self.client_a, 100, months_ago=0)
        self._job_on(1)
        self.assertEqual(run.state, "running")
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({})._create_payments()
        self._assert_won(run, 1, invoice)

    def test_meeting(self):
        with self._on(0, hour=7):
            self._create_event(self.today, self.contact, hour=6)
        run = self._run("meeting")
        planned = self._create_event(self.today + timedelta(1), self.contact, hour=9)
        declined = self._create_event(self.today, self.contact, hour=9)
        declined.attendee_ids.filtered(
            lambda one: one.partner_id == self.contact
        ).state = "declined"
        self._job_on(1)
        self.assertEqual(run.state, "running", "It is not over yet.")
        self._assert_won(run, 1, planned)

    def test_meeting_without_calendar(self):
        run = self._run("meeting")
        activity = self.client_a.activity_schedule(
            "mail.mail_activity_data_meeting", user_id=self.own.id
        )
        self._finish(activity, 2)
        self._job_on(2, hour=12)
        self.assertEqual(run.state, "won")

    def test_meeting_with_the_contact(self):
        newcomer = self.env["res.partner"].create(
            {"name": "Nora", "parent_id": self.client_a.id}
        )
        playbook = self._create_playbook(0, 0, goal="meeting_contact")
        run = self._start(playbook, contact=newcomer)
        self._create_event(self.today, self.contact, hour=9)
        self._job_on(1)
        self.assertEqual(run.state, "running")
        event = self._create_event(self.today + timedelta(1), newcomer, hour=9)
        self._assert_won(run, 1, event)

    def test_meeting_closes_its_step(self):
        """The talk list of the meeting can still be answered."""
        meeting = self.env.ref("mail.mail_activity_data_meeting")
        run = self._start(
            self._create_playbook(
                {
                    "activity_type_id": meeting.id,
                    "question_ids": [Command.create({"name": "Which goals?"})],
                },
                5,
                goal="meeting_contact",
            )
        )
        event = self._create_event(self.today, self.contact, hour=9)
        self._job_on(1)
        self.assertEqual((run.state, run.goal_res_id), ("won", event.id))
        step = run.step_ids[0]
        self.assertEqual(self._get_states(run), ["done", "skipped"])
        self.assertFalse(step.activity_id.active)
        step.with_user(self.own).answer_ids.text = "Two waves a year"
        self.assertEqual(step.answer_ids.text, "Two waves a year")

    def test_meeting_that_is_a_step(self):
        """The playbook's own meeting counts without the calendar, another one not."""
        meeting = self.env.ref("mail.mail_activity_data_meeting")
        playbook = self._create_playbook(
            {"activity_type_id": meeting.id}, 0, goal="meeting_contact"
        )
        run = self._start(playbook)
        self.client_a.activity_schedule(
            "mail.mail_activity_data_meeting", user_id=self.own.id
        ).action_feedback()
        self._job_on(1)
        self.assertEqual(run.state, "running")
        run.step_ids[0].with_user(self.own).action_done()
        self._job_on(1)
        self.assertEqual(run.state, "won")

    def _create_project(self, **values):
        return self.env["project.project"].create(
            {
                "name": "Study",
                "partner_id": self.contact.id,
                "company_id": self.company.id,
                "allow_billable": True,
                **values,
            }
        )

    def test_milestone(self):
        project = self._create_project(allow_milestones=True)
        old, new = self.env["project.milestone"].create(
            [
                {"name": "Offer", "project_id": project.id},
                {"name": "Report", "project_id": project.id},
            ]
        )
        with self._on(-3):
            old.is_reached = True
            self.env.flush_all()
        run = self._run("result")
        task = self.env["project.task"].create(
            {"name": "Copying", "project_id": project.id}
        )
        with self._on(1):
            task.state = "1_done"
        self._job_on(1)
        self.assertEqual(run.state, "running", "A task is no result of a milestone.")
        with self._on(1):
            new.is_reached = True
            self.env.flush_all()
        self._assert_won(run, 1, new)

    def test_task(self):
        task = self.env["project.task"].create(
            {"name": "Report", "project_id": self._create_project().id}
        )
        old = task.copy({"name": "Brief"})
        self.env.flush_all()
        self.env.cr.flush()
        with self._on(-2):
            old.state = "1_done"
            self.env.flush_all()
            self.env.cr.flush()
        run = self._run("result")
        old.description = "Late words"
        self._job_on(1)
        self.assertEqual(run.state, "running")
        with self._on(1):
            task.state = "1_done"
            self.env.flush_all()
            self.env.cr.flush()
        self._assert_won(run, 1)

    def test_reply(self):
        self._receive_mail(self.contact)
        with self._on(0, hour=9):
            run = self._run("reply")
        with self._on(0, hour=10):
            self.client_a.message_post(body="A note", author_id=self.own.partner_id.id)
        self._job_on(0, hour=11)
        self.assertEqual(run.state, "running")
        with self._on(1):
            message = self._receive_mail(self.contact)
        self._assert_won(run, 1, message)

    def test_signal_closed(self):
        signal = self._create_signal(self.client_a)
        run = self._run("signal_closed")
        self.assertEqual(run.signal_id, signal)
        with self._on(1):
            signal.write({"state": "handled", "date_closed": self.today})
        self._job_on(1)
        self.assertEqual(run.state, "running", "Somebody is at it.")
        signal.write({"state": "expired"})
        self._assert_won(run, 1, signal)

    def test_signal_replaced_by_a_graver_one(self):
        """A client that has lapsed is not rescued because its rhythm is no matter any
        more."""
        signal = self._create_signal(self.client_a, "broken_pattern")
        playbook = self._create_playbook(
            goal="signal_closed",
            trigger_ids=[
                Command.create({"signal_kind": "broken_pattern", "severity": "1"})
            ],
        )
        run = self._start(playbook)
        self.assertEqual(run.signal_id, signal)
        with self._on(1):
            signal.write({"state": "expired", "date_closed": self.today})
            graver = self._create_signal(self.client_a, "lapsed")
        self._job_on(1)
        self.assertEqual(run.state, "running")
        graver.write({"state": "expired", "date_closed": self.today})
        self._job_on(2)
        self.assertEqual(run.state, "won")

    def test_handled_signal_of_which_the_reason_goes(self):
        signal = self._create_signal(self.client_a, "broken_pattern")
        playbook = self._create_playbook(
            goal="signal_closed",
            trigger_ids=[
                Command.create({"signal_kind": "broken_pattern", "severity": "1"})
            ],
        )
        run = self._start(playbook)
        health = self.env["retention.health"].create(
            {
                "partner_id": self.client_a.id,
                "company_id": self.company.id,
                "part": "orders",
                "level": "amber",
                "kind": "broken_pattern",
                "date_from": self.today,
            }
        )
        signal.with_user(self.own).action_handle("Called")
        self._job_on(1)
        self.assertEqual(run.state, "running")
        health.write({"level": "green", "kind": False})
        self._job_on(2)
        self.assertEqual(run.state, "won")

    def test_handled_complaint_after_the_last_step(self):
        signal = self._create_signal(self.client_a)
        run = self._run("signal_closed")
        self.assertEqual(run.signal_id, signal)
        run.step_ids[0].action_done()
        signal.with_user(self.own).action_handle("They are content")
        self._job_on(1)
        self.assertEqual(run.state, "running")
        run.step_ids[1].with_user(self.own).action_done()
        self.assertEqual(run.state, "won")

    def test_won_closes_the_signal(self):
        signal = self._create_signal(self.client_a)
        run = self._run("manual")
        self.assertEqual(run.signal_id, signal)
        run.with_user(self.own).action_win()
        self.assertRecordValues(
            signal,
            [
                {
                    "state": "handled",
                    "handled_by_id": self.own.id,
                    "handled_note": "Rescue reached its goal",
                }
            ],
        )

    def test_by_hand(self):
        run = self._run("manual")
        run.with_user(self.own).action_win()
        self.assertEqual(run.state, "won")
        self.assertFalse(self.client_a.activity_ids)

    def test_limit(self):
        run = self._run("order", limit_days=10)
        self._job_on(10)
        self.assertEqual(run.state, "running")
        self._job_on(11)
        self.assertEqual(run.state, "lost")
        self.assertEqual(run.days, 11)
        self.assertIn("without reaching its goal", self._get_notes())
        with self._on(11):
            self._create_order()
        self._job_on(12)
        self.assertEqual(run.state, "lost")

    def test_goal_on_the_last_day_counts(self):
        run = self._run("order", limit_days=10)
        with self._on(10, hour=20):
            self._create_order()
        self._job_on(11)
        self.assertEqual(run.state, "won")

    def test_stop(self):
        run = self._run("order")
        with self.assertRaises(UserError):
            run.action_stop("  ")
        dialog = (
            self.env["retention.run.stop"]
            .with_user(self.own)
            .create({"run_ids": [Command.set(run.ids)], "reason": "In spring again"})
        )
        dialog.action_stop()
        self.assertEqual(run.state, "stopped")
        self.assertEqual(run.stop_reason, "In spring again")
        self.assertIn("In spring again", self._get_notes())
        self.assertFalse(self.client_a.activity_ids)
        self._job_on(1)
        self.assertEqual(run.state, "stopped")

    def test_steps_over_but_goal_open(self):
        """When all steps are done, the run waits for its goal."""
        run = self._run("order")
        run.step_ids.action_done()
        run.step_ids.action_done()
        self.assertEqual(self._get_states(run), ["done", "done"])
        self.assertEqual(run.state, "running")
        self._job_on(1)
        self.assertEqual(run.state, "running")

    def test_figures(self):
        won, lost = self._run("manual"), self._run("manual", self.client_b)
        won.action_win()
        lost.action_lose()
        self.assertEqual((won.playbook_id.success, lost.playbook_id.success), (100, 0))
        self.assertEqual(won.playbook_id.won_count, 1)
