from odoo.tests import Form, tagged

from .common import RetentionCommon


@tagged("post_install", "-at_install")
class TestPurchaseSignals(RetentionCommon):
    """Rhythm, lapsed and lost clients."""

    # ------------------------------------------------------------
    # BROKEN PATTERN
    # ------------------------------------------------------------

    def test_broken_pattern(self):
        orders = self._create_orders(365 + 183, 365 + 92, 365, 274, 183)
        signal = self._find("broken_pattern")
        self.assertEqual(
            signal.explanation,
            "Ordered every 91 days on average for 12 months, last order 183 days ago",
        )
        self.assertEqual(
            (signal.res_model, signal.res_id), ("sale.order", orders[4].id)
        )
        self.assertEqual(signal.user_id, self.own)
        self.assertEqual(signal.date_open, self.today)
        self.assertEqual(signal.channel, "call")

    def test_rhythm_is_kept(self):
        self._create_orders(365 + 92, 365, 274, 183, 92)
        self.assertFalse(self._find("broken_pattern"))

    def test_irregular_buyers_are_noticed_late(self):
        self._create_orders(700, 680, 500, 470, 300, 183)
        self.assertFalse(self._find("broken_pattern"))

    def test_broken_pattern_ends_with_an_order(self):
        self._create_orders(365 + 183, 365 + 92, 365, 274, 183)
        signal = self._find("broken_pattern")
        self._create_order(0)
        self._refresh()
        self.assertEqual(signal.state, "expired")

    # ------------------------------------------------------------
    # DAYS THAT DO NOT COUNT
    # ------------------------------------------------------------

    def _create_season(self, first, last, **values):
        """Return a season from so many days ago to so many days ago."""
        return self.env["retention.season"].create(
            {
                "name": "Holidays",
                "company_id": self.company.id,
                "date_from": self._days_ago(first),
                "date_to": self._days_ago(last),
                "yearly": False,
                "is_pause": True,
                **values,
            }
        )

    def test_days_of_rest_do_not_count(self):
        """Nobody is alarmed about who does not order while everybody rests."""
        self._create_orders(365 + 183, 365 + 92, 365, 274, 183)
        season = self._create_season(90, 10)
        self.assertFalse(self._find("broken_pattern"))
        # They are, when it is too short to explain that.
        season.date_to = self._days_ago(85)
        self.assertTrue(self._find("broken_pattern"))

    def test_other_seasons_count(self):
        self._create_orders(365 + 183, 365 + 92, 365, 274, 183)
        season = self._create_season(90, 10, is_pause=False)
        self.assertTrue(self._find("broken_pattern"))
        season.write({"kind": "good", "is_pause": True})
        self.assertTrue(self._find("broken_pattern"))

    def test_seasons_of_another_company(self):
        self._create_orders(365 + 183, 365 + 92, 365, 274, 183)
        season = self._create_season(90, 10, company_id=self._new_company("East").id)
        self.assertTrue(self._find("broken_pattern"))
        season.company_id = False
        self.assertFalse(self._find("broken_pattern"))

    def test_days_of_rest_and_lapsed(self):
        """They lengthen the client's own rhythm, not the period of the rule."""
        self._create_orders(400)
        self._create_season(90, 10)
        self.assertTrue(self._find("lapsed"))

    def _snooze(self, until):
        self.env.cr.flush()
        client = self.env["retention.client"].search(
            [("partner_id", "=", self.client.id)]
        )
        return self.env["retention.snooze"].create(
            {
                "client_id": client.id,
                "date_until": self._days_ago(-until),
                "reason": "They move house",
            }
        )

    def test_who_is_put_off_is_waited_for(self):
        self._create_orders(365 + 183, 365 + 92, 365, 274, 183)
        self._set_rule("broken_pattern", active=False)
        self._create_invoice(200, due=100)
        self.assertTrue(self._find("late_payer"))
        snooze = self._snooze(30)
        self._set_rule("broken_pattern", active=True)
        self.assertFalse(self._find("broken_pattern"))
        self.assertIn("Orders every 91 days", self.client.rhythm_note)
        snooze.client_id.action_wake()
        self.assertTrue(self._find("broken_pattern"))

    def test_putting_off_does_not_end_a_signal(self):
        """A run that waits for the signal to end has not reached its goal."""
        self._create_orders(365 + 183, 365 + 92, 365, 274, 183)
        signal = self._find("broken_pattern")
        self._snooze(30)
        self.assertEqual(self._find("broken_pattern"), signal)
        self.assertFalse(self._find("lapsed"))

    def test_lapsed_waits_for_who_is_put_off(self):
        self._create_orders(400)
        self._set_rule("lapsed", active=False)
        self.env["retention.complaint"].create(
            {"partner_id": self.client.id, "text": "Late"}
        ).action_log()
        snooze = self._snooze(30)
        self._set_rule("lapsed", active=True)
        self.assertFalse(self._find("lapsed"))
        snooze.client_id.action_wake()
        self.assertTrue(self._find("lapsed"))

    def test_too_few_orders(self):
        self._create_orders(500, 400)
        self.assertFalse(self._find("broken_pattern"))
        self.assertEqual(
            self.client.rhythm_note,
            "No rhythm can be told yet: 2 purchases so far, 4 are needed.",
        )
        self.assertEqual(
            self.other_client.rhythm_note,
            "No purchase yet, so there is no rhythm to tell.",
        )

    def test_rhythm_note(self):
        self._create_orders(365 + 92, 365, 274, 183, 92)
        self.assertIn("Orders every 91 days", self.client.rhythm_note)
        self._set_rule("broken_pattern", active=False)
        self.env.invalidate_all()
        self.assertFalse(self.client.rhythm_note)

    def test_rhythm_is_for_the_account_manager(self):
        self._create_orders(500, 400)
        for user in (self.own, self.all_docs):
            self.assertTrue(self.client.with_user(user).rhythm_note)
        self.assertFalse(self.client.with_user(self.other).rhythm_note)

    def test_orders_that_do_not_count(self):
        """Free ones, quotations, and those of contacts count for their client."""
        self._create_orders(548, 457, 365, 274, partner=self.contact)
        free = self._create_order(20, price=0.0)
        self.assertEqual(free.state, "sale")
        self.env["sale.order"].create({"partner_id": self.client.id})
        signal = self._find("broken_pattern")
        self.assertEqual(signal.facts["purchases"], 4)

    def test_invoices(self):
        for days in (548, 457, 365, 274, 183):
            self._create_invoice(days)
        self.assertTrue(self._find("broken_pattern"))
        self._set_rule("broken_pattern", source="order")
        self.assertFalse(self._find("broken_pattern"))

    def test_invoice_of_an_order_counts_once(self):
        order = self._create_order(100)
        order.order_line.qty_delivered = 1
        invoice = order._create_invoices()
        invoice.invoice_date = self._days_ago(10)
        invoice.action_post()
        self.env.flush_all()
        rule = self._get_rule("lapsed")
        self.assertEqual(
            self._read_last_purchase(rule),
            (1, self._days_ago(100), "sale.order", order.id),
        )
        rule.source = "invoice"
        self.assertEqual(
            self._read_last_purchase(rule),
            (1, self._days_ago(10), "account.move", invoice.id),
        )

    def _read_last_purchase(self, rule):
        """Return (number of purchases, day, model, id) of the client's last one."""
        count, number = rule._read_last_purchases(self.client.ids)[self.client.id]
        return (count, *rule._unpack_purchase(number))

    def test_credited_invoice_is_no_purchase(self):
        invoice = self._create_invoice(10)
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id, "reason": "Wrong"})
        )
        wizard.modify_moves()
        self.assertEqual(invoice.payment_state, "reversed")
        self.env.flush_all()
        rule = self._get_rule("lapsed")
        self.assertFalse(rule._read_last_purchases(self.client.ids))

    # ------------------------------------------------------------
    # LAPSED
    # ------------------------------------------------------------

    def test_lapsed(self):
        self._set_rule("lapsed", days=365)
        order = self._create_order(364)
        self.assertFalse(self._find("lapsed"))
        order.date_order = self._days_ago(365)
        signal = self._find("lapsed")
        self.assertEqual(signal.explanation, "Bought once, 365 days ago, and not again")
        self._create_order(0)
        self._refresh()
        self.assertEqual(signal.state, "expired")

    def test_lapsed_repeat_buyer(self):
        self._set_rule("lapsed", days=365)
        self._create_orders(500, 400)
        self.assertEqual(
            self._find("lapsed").explanation,
            "Bought 2 times, the last time 400 days ago",
        )

    def test_rare_buyers_have_not_lapsed(self):
        """Who buys every other year is waited for."""
        self._create_orders(1900, 1200, 500)
        self.assertFalse(self._find("lapsed"))
        self._create_orders(1900, 1800, 500, partner=self.other_client)
        self.assertFalse(self._find("lapsed", self.other_client))
        self._set_rule("lapsed", days=100)
        third = self._create_client("Third")
        self._create_orders(400, 300, 160, partner=third)
        self.assertTrue(self._find("lapsed", third))

    def test_lapsed_largest_first(self):
        for client, amount in ((self.client, 100.0), (self.other_client, 5000.0)):
            self._create_invoice(400, amount, partner=client)
        self._refresh()
        found = self.signals.search(
            [("kind", "=", "lapsed"), ("company_id", "=", self.company.id)]
        )
        self.assertEqual(found.partner_id.ids, (self.other_client + self.client).ids)
        self.assertEqual(found.mapped("revenue"), [5000.0, 100.0])

    def test_revenue_where_nothing_is_invoiced(self):
        self._create_order(400, price=300.0)
        self.assertEqual(self._find("lapsed").revenue, 300.0)
        self._create_invoice(380, 500.0)
        self.assertEqual(self._find("lapsed").revenue, 500.0)

    def test_lapsed_supersedes_broken_pattern(self):
        self._create_orders(730, 639, 548, 457)
        self._refresh()
        self.assertTrue(self._get("lapsed"))
        self.assertFalse(self._get("broken_pattern"))

    def test_never_bought(self):
        self._refresh()
        self.assertFalse(self.signals.search([("partner_id", "=", self.client.id)]))

    # ------------------------------------------------------------
    # LOST
    # ------------------------------------------------------------

    def test_lost_by_time(self):
        self._set_rule("lost", days=730)
        order = self._create_order(729)
        self._refresh()
        self.assertTrue(self._get("lapsed"))
        self.assertFalse(self._get("lost"))
        order.date_order = self._days_ago(730)
        self._refresh()
        self.assertFalse(self._get("lapsed"))
        self.assertIn("Bought nothing for 730 days", self._get("lost").explanation)

    def _lose_opportunity(self, client_lost=True):
        lead = self.env["crm.lead"].create(
            {
                "name": "Tracker 2027",
                "type": "opportunity",
                "partner_id": self.contact.id,
                "company_id": self.company.id,
            }
        )
        self.env["crm.lead.lost"].create(
            {
                "lead_ids": lead.ids,
                "client_lost": client_lost,
                "client_lost_reason_id": self.env.ref(
                    "retention_playbooks.lost_reason_price"
                ).id,
            }
        ).action_lost_reason_apply()
        return lead

    def test_opportunity_lost_for_good(self):
        lead = self._lose_opportunity()
        signal = self._get("lost")
        self.assertIn("Tracker 2027 was lost on", signal.explanation)
        self.assertIn("(Price)", signal.explanation)
        self.assertEqual(signal.reason_id.code, "price")
        self.assertEqual((signal.res_model, signal.res_id), ("crm.lead", lead.id))
        lead.action_unarchive()
        self.assertFalse(lead.client_lost)
        self._refresh()
        self.assertEqual(signal.state, "expired")

    def test_opportunity_lost(self):
        self._lose_opportunity(client_lost=False)
        self._refresh()
        self.assertFalse(self._get("lost"))

    def test_contract_ended(self):
        contract = self._create_project(
            "Retainer",
            is_contract=True,
            date_start=self._days_ago(300),
            date=self.today,
        )
        self.assertFalse(self._find("lost"))
        contract.write({"date_start": self._days_ago(300), "date": self._days_ago(1)})
        signal = self._find("lost")
        self.assertIn("Retainer ended on", signal.explanation)
        self._create_project("Retainer, next year", is_contract=True)
        self._refresh()
        self.assertEqual(signal.state, "expired")

    def test_contract_ended_but_bought_since(self):
        self._create_project(
            "Retainer",
            is_contract=True,
            date_start=self._days_ago(300),
            date=self._days_ago(50),
        )
        self.assertTrue(self._find("lost"))
        self._create_order(10)
        self.assertFalse(self._find("lost"))

    def test_ended_project_is_no_contract(self):
        self._create_project(date_start=self._days_ago(300), date=self._days_ago(50))
        self.assertFalse(self._find("lost"))

    def test_marked_by_hand(self):
        self._create_order(30)
        wizard = Form(
            self.env["retention.client.lost"]
            .with_user(self.own)
            .with_context(default_partner_id=self.contact.id)
        )
        wizard.reason_id = self.env.ref("retention_playbooks.lost_reason_new_manager")
        wizard.note = "She brought her own agency"
        wizard.save().action_apply()
        signal = self._get("lost")
        self.assertEqual(signal.reason_id.code, "new_manager")
        self.assertIn("She brought her own agency", signal.explanation)
        self.assertEqual(signal.user_id, self.own)
        self._refresh()
        self.assertEqual(signal.state, "open")
        self._create_order(-1)
        self._refresh()
        self.assertEqual(signal.state, "expired")

    def test_marked_twice(self):
        price, closed = (
            self.env.ref(f"retention_playbooks.lost_reason_{code}")
            for code in ("price", "closed")
        )
        self.client._mark_lost(price)
        self.client._mark_lost(closed)
        self.assertEqual(self._get("lost").reason_id, closed)

    def test_reason_stays(self):
        """The weekly job leaves a reason alone that somebody has entered."""
        self._create_order(800)
        signal = self._find("lost")
        signal.reason_id = self.env.ref("retention_playbooks.lost_reason_service")
        self._create_invoice(790)
        self._refresh()
        self.assertEqual(signal.reason_id.code, "service")
        self.assertEqual(signal.revenue, 1000.0)
