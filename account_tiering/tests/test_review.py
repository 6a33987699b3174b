from datetime import timedelta

from freezegun import freeze_time
from psycopg2.errors import CheckViolation

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import Form, tagged
from odoo.tools import SQL, mute_logger

from .common import TieringCommon


@tagged("post_install", "-at_install")
class TestReview(TieringCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.big = cls._create_client("Big", 5000, cls.own)
        cls.second = cls._create_client("Second", 3000, cls.other)
        cls.third = cls._create_client("Third", 1000, cls.own)
        cls.small = cls._create_client("Small", 600)
        cls.tiny = cls._create_client("Tiny", 400)
        cls.clients = cls.big | cls.second | cls.third | cls.small | cls.tiny

    def _codes(self, review):
        """Return {client's name: code of the new tier}."""
        return {line.partner_id.name: line.tier_id.code for line in review.line_ids}

    # ------------------------------------------------------------
    # PROPOSAL
    # ------------------------------------------------------------

    def test_proposal(self):
        review = self._create_review()
        self.assertRecordValues(
            review.line_ids,
            [
                {
                    "partner_id": self.big.id,
                    "revenue": 5000,
                    "share": 50,
                    "cumulative": 50,
                    "old_tier_id": False,
                    "proposed_tier_id": self.tier_a.id,
                    "tier_id": self.tier_a.id,
                    "movement": "new",
                    "decision": "accept",
                    "held": False,
                    "user_id": self.own.id,
                    "hours_before": 0,
                    "hours_after": 9,
                },
                {
                    "partner_id": self.second.id,
                    "revenue": 3000,
                    "share": 30,
                    "cumulative": 80,
                    "old_tier_id": False,
                    "proposed_tier_id": self.tier_a.id,
                    "tier_id": self.tier_a.id,
                    "movement": "new",
                    "decision": "accept",
                    "held": False,
                    "user_id": self.other.id,
                    "hours_before": 0,
                    "hours_after": 9,
                },
                {
                    "partner_id": self.third.id,
                    "revenue": 1000,
                    "share": 10,
                    "cumulative": 90,
                    "old_tier_id": False,
                    "proposed_tier_id": self.tier_b.id,
                    "tier_id": self.tier_b.id,
                    "movement": "new",
                    "decision": "accept",
                    "held": False,
                    "user_id": self.own.id,
                    "hours_before": 0,
                    "hours_after": 1.5,
                },
                {
                    "partner_id": self.small.id,
                    "revenue": 600,
                    "share": 6,
                    "cumulative": 96,
                    "old_tier_id": False,
                    "proposed_tier_id": self.tier_b.id,
                    "tier_id": self.tier_b.id,
                    "movement": "new",
                    "decision": "accept",
                    "held": False,
                    "user_id": False,
                    "hours_before": 0,
                    "hours_after": 1.5,
                },
                {
                    "partner_id": self.tiny.id,
                    "revenue": 400,
                    "share": 4,
                    "cumulative": 100,
                    "old_tier_id": False,
                    "proposed_tier_id": self.tier_c.id,
                    "tier_id": self.tier_c.id,
                    "movement": "new",
                    "decision": "accept",
                    "held": False,
                    "user_id": False,
                    "hours_before": 0,
                    "hours_after": 0,
                },
            ],
        )
        self.assertEqual(review.client_count, 5)
        self.assertEqual(review.revenue_total, 10_000)
        self.assertEqual(review.concentration, "2 of 5 clients bring 80 % of revenue")
        review.top_count = 3
        self.assertEqual(review.top_share, 90)
        self.assertFalse(self.big.tier_id, "Nothing changes before it is applied.")

    def test_revenue_is_posted_invoices_minus_credit_notes_of_the_period(self):
        self._create_invoice(self.big, -1000)
        self._create_invoice(self.big, 700, post=False)
        self._create_invoice(self.big, 700).button_cancel()
        self._create_invoice(self.big, 700, months_ago=13)
        contact = self.env["res.partner"].create(
            {"name": "Ann", "parent_id": self.big.id}
        )
        self._create_invoice(contact, 50)
        review = self._create_review()
        self.assertEqual(self._get_line(review, self.big).revenue, 4050)
        self.assertFalse(self._get_line(review, contact))

    def test_the_period_begins_and_ends_with_its_days(self):
        review = self._create_review(
            propose=False, date_from="2026-01-01", date_to="2026-03-31"
        )
        for day in ("2025-12-31", "2026-01-01", "2026-03-31", "2026-04-01"):
            self._create_invoice(self.tiny, 10, invoice_date=day)
        review.action_propose()
        self.assertEqual(self._get_line(review, self.tiny).revenue, 20)

    def test_default_period(self):
        with freeze_time("2026-05-15"):
            review = self._create_review(propose=False)
        self.assertEqual(review.date_from, self._day("2025-05-16"))
        self.assertEqual(review.date_to, self._day("2026-05-15"))

    def test_settings_of_the_company_are_where_a_review_begins(self):
        self.company.write(
            {"tier_method": "order", "tier_months": 6, "tier_margin": 4.0}
        )
        with Form(self.env["client.tier.review"]) as form:
            self.assertEqual((form.method, form.margin), ("order", 4.0))
            form.margin = 1.0
            form.date_from = "2026-01-15"
            form.date_to = "2026-02-15"
        self.assertRecordValues(
            form.record,
            [
                {
                    "method": "order",
                    "margin": 1.0,
                    "date_from": self._day("2026-01-15"),
                    "date_to": self._day("2026-02-15"),
                }
            ],
        )

    def test_invoices_in_another_currency(self):
        foreign = self.env.ref(
            "base.EUR" if self.currency.name != "EUR" else "base.USD"
        )
        foreign.active = True
        self.env["res.currency.rate"].create(
            {
                "name": "2020-01-01",
                "currency_id": foreign.id,
                "rate": 0.5,
                "company_id": self.company.id,
            }
        )
        foreign.rate_ids.filtered(
            lambda rate: rate.name > self._day("2020-01-01")
        ).unlink()
        self._create_invoice(self.tiny, 100, currency_id=foreign.id)
        self.assertEqual(
            self._get_line(self._create_review(), self.tiny).revenue, 400 + 200
        )

    def test_invoices_of_other_companies_do_not_count(self):
        main = self.env.ref("base.main_company")
        self.env.user.company_ids += main
        self.env["account.chart.template"].try_loading(
            "generic_coa", company=main, install_demo=False
        )
        self._create_invoice(
            self.tiny.with_company(main).with_context(allowed_company_ids=main.ids),
            9999,
            company_id=main.id,
            journal_id=self.env["account.journal"]
            .search([("type", "=", "sale"), ("company_id", "=", main.id)], limit=1)
            .id,
        )
        self.assertEqual(self._get_line(self._create_review(), self.tiny).revenue, 400)

    def test_who_is_a_client(self):
        prospect = self._create_client("Prospect")
        sleeping = self._create_client("Sleeping", 500, months_ago=20)
        given = self._create_client("Given")
        self._assign(given, self.tier_b)
        archived = self._create_client("Archived", 500)
        archived.active = False
        self._create_invoice(self.company.partner_id, 500)
        review = self._create_review()
        partners = review.line_ids.partner_id
        self.assertEqual(partners & self.clients, self.clients)
        self.assertNotIn(prospect, partners)
        self.assertIn(sleeping, partners)
        self.assertIn(given, partners)
        self.assertNotIn(archived, partners)
        self.assertNotIn(self.company.partner_id, partners)
        self.assertEqual(self._get_line(review, sleeping).tier_id, self.tier_c)
        self.assertEqual(self._get_line(review, given).movement, "down")

    def test_orders(self):
        product = self.env["product.product"].create(
            {"name": "Study", "list_price": 10, "taxes_id": False}
        )

        def order(partner, amount, months_ago=2, confirm=True):
            sale = self.env["sale.order"].create(
                {
                    "partner_id": partner.id,
                    "order_line": [
                        Command.create({"product_id": product.id, "price_unit": amount})
                    ],
                }
            )
            if confirm:
                sale.action_confirm()
            sale.date_order = self._months_ago(months_ago)
            return sale

        contact = self.env["res.partner"].create(
            {"name": "Ann", "parent_id": self.tiny.id}
        )
        order(self.tiny, 100)
        order(contact, 50)
        order(self.tiny, 1000, confirm=False)
        order(self.tiny, 1000, months_ago=14)
        order(self.small, 20, months_ago=14)
        review = self._create_review(method="order")
        self.assertEqual(self._get_line(review, self.tiny).revenue, 150)
        self.assertEqual(self._get_line(review, self.small).revenue, 0)
        self.assertEqual(review.line_ids.partner_id, self.tiny | self.small)

    def test_margin_is_offered_where_sale_margin_is(self):
        methods = dict(self.env["client.tier.review"]._selection_method())
        self.assertEqual(
            "margin" in methods, "margin" in self.env["sale.order"]._fields
        )

    def test_revenue_agrees_with_odoo(self):
        self._create_invoice(self.big, -700)
        review = self._create_review()
        groups = self.env["account.move"]._read_group(
            [
                ("company_id", "=", self.company.id),
                ("state", "=", "posted"),
                ("move_type", "in", ("out_invoice", "out_refund")),
                ("invoice_date", ">=", review.date_from),
                ("invoice_date", "<=", review.date_to),
            ],
            ["commercial_partner_id"],
            ["amount_untaxed_signed:sum"],
        )
        self.assertEqual(
            {line.partner_id: line.revenue for line in review.line_ids}, dict(groups)
        )

    def test_minimum_revenue(self):
        self.tier_a.min_revenue = 4000
        self.assertEqual(
            self._codes(self._create_review()),
            {"Big": "A", "Second": "B", "Third": "B", "Small": "B", "Tiny": "C"},
        )

    def test_margin_around_bounds(self):
        self._create_review().action_apply()
        # Third: 79.4 % before it; to be A without margin.
        self._create_invoice(self.third, 75)
        self.assertEqual(
            self._get_line(self._create_review(), self.third).tier_id, self.tier_a
        )
        line = self._get_line(self._create_review(margin=2), self.third)
        self.assertEqual((line.tier_id, line.held), (self.tier_b, "margin"))

    def test_minimum_stay(self):
        self._create_review().action_apply()
        self._create_invoice(self.tiny, 90_000)
        line = self._get_line(self._create_review(stay_months=3), self.tiny)
        self.assertEqual((line.tier_id, line.held), (self.tier_c, "stay"))
        given = self.env["client.tier.assignment"].search(
            [("partner_id", "=", self.tiny.id)]
        )
        given.since = self._months_ago(3)
        line = self._get_line(self._create_review(stay_months=3), self.tiny)
        self.assertEqual((line.tier_id, line.held), (self.tier_a, False))

    def test_grace_for_new_clients(self):
        self._assign(self.tiny, self.tier_a)
        line = self._get_line(self._create_review(grace_months=3), self.tiny)
        self.assertEqual((line.tier_id, line.held), (self.tier_a, "grace"))
        line = self._get_line(self._create_review(grace_months=2), self.tiny)
        self.assertEqual((line.tier_id, line.held), (self.tier_c, False))

    def test_lock(self):
        given = self._assign(
            self.tiny, self.tier_a, locked=True, lock_reason="Reference"
        )
        line = self._get_line(self._create_review(), self.tiny)
        self.assertEqual((line.tier_id, line.held), (self.tier_a, "locked"))
        with self.assertRaisesRegex(UserError, "locked in its tier"):
            line.tier_id = self.tier_b
        given.lock_until = self.today - timedelta(days=1)
        line = self._get_line(self._create_review(), self.tiny)
        self.assertEqual((line.tier_id, line.held), (self.tier_c, False))

    def test_who_was_in_an_archived_tier_gets_a_new_one(self):
        vip = self.env["client.tier"].create(
            {"name": "VIP", "code": "VIP", "sequence": 1, "revenue_share_to": 20}
        )
        self._assign(self.big, vip)
        self.env.cr.execute(
            SQL("UPDATE client_tier SET active = FALSE WHERE id = %s", vip.id)
        )
        self.env.invalidate_all()
        line = self._get_line(self._create_review(), self.big)
        self.assertEqual((line.old_tier_id, line.tier_id), (vip, self.tier_a))

    def test_recomputing_keeps_decisions(self):
        review = self._create_review()
        self._get_line(review, self.big).action_skip()
        self._get_line(review, self.tiny).write(
            {"tier_id": self.tier_a.id, "reason": "A friend"}
        )
        self._create_invoice(self.small, 3000)
        review.action_propose()
        self.assertEqual(self._get_line(review, self.big).decision, "skip")
        line = self._get_line(review, self.tiny)
        self.assertEqual((line.tier_id, line.reason), (self.tier_a, "A friend"))
        self.assertEqual(line.proposed_tier_id, self.tier_c)
        self.assertEqual(self._get_line(review, self.small).tier_id, self.tier_a)
        self.assertEqual(len(review.line_ids), 5)

    def test_a_company_without_tiers(self):
        self.env["client.tier"].search([("company_id", "=", self.company.id)]).unlink()
        with self.assertRaisesRegex(UserError, "no tiers yet"):
            self._create_review()

    def test_a_company_without_clients(self):
        other = self.env["res.company"].create({"name": "Empty"})
        self.env.user.company_ids += other
        review = self.env["client.tier.review"].create({"company_id": other.id})
        review.action_propose()
        self.assertFalse(review.line_ids)
        self.assertFalse(review.concentration)
        review.action_apply()
        self.assertEqual(review.state, "applied")

    def test_clients_without_revenue(self):
        for client in self.clients:
            self._create_invoice(client, -6000)
        review = self._create_review()
        self.assertEqual(set(self._codes(review).values()), {"C"})
        self.assertEqual(
            review.concentration, "No client brought revenue in this period."
        )

    @mute_logger("odoo.sql_db")
    def test_ranges(self):
        for values in (
            {"date_from": "2026-02-01", "date_to": "2026-01-31"},
            {"margin": -1},
            {"margin": 51},
            {"stay_months": -1},
            {"grace_months": -1},
            {"top_count": -1},
        ):
            with (
                self.subTest(values=values),
                self.assertRaises(CheckViolation),
                self.env.cr.savepoint(),
            ):
                self._create_review(propose=False, **values).flush_recordset()

    def test_queries_do_not_grow_with_clients(self):
        def count():
            review = self.env["client.tier.review"].create({})
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            review.action_propose()
            review.action_apply()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        count()
        self._create_invoice(self.tiny, 50_000)
        few = count()
        for number in range(30):
            self._create_client(f"Client {number}", 100 * number + 1)
        self.assertLessEqual(count(), few)

    # ------------------------------------------------------------
    # DECIDING AND APPLYING
    # ------------------------------------------------------------

    def test_apply(self):
        review = self._create_review()
        review.action_apply()
        self.assertEqual(review.state, "applied")
        self.assertEqual(review.applied_by_id, self.env.user)
        self.assertEqual(self._get_tiers(*self.clients), ["A", "A", "B", "B", "C"])
        self.assertEqual(self.big.tier_since, self.today)
        self.assertEqual(self._get_history(self.big), [("review", False, "A")])
        change = self.big.tier_change_ids
        self.assertEqual((change.review_id, change.user_id), (review, self.env.user))
        self.assertIn("5 clients", review.message_ids[0].body)

    def test_applying_again_does_nothing(self):
        review = self._create_review()
        review.action_apply()
        review.action_apply()
        self.assertEqual(len(self._get_history(self.big)), 1)
        again = self._create_review()
        self.assertEqual(set(again.line_ids.mapped("movement")), {"same"})
        again.action_apply()
        self.assertEqual(len(self._get_history(self.big)), 1)

    def test_skipped_clients_stay(self):
        review = self._create_review()
        skipped = self._get_line(review, self.big) | self._get_line(review, self.tiny)
        skipped.action_skip()
        self.assertEqual(review.skip_count, 2)
        self.assertEqual(review.new_count, 3)
        self.assertEqual(skipped.mapped("hours_after"), [0, 0])
        self._get_line(review, self.tiny).action_accept()
        review.action_apply()
        self.assertFalse(self.big.tier_id)
        self.assertEqual(self.tiny.tier_id, self.tier_c)

    def test_accept_all(self):
        review = self._create_review()
        review.line_ids.action_skip()
        review.action_accept_all()
        self.assertEqual(set(review.line_ids.mapped("decision")), {"accept"})

    def test_an_override_needs_a_reason(self):
        review = self._create_review()
        line = self._get_line(review, self.tiny)
        line.tier_id = self.tier_a
        self.assertEqual((line.movement, line.hours_after), ("new", 9))
        with self.assertRaisesRegex(UserError, "Say why.*Tiny"):
            review.action_apply()
        line.reason = "Will grow"
        review.action_apply()
        self.assertEqual(self.tiny.tier_id, self.tier_a)
        self.assertEqual(self.tiny.tier_change_ids.reason, "Will grow")

    def test_movements_of_overrides(self):
        self._create_review().action_apply()
        review = self._create_review()
        line = self._get_line(review, self.third)
        line.tier_id = self.tier_a
        self.assertEqual(line.movement, "up")
        line.tier_id = self.tier_c
        self.assertEqual(line.movement, "down")
        self.assertEqual((review.down_count, review.same_count), (1, 4))

    def test_what_was_changed_after_the_proposal_stays(self):
        review = self._create_review()
        self._assign(self.big, self.tier_c)
        review.action_apply()
        self.assertEqual(self.big.tier_id, self.tier_c)
        self.assertEqual(self.second.tier_id, self.tier_a)
        self.assertIn("4 clients", review.message_ids[0].body)
        self.assertIn("Big", review.message_ids[0].body)

    def test_who_was_locked_after_the_proposal_stays(self):
        self._create_review().action_apply()
        self._create_invoice(self.tiny, 90_000)
        review = self._create_review()
        self.env["client.tier.assignment"].search(
            [("partner_id", "=", self.tiny.id)]
        ).write({"locked": True, "lock_reason": "Dispute"})
        review.action_apply()
        self.assertEqual(self.tiny.tier_id, self.tier_c)

    def test_apply_before_propose(self):
        with self.assertRaisesRegex(UserError, "Propose"):
            self._create_review(propose=False).action_apply()

    def test_cancel_and_reopen(self):
        review = self._create_review()
        review.action_cancel()
        with self.assertRaisesRegex(UserError, "is cancelled"):
            review.action_apply()
        with self.assertRaisesRegex(UserError, "closed"):
            review.line_ids.action_skip()
        review.action_reopen()
        review.action_apply()
        self.assertEqual(self.big.tier_id, self.tier_a)

    def test_a_closed_review_does_not_change(self):
        review = self._create_review()
        review.action_apply()
        for call in (
            review.action_propose,
            review.action_cancel,
            review.action_accept_all,
            review.line_ids.action_skip,
            review.unlink,
            lambda: review.write({"method": "order"}),
        ):
            with self.assertRaises(UserError):
                call()
        review.name = "Renamed"

    def test_a_draft_is_deleted_with_its_lines(self):
        review = self._create_review()
        lines = review.line_ids
        review.unlink()
        self.assertFalse(lines.exists())

    def test_hook_tells_whose_tier_has_changed(self):
        told = []
        review = self._create_review()
        self._get_line(review, self.big).action_skip()
        self.patch(
            type(review),
            "_after_change",
            lambda self, clients: told.append(set(clients)),
        )
        review.action_apply()
        review.action_undo()
        self.assertEqual(told, [set((self.clients - self.big).ids)] * 2)

    # ------------------------------------------------------------
    # UNDO
    # ------------------------------------------------------------

    def test_undo(self):
        first = self._create_review()
        first.action_apply()
        given = self.env["client.tier.assignment"].search(
            [("partner_id", "in", self.clients.ids)]
        )
        given.since = "2026-01-01"
        self._create_invoice(self.tiny, 90_000)
        new = self._create_client("New", 500)
        second = self._create_review()
        second.action_apply()
        self.assertEqual(self._get_tiers(self.tiny, self.big), ["A", "B"])
        self.assertEqual(new.tier_id, self.tier_c)
        self.assertTrue(second.can_undo)
        self.assertFalse(first.can_undo)
        with self.assertRaisesRegex(UserError, "Only the last applied"):
            first.action_undo()
        second.action_undo()
        self.assertEqual(second.state, "undone")
        self.assertEqual(self._get_tiers(*self.clients), ["A", "A", "B", "B", "C"])
        self.assertEqual(self.tiny.tier_since, self._day("2026-01-01"))
        self.assertFalse(new.tier_id)
        self.assertEqual(
            self._get_history(self.tiny),
            [("review", False, "C"), ("review", "C", "A"), ("undo", "A", "C")],
        )
        self.assertTrue(first.can_undo)
        first.action_undo()
        self.assertEqual(self._get_tiers(*self.clients), [False] * 5)

    def test_undo_leaves_what_was_changed_since(self):
        review = self._create_review()
        review.action_apply()
        self._assign(self.big, self.tier_c)
        # Away and back again is a decision, too.
        self._assign(self.second, self.tier_c)
        self._assign(self.second, self.tier_a)
        review.action_undo()
        self.assertEqual(self._get_tiers(self.big, self.second), ["C", "A"])
        self.assertFalse(self.third.tier_id)
        self.assertIn("3 clients", review.message_ids[0].body)
        self.assertIn("2 were changed", review.message_ids[0].body)

    def test_undo_twice(self):
        review = self._create_review()
        review.action_apply()
        review.action_undo()
        with self.assertRaisesRegex(UserError, "is undone"):
            review.action_undo()

    def test_undo_after_a_merge(self):
        review = self._create_review()
        review.action_apply()
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.tiny | self.big).ids, self.big)
        review.action_undo()
        self.assertFalse(self.second.tier_id)
        self.assertIn(self.big.tier_id.code, (False, "A"))

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    def test_counts_and_hours(self):
        self._create_review().action_apply()
        self._create_invoice(self.tiny, 90_000)
        self._create_client("New", 10)
        review = self._create_review()
        self.assertRecordValues(
            review,
            [
                {
                    "up_count": 1,
                    "down_count": 4,
                    "new_count": 1,
                    "same_count": 0,
                    "hours_before": 9 + 9 + 1.5 + 1.5,
                    # Tiny A; Big B (to 90 + %)
                    "hours_after": 9
                    + sum(
                        line.tier_id.hours_per_client
                        for line in review.line_ids
                        if line.partner_id != self.tiny
                    ),
                }
            ],
        )

    def test_panel(self):
        review = self._create_review(top_count=2)
        panel = review.get_review_panel()
        self.assertEqual(
            panel["sentences"],
            ["2 of 5 clients bring 80 % of revenue", "the 2 largest bring 80.0 %"],
        )
        self.assertEqual(
            [(bar["label"], bar["revenue"], bar["tier"]) for bar in panel["bars"]],
            [
                ("Big", 5000, "A"),
                ("Second", 3000, "A"),
                ("Third", 1000, "B"),
                ("Small", 600, "B"),
                ("Tiny", 400, "C"),
            ],
        )
        self.assertEqual(
            [
                (tier["name"], tier["clients_before"], tier["clients"], tier["after"])
                for tier in panel["tiers"]
            ],
            [("A", 0, 2, 18), ("B", 0, 2, 3), ("C", 0, 1, 0), ("No tier", 5, 0, 0)],
        )
        self.assertEqual(
            [(row["name"], row["clients"], row["after"]) for row in panel["managers"]],
            [
                (self.own.name, 2, 10.5),
                (self.other.name, 1, 9),
                ("Nobody", 2, 1.5),
            ],
        )

    def test_bars_of_many_clients(self):
        review = self._create_review()
        bars = review._get_bars(most=3)
        self.assertEqual(
            [bar["label"] for bar in bars],
            ["Clients 1–2", "Clients 3–4", "Clients 5–5"],
        )
        self.assertEqual([bar["revenue"] for bar in bars], [8000, 1600, 400])

    def test_view_lines(self):
        review = self._create_review()
        action = review.action_view_lines()
        self.assertEqual(
            self.env[action["res_model"]].search(action["domain"]), review.line_ids
        )
        self.assertEqual(review.action_view_workload()["views"][0][1], "pivot")
