"""What each rule finds and what it leaves out; reconciled with plain SQL."""

from datetime import date

from odoo import Command
from odoo.tests import tagged

from .common import ClientValueCommon


@tagged("post_install", "-at_install")
class TestHarvest(ClientValueCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.entries = cls.env["client.value.entry"]
        cls.employee = cls.env["hr.employee"].create(
            {"name": "Researcher", "hourly_cost": 30.0}
        )
        cls.done_stage = cls.env["project.project.stage"].create(
            {"name": "Closed", "fold": True}
        )
        cls.project.write({"date_start": False, "date": False})

    @classmethod
    def _log(cls, day, hours, task=None, line=None, project=None):
        return cls.env["account.analytic.line"].create(
            {
                "name": "Work",
                "project_id": (project or cls.project).id,
                "task_id": task.id if task else False,
                "employee_id": cls.employee.id,
                "date": day,
                "unit_amount": hours,
                "so_line": line.id if line else False,
                "is_so_line_edited": True,
            }
        )

    def _rule(self, kind):
        return self.env.ref(f"client_value_dossier.rule_{kind}")

    def _find(self, kind):
        """Scan the client; return what the rule suggests for it."""
        self.env["client.value.rule"].run_harvest(partners=self.client)
        return self.entries.search(
            [
                ("rule_id.kind", "=", kind),
                ("partner_id", "=", self.client.id),
                ("state", "=", "suggested"),
            ],
            order="res_id, period",
        )

    def _order_lines(self, *lines):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.client.id,
                "order_line": [Command.create(values) for values in lines],
            }
        )
        order.action_confirm()
        return order.order_line

    # ------------------------------------------------------------
    # DISCOUNTS
    # ------------------------------------------------------------

    def test_discount_lowered_price_and_free_line(self):
        study = self.fixed_product.id
        lines = self._order_lines(
            {"product_id": study, "discount": 10.0},
            {"product_id": study, "price_unit": 900.0, "product_uom_qty": 2},
            {"product_id": study, "price_unit": 0.0},
            {"product_id": study},
            {"product_id": study, "price_unit": 1200.0, "discount": 5.0},
        )
        found = self._find("discount")
        self.assertEqual(
            {entry.res_id: entry.amount for entry in found},
            dict(
                zip(
                    [lines[place].id for place in (0, 1, 2, 4)],
                    [100.0, 200.0, 1000.0, 60.0],
                    strict=True,
                )
            ),
        )
        self.assertIn("at no charge", found[2].name)

    def test_no_discount(self):
        study = self.fixed_product.id
        lines = self._order_lines(
            {"product_id": study, "discount": 10.0, "product_uom_qty": 0},
            {"display_type": "line_section", "name": "Section"},
            {"product_id": study, "price_unit": -100.0, "is_downpayment": True},
        )
        draft = lines.order_id.copy()
        draft.order_line.discount = 50.0
        cancelled = self._order_lines({"product_id": study, "discount": 50.0}).order_id
        cancelled._action_cancel()
        self.assertFalse(self._find("discount"))

    def test_list_price_is_that_of_the_orders_day(self):
        # Tracked, as in daily work: the tests' own context would switch it off.
        product = self.fixed_product.with_context(tracking_disable=False)
        line = self._order_lines({"product_id": product.id})
        line.order_id.date_order = "2024-01-01"
        self.flush_tracking()
        product.product_tmpl_id.list_price = 1500.0
        self.flush_tracking()
        self.assertFalse(self._find("discount"))

    def flush_tracking(self):
        self.env.flush_all()
        self.env.cr.flush()

    def test_price_with_tax_included(self):
        tax = self.env["account.tax"].create(
            {"name": "VAT", "amount": 25.0, "price_include_override": "tax_included"}
        )
        study = {"product_id": self.fixed_product.id, "tax_ids": [Command.set(tax.ids)]}
        self._order_lines(
            {**study, "price_unit": 1000.0, "discount": 10.0},
            {**study, "price_unit": 0.0},
        )
        self.assertEqual(self._find("discount").mapped("amount"), [80.0, 800.0])

    def test_pricelist_grants_what_is_not_counted(self):
        pricelist = self.env["product.pricelist"].create(
            {
                "name": "Partners",
                "item_ids": [
                    Command.create(
                        {
                            "compute_price": "fixed",
                            "fixed_price": 950.0,
                            "applied_on": "3_global",
                        }
                    )
                ],
            }
        )
        order = self.env["sale.order"].create(
            {
                "partner_id": self.client.id,
                "pricelist_id": pricelist.id,
                "order_line": [
                    Command.create({"product_id": self.fixed_product.id}),
                    Command.create(
                        {"product_id": self.fixed_product.id, "price_unit": 900.0}
                    ),
                ],
            }
        )
        order.action_confirm()
        self.assertEqual(self._find("discount").mapped("amount"), [50.0, 100.0])
        self._rule("discount").price_reference = "pricelist"
        self.assertEqual(self._find("discount").mapped("amount"), [50.0])

    # ------------------------------------------------------------
    # HOURS
    # ------------------------------------------------------------

    def test_overrun_is_what_exceeds_the_sold_hours(self):
        line = self.order.order_line  # 10 hours
        self._log("2026-05-01", 8.0, line=line)
        self._log("2026-05-02", 4.5, line=line)
        line.qty_delivered_method = "manual"
        line.qty_delivered = 5
        self.assertFalse(self._find("overrun"), "not delivered")
        line.qty_delivered = 10
        [entry] = self._find("overrun")
        self.assertRecordValues(
            entry,
            [
                {
                    "res_model": "sale.order.line",
                    "res_id": line.id,
                    "hours": 2.5,
                    "rate": 80.0,
                    "amount": 200.0,
                    "internal_cost": 75.0,
                    "date": date(2026, 5, 2),
                }
            ],
        )
        line.qty_delivered = 5
        self._rule("overrun").running_minimum_hours = 2.5
        self.assertEqual(self._find("overrun"), entry)

    def test_after_care_takes_its_hours_from_free_hours(self):
        self.project.write({"date_start": "2026-01-01", "date": "2026-05-10"})
        self._log("2026-05-04", 3.0)
        self._log("2026-05-20", 2.0)
        self.assertEqual(self._find("after_care").hours, 2.0)
        self.assertEqual(self._find("free_hours").hours, 3.0)
        # The other way round: the first rule takes all.
        self._rule("after_care").sequence = 99
        self.assertFalse(self._find("after_care"))
        self.assertEqual(self._find("free_hours").hours, 5.0)

    def test_threshold_and_one_per_task(self):
        task = self.env["project.task"].create(
            {"name": "Advice", "project_id": self.project.id}
        )
        self._log("2026-05-04", 0.25, task)
        self.assertFalse(self._find("free_hours"))
        self._log("2026-05-05", 3.0)
        self.assertEqual(self._find("free_hours").hours, 3.25)
        rule = self._rule("free_hours")
        rule.write({"group_by_task": True, "minimum_hours": 0.1})
        self.assertEqual(
            sorted(
                (entry.res_model, entry.hours) for entry in self._find("free_hours")
            ),
            [("project.project", 3.0), ("project.task", 0.25)],
        )

    def test_extra_scope(self):
        line = self._order_lines({"product_id": self.fixed_product.id})
        line.order_id.date_order = "2026-01-10"
        self.project.sale_line_id = line
        late, early, backfilled = self.env["project.task"].create(
            [
                {"name": name, "project_id": self.project.id, "state": "1_done"}
                for name in (
                    "Another market",
                    "Fieldwork in brief",
                    "Entered afterwards",
                )
            ]
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE project_task SET create_date = CASE WHEN id = %s "
            "THEN '2026-01-10'::timestamp ELSE '2026-03-01' END WHERE id IN %s",
            [early.id, (late.id, early.id, backfilled.id)],
        )
        self.env.invalidate_all()
        for task in (late, early):
            self._log("2026-03-05", 4.0, task, line)
        self._log("2026-02-05", 4.0, backfilled, line)
        [entry] = self._find("extra_scope")
        self.assertRecordValues(
            entry, [{"res_model": "project.task", "res_id": late.id, "hours": 4.0}]
        )

    def test_urgent_is_the_surcharge_only(self):
        self._rule("urgent").active = True
        self._rule("urgent").minimum_hours = 0.5
        saturday = "2026-05-02"
        self._log(saturday, 2.0, line=self.order.order_line)
        self._log(saturday, 1.0)  # unpaid: counted in full by another rule
        [entry] = self._find("urgent")
        self.assertRecordValues(
            entry, [{"hours": 0.0, "amount": 80.0, "period": date(2026, 5, 1)}]
        )
        self.assertEqual(self._find("free_hours").hours, 1.0)

    def test_own_company_is_no_client(self):
        self.project.partner_id = self.company.partner_id
        self._log("2026-05-04", 3.0)
        self.env["client.value.rule"].run_harvest()
        self.assertFalse(self.entries.search([("project_id", "=", self.project.id)]))

    # ------------------------------------------------------------
    # INVOICES
    # ------------------------------------------------------------

    def _invoice(self, amount, day, move_type="out_invoice", product=None, **values):
        move = self.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": self.contact.id,
                "invoice_date": day,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": (product or self.fixed_product).id,
                            "price_unit": amount,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
                **values,
            }
        )
        move.action_post()
        return move

    def _reverse(self, invoice, amount, day):
        return self._invoice(amount, day, "out_refund", reversed_entry_id=invoice.id)

    def test_goodwill_and_corrections(self):
        kept, corrected, lowered = (
            self._invoice(1000.0, "2026-01-05", product=product)
            for product in (
                self.fixed_product,
                self.hour_product,
                self.hour_product.copy({"name": "Other"}),
            )
        )
        goodwill = self._reverse(kept, 300.0, "2026-01-20")
        refunds = [
            self._invoice(
                1000.0,
                "2026-01-20",
                "out_refund",
                product=invoice.invoice_line_ids.product_id,
                reversed_entry_id=invoice.id,
            )
            for invoice in (corrected, lowered)
        ]
        for invoice, amount in ((corrected, 1000.0), (lowered, 900.0)):
            self._invoice(
                amount, "2026-01-25", product=invoice.invoice_line_ids.product_id
            )
        found = {entry.res_id: entry.amount for entry in self._find("credit_note")}
        self.assertEqual(found, {goodwill.id: 300.0, refunds[1].id: 100.0})

    def test_late_payment(self):
        rule = self._rule("late_payment")
        rule.write({"active": True, "interest_rate": 7.3})
        invoice = self._invoice(1000.0, "2026-01-05", invoice_date_due="2026-01-10")
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids
        ).create({"payment_date": "2026-03-01"})._create_payments()
        [entry] = self._find("late_payment")
        due = invoice.line_ids.filtered("date_maturity").date_maturity
        days = (date(2026, 3, 1) - due).days
        self.assertRecordValues(
            entry,
            [{"days": days, "amount": round(1000.0 * days * 0.073 / 365, 2)}],
        )

    # ------------------------------------------------------------
    # DEADLINES
    # ------------------------------------------------------------

    def test_deadline_shift(self):
        project = self.project.with_context(tracking_disable=False)
        project.write({"date_start": "2026-01-01", "date": "2026-05-10"})
        self.flush_tracking()
        project.date = "2026-05-20"
        self.flush_tracking()
        project.date = "2026-05-25"
        self.flush_tracking()
        [entry] = self._find("deadline_shift")
        self.assertRecordValues(
            entry,
            [{"res_model": "project.project", "days": 15.0, "amount": 0.0}],
        )
        project.date = "2026-05-10"
        self.flush_tracking()
        self.assertFalse(self._find("deadline_shift"))

    # ------------------------------------------------------------
    # RECONCILED WITH PLAIN SQL
    # ------------------------------------------------------------

    def _sum(self, kind, field):
        [(count, total)] = self.entries._read_group(
            [("rule_id.kind", "=", kind), ("state", "=", "suggested")],
            [],
            ["__count", f"{field}:sum"],
        )
        return count, round(float(total or 0), 2)

    def _query(self, query):
        self.env.flush_all()
        self.env.cr.execute(query)
        count, total = self.env.cr.fetchone()
        return count, round(float(total or 0), 2)

    def test_unpaid_hours_add_up(self):
        """Whatever the database holds: after care and unpaid hours together are the
        non-billable hours of clients' projects."""
        self._log("2026-05-04", 3.0)
        self._log("2026-06-20", 2.25)
        rules = self.env["client.value.rule"].search([])
        rules.write({"minimum_hours": 0.0})
        (rules - self._rule("free_hours") - self._rule("after_care")).active = False
        self.env["client.value.rule"].run_harvest()
        found = [self._sum(kind, "hours")[1] for kind in ("free_hours", "after_care")]
        _count, expected = self._query(
            """
            SELECT 0, SUM(hours) FROM (
                SELECT SUM(line.unit_amount) AS hours
                  FROM account_analytic_line line
                  JOIN project_project project ON project.id = line.project_id
             LEFT JOIN project_task task ON task.id = line.task_id
                  JOIN res_partner partner
                    ON partner.id = COALESCE(task.partner_id, project.partner_id)
                 WHERE line.timesheet_invoice_type = 'non_billable'
                   AND NOT COALESCE(project.is_template, FALSE)
                   AND partner.commercial_partner_id NOT IN (
                           SELECT owner.commercial_partner_id
                             FROM res_company company
                             JOIN res_partner owner ON owner.id = company.partner_id)
                 GROUP BY project.id, partner.commercial_partner_id, line.company_id,
                          date_trunc('month', line.date)
            ) months WHERE hours > 0
            """
        )
        self.assertEqual(round(sum(found), 2), expected)
        self.assertGreaterEqual(expected, 5.25)

    def test_discounts_add_up(self):
        """Lines sold at a discount from the list price, in the company's currency."""
        self._order_lines(
            {"product_id": self.fixed_product.id, "discount": 12.5},
            {"product_id": self.hour_product.id, "product_uom_qty": 3, "discount": 5},
        )
        self.env["client.value.rule"].run_harvest()
        found = self.entries.search(
            [("rule_id.kind", "=", "discount"), ("state", "=", "suggested")]
        )
        lines = self.env["sale.order.line"].browse(found.mapped("res_id"))
        plain = lines.filtered(
            lambda line: (
                line.discount > 0
                and line.price_unit == line.product_id.list_price
                and line.currency_id == line.company_id.currency_id
                and not line.tax_ids.filtered("price_include")
            )
        )
        count, expected = self._query(
            """
            SELECT COUNT(*), SUM(ROUND((line.price_unit * line.product_uom_qty
                                        * line.discount / 100)::numeric, 2))
              FROM sale_order_line line
              JOIN product_product product ON product.id = line.product_id
              JOIN product_template template ON template.id = product.product_tmpl_id
             WHERE line.state = 'sale' AND line.discount > 0
               AND line.product_uom_qty > 0
               AND line.price_unit = template.list_price
               AND NOT COALESCE(line.is_downpayment, FALSE)
            """
        )
        amounts = found.filtered(lambda entry: entry.res_id in plain.ids)
        self.assertEqual(
            (len(amounts), round(sum(amounts.mapped("amount")), 2)), (count, expected)
        )
        self.assertGreaterEqual(count, 2)

    def test_credit_notes_add_up(self):
        """Credit notes that reverse no invoice and return no goods."""
        self._invoice(120.0, "2026-01-20", "out_refund")
        self.env["client.value.rule"].run_harvest()
        found = self.entries.search(
            [("rule_id.kind", "=", "credit_note"), ("state", "=", "suggested")]
        ).filtered(
            lambda e: not self.env["account.move"].browse(e.res_id).reversed_entry_id
        )
        count, expected = self._query(
            """
            SELECT COUNT(*), SUM(amount_untaxed)
              FROM account_move move
             WHERE move_type = 'out_refund' AND state = 'posted'
               AND reversed_entry_id IS NULL AND amount_untaxed > 0
            """
        )
        self.assertEqual(
            (len(found), round(sum(found.mapped("amount")), 2)), (count, expected)
        )
