from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..models import client_touchpoint_plan
from .touchpoint_common import TouchpointCommon


@tagged("post_install", "-at_install")
class TestTouchpointPlan(TouchpointCommon):
    def test_counts(self):
        effect = self._plan()
        counts = [
            len(self._get(client, channel))
            for client, channel in (
                (self.client_a, "meeting"),
                (self.client_a, "call"),
                (self.client_b, "call"),
                (self.client_b, "newsletter"),
                (self.client_c, "newsletter"),
            )
        ]
        self.assertEqual(counts, [2, 4, 2, 4, 4])
        self.assertEqual(effect["added"], 16)
        self.assertEqual(effect["moved"], 0)

    def test_again_changes_nothing(self):
        self._plan()
        before = self._snapshot()
        activities = self.env["mail.activity"].search([]).ids
        events = self.env["calendar.event"].search([]).ids
        effect = self._plan()
        self.assertEqual(self._snapshot(), before)
        self.assertEqual(self.env["mail.activity"].search([]).ids, activities)
        self.assertEqual(self.env["calendar.event"].search([]).ids, events)
        self.assertFalse(any(effect[name] for name in ("added", "moved", "changed")))
        self.assertFalse(effect["entries"])

    def test_working_days_and_weeks(self):
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Closed",
                "company_id": self.company.id,
                "calendar_id": self.company.resource_calendar_id.id,
                "date_from": "2026-03-09 00:00:00",
                "date_to": "2026-05-31 22:00:00",
            }
        )
        self._plan()
        for touchpoint in self._get(self.client_a):
            day = touchpoint.date_planned
            is_off = day.weekday() > 4 or "2026-03-09" <= str(day) <= "2026-05-31"
            if is_off:
                self.assertEqual(touchpoint.reason, "no_working_day")
        weeks = [one.date_planned.isocalendar()[:2] for one in self._get(self.client_a)]
        self.assertEqual(len(weeks), len(set(weeks)))

    def test_own_resource(self):
        """A manager who works on Tuesdays only."""
        calendar = self.env["resource.calendar"].create(
            {
                "name": "Tuesdays",
                "company_id": self.company.id,
                "tz": "Europe/Brussels",
                "attendance_ids": [
                    Command.clear(),
                    Command.create(
                        {
                            "name": "Tuesday",
                            "dayofweek": "1",
                            "hour_from": 9,
                            "hour_to": 12,
                        }
                    ),
                ],
            }
        )
        self.env["resource.resource"].create(
            {
                "name": "Own",
                "user_id": self.own.id,
                "company_id": self.company.id,
                "calendar_id": calendar.id,
            }
        )
        self._plan()
        personal = self._get(self.client_a)
        self.assertEqual({one.date_planned.weekday() for one in personal}, {1})

    def test_no_working_hours(self):
        self.company.resource_calendar_id.attendance_ids.unlink()
        effect = self._plan()
        self.assertEqual(effect["no_working_day"], effect["added"])
        self.assertEqual(
            set(self._get(self.client_a).mapped("reason")), {"no_working_day"}
        )

    def test_capacity(self):
        """Each day holds at most what the company allows."""
        self.company.touch_hours_per_day = 0.75
        for number in range(12):
            self._assign(
                self._create_client(f"Client {number}", user=self.own), self.tier_b
            )
        self._plan()
        days = self.touchpoints._read_group(
            [("company_id", "=", self.company.id), ("channel", "=", "call")],
            ["user_id", "date_planned:day"],
            ["hours:sum"],
            having=[("hours:sum", ">", 0.75)],
        )
        fine = self.touchpoints.search(
            [("company_id", "=", self.company.id), ("channel", "=", "call")]
        ).filtered(lambda one: not one.reason and one.tier_id == self.tier_b)
        self.assertFalse([day for day in days if day[1] in fine.mapped("date_planned")])
        self.assertTrue(fine)

    def _share_meetings(self):
        """Let the manager take part in the meetings of tier A, as the director."""
        meetings = self.tier_a.cadence_ids.filtered(
            lambda one: one.channel == "meeting"
        )
        meetings.owner = "both"
        self.company.tier_director_id = self.manager
        return meetings

    def test_director_has_the_time(self):
        """Meetings with the director are on days on which he works and has time, of
        other managers' clients, too, and at times that are free for both."""
        meetings = self._share_meetings()
        meetings.write({"duration": 1.0, "preparation": 0.0})
        self.company.touch_hours_per_day = 1.0
        self.company.touch_weeks = 60
        part_time = self.env["resource.calendar"].create(
            {
                "name": "Tuesday afternoons",
                "tz": "Europe/Brussels",
                "company_id": self.company.id,
                "attendance_ids": [
                    Command.create(
                        {
                            "dayofweek": "1",
                            "hour_from": 13,
                            "hour_to": 17,
                            "name": "Tue",
                        }
                    )
                ],
            }
        )
        self.env["resource.resource"].create(
            {
                "name": self.manager.name,
                "user_id": self.manager.id,
                "company_id": self.company.id,
                "calendar_id": part_time.id,
                "tz": "Europe/Brussels",
            }
        )
        clients = self.client_a
        for user in (self.own, self.other):
            for number in range(6):
                client = self._create_client(f"{user.name} {number}", user=user)
                self._assign(client, self.tier_a)
                clients |= client
        with patch.object(client_touchpoint_plan, "BATCH", 1):
            self.assertEqual(
                len(self.touchpoints._get_plan_batches(self.company)), 2, "two batches"
            )
            self._plan()
            before = self._snapshot()
            self._plan()
        self.assertEqual(self._snapshot(), before)
        touchpoints = self.touchpoints.search(
            [("partner_id", "in", clients.ids), ("channel", "=", "meeting")]
        )
        self.assertEqual(len(touchpoints), 26)
        fine = touchpoints.filtered(lambda one: not one.reason)
        self.assertGreater(len(fine), 20)
        self.assertEqual({one.date_planned.weekday() for one in fine}, {1})
        days = fine.mapped("date_planned")
        self.assertEqual(len(days), len(set(days)))
        director = self.manager.partner_id
        for touchpoint in fine:
            event = touchpoint.event_id
            self.assertIn(director, event.partner_ids)
            start = fields.Datetime.context_timestamp(
                touchpoint.with_context(tz="Europe/Brussels"), event.start
            )
            self.assertGreaterEqual(start.hour, 13)

    def test_director_meets_his_own_clients_once(self):
        self._share_meetings()
        self.company.touch_weeks = 60
        self.client_a.user_id = self.manager
        self._plan()
        self.assertFalse(any(self._get(self.client_a).mapped("reason")))
        event = self._get(self.client_a, "meeting")[0].event_id
        self.assertEqual(event.partner_ids, self.manager.partner_id | self.contact)

    def test_nothing_is_put_into_the_past(self):
        """What is planned for today in the afternoon begins later today."""
        self.company.touch_first_plan = self.TODAY
        for at in ("2026-03-02 13:20:00", "2026-03-02 20:20:00"):
            client = self._create_client(at, user=self.other)
            self._assign(client, self.tier_a)
            with freeze_time(at):
                self._plan()
                event = self._get(client, "meeting")[0].event_id
                self.assertGreaterEqual(event.start, fields.Datetime.now())

    def test_director_who_has_left(self):
        """Managers meet alone, where nobody is director any more."""
        meetings = self._share_meetings()
        self.manager.active = False
        self.assertEqual(self.company._get_director_hours(), {})
        self._plan()
        self.assertEqual(len(self._get(self.client_a, "meeting")), 2)
        self.assertEqual(meetings.director_id, self.manager)

    def test_nobody(self):
        client = self._create_client("Orphan")
        self._assign(client, self.tier_a)
        effect = self._plan()
        touchpoints = self._get(client)
        self.assertEqual(len(touchpoints), 6)
        self.assertFalse(touchpoints.user_id)
        self.assertFalse(touchpoints.activity_id or touchpoints.event_id)
        self.assertEqual(effect["nobody"], 6)

    def test_new_client_starts_at_once(self):
        self._plan()
        client = self._create_client("Newcomer", user=self.own)
        self._assign(client, self.tier_a)
        with self._at("2026-03-10"):
            self._plan()
            first = self._get(client, "meeting").sorted("date_due")[0]
            self.assertEqual(str(first.date_due), "2026-03-10")
            self.assertLess(first.date_planned, self._day("2026-03-25"))
        with self._at("2026-03-11"):
            before = self._get(client).mapped("date_planned")
            self._plan()
            # The horizon has moved on by a day, and holds one more.
            after = self._get(client).mapped("date_planned")
            self.assertLessEqual(set(before), set(after))

    def test_many_new_clients_are_phased(self):
        """What the manager has no time for does not begin at once."""
        self.company.touch_hours_per_day = 2
        self._plan()
        clients = [
            self._create_client(f"Client {number}", user=self.own)
            for number in range(40)
        ]
        for client in clients:
            self._assign(client, self.tier_a)
        self._plan()
        given = self.env["client.tier.assignment"].search(
            [("partner_id", "in", [client.id for client in clients])]
        )
        at_once = given.filtered("touch_at_once")
        # Ten working days of two hours hold six meetings of three hours.
        self.assertEqual(len(at_once), 6)

    def test_first_plan_is_phased(self):
        clients = [
            self._create_client(f"Client {number}", user=self.own)
            for number in range(30)
        ]
        for client in clients:
            self._assign(client, self.tier_b)
        self._plan()
        calls = self.touchpoints.search(
            [("tier_id", "=", self.tier_b.id), ("channel", "=", "call")]
        )
        months = {one.date_planned.strftime("%Y-%m") for one in calls}
        self.assertGreaterEqual(len(months), 11)

    def test_entries_of_the_next_weeks(self):
        self.company.touch_weeks = 60
        self._plan()
        meetings = self._get(self.client_a, "meeting")
        for meeting in meetings:
            event = meeting.event_id
            self.assertEqual(event.user_id, self.own)
            self.assertIn(self.contact, event.partner_ids)
            self.assertIn(self.own.partner_id, event.partner_ids)
            self.assertEqual(event.res_id, self.client_a.id)
            self.assertEqual(event.res_model, "res.partner")
            self.assertEqual(event.start.date(), meeting.date_planned)
            self.assertEqual(event.alarm_ids, meeting.cadence_id.alarm_ids)
            self.assertIn("goals", event.description)
            self.assertIn("Ann", event.notes)
            self.assertNotIn("Tier", event.description, "The client reads it")
            self.assertFalse(event.activity_ids)
            # Brussels is one or two hours ahead of UTC; office hours are 8 to 17.
            self.assertGreaterEqual(event.start.hour, 7)
            self.assertLessEqual(event.stop.hour, 16)
        for call in self._get(self.client_a, "call"):
            activity = call.activity_id
            self.assertEqual(activity.user_id, self.own)
            self.assertEqual(activity.date_deadline, call.date_planned)
            self.assertEqual(activity.res_id, self.client_a.id)
            self.assertEqual(
                activity.activity_type_id, call.cadence_id.activity_type_id
            )
        self.assertFalse(self._get(self.client_b, "newsletter").activity_id)

    def test_no_entries_beyond_the_weeks(self):
        self.company.touch_weeks = 0
        self._plan()
        late = self._get(self.client_a).filtered(
            lambda one: one.date_planned > self._day(self.TODAY)
        )
        self.assertFalse(late.event_id or late.activity_id)
        self.assertTrue(late)

    def test_no_mail_before_the_invitation(self):
        self.company.touch_weeks = 60
        before = self.env["mail.mail"].search_count([])
        self._plan()
        self.env.flush_all()
        self.assertEqual(self.env["mail.mail"].search_count([]), before)
        event = self._get(self.client_a, "meeting")[0].event_id
        event.with_user(self.own).write(
            {
                "start": event.start + timedelta(days=1),
                "stop": event.stop + timedelta(days=1),
            }
        )
        notified = self.env["mail.notification"].search(
            [("res_partner_id", "=", self.contact.id)]
        )
        self.assertFalse(notified)

    def test_meetings_do_not_overlap(self):
        self.company.write({"touch_weeks": 60, "touch_hours_per_day": 24})
        busy = self._create_event(self._day("2026-03-03"), hour=8)
        busy.write({"start": "2026-03-03 07:00:00", "stop": "2026-03-03 13:00:00"})
        cadence = self.tier_a.cadence_ids.filtered(lambda one: one.channel == "meeting")
        self._plan()
        for number in range(2):
            self._assign(
                self._create_client(f"New {number}", user=self.own), self.tier_a
            )
        self.company.resource_calendar_id.attendance_ids.filtered(
            lambda one: one.dayofweek != "1"
        ).unlink()
        with self._at("2026-03-03", hour=5):
            self._plan()
        events = self.env["calendar.event"].search(
            [("user_id", "=", self.own.id), ("start", ">=", "2026-03-03")],
            order="start",
        )
        self.assertGreaterEqual(len(events), 3)
        self.assertTrue(cadence)
        for former, event in zip(events, events[1:], strict=False):
            self.assertLessEqual(former.stop, event.start)

    def test_only_administrators_plan(self):
        for user in (self.own, self.all_docs):
            with self.assertRaises(AccessError):
                self.touchpoints.with_user(user).plan()
        self.touchpoints.with_user(self.manager).plan()
        self.assertTrue(self._get(self.client_a))

    def test_preview(self):
        effect = self.touchpoints.plan_preview()
        self.assertEqual(effect["added"], 16)
        self.assertFalse(self._get(self.client_a))
        self.assertFalse(self.company.touch_first_plan)
        self._plan()
        self.assertFalse(self.touchpoints.plan_preview()["added"])

    def test_newsletters_together(self):
        """One mailing fulfils the newsletters of all clients."""
        self._plan()
        dates = {
            tuple(self._get(client, "newsletter").mapped("date_due"))
            for client in (self.client_b, self.client_c)
        }
        self.assertEqual(len(dates), 1)

    def test_blacklisted(self):
        self.client_c.email = "cosy@example.com"
        self._plan()
        self.env["mail.blacklist"]._add("cosy@example.com")
        effect = self._plan()
        self.assertEqual(effect["cancelled"], 4)
        self.assertEqual(set(self._get(self.client_c).mapped("state")), {"cancelled"})
        self.env["mail.blacklist"]._remove("cosy@example.com")
        self._plan()
        self.assertEqual(set(self._get(self.client_c).mapped("state")), {"planned"})

    def test_queries_do_not_grow(self):
        """As many queries for three times as many clients."""

        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._plan()
            return self.env.cr.sql_log_count - before

        self._plan()
        self._add_clients(10)
        few = count()
        self._add_clients(30)
        self.assertLessEqual(count(), few + 15)

    def _add_clients(self, number):
        clients = self.env["res.partner"].create(
            [
                {"name": f"Client {at}", "is_company": True, "user_id": self.other.id}
                for at in range(number)
            ]
        )
        self._assign(clients, self.tier_a)

    def test_cron(self):
        cron = self.env.ref("account_tiering.ir_cron_plan_touchpoints")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.assertFalse(self._get(self.client_a), "Nobody has planned yet")
        self._plan()
        self.assertEqual(
            self.touchpoints._get_plan_batches(self.company, pending=True), []
        )
        with self._at("2026-03-03"):
            self.assertTrue(
                self.touchpoints._get_plan_batches(self.company, pending=True)
            )
            with self.enter_registry_test_mode():
                cron.method_direct_trigger()
            self.assertFalse(
                self.touchpoints._get_plan_batches(self.company, pending=True)
            )
