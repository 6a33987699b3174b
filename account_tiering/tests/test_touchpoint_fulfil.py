from datetime import timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged

from .touchpoint_common import TouchpointCommon


@tagged("post_install", "-at_install")
class TestTouchpointFulfil(TouchpointCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.touch_weeks = 60
        cls.touchpoints.plan()
        cls.meeting = cls.touchpoints.search(
            [("partner_id", "=", cls.client_a.id), ("channel", "=", "meeting")],
            order="date_due",
            limit=1,
        )
        cls.call = cls.touchpoints.search(
            [("partner_id", "=", cls.client_a.id), ("channel", "=", "call")],
            order="date_due",
            limit=1,
        )

    def _next(self, touchpoint):
        return self._get(touchpoint.partner_id, touchpoint.channel).filtered(
            lambda one: (one.year, one.number) > (touchpoint.year, touchpoint.number)
        )[0]

    # ------------------------------------------------------------
    # CALLS
    # ------------------------------------------------------------

    def test_own_activity_done(self):
        activity = self.call.activity_id
        with self._at(self.call.date_planned):
            activity.with_user(self.own).action_feedback(feedback="All is well")
            self.assertEqual(self.call.state, "done")
            self.assertEqual(self.call.date_done, self.call.date_planned)
            self.assertEqual(
                (self.call.touch_model, self.call.touch_id),
                ("mail.activity", activity.id),
            )
            self.assertFalse(self.call.is_open)

    def test_any_call_counts(self):
        """A colleague calls a contact of the client, and nobody clicks a touchpoint."""
        planned = self.call.activity_id
        day = self.call.date_due - timedelta(days=14)
        with self._at(max(day, self._day(self.TODAY))):
            activity = self._create_call(self.contact, self.other)
            activity.with_user(self.other).action_feedback()
            self.assertEqual(self.call.state, "done")
            self.assertEqual(self.call.touch_id, activity.id)
            self.assertFalse(planned.exists())

    def test_call_on_an_opportunity_counts(self):
        """So does one on a quotation, but none on what belongs to another company."""
        other = self.env["res.company"].create({"name": "Sister"})
        values = {"name": "Study", "partner_id": self.contact.id}
        lead, foreign = self.env["crm.lead"].create(
            [{**values, "company_id": self.company.id}, {**values, "company_id": False}]
        )
        order = self.env["sale.order"].create({"partner_id": self.contact.id})
        # As an opportunity of a sister company that the user does not see.
        self.env.cr.execute(
            "UPDATE crm_lead SET company_id = %s WHERE id = %s", (other.id, foreign.id)
        )
        self.env.invalidate_all()
        calls = self._get(self.client_a, "call")
        for call, document, state in (
            (calls[0], foreign, "planned"),
            (calls[0], lead, "done"),
            (calls[1], order, "done"),
        ):
            with self._at(call.date_due):
                self._create_call(document.sudo()).action_done()
                self.assertEqual(call.state, state)

    def test_call_moves_the_next_one(self):
        due = self._next(self.call).date_due
        day = self.call.date_due - timedelta(days=20)
        if day < self._day(self.TODAY):
            day = self.call.date_due + timedelta(days=20)
        with self._at(day):
            self.call.action_done()
            self._plan()
        apart = (self._next(self.call).date_due - day).days
        self.assertNotEqual(self._next(self.call).date_due, due)
        self.assertAlmostEqual(apart, 365 // 4, delta=2)

    def test_call_counts_once(self):
        with self._at(self.call.date_planned):
            activity = self._create_call(self.client_a)
            activity.action_feedback()
            self.touchpoints._fulfil_from_records(self.company)
            self._plan()
            done = self._get(self.client_a, state="done")
            self.assertEqual(done, self.call)

    def test_far_call_does_not_count(self):
        """A call soon after the last one is not that of the next quarter."""
        with self._at(self.call.date_planned):
            self.call.action_done()
        with self._at(self.call.date_planned + timedelta(days=10)):
            self._create_call(self.client_a).action_feedback()
            self.assertEqual(self._next(self.call).state, "planned")

    def test_other_activities_do_not_count(self):
        with self._at(self.call.date_planned):
            self.client_a.activity_schedule(
                "mail.mail_activity_data_todo", user_id=self.own.id
            ).action_feedback()
            self.assertEqual(self.call.state, "planned")

    def test_call_of_other_client_does_not_count(self):
        with self._at(self.call.date_planned):
            self._create_call(self.client_b).action_feedback()
            self.assertEqual(self.call.state, "planned")

    def test_nightly_job_finds_what_was_done_silently(self):
        with self._at(self.call.date_planned):
            activity = self._create_call(self.client_a)
            activity.action_archive()
            self.assertEqual(self.call.state, "planned")
            self.touchpoints._fulfil_from_records(self.company)
            self.assertEqual(self.call.touch_id, activity.id)

    def test_marked_by_hand_and_done_count_once(self):
        with self._at(self.call.date_planned):
            self.call.activity_id.unlink()
            self.call.action_done()
            self.assertFalse(self.call.touch_id)
            activity = self._create_call(self.client_a)
            activity.action_feedback()
            self.touchpoints._fulfil_from_records(self.company)
            self.assertEqual(self.call.touch_id, activity.id)
            self.assertEqual(self._get(self.client_a, state="done"), self.call)

    # ------------------------------------------------------------
    # MEETINGS
    # ------------------------------------------------------------

    def test_held_meeting(self):
        day = self.meeting.date_due + timedelta(days=10)
        proposed = self.meeting.event_id
        event = self._create_event(day, self.contact, user=self.other)
        with self._at(day + timedelta(days=1)):
            self.touchpoints._fulfil_from_records(self.company)
            self.assertEqual(self.meeting.state, "done")
            self.assertEqual(self.meeting.date_done, day)
            self.assertEqual(self.meeting.touch_id, event.id)
            self.assertFalse(proposed.exists())

    def test_meeting_entered_afterwards(self):
        day = self.meeting.date_due
        with self._at(day + timedelta(days=1)):
            event = self._create_event(day, self.contact)
            self.assertEqual(self.meeting.touch_id, event.id)

    def test_meetings_that_do_not_count(self):
        day = self.meeting.date_due
        future = self._create_event(day + timedelta(days=3), self.contact)
        cancelled = self._create_event(day, self.contact)
        cancelled.active = False
        declined = self._create_event(day, self.contact)
        declined.attendee_ids.filtered(
            lambda one: one.partner_id == self.contact
        ).state = "declined"
        self._create_event(day, self.client_b)
        with self._at(day + timedelta(days=1)):
            self.touchpoints._fulfil_from_records(self.company)
            self.assertEqual(self.meeting.state, "planned")
            self.assertTrue(future)

    def test_proposal_does_not_count_by_itself(self):
        """The time of a proposed meeting passes: nobody knows whether it was held."""
        event, day = self.meeting.event_id, self.meeting.date_planned
        with self._at(day + timedelta(days=1)):
            self.touchpoints._fulfil_from_records(self.company)
            self._plan()
            self.assertEqual(self.meeting.state, "planned")
            self.assertEqual(self.meeting.event_id, event)
            self.assertTrue(self.meeting.needs_answer)
            self.assertIn(
                self.meeting, self.touchpoints.search([("needs_answer", "=", True)])
            )
            self.meeting.with_user(self.own).action_done(day)
            self.assertEqual(self.meeting.date_done, day)
            self.assertEqual(self.meeting.touch_id, event.id)

    def test_agreed_meeting_counts_when_it_is_over(self):
        event, day = self.meeting.event_id, self.meeting.date_planned
        self.meeting.with_user(self.own).action_agree()
        with self._at(day + timedelta(days=1)):
            self.touchpoints._fulfil_from_records(self.company)
            self.assertEqual(self.meeting.state, "done")
            self.assertEqual(self.meeting.touch_id, event.id)

    def test_unanswered_proposal_is_offered_again(self):
        event = self.meeting.event_id
        with self._at(self.meeting.window_end + timedelta(days=1)):
            self._plan()
            self.assertEqual(self.meeting.state, "missed")
            self.assertTrue(self.meeting.is_open)
            self.assertEqual(self.meeting.reason, "overdue")
            self.assertGreater(self.meeting.date_planned, self.meeting.window_end)
            self.assertEqual(
                event.start.date(), self.meeting.date_planned, "The proposal moves"
            )

    def test_invite(self):
        event = self.meeting.event_id
        self.assertFalse(self._get_invited())
        self.meeting.with_user(self.own).action_invite()
        self.assertEqual(self._get_invited(), self.contact)
        self.assertTrue(self.meeting.agreed)
        self.assertTrue(self.meeting.invited_on)
        before = self._get_invited(count=True)
        event.with_user(self.own).write(
            {
                "start": event.start + timedelta(days=1),
                "stop": event.stop + timedelta(days=1),
            }
        )
        self.assertGreater(self._get_invited(count=True), before)

    def _get_invited(self, count=False):
        notified = self.env["mail.notification"].search(
            [("res_partner_id", "=", self.contact.id)]
        )
        return len(notified) if count else notified.res_partner_id

    def test_nobody_to_invite(self):
        self.contact.email = False
        with self.assertRaisesRegex(UserError, "email"):
            self.meeting.action_invite()
        with self.assertRaisesRegex(UserError, "no meeting"):
            self.call.action_invite()

    # ------------------------------------------------------------
    # MOVING, CANCELLING
    # ------------------------------------------------------------

    def test_moved_in_the_calendar(self):
        event = self.meeting.event_id
        day = self.meeting.date_planned + timedelta(days=2)
        event.with_user(self.own).write(
            {
                "start": event.start + timedelta(days=2),
                "stop": event.stop + timedelta(days=2),
            }
        )
        self.assertEqual(self.meeting.date_planned, day)
        self.assertTrue(self.meeting.agreed)
        self._plan()
        self.assertEqual(self.meeting.date_planned, day)

    def test_moved_activity(self):
        day = self.call.date_planned + timedelta(days=1)
        self.call.activity_id.with_user(self.own).date_deadline = day
        self.assertEqual(self.call.date_planned, day)
        self._plan()
        self.assertEqual(self.call.date_planned, day)
        self.assertEqual(self.call.activity_id.date_deadline, day)

    def test_rescheduled(self):
        day = self.meeting.date_planned + timedelta(days=1)
        (self.meeting | self.call).with_user(self.own).action_reschedule(day)
        self.assertEqual(self.touchpoints._get_day(self.meeting.event_id), day)
        self.assertEqual(self.call.activity_id.date_deadline, day)
        with self.assertRaises(UserError):
            self.call.action_reschedule(self._day(self.TODAY) - timedelta(days=1))

    def test_deleted_event_is_offered_again(self):
        self.meeting.event_id.with_user(self.own).unlink()
        self.assertTrue(self.meeting.is_open)
        self._plan()
        self.assertTrue(self.meeting.event_id)

    def test_archived_event_is_offered_again(self):
        event = self.meeting.event_id
        event.active = False
        self.assertFalse(self.meeting.event_id)
        self._plan()
        self.assertTrue(self.meeting.event_id)
        self.assertNotEqual(self.meeting.event_id, event)

    def test_deleted_activity_is_offered_again(self):
        activity = self.call.activity_id
        activity.with_user(self.own).action_cancel()
        self.assertTrue(self.call.is_open)
        self._plan()
        self.assertTrue(self.call.activity_id)
        self.assertNotEqual(self.call.activity_id, activity)

    def test_skipped(self):
        activity = self.call.activity_id
        self.call.with_user(self.own).action_cancel("On holiday")
        self.assertEqual(self.call.state, "cancelled")
        self.assertFalse(activity.exists())
        self._plan()
        self.assertEqual(self.call.state, "cancelled")
        self.assertEqual(self.call.cancel_reason, "On holiday")
        self.call.with_user(self.own).action_offer_again()
        self._plan()
        self.assertEqual(self.call.state, "planned")
        self.assertTrue(self.call.activity_id)

    def test_missed_is_given_up_for_the_next(self):
        following = self._next(self.call)
        with self._at(self.call.window_end + timedelta(days=1)):
            self._plan()
            self.assertEqual(self.call.state, "missed")
            self.assertTrue(self.call.is_open)
            self.assertGreater(self.call.date_planned, self.call.window_end)
            self.assertEqual(
                self.call.activity_id.date_deadline, self.call.date_planned
            )
        with self._at(following.window_start):
            activity = self.call.activity_id
            self._plan()
            self.assertEqual(self.call.state, "missed")
            self.assertFalse(self.call.is_open)
            self.assertFalse(activity.exists())
            self.assertEqual(following.state, "planned")

    def test_adherence(self):
        with self._at(self.call.date_planned):
            self.call.action_done()
        with self._at(self.meeting.window_end + timedelta(days=1)):
            self._plan()
        [(owed, held, adherence)] = self.touchpoints._read_group(
            [
                ("partner_id", "=", self.client_a.id),
                ("state", "in", ("done", "missed")),
                ("id", "in", (self.call | self.meeting).ids),
            ],
            aggregates=["owed:sum", "held:sum", "adherence:avg"],
        )
        self.assertEqual((owed, held, adherence), (2, 1, 50))

    # ------------------------------------------------------------
    # TRAFFIC LIGHT
    # ------------------------------------------------------------

    def _check_state(self, state):
        self.env.invalidate_all()
        self.assertEqual(self.client_a.touch_state, state)
        self.assertEqual(self.contact.touch_state, state)
        partners = self.env["res.partner"]
        both = self.client_a | self.contact
        for value in ("on_track", "due", "overdue", False):
            found = partners.search(
                [("touch_state", "=", value), ("id", "in", both.ids)]
            )
            self.assertEqual(found, both if value == state else partners, value)

    def test_touch_state(self):
        first = min(self._get(self.client_a).mapped("date_planned"))
        with self._at(self.TODAY):
            soon = first <= self._day(self.TODAY) + timedelta(days=7)
            self._check_state("due" if soon else "on_track")
        with self._at(first):
            self._check_state("due")
        end = min(self._get(self.client_a).mapped("window_end"))
        with self._at(end + timedelta(days=1)):
            self._check_state("overdue")

    def test_no_touch_state(self):
        client = self._create_client("Stranger")
        self.assertFalse(client.touch_state)
        self.assertIn(
            client, self.env["res.partner"].search([("touch_state", "=", False)])
        )

    def test_touch_dates(self):
        partners = self.env["res.partner"]
        day = self.call.date_planned
        following = min((self._get(self.client_a) - self.call).mapped("date_planned"))
        with self._at(day):
            self.call.action_done()
            self.env.invalidate_all()
            self.assertEqual(self.client_a.last_touch_date, day)
            self.assertEqual(self.client_a.next_touch_date, following)
            for domain in (
                [("last_touch_date", "=", day)],
                [("last_touch_date", ">=", day)],
                [("next_touch_date", "=", following)],
                [("next_touch_date", "<=", following)],
            ):
                self.assertIn(self.client_a, partners.search(domain), domain)
            for domain in (
                [("last_touch_date", "<", day)],
                [("last_touch_date", "=", False)],
                [("next_touch_date", ">", following)],
            ):
                self.assertNotIn(self.client_a, partners.search(domain), domain)
            self.assertIn(
                self.client_b, partners.search([("last_touch_date", "=", False)])
            )
