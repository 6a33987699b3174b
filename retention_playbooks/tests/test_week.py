from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .week_common import WeekCommon


@tagged("post_install", "-at_install")
class TestWeek(WeekCommon):
    """Who is on the list, in which order, and why."""

    # ------------------------------------------------------------
    # WHO
    # ------------------------------------------------------------

    def test_signal_opens_and_closes(self):
        self.assertFalse(self._get_client())
        signal = self._create_signal(self.client_a, severity="3")
        client = self._get_client()
        self.assertTrue(client.active)
        self.assertEqual(client.user_id, self.own)
        self.assertEqual(client.signal_id, signal)
        self.assertEqual((client.kind, client.severity), ("complaint", "3"))
        self.assertEqual(self._list(), self.client_a)
        signal.with_user(self.own).action_handle("Called")
        self.assertFalse(self._list())
        self.assertEqual(self._get_client(), client, "the record stays readable")
        signal.with_user(self.own).action_reopen()
        self.assertEqual(self._list(), self.client_a)
        signal.unlink()
        self.assertFalse(self._list())

    def test_one_record_per_client(self):
        for kind in ("complaint", "lapsed", "late_payer"):
            self._create_signal(self.client_a, kind)
        client = self._get_client()
        self.assertEqual(len(client), 1)
        self.assertEqual(client.signal_count, 3)

    def test_found_by_the_weekly_search(self):
        """Signals written by SQL are on the list without the end of a transaction."""
        order = self._create_order()
        order.date_order = self._moment(self.today - timedelta(days=500))
        self.env["retention.signal"]._refresh(self.company, self.client_a.ids)
        client = self.clients.search([("partner_id", "=", self.client_a.id)])
        self.assertEqual(client.kind, "lapsed")
        self.assertEqual(client.revenue, 2000)
        order.date_order = self._moment(self.today)
        self.env["retention.signal"]._refresh(self.company, self.client_a.ids)
        self.assertFalse(self.clients.search([("partner_id", "=", self.client_a.id)]))

    def test_due_step(self):
        run = self._start(self._create_playbook(0))
        client = self._get_client()
        self.assertTrue(client.active)
        self.assertEqual(client.step_id, run.step_ids)
        self.assertEqual((client.severity, client.date_due), ("1", self.today))
        self.assertEqual(client.reason, "Step 1 is due")
        self.assertEqual(client.next_step, "Step 1 (Rescue)")
        run.step_ids.with_user(self.own).action_done()
        self.assertEqual(
            self._list(), self.client_a, "Somebody has to say how it ended."
        )
        run.with_user(self.own).action_win()
        self.assertFalse(self._list())

    def test_step_that_is_late_weighs_more(self):
        self._start(self._create_playbook(0))
        client = self._get_client()
        before = client.urgency
        with self._on(1):
            self.clients._refresh(self.company, self.client_a.ids)
            self.assertEqual(client.severity, "2")
            self.assertGreater(client.urgency, before)
            self.assertIn("Step 1 was due on 03/02/2026", client.reason)

    def test_failed_step(self):
        run = self._start(self._create_playbook(0))
        run.step_ids.activity_id.unlink()
        client = self._get_client()
        self.assertEqual(client.severity, "2")
        self.assertIn("Step 1 has failed: The activity was deleted", client.reason)

    def test_waiting_is_nothing_to_do(self):
        """Neither a step that is later, nor waiting for the client."""
        self._start(self._create_playbook(5))
        self._start(
            self._create_playbook({"kind": "wait", "wait_for": "reply"}, kind="lapsed"),
            self.client_b,
        )
        self.assertFalse(self._list())
        self._create_signal(self.client_a)
        client = self._get_client()
        self.assertFalse(client.step_id)
        self.assertEqual(client.next_step, "Rescue is running: nothing to do now")

    def test_stopped_run(self):
        run = self._start(self._create_playbook(0))
        self.assertTrue(self._list())
        run.with_user(self.own).action_stop("Enough")
        self.assertFalse(self._list())
        self.assertFalse(self._get_client().run_id)

    def test_follows_its_client(self):
        self._create_signal(self.client_a)
        self.assertEqual(self._list(), self.client_a)
        self.client_a.user_id = self.other
        self.assertFalse(self._list())
        self.assertEqual(self._list(self.other), self.client_a)
        self.client_a.active = False
        self.assertFalse(self._list(self.other))

    def test_client_without_a_manager(self):
        """Whoever was asked to see to a signal has its client on his list."""
        self.client_a.user_id = False
        signal = self._create_signal(self.client_a, user_id=False)
        self.assertFalse(self._get_client().user_id)
        signal.user_id = self.own
        self.assertEqual(self._list(), self.client_a)

    def test_part_of_another_client(self):
        self._create_signal(self.client_a)
        self._get_client()
        self.client_a.parent_id = self.client_b
        self.client_a.is_company = False
        self.assertFalse(self._get_client())
        self.assertEqual(self._list(), self.client_b)

    def test_merged_clients(self):
        for partner in (self.client_a, self.client_b):
            self._create_signal(partner)
        self.assertEqual(len(self._list()), 2)
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (self.client_a | self.client_b).ids, self.client_b, extra_checks=False
        )
        self.assertEqual(self._list(), self.client_b)

    def test_companies_apart(self):
        company = self.env["res.company"].create({"name": "Second"})
        self._create_signal(self.client_a, company_id=company.id)
        self.assertFalse(self._get_client())
        self.assertFalse(self._list())
        self.own.company_ids += company
        found = (
            self.clients.with_user(self.own)
            .with_context(allowed_company_ids=company.ids)
            .search([])
        )
        self.assertEqual(found.partner_id, self.client_a)
        self.assertEqual(found.company_id, company)

    # ------------------------------------------------------------
    # HOW URGENT
    # ------------------------------------------------------------

    def test_order_of_the_list(self):
        """Severity, tier and revenue: the same complaint, three clients."""
        self.company.retention_usual_revenue = 1000
        for partner in (self.client_c, self.client_b, self.client_a):
            self._create_signal(partner)
        self.assertEqual(
            self._list().ids, (self.client_a | self.client_b | self.client_c).ids
        )
        self._get_client(self.client_c).signal_id.severity = "3"
        self.assertEqual(
            self._list().filtered(lambda one: one != self.client_a).ids,
            (self.client_c | self.client_b).ids,
        )

    def test_revenue_counts(self):
        self.company.retention_usual_revenue = 1000
        self._assign(self.client_b, self.tier_a)
        self._create_signal(self.client_a, revenue=1000)
        self._create_signal(self.client_b, revenue=3000)
        self.assertEqual(self._list().ids, (self.client_b | self.client_a).ids)
        self.assertEqual(self._get_client().urgency_parts["value"], 0.75)

    def test_urgency_in_words(self):
        self.company.retention_usual_revenue = 1000
        self._create_signal(self.client_b, revenue=1000)
        note = self._get_client(self.client_b).urgency_note
        self.assertIn("severity 0.40 × tier 0.75 (B) × value 0.75", note)
        self.assertTrue(note.startswith("22 of 100"), note)

    def test_usual_revenue(self):
        """The median of those who have brought any, over orders and invoices."""
        for partner, amount in (
            (self.client_a, 1000),
            (self.client_b, 5000),
            (self.client_c, 90000),
        ):
            self._create_invoice(partner, amount)
        self.clients._recompute_usual_revenue(self.company)
        self.assertEqual(self.company.retention_usual_revenue, 5000)

    def test_usual_revenue_before_the_first_search(self):
        for partner, amount in ((self.client_a, 1000), (self.client_b, 3000)):
            self._create_invoice(partner, amount)
        self.company.retention_usual_revenue = 0
        self._create_signal(self.client_c)
        self.assertEqual(self._get_client(self.client_c).revenue, 0)
        self.assertEqual(self.company.retention_usual_revenue, 0)
        self._create_signal(self.client_b, revenue=3000)
        parts = self._get_client(self.client_b).urgency_parts
        self.assertEqual(self.company.retention_usual_revenue, 2000)
        self.assertEqual(parts["value"], 0.8)
        # That is the matter of the search from now on.
        self._create_invoice(self.client_c, 90000)
        self._create_signal(self.client_a, revenue=1000)
        self._get_client()
        self.assertEqual(self.company.retention_usual_revenue, 2000)

    def test_two_jobs_get_in_each_others_way(self):
        """The batch is done again, with what the other one has written."""
        self._create_signal(self.client_a)
        meets = [SerializationFailure(), SerializationFailure(), None]
        with (
            patch.object(
                type(self.clients), "_refresh_after", side_effect=meets
            ) as refresh,
            patch.object(self.env.cr, "rollback") as rollback,
        ):
            self.assertIsNone(self.clients._refresh_after_safely(self.company, 0))
        self.assertEqual(refresh.call_count, 3)
        self.assertEqual(rollback.call_count, 2)
        with (
            patch.object(
                type(self.clients), "_refresh_after", side_effect=SerializationFailure
            ) as refresh,
            patch.object(self.env.cr, "rollback"),
            self.assertRaises(SerializationFailure),
        ):
            self.clients._refresh_after_safely(self.company, 0)
        self.assertEqual(refresh.call_count, 5)

    # ------------------------------------------------------------
    # TIERS CHANGE
    # ------------------------------------------------------------

    def test_tier_is_changed_by_hand(self):
        self._create_signal(self.client_b)
        self.assertEqual(self._get_client(self.client_b).urgency_parts["tier"], 0.75)
        self._assign(self.client_b, self.tier_a)
        self.assertEqual(self._get_client(self.client_b).urgency_parts["tier"], 1.0)
        self.client_b.tier_assignment_ids.unlink()
        self.assertEqual(self._get_client(self.client_b).urgency_parts["tier"], 0.5)

    def _review(self):
        """Apply a review that finds one of our clients better than it is."""
        self._create_invoice(self.client_c, 90000)
        review = self._create_review()
        review.action_accept_all()
        review.action_apply()
        return review

    def test_review_is_applied(self):
        self._create_signal(self.client_c)
        before = self._get_client(self.client_c).urgency
        review = self._review()
        self.assertEqual(self.client_c.tier_id, self.tier_a)
        self.assertGreater(self._get_client(self.client_c).urgency, before)
        review.action_undo()
        self.assertEqual(self._get_client(self.client_c).urgency, before)

    def test_many_tiers_change(self):
        """The nightly job does it within minutes."""
        cron = self.env.ref("retention_playbooks.ir_cron_refresh_clients")
        due = [("cron_id", "=", cron.id)]
        triggers = self.env["ir.cron.trigger"]
        triggers.search(due).unlink()
        cron.active = True
        clients = self._create_clients(201)
        self._assign(clients[:100], self.tier_a)
        self.assertFalse(triggers.search(due))
        self._assign(clients[100:], self.tier_b)
        self.assertTrue(triggers.search(due))

    def test_reasons_in_words(self):
        self._create_signal(
            self.client_a, "lost", "3", facts={"sentence": "Said farewell"}
        )
        self._create_signal(
            self.client_a, "late_payer", "2", facts={"sentence": "Owes <us> money"}
        )
        client = self._get_client()
        self.assertEqual(client.reason, "Said farewell; and 1 more")
        self.assertIn("<li>Owes &lt;us&gt; money</li>", client.reasons)
        self.assertLess(client.reasons.index("farewell"), client.reasons.index("money"))

    def test_recommended_step(self):
        for channel, text in (
            ("call", "Call Ann"),
            ("meeting", "Meet Ann"),
            ("email", "Write to Ann"),
        ):
            signal = self._create_signal(self.client_a, channel=channel)
            client = self._get_client()
            self.assertEqual(client.next_step, text)
            self.assertEqual(client.contact_phone, self.contact.phone)
            signal.unlink()

    def test_whom_to_address(self):
        """Who decides comes first, then who can be reached."""
        people = self.env["res.partner"]
        self._create_signal(self.client_a)
        self.assertEqual(self._get_client().contact_id, self.contact)
        boss = people.create(
            {
                "name": "Bo",
                "parent_id": self.client_a.id,
                "is_decision_maker": True,
            }
        )
        self.clients._refresh(self.company, self.client_a.ids)
        self.assertEqual(self._get_client().contact_id, boss)
        self._create_signal(self.client_c)
        self.assertEqual(self._get_client(self.client_c).contact_id, self.client_c)

    def test_language_of_the_reader(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self._create_signal(
            self.client_a,
            "late_payer",
            facts={"amount": 5.0, "count": 1, "due": "2026-01-01"},
        )
        client = self._get_client()
        self.assertIn("60 days", client.reason)
        self.assertIn("60 days", client.with_context(lang="en_US").reasons)

    # ------------------------------------------------------------
    # TWICE IN A ROW
    # ------------------------------------------------------------

    def test_refreshing_again_changes_nothing(self):
        self._create_signal(self.client_a, severity="3", revenue=12.34)
        self._create_signal(self.client_b)
        self._start(self._create_playbook(0), self.client_b)
        before = self._get_list_snapshot()
        self.assertEqual(len(before), 2)
        clients = self.client_a | self.client_b | self.client_c
        self.assertEqual(self.clients._refresh(self.company, clients.ids), 0)
        self.assertEqual(self._get_list_snapshot(), before)

    def test_nightly_job(self):
        """What the day changes, and what somebody has deleted by SQL."""
        self._create_signal(self.client_a)
        self._create_signal(self.client_b)
        self._start(self._create_playbook(0), self.client_c)
        self._end_transaction()
        self.env.cr.execute("DELETE FROM retention_client WHERE TRUE")
        last_id = 0
        sizes = []
        while last_id is not None:
            last_id = self.clients._refresh_after(self.company, last_id, size=2)
            sizes.append(last_id)
        self.assertEqual(len(sizes), 2)
        self.assertEqual(len(self._list()), 3)
        with self.enter_registry_test_mode():
            self.env.ref(
                "retention_playbooks.ir_cron_refresh_clients"
            ).method_direct_trigger()
        self.assertEqual(len(self._list()), 3)

    # ------------------------------------------------------------
    # SNOOZE
    # ------------------------------------------------------------

    def _snooze(self, days=5, reason="On holiday", partner=None, user=None):
        client = self._get_client(partner).with_user(user or self.own)
        dialog = (
            self.env["retention.client.snooze"]
            .with_user(user or self.own)
            .create(
                {
                    "client_ids": client.ids,
                    "date_until": self.today + timedelta(days=days),
                    "reason": reason,
                }
            )
        )
        dialog.action_apply()
        return client

    def test_snooze_comes_back_by_itself(self):
        self._create_signal(self.client_a)
        client = self._snooze(5)
        self.assertTrue(client.is_snoozed)
        self.assertEqual(client.snooze_reason, "On holiday")
        self.assertEqual(client.snoozed_by_id, self.own)
        self.assertFalse(self._list())
        with self._on(4):
            self.assertFalse(self._list())
        with self._on(5):
            self.assertEqual(self._list(), self.client_a)
            self.assertFalse(client.is_snoozed)

    def test_snooze_stays_when_nothing_is_worse(self):
        self._create_signal(self.client_a, severity="2")
        self._snooze()
        self._create_signal(self.client_a, "late_payer", severity="2")
        self.clients._refresh(self.company, self.client_a.ids)
        self.assertFalse(self._list())

    def test_snooze_ends_with_a_graver_reason(self):
        self._create_signal(self.client_a, severity="2")
        client = self._snooze()
        snooze = client.sudo().snooze_id
        self._create_signal(self.client_a, "lost", severity="3")
        self.assertEqual(self._list(), self.client_a)
        self.assertFalse(self._get_client().snooze_id)
        self.assertEqual(snooze.reason, "On holiday", "it is kept")

    def test_wake(self):
        self._create_signal(self.client_a)
        client = self._snooze()
        snooze = client.sudo().snooze_id
        client.action_wake()
        self.assertEqual(self._list(), self.client_a)
        self.assertEqual(snooze.ended_on, self.today)

    def test_wrong_snoozes(self):
        self._create_signal(self.client_a)
        for days, reason in ((0, "Why"), (-1, "Why"), (3, "  ")):
            with self.subTest(days=days), self.assertRaises(UserError):
                self._snooze(days, reason)
        with self.assertRaises(AccessError):
            self._snooze(user=self.other)

    def test_default_day_is_next_monday(self):
        dialogs = self.env["retention.client.snooze"]
        self.assertEqual(dialogs._default_date_until(), self.today + timedelta(days=7))
        with self._on(6):
            self.assertEqual(
                dialogs._default_date_until(), self.today + timedelta(days=7)
            )
