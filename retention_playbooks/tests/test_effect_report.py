from odoo import Command
from odoo.tests import tagged

from .effect_common import EffectCommon


@tagged("post_install", "-at_install")
class TestEffectClient(EffectCommon):
    """Revenue of the months before and after, client by client."""

    def test_revenue_before_and_after(self):
        run = self._enter(self.client_a)
        for day, amount in (
            ("2025-02-18", 1),  # too early by a day
            ("2025-02-19", 10),  # the first day
            ("2025-08-18", 100),  # the day before
            ("2025-08-19", 1000),  # the day itself comes after
            ("2026-02-18", 10000),  # the last day
            ("2026-02-19", 100000),  # too late by a day
        ):
            self._bill(self.client_a, day, amount)
        entry = self._get_entry(run)
        self.assertTrue(entry.is_complete)
        self.assertEqual(entry.revenue_before, 110)
        self.assertEqual(entry.revenue_after, 11000)
        self.assertEqual(entry.revenue_change, 10890)
        self.assertEqual(entry.bought, 1)

    def test_months_are_the_companys(self):
        self.company.retention_effect_months = 1
        run = self._enter(self.client_a)
        self._bill(self.client_a, "2025-07-18", 1)
        self._bill(self.client_a, "2025-07-19", 10)
        self._bill(self.client_a, "2025-09-18", 100)
        self._bill(self.client_a, "2025-09-19", 1000)
        entry = self._get_entry(run)
        self.assertEqual((entry.revenue_before, entry.revenue_after), (10, 100))

    def test_not_over_yet(self):
        over = self._enter(self.client_a, "2025-09-02")
        not_over = self._enter(self.client_b, "2025-09-03")
        self._bill(self.client_b, "2025-09-10", 500)
        self.assertTrue(self._get_entry(over).is_complete)
        entry = self._get_entry(not_over)
        self.assertFalse(entry.is_complete)
        self.assertEqual(entry.revenue_after, 0)
        self.assertEqual(entry.compared, 0)

    def test_credit_notes_drafts_contacts_and_others(self):
        run = self._enter(self.client_a)
        self._bill(self.contact, "2025-10-01", 700)
        self._bill(self.client_a, "2025-10-02", -200)
        self._bill(self.client_a, "2025-10-03", 50, post=False)
        self._bill(self.client_b, "2025-10-04", 30)
        self._create_order(self.client_a, date_order="2025-10-05 10:00:00")
        entry = self._get_entry(run)
        self.assertEqual(entry.revenue_after, 500)

    def test_orders_where_the_company_says_so(self):
        self.company.retention_revenue_source = "order"
        run = self._enter(self.client_a)
        self._bill(self.client_a, "2025-10-01", 700)
        order = self._create_order(self.client_a)
        order.date_order = "2025-10-05 10:00:00"
        self._create_order(self.client_a, confirm=False)
        self.assertEqual(self._get_entry(run).revenue_after, 2000)

    def test_another_company_apart(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        self.env.user.company_ids += other
        run = self._enter(self.client_a)
        both = self.entries.with_context(
            allowed_company_ids=[self.company.id, other.id]
        )
        self.env["account.chart.template"].try_loading(
            "generic_coa", company=other, install_demo=False
        )
        move = (
            self.env["account.move"]
            .with_context(allowed_company_ids=[other.id, self.company.id])
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self.client_a.id,
                    "company_id": other.id,
                    "invoice_date": "2025-10-01",
                    "invoice_line_ids": [
                        Command.create({"name": "X", "price_unit": 9, "tax_ids": []})
                    ],
                }
            )
        )
        move.action_post()
        self._bill(self.client_a, "2025-10-01", 700)
        entry = both.search([("run_id", "=", run.id)])
        self.assertEqual(entry.revenue_after, 700)

    def test_states(self):
        clients = self._create_clients(5)
        for client, state in zip(
            clients, ("queued", "running", "won", "lost", "stopped"), strict=True
        ):
            run = self._enter(client, state=state)
            entry = self._get_entry(run)
            with self.subTest(state=state):
                self.assertEqual(entry.state, state)
                self.assertEqual(entry.entered, int(state != "queued"))
                self.assertEqual(entry[state], 1)
                self.assertEqual(
                    sum(
                        entry[name]
                        for name in ("queued", "running", "won", "lost", "stopped")
                    ),
                    1,
                )
                ended = state in ("won", "lost", "stopped")
                self.assertEqual(entry.days, 10 if ended else 0)

    def test_figure_opens_its_records(self):
        run = self._enter(self.client_a)
        first = self._bill(self.client_a, "2025-02-19", 10)
        last = self._bill(self.client_a, "2026-02-18", 10)
        self._bill(self.client_a, "2026-02-19", 10)
        entry = self._get_entry(run)
        action = entry.action_view_revenue()
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found, first | last)
        self.company.retention_revenue_source = "order"
        order = self._create_order(self.client_a)
        order.date_order = "2025-10-05 10:00:00"
        action = entry.action_view_revenue()
        self.assertEqual(self.env[action["res_model"]].search(action["domain"]), order)
        self.assertEqual(entry.action_view_record()["res_id"], run.id)
        alone = self._get_entry(self._leave_alone(self.client_b))
        self.assertEqual(alone.action_view_record()["res_id"], self.client_b.id)


