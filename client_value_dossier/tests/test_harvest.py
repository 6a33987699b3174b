"""What each rule finds in everyday work; rarer cases: test_harvest_rules."""

from datetime import date

from odoo import Command
from odoo.tests import tagged

from .harvest_common import HarvestCommon


@tagged("post_install", "-at_install")
class TestHarvest(HarvestCommon):
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
        product = self.fixed_product.with_env(self.env)
        line = self._order_lines({"product_id": product.id})
        line.order_id.date_order = "2024-01-01"
        self._flush_tracking()
        product.product_tmpl_id.list_price = 1500.0
        self._flush_tracking()
        self.assertFalse(self._find("discount"))

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

    def test_goodwill_and_corrections(self):
        kept, corrected, lowered = (
            self._invoice(1000.0, "2026-01-05", product=product)
            for product in (
                self.fixed_product,
                self.hour_product,
                self.hour_product.copy({"name": "Other"}),
            )
        )
        goodwill = self._refund(kept, "2026-01-20", 300.0)
        refunds = [
            self._refund(invoice, "2026-01-20") for invoice in (corrected, lowered)
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
        self._pay(invoice, "2026-03-01")
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
        project = self.project
        project.write({"date_start": "2026-01-01", "date": "2026-05-10"})
        self._flush_tracking()
        project.date = "2026-05-20"
        self._flush_tracking()
        project.date = "2026-05-25"
        self._flush_tracking()
        [entry] = self._find("deadline_shift")
        self.assertRecordValues(
            entry,
            [{"res_model": "project.project", "days": 15.0, "amount": 0.0}],
        )
        project.date = "2026-05-10"
        self._flush_tracking()
        self.assertFalse(self._find("deadline_shift"))
