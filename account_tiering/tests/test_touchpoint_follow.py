from datetime import timedelta

from odoo.tests import tagged
from odoo.tools import SQL

from .touchpoint_common import TouchpointCommon


@tagged("post_install", "-at_install")
class TestTouchpointFollow(TouchpointCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.touchpoints.plan()

    def _get_open(self, partner):
        return self._get(partner, is_open=True)

    # ------------------------------------------------------------
    # TIERS AND CADENCES
    # ------------------------------------------------------------

    def test_tier_changes(self):
        held = self._get(self.client_a, "call")[0]
        held.action_done(self.TODAY)
        before = held.read()
        former = self._get_open(self.client_a)
        entries = former.event_id, former.activity_id
        self._assign(self.client_a, self.tier_b)
        effect = self._plan()
        self.assertEqual(set(former.mapped("state")), {"cancelled"})
        self.assertEqual(effect["cancelled"], 5)
        self.assertFalse(entries[0].exists() or entries[1].exists())
        present = self._get_open(self.client_a)
        self.assertEqual(present.tier_id, self.tier_b)
        self.assertEqual(held.read(), before)
        self._assign(self.client_a, self.tier_a)
        self._plan()
        self.assertEqual(set(former.mapped("state")), {"planned"}, "They come back")

    def test_last_call_of_former_tier_counts(self):
        """Whoever was called yesterday is not called tomorrow because of his tier."""
        call = self._get(self.client_a, "call")[0]
        with self._at(call.date_due):
            call.action_done()
        with self._at(call.date_due + timedelta(days=1)):
            self._assign(self.client_a, self.tier_b)
            self._plan()
        first = min(
            self._get(self.client_a, "call", is_open=True).mapped("date_planned")
        )
        self.assertGreater((first - call.date_due).days, 80)

    def test_review(self):
        self._create_invoice(self.client_c, 90000)
        self._create_invoice(self.client_a, 10)
        review = self._create_review()
        action = review.action_preview_touchpoints()
        preview = self.env["client.touchpoint.preview"].browse(action["res_id"])
        self.assertEqual(review.state, "draft")
        self.assertEqual(self._get_tiers(self.client_a), ["A"])
        self.assertGreater(preview.added, 0)
        self.assertGreater(preview.cancelled, 0)
        review.action_apply()
        effect = self._plan()
        self.assertEqual(preview.added, effect["added"])
        self.assertEqual(preview.cancelled, effect["cancelled"])
        self.assertEqual(self._get_open(self.client_c).tier_id, self.client_c.tier_id)

    def test_tier_is_taken_away(self):
        given = self.client_a.tier_assignment_ids
        given.unlink()
        self.assertFalse(self._get_open(self.client_a))

    def test_cadence_is_edited(self):
        cadence = self.tier_a.cadence_ids.filtered(lambda one: one.channel == "call")
        cadence.times_per_year = 2
        preview = self.touchpoints.plan_preview()
        effect = self._plan()
        self.assertEqual(len(self._get_open(self.client_a)), 4)
        self.assertEqual(preview["cancelled"], effect["cancelled"])
        self.assertGreaterEqual(effect["cancelled"], 2)

    def test_edited_cadence_makes_nothing_overdue(self):
        """Whatever a client's dates are, and however often it is owed from now on."""
        cadence = self.tier_a.cadence_ids.filtered(lambda one: one.channel == "call")
        clients = [
            self._create_client(f"Client {number}", user=self.other)
            for number in range(25)
        ]
        for client in clients:
            self._assign(client, self.tier_a)
        self.company.touch_first_plan = False
        self._plan()
        for times in (2, 6, 1, 4):
            cadence.times_per_year = times
            self._plan()
            calls = self.touchpoints.search(
                [("cadence_id", "=", cadence.id), ("is_open", "=", True)]
            )
            self.assertEqual(set(calls.mapped("state")), {"planned"}, times)
            counts = {len(own) for own in calls.grouped("partner_id").values()}
            self.assertLessEqual(counts, {times - 1, times, times + 1}, times)
            before = self._snapshot()
            self._plan()
            self.assertEqual(self._snapshot(), before, times)

    def test_cadence_is_removed(self):
        call = self._get(self.client_a, "call")[0]
        call.action_done(self.TODAY)
        self.tier_a.cadence_ids.filtered(lambda one: one.channel == "call").unlink()
        self.assertEqual(call.state, "done")
        self.assertFalse(call.cadence_id)
        self._plan()
        self.assertEqual(
            set(self._get_open(self.client_a).mapped("channel")), {"meeting"}
        )

    # ------------------------------------------------------------
    # ACCOUNT MANAGERS
    # ------------------------------------------------------------

    def test_manager_changes(self):
        self.company.touch_weeks = 60
        self._plan()
        held = self._get(self.client_a, "call")[0]
        held.action_done(self.TODAY)
        notified = self._count_notified(self.other)
        self.client_a.user_id = self.other
        self.assertEqual(self._get_open(self.client_a).user_id, self.other)
        self.assertEqual(held.user_id, self.own)
        self.assertEqual(self._count_notified(self.other), notified + 1)
        self._plan()
        present = self._get_open(self.client_a)
        self.assertEqual(present.activity_id.user_id, self.other)
        self.assertEqual(present.event_id.user_id, self.other)
        self.assertNotIn(self.own.partner_id, present.event_id.partner_ids)

    def test_agreed_meeting_changes_hands(self):
        self.company.touch_weeks = 60
        self._plan()
        meeting = self._get(self.client_a, "meeting")[0]
        meeting.action_agree()
        event, start = meeting.event_id, meeting.event_id.start
        self.client_a.user_id = self.other
        self.assertEqual(meeting.event_id, event)
        self.assertEqual((event.start, event.user_id), (start, self.other))
        self.assertIn(self.other.partner_id, event.partner_ids)
        self.assertNotIn(self.own.partner_id, event.partner_ids)
        self.assertIn(self.contact, event.partner_ids)

    def test_hand_over_future_ones(self):
        self.company.touch_weeks = 30
        self._plan()
        present = self._get_open(self.client_a)
        shown = present.filtered(lambda one: one.event_id or one.activity_id)
        self.assertTrue(shown and present - shown)
        self.env["client.touchpoint.handover"].create(
            {
                "partner_ids": self.client_a.ids,
                "user_id": self.other.id,
                "scope": "future",
            }
        ).action_hand_over()
        self._plan()
        self.assertEqual(shown.user_id, self.own)
        self.assertEqual((present - shown).user_id, self.other)
        self.assertEqual(self.client_a.user_id, self.other)

    def test_manager_leaves(self):
        self.client_a.user_id = False
        self.assertFalse(self._get_open(self.client_a).user_id)
        self.assertFalse(self._get_open(self.client_a).activity_id)
        self.other.active = False
        self.client_b.user_id = self.other
        self._plan()
        self.assertFalse(self._get_open(self.client_b).user_id)

    def _count_notified(self, user):
        return self.env["mail.notification"].search_count(
            [
                ("res_partner_id", "=", user.partner_id.id),
                ("mail_message_id.subject", "ilike", "handed over"),
            ]
        )

    # ------------------------------------------------------------
    # CLIENTS
    # ------------------------------------------------------------

    def test_archived(self):
        held = self._get(self.client_a, "call")[0]
        held.action_done(self.TODAY)
        present = self._get_open(self.client_a)
        entries = present.event_id, present.activity_id
        self.client_a.active = False
        self.assertEqual(set(present.mapped("state")), {"cancelled"})
        self.assertFalse(entries[0].exists() or entries[1].exists())
        self.assertEqual(held.state, "done")
        self.client_a.active = True
        self._plan()
        self.assertEqual(set(present.mapped("state")), {"planned"})

    def test_merged(self):
        double = self._create_client("Acme twice", user=self.own)
        self._assign(double, self.tier_a)
        self._plan()
        calls = self._get(double, "call")
        calls[0].action_done(self.TODAY)
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (self.client_a | double).ids, self.client_a
        )
        self.assertTrue(calls[0].exists())
        self.assertEqual(calls[0].partner_id, self.client_a)
        self.assertEqual(calls[0].state, "done")
        self._plan()
        slots = [
            (one.cadence_id, one.year, one.number)
            for one in self._get(self.client_a)
            if one.cadence_id
        ]
        self.assertEqual(len(slots), len(set(slots)))
        self.assertEqual(len(self._get_open(self.client_a)), 5)

    def test_both_held_and_merged(self):
        double = self._create_client("Acme twice", user=self.own)
        self._assign(double, self.tier_a)
        self._plan()
        both = self._get(double, "call")[:1] | self._get(self.client_a, "call")[:1]
        for touchpoint, other in zip(both, both[::-1], strict=True):
            self.assertNotEqual(touchpoint.partner_id, other.partner_id)
        both.action_done(self.TODAY)
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (self.client_a | double).ids, self.client_a
        )
        self.assertEqual(both.partner_id, self.client_a)
        self.assertEqual(set(both.mapped("state")), {"done"})

    def test_becomes_part_of_another(self):
        self.client_b.write({"parent_id": self.client_a.id, "is_company": False})
        self._plan()
        self.assertFalse(self._get_open(self.client_b))
        self.assertTrue(self._get_open(self.client_a))

    # ------------------------------------------------------------
    # DIGEST AND CAPACITY
    # ------------------------------------------------------------

    def _get_digests(self, user):
        kind = self.env.ref("account_tiering.mail_activity_type_digest")
        return self.env["mail.activity"].search(
            [("activity_type_id", "=", kind.id), ("user_id", "=", user.id)]
        )

    def test_digest(self):
        call = self._get(self.client_a, "call")[0]
        cron = self.env.ref("account_tiering.ir_cron_touchpoint_digest")
        # On a Monday, as it is sent: at a weekend, all is planned for the next week.
        monday = call.window_end + timedelta(days=7 - call.window_end.weekday())
        with self._at(monday):
            self._plan()
            for _time in range(2):
                with self.enter_registry_test_mode():
                    cron.method_direct_trigger()
            digest = self._get_digests(self.own)
            self.assertEqual(len(digest), 1)
            self.assertIn("Acme", digest.note)
            self.assertIn("overdue", digest.summary)
            self.assertFalse(self._get_digests(self.other))

    def test_digests_of_two_jobs(self):
        """What another job has given in the meantime is left alone; who has none yet
        gets one."""
        kind = self.env.ref("account_tiering.mail_activity_type_digest")
        values = [
            {
                "activity_type_id": kind.id,
                "digest_kind": "test",
                "user_id": user.id,
                "summary": user.name,
            }
            for user in self.own | self.other | self.manager
        ]
        activities = self.env["mail.activity"]
        theirs = activities._create_digests(values[1:2])
        self.assertEqual(theirs.user_id, self.other)
        ours = activities._create_digests(values)
        self.assertEqual(ours.user_id, self.own | self.manager)
        self.assertFalse(activities._create_digests(values))
        # Done ones are no hindrance.
        theirs.active = False
        self.assertEqual(len(activities._create_digests(values)), 1)

    def test_no_digest(self):
        self.company.touch_digest = False
        call = self._get(self.client_a, "call")[0]
        with self._at(call.date_planned):
            self.touchpoints._cron_digest()
            self.assertFalse(self._get_digests(self.own))

    def test_capacity(self):
        capacity = self.env["client.touchpoint.capacity"]
        rows = capacity.search(capacity.action_open()["domain"])
        promised = sum(rows.mapped("promised"))
        self.assertAlmostEqual(
            promised,
            sum(
                self.touchpoints.search(
                    [("company_id", "=", self.company.id), ("is_open", "=", True)]
                ).mapped("hours")
            ),
        )
        self.assertFalse(any(rows.mapped("is_over")))
        self.assertEqual(set(rows.mapped("user_name")), {self.own.name})
        self.company.touch_hours_per_day = 0.01
        rows = capacity.search(capacity.action_open()["domain"])
        over = rows.filtered("is_over")
        self.assertEqual(over, rows.filtered("promised"))
        touchpoints = self.touchpoints.search(
            over[0].action_view_touchpoints()["domain"]
        )
        self.assertAlmostEqual(sum(touchpoints.mapped("hours")), over[0].promised)

    def test_capacity_without_a_manager(self):
        """What nobody has promised is a row that says so."""
        self.client_a.user_id = False
        self._plan()
        capacity = self.env["client.touchpoint.capacity"]
        rows = capacity.search(capacity.action_open()["domain"])
        nobody = rows.filtered(lambda row: not row.user_id)
        self.assertTrue(nobody)
        self.assertEqual(set(nobody.mapped("user_name")), {"Nobody"})

    def test_capacity_of_the_director(self):
        """His hours hold the meetings that he takes part in."""
        meetings = self.tier_a.cadence_ids.filtered(
            lambda one: one.channel == "meeting"
        )
        meetings.write({"owner": "both", "duration": 1.5, "preparation": 1.0})
        self.company.tier_director_id = self.manager
        self._plan()
        capacity = self.env["client.touchpoint.capacity"].with_user(self.all_docs)
        rows = capacity.search(capacity.action_open()["domain"])
        own = rows.filtered(lambda row: row.user_id == self.manager)
        self.assertAlmostEqual(sum(own.mapped("promised")), 2 * 1.5)
        row = own.filtered("promised")[0]
        touchpoints = self.touchpoints.search(row.action_view_touchpoints()["domain"])
        self.assertEqual(touchpoints.mapped("channel"), ["meeting"])
        capacity = capacity.with_user(self.own)
        rows = capacity.search(capacity.action_open()["domain"])
        self.assertEqual(rows.user_id, self.own)

    def test_account_manager_by_sql(self):
        """Jobs ask for many clients what everybody else asks for one."""
        elsewhere = self.env["res.company"].create({"name": "East"})
        gone = self._new_user("gone", "sales_team.group_sale_salesman")
        gone.active = False
        away = self._new_user("away", "sales_team.group_sale_salesman")
        away.write({"company_ids": elsewhere.ids, "company_id": elsewhere.id})
        users = [self.own, gone, away, self.portal, self.env["res.users"]]
        clients = self.env["res.partner"].create(
            [
                {"name": "Client", "is_company": True, "user_id": user.id}
                for user in users
            ]
        )
        self.env.flush_all()
        for company in self.company | elsewhere:
            found = dict(
                self.env.execute_query(
                    SQL(
                        "SELECT client.id, %s FROM res_partner client"
                        " WHERE client.id = ANY(%s)",
                        clients._get_account_manager_sql("client", company),
                        clients.ids,
                    )
                )
            )
            self.assertEqual(
                found,
                {
                    client.id: client._get_account_manager(company).id or None
                    for client in clients
                },
            )
            self.assertIn(
                self.own.id if company == self.company else away.id, found.values()
            )

    def test_manager_without_hours(self):
        preview = self.env["client.touchpoint.preview"].create({})
        self.assertFalse(preview.without_hours)
        self.company.resource_calendar_id.attendance_ids.unlink()
        preview = self.env["client.touchpoint.preview"].create({})
        self.assertEqual(preview.without_hours, self.own.name)