@tagged("post_install", "-at_install")
class TestEffect(EffectCommon):
    """What a playbook has brought, in a row and in words."""

    def test_how_it_went(self):
        clients = self._create_clients(9)
        for client, state, days in zip(
            clients,
            (
                "queued",
                "running",
                "won",
                "won",
                "won",
                "won",
                "lost",
                "lost",
                "stopped",
            ),
            (0, 0, 2, 9, 30, 5, 90, 90, 1),
            strict=True,
        ):
            self._enter(client, "2025-11-03", state, days)
        effect = self._get_effect()
        self.assertRecordValues(
            effect,
            [
                {
                    "entered": 8,
                    "queued": 1,
                    "running": 1,
                    "won": 4,
                    "lost": 2,
                    "stopped": 1,
                    "compared": 0,
                    "revenue_after": 0.0,
                    # Of 2, 5, 9 and 30 days.
                    "median_days": 7.0,
                }
            ],
        )
        self.assertAlmostEqual(effect.success, 100 * 4 / 6)

    def test_before_and_after(self):
        self._enter(self.client_a)
        self._enter(self.client_b, state="lost")
        self._enter(self.client_c, "2026-01-05")
        for client, before, after in (
            (self.client_a, 300, 1000),
            (self.client_b, 200, 50),
            (self.client_c, 400, 400),
        ):
            self._bill(client, "2025-08-01", before)
            self._bill(client, "2025-10-01", after)
        effect = self._get_effect()
        self.assertEqual(effect.compared, 2)
        self.assertEqual(effect.revenue_before, 500)
        self.assertEqual(effect.revenue_after, 1050)
        self.assertEqual(effect.revenue_change, 550)

    def _compare(self, drawn, alone, before=100):
        """Let clients buy for so much after; all bought for as much before."""
        clients = self._create_clients(len(drawn) + len(alone))
        invoices = self.env["account.move"]
        for number, (client, after) in enumerate(
            zip(clients, [*drawn, *alone], strict=True)
        ):
            if number < len(drawn):
                self._enter(client, drawn=True)
            else:
                self._leave_alone(client)
            invoices += self._bill(client, "2025-08-01", before, post=False)
            if after:
                invoices += self._bill(client, "2025-10-01", after, post=False)
        invoices.action_post()
        return self._get_effect()

    def test_too_few(self):
        effect = self._compare([300] * 20, [100] * 19)
        self.assertEqual(effect.verdict, "too_few")
        self.assertEqual((effect.drawn_count, effect.alone_count), (20, 19))
        # The difference is told, an interval is not.
        self.assertEqual(effect.difference, 200)
        self.assertEqual((effect.difference_low, effect.difference_high), (0, 0))
        self.assertIn("Too few to tell", effect.sentence)
        self.assertIn("20 clients who were drawn", effect.sentence)
        self.assertIn("19 left alone", effect.sentence)

    def test_it_brings_more(self):
        effect = self._compare([250, 350] * 10, [0] * 5 + [100] * 15)
        self.assertEqual(effect.verdict, "more")
        # Changes: +200 on average, and -25.
        self.assertEqual(effect.difference, 225)
        # Variances 50000 / 19 and 37500 / 19, errors a twentieth: 230.26 in all; 36.55
        # degrees of freedom apart, 38 together: t = 2.027 at most.
        error = ((50000 + 37500) / 19 / 20) ** 0.5
        self.assertAlmostEqual(effect.difference_low, 225 - 2.027 * error, 1)
        self.assertAlmostEqual(effect.difference_high, 225 + 2.027 * error, 1)
        self.assertIn("It brings more", effect.sentence)
        self.assertIn("225.00", effect.sentence)
        self.assertIn("6 months", effect.sentence)
        self.assertIn("100 % of those who took part bought again", effect.sentence)
        self.assertIn("75 % of those left alone", effect.sentence)

    def test_it_brings_less(self):
        effect = self._compare([0] * 20, [100] * 20)
        self.assertEqual(effect.verdict, "less")
        self.assertEqual(effect.difference, -100)
        self.assertIn("It brings less", effect.sentence)
        self.assertIn("100.00 less", effect.sentence)

    def test_no_difference(self):
        effect = self._compare([0, 200] * 10, [0, 200] * 10)
        self.assertEqual(effect.verdict, "unclear")
        self.assertEqual(effect.difference, 0)
        self.assertLess(effect.difference_low, 0)
        self.assertIn("No difference in revenue can be told", effect.sentence)
        self.assertIn("that may be chance", effect.sentence)

    def test_only_what_was_drawn_is_compared(self):
        for client in self._create_clients(25):
            self._enter(client)  # by hand
        effect = self._compare([300] * 20, [100] * 20)
        self.assertEqual(effect.drawn_count, 20)
        self.assertEqual(effect.compared, 45)

    def test_nobody_left_alone(self):
        self._enter(self.client_a)
        effect = self._get_effect()
        self.assertIn("Nobody is left alone", effect.sentence)
        self.assertEqual(effect.verdict, "none")
        self.playbook.holdout_share = 10.0
        effect = self._get_effect()
        self.assertIn("Too few to tell", effect.sentence)
        self.assertEqual(effect.verdict, "too_few")

    def test_a_playbook_without_runs_is_listed(self):
        effect = self._get_effect()
        self.assertEqual(len(effect), 1)
        self.assertEqual(effect.entered, 0)
        self.playbook.action_deactivate()
        self.assertFalse(self._get_effect())

    def test_each_figure_opens_its_list(self):
        clients = self._create_clients(8)
        states = ("queued", "running", "won", "lost", "stopped")
        runs = {
            state: self._enter(client, state=state)
            for client, state in zip(clients, states, strict=False)
        }
        drawn = self._enter(clients[5], drawn=True)
        self._leave_alone(clients[6])
        self._enter(clients[7], playbook=self._create_playbook(kind="recovery"))
        effect = self._get_effect()

        def see(figure):
            action = effect.with_context(figure=figure).action_view_clients()
            return self.entries.search(action["domain"])

        for state in states:
            expected = runs[state] | drawn if state == "won" else runs[state]
            self.assertEqual(see(state).run_id, expected)
            self.assertEqual(len(see(state)), effect[state])
        for figure in ("entered", "compared"):
            self.assertEqual(len(see(figure)), effect[figure], figure)
        self.assertEqual(see("drawn").run_id, drawn)
        self.assertEqual(see("alone").partner_id, clients[6])
        self.assertEqual((effect.drawn_count, effect.alone_count), (1, 1))

    def test_constant_queries(self):
        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._get_effect()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        # Enough to compare, so that all that is told is told.
        for client in self._create_clients(20):
            self._enter(client, drawn=True)
        for client in self._create_clients(20):
            self._leave_alone(client)
        count()  # fills caches
        few = count()
        for client in self._create_clients(60):
            self._enter(client, drawn=True)
        for client in self._create_clients(60):
            self._leave_alone(client)
        for number in range(5):
            playbook = self._create_playbook(name=f"Playbook {number}")
            for client in self._create_clients(3):
                self._enter(client, playbook=playbook)
        count()
        self.assertLessEqual(count(), few)

    def test_opened_from_the_menu(self):
        self._enter(self.client_a)
        action = self.env["retention.effect"].with_user(self.manager).action_open()
        rows = self.env["retention.effect"].with_user(self.manager)
        self.assertIn(
            self.playbook, rows.search(action["domain"]).mapped("playbook_id")
        )
