from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .week_common import WeekCommon


@tagged("post_install", "-at_install")
class TestWeekActions(WeekCommon):
    """What an account manager does about a client, with one button each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.signal = cls._create_signal(cls.client_a, severity="3")
        cls.env.cr.flush()

    def _get(self):
        return self._get_client().with_user(self.own)

    def _open_dialog(self, action):
        """Return the form of a dialog as the user sees it."""
        return Form.from_action(self.env(user=self.own), action)

    # ------------------------------------------------------------
    # DONE
    # ------------------------------------------------------------

    def test_call_done(self):
        """All is filled in: one confirms, and the client is off the list."""
        dialog = self._open_dialog(self._get().action_call_done()).save()
        self.assertEqual(dialog.signal_ids, self.signal)
        self.assertEqual(dialog.note, "Talked on the phone: Ann")
        dialog.action_apply()
        self.assertEqual(self.signal.state, "handled")
        self.assertEqual(self.signal.handled_note, "Talked on the phone: Ann")
        self.assertEqual(self.signal.handled_by_id, self.own)
        self.assertFalse(self._list())
        self.assertIn("Talked on the phone: Ann", self._get_notes())

    def test_call_counts_as_a_contact(self):
        """The call that was promised is held with it."""
        self._plan()
        touchpoint = self._get_touchpoint("call")
        with self._on(touchpoint.date_planned):
            dialog = self._open_dialog(self._get().action_call_done()).save()
            dialog.action_apply()
        activity = self.env["mail.activity"].with_context(active_test=False)
        done = activity.search(
            [
                ("res_model", "=", "res.partner"),
                ("res_id", "=", self.client_a.id),
                ("active", "=", False),
                ("user_id", "=", self.own.id),
            ]
        )
        self.assertEqual(done.activity_type_id, self.call)
        with self._on(touchpoint.date_planned):
            self.touchpoints.plan()
        self.assertEqual(touchpoint.state, "done")
        self.assertEqual(touchpoint.date_done, touchpoint.date_planned)

    def _get_touchpoint(self, channel):
        return self.touchpoints.search(
            [("partner_id", "=", self.client_a.id), ("channel", "=", channel)],
            order="date_planned",
            limit=1,
        )

    def test_some_signals_stay_open(self):
        other = self._create_signal(self.client_a, "late_payer")
        dialog = self._open_dialog(self._get().action_meeting_done()).save()
        self.assertEqual(dialog.signal_ids, self.signal | other)
        dialog.signal_ids = [Command.unlink(other.id)]
        dialog.note = "Met Ann: settled, but the bill is open"
        dialog.action_apply()
        self.assertEqual((self.signal.state, other.state), ("handled", "open"))
        self.assertEqual(self._list(), self.client_a)
        self.assertEqual(self._get().signal_id, other)

    def test_due_step_is_done_with_its_talk_list(self):
        playbook = self._create_playbook(
            {"question_ids": [Command.create({"name": "A problem?", "kind": "text"})]},
            3,
        )
        run = self._start(playbook)
        form = self._open_dialog(self._get().action_call_done())
        self.assertTrue(form.close_step)
        with form.answer_ids.edit(0) as answer:
            answer.text = "Late tables"
        form.save().action_apply()
        self.assertEqual(self._get_states(run), ["done", "waiting"])
        self.assertIn("Late tables", self._get_notes())
        self.assertEqual(run.step_ids[0].answer_ids.text, "Late tables")

    def test_step_that_is_no_call_stays(self):
        run = self._start(
            self._create_playbook(
                {
                    "kind": "mail",
                    "send_mode": "offer",
                    "template_id": self.template.id,
                }
            )
        )
        dialog = self._open_dialog(self._get().action_call_done()).save()
        self.assertFalse(dialog.close_step)
        dialog.action_apply()
        self.assertEqual(self._get_states(run), ["open"])

    def test_nothing_said(self):
        dialog = self._open_dialog(self._get().action_call_done()).save()
        dialog.note = "  "
        with self.assertRaises(UserError):
            dialog.action_apply()
        self.assertEqual(self.signal.state, "open")

    def test_not_of_a_colleague(self):
        client = self._get_client().with_user(self.other)
        for act in (
            client.action_call_done,
            client.action_meeting,
            client.action_mail,
            client.action_wake,
            client.action_start_playbook,
            client.action_print_dossier,
        ):
            with self.subTest(act=act.__name__), self.assertRaises(AccessError):
                act()
        dialogs = self.env["retention.client.done"].with_user(self.other)
        dialog = dialogs.sudo().create({"client_id": client.id}).with_user(self.other)
        with self.assertRaises(AccessError):
            dialog.sudo(False).action_apply()

    # ------------------------------------------------------------
    # MEETING, MAIL
    # ------------------------------------------------------------

    def test_meeting(self):
        action = self._get().action_meeting()
        form = self._open_dialog(action)
        form.name = "Lunch"
        meeting = form.save()
        self.assertEqual(meeting.partner_ids, self.own.partner_id | self.contact)
        self.assertEqual(
            (meeting.res_model, meeting.res_id), ("res.partner", self.client_a.id)
        )
        # The description goes to the client.
        self.assertNotIn("Complaint", meeting.description)
        self.assertIn("Complaint", meeting.notes)

    def test_meeting_of_a_step(self):
        """The activity of the step gets the meeting."""
        meeting_type = self.env.ref("mail.mail_activity_data_meeting")
        run = self._start(self._create_playbook({"activity_type_id": meeting_type.id}))
        activity = run.step_ids.activity_id
        self.assertEqual(activity.activity_category, "meeting")
        meeting = self._open_dialog(self._get().action_meeting()).save()
        self.assertEqual(activity.calendar_event_id, meeting)

    def test_mail(self):
        action = self._get().action_mail()
        self.assertEqual(action["context"]["default_partner_ids"], self.contact.ids)
        self.assertEqual(action["context"]["default_res_ids"], self.client_a.ids)
        self.contact.email = False
        with self.assertRaisesRegex(UserError, "Ann has no email address"):
            self._get().action_mail()

    def test_mail_of_a_step(self):
        run = self._start(
            self._create_playbook(
                {
                    "kind": "mail",
                    "send_mode": "offer",
                    "template_id": self.template.id,
                }
            )
        )
        action = self._get().action_mail()
        self.assertEqual(action["context"]["retention_run_step"], run.step_ids.id)

    # ------------------------------------------------------------
    # PLAYBOOK, DOSSIER
    # ------------------------------------------------------------

    def test_start_a_playbook_for_the_signal(self):
        playbook = self._create_playbook(0)
        dialog = self._open_dialog(self._get().action_start_playbook()).save()
        self.assertEqual(dialog.playbook_id, playbook)
        self.assertEqual(dialog.partner_ids, self.client_a)
        dialog.action_start()
        self.assertEqual(self._get().run_id.playbook_id, playbook)

    def test_several_at_once(self):
        self._create_signal(self.client_b)
        both = self._get_client() | self._get_client(self.client_b)
        action = both.with_user(self.own).action_start_playbook()
        self.assertEqual(
            set(action["context"]["default_partner_ids"]),
            set((self.client_a | self.client_b).ids),
        )
        action = both.with_user(self.own).action_snooze()
        self.assertEqual(set(action["context"]["default_client_ids"]), set(both.ids))

    def test_dossier(self):
        """The latest one is printed; without one, a new one is opened."""
        self.signal.kind = "new_contact"
        action = self._get().action_print_dossier()
        self.assertEqual(action["res_model"], "client.value.dossier")
        self.assertEqual(action["context"]["default_purpose"], "new_manager")
        self.assertEqual(action["context"]["default_recipient_id"], self.contact.id)
        dossiers = self.env["client.value.dossier"].create(
            [
                {
                    "partner_id": self.client_a.id,
                    "purpose": "review",
                    "user_id": self.own.id,
                    "company_id": self.company.id,
                }
                for _number in range(2)
            ]
        )
        action = self._get().action_print_dossier()
        self.assertEqual(action["type"], "ir.actions.report")
        self.assertEqual(action["context"]["active_ids"], dossiers[1].ids)

    def test_dossier_of_the_playbook(self):
        run = self._start(
            self._create_playbook(
                {"kind": "dossier", "dossier_purpose": "departing"}, 0
            )
        )
        self.env["client.value.dossier"].create(
            {
                "partner_id": self.client_a.id,
                "purpose": "review",
                "user_id": self.own.id,
                "company_id": self.company.id,
            }
        )
        self.assertEqual(run.state, "running")
        action = self._get().action_print_dossier()
        self.assertEqual(action["context"]["active_ids"], run.dossier_id.ids)

    def test_open(self):
        client = self._get()
        self.assertEqual(client.action_open_client()["res_id"], self.client_a.id)
        self.assertEqual(client.action_open_step()["res_model"], "res.partner")
        run = self._start(self._create_playbook(0))
        action = self._get().action_open_step()
        self.assertEqual(
            (action["res_model"], action["res_id"]),
            ("retention.run.step", run.step_ids.id),
        )

    # ------------------------------------------------------------
    # WHAT COMES FIRST
    # ------------------------------------------------------------

    def test_button_of_the_next_step(self):
        """A call, a mail, else the step."""
        self.assertEqual(self._get().next_action, "call")
        todo = self.env.ref("mail.mail_activity_data_todo")
        run = self._start(
            self._create_playbook(
                {"activity_type_id": todo.id},
                {
                    "kind": "mail",
                    "send_mode": "offer",
                    "template_id": self.template.id,
                },
                0,
                {"user_role": "user", "user_id": self.other.id},
            )
        )
        self.assertEqual(self._get().next_action, "step")
        run.step_ids[0].action_done()
        self.assertEqual(self._get().next_action, "email")
        run.step_ids[1].action_done()
        self.assertEqual(self._get().next_action, "call")
        run.step_ids[2].action_done()
        self.assertEqual(self._get().next_action, "step")
        self.assertEqual(self._get().next_step, f"{self.other.name}: Step 4 (Rescue)")
        self.assertEqual(self._get().action_open_run()["res_id"], run.id)

    def test_signal_that_a_playbook_sees_to(self):
        """It is no work while the playbook waits, and a call does not close it."""
        run = self._start(self._create_playbook(0, 5))
        self.assertEqual(run.signal_id, self.signal)
        done = self._open_dialog(self._get().action_call_done()).save()
        self.assertFalse(done.signal_ids)
        done.action_apply()
        self.assertEqual(run.step_ids.mapped("state"), ["done", "waiting"])
        self.assertEqual(self.signal.state, "open")
        self.assertFalse(self._get_client().active)
        self._job_on(7)
        with self._on(7):
            # Talking settles a complaint: with the last step it is closed.
            done = self._open_dialog(self._get().action_call_done()).save()
            self.assertEqual(done.signal_ids, self.signal)

    def test_signal_is_back_when_the_playbook_cannot_go_on(self):
        run = self._start(self._create_playbook(0))
        run.step_ids.with_user(self.own).action_done()
        client = self._get()
        self.assertTrue(client.active)
        self.assertEqual(client.next_action, "run")
        self.assertEqual(
            client.next_step, "All steps of Rescue are done: is its goal reached?"
        )
        run.with_user(self.own).action_lose()
        self.assertTrue(self._get_client().active)
        self.assertEqual(self.signal.state, "open")

    def test_run_that_only_somebody_can_end(self):
        self.signal.with_user(self.own).action_handle("Called")
        run = self._start(self._create_playbook(0))
        self.assertEqual(run.goal, "manual")
        run.step_ids.with_user(self.own).action_done()
        client = self._get()
        self.assertTrue(client.active)
        self.assertEqual(client.reason, "Rescue has come to its end")
        self.assertEqual(client.next_action, "run")
        run.with_user(self.own).action_lose()
        self.assertFalse(self._get_client().active)

    def test_reason_of_the_call_decides_the_offer(self):
        self.assertFalse(self._start(self._create_playbook(5)).asks_reason)
        run = self._start(
            self._create_playbook(
                0, {"reason_ids": [Command.set(self.price.ids)]}, kind="win_back"
            )
        )
        self.assertTrue(run.asks_reason)
        form = self._open_dialog(self._get().action_call_done())
        form.reason_id = self.price
        form.save().action_apply()
        self.assertEqual(run.reason_id, self.price)
