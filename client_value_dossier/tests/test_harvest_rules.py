"""Each rule and each exclusion by an example; the everyday cases: test_harvest."""

from datetime import date

from odoo import Command
from odoo.tests import tagged

from .harvest_common import HarvestCommon


@tagged("post_install", "-at_install")
class TestHarvestOrders(HarvestCommon):
    def _amounts(self):
        return self._find("discount").mapped("amount")

    def test_negative_line_lowers_the_total(self):
        study = self.fixed_product.id
        lines = self._order_lines(
            {"product_id": study},
            {"product_id": study, "price_unit": -150.0},
        )
        [entry] = self._find("discount")
        self.assertEqual((entry.res_id, entry.amount), (lines[1].id, 150.0))

    def test_expenses_combos_and_notes_are_left_out(self):
        combo = self.env["product.combo"].create(
            {
                "name": "Any study",
                "combo_item_ids": [
                    Command.create({"product_id": self.fixed_product.id})
                ],
            }
        )
        bundle = self.env["product.product"].create(
            {
                "name": "Bundle",
                "type": "combo",
                "list_price": 500.0,
                "combo_ids": [Command.set(combo.ids)],
            }
        )
        study = self.fixed_product.id
        lines = self._order_lines(
            {"product_id": bundle.id, "price_unit": 0.0},
            {"product_id": study, "price_unit": 1.0},
            {"display_type": "line_note", "name": "Note"},
        )
        lines[1].is_expense = True
        self.assertFalse(self._amounts())

    def test_own_company_buys_from_itself(self):
        self._order_lines(
            {"product_id": self.fixed_product.id, "discount": 10.0},
            partner_id=self.company.partner_id.id,
        )
        self.rules.run_harvest()
        self.assertFalse(
            self._suggested("discount", ("partner_id", "=", self.company.partner_id.id))
        )

    def test_quotation_and_draft_again(self):
        line = self._order_lines({"product_id": self.fixed_product.id, "discount": 10})
        self.assertEqual(self._amounts(), [100.0])
        line.order_id._action_cancel()
        line.order_id.action_draft()
        self.assertFalse(self._amounts())

    def test_list_price_in_unit_and_currency_of_the_line(self):
        day = self.env.ref("uom.product_uom_day")  # 8 hours
        pricelist = self.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": self.foreign.id}
        )
        line = self._order_lines(
            {
                "product_id": self.hour_product.id,
                "product_uom_id": day.id,
                "product_uom_qty": 2,
            },
            pricelist_id=pricelist.id,
        )
        # 80 an hour, a rate of 0.25
        self.assertEqual(line.price_unit, 160.0)
        self.assertFalse(self._amounts())
        line.price_unit = 100.0
        [entry] = self._find("discount")
        self.assertRecordValues(
            entry, [{"amount": 120.0, "currency_id": self.foreign.id}]
        )

    def test_shared_product_of_a_company_with_another_currency(self):
        other = self.env["res.company"].create(
            {"name": "Subsidiary", "currency_id": self.foreign.id}
        )
        self.env["res.currency.rate"].create(
            {
                "name": "2024-01-01",
                "currency_id": self.currency.id,
                "rate": 2.0,
                "company_id": other.id,
            }
        )
        self.env.user.company_ids |= other
        self.env = self.env(context={"allowed_company_ids": other.ids})
        study = self.fixed_product.id
        lines = self.env["sale.order"].create(
            {
                "partner_id": self.client.id,
                "order_line": [
                    Command.create({"product_id": study, "tax_ids": False}),
                    Command.create(
                        {"product_id": study, "tax_ids": False, "discount": 10.0}
                    ),
                ],
            }
        )
        lines.action_confirm()
        self.assertEqual(lines.order_line.mapped("price_unit"), [500.0, 500.0])
        self.assertRecordValues(
            self._find("discount"),
            [{"amount": 50.0, "currency_id": self.foreign.id, "company_id": other.id}],
        )

    def test_limit_is_in_the_companys_currency(self):
        pricelist = self.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": self.foreign.id}
        )
        self._order_lines(
            {"product_id": self.fixed_product.id, "discount": 10},
            pricelist_id=pricelist.id,
        )
        self._rule("discount").minimum_amount = 100.0
        [entry] = self._find("discount")
        self.assertEqual((entry.amount, entry.amount_company), (25.0, 100.0))
        self._rule("discount").minimum_amount = 100.01
        self.assertFalse(self._amounts())

    def test_client_is_the_contacts_company(self):
        self._order_lines(
            {"product_id": self.fixed_product.id, "discount": 10},
            partner_id=self.newcomer.id,
        )
        self.assertRecordValues(
            self._find("discount"),
            [{"partner_id": self.client.id, "contact_id": self.newcomer.id}],
        )

    def test_price_typed_above_the_list(self):
        self._order_lines(
            {
                "product_id": self.fixed_product.id,
                "price_unit": 1200.0,
                "discount": 10.0,
                "product_uom_qty": 3,
            }
        )
        self.assertEqual(self._amounts(), [360.0])

    def test_list_price_changed_twice_since(self):
        product = self.fixed_product.product_tmpl_id
        self._track(product, "2026-01-05 09:00:00", list_price=900.0)
        line = self._order_lines(
            {"product_id": self.fixed_product.id, "price_unit": 800.0}
        )
        # What Odoo computed is no evidence here: it was another price.
        line.technical_price_unit = 0.0
        line.order_id.date_order = "2026-02-01 09:00:00"
        self._track(product, "2026-03-01 09:00:00", list_price=1500.0)
        self._track(product, "2026-04-01 09:00:00", list_price=2000.0)
        self.assertEqual(self._amounts(), [100.0])


@tagged("post_install", "-at_install")
class TestHarvestHours(HarvestCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rules.with_context(active_test=False).search([]).write(
            {"minimum_hours": 0.0}
        )
        cls.unplanned = cls.env["product.product"].create(
            {
                "name": "Report",
                "type": "service",
                "list_price": 600.0,
                "service_tracking": "task_in_project",
                "taxes_id": False,
            }
        )

    def _hours(self, kind):
        return self._find(kind).mapped("hours")

    def _line(self, **values):
        """Return an order line of six reports; their project and task were made."""
        line = self._order_lines(
            {"product_id": self.unplanned.id, "product_uom_qty": 6, **values}
        )
        line.qty_delivered_method = "manual"
        return line

    # -- clients ------------------------------------------------

    def test_template_and_project_without_client_are_left_out(self):
        template, internal = self.env["project.project"].create(
            [
                {
                    "name": "Template",
                    "partner_id": self.contact.id,
                    "allow_billable": True,
                },
                {"name": "Internal"},
            ]
        )
        self._log("2026-05-04", 3.0, project=template)
        self._log("2026-05-04", 3.0, project=internal)
        template.is_template = True
        self.rules.run_harvest()
        self.assertFalse(
            self.entries.search([("project_id", "in", (template | internal).ids)])
        )

    def test_task_of_another_client_is_that_clients(self):
        task = self.env["project.task"].create(
            {
                "name": "Advice",
                "project_id": self.project.id,
                "partner_id": self.other_client.id,
            }
        )
        self._log("2026-05-04", 3.0, task)
        self._log("2026-05-04", 1.0)
        self.rules.run_harvest()
        found = self._suggested("free_hours", ("project_id", "=", self.project.id))
        self.assertEqual(
            {(e.partner_id, e.res_model, e.res_id, e.hours) for e in found},
            {
                (self.other_client, "project.task", task.id, 3.0),
                (self.client, "project.project", self.project.id, 1.0),
            },
        )

    def test_corrections_and_months(self):
        self._log("2026-05-04", 3.0)
        self._log("2026-05-30", -1.25)
        self._log("2026-06-01", 2.0)
        self._log("2026-07-01", -2.0)
        found = self._find("free_hours")
        self.assertRecordValues(
            found,
            [
                {"period": date(2026, 5, 1), "hours": 1.75, "date": date(2026, 5, 30)},
                {"period": date(2026, 6, 1), "hours": 2.0, "date": date(2026, 6, 1)},
            ],
        )
        self.assertEqual(found.mapped("amount"), [140.0, 160.0])
        self.assertEqual(found.mapped("internal_cost"), [52.5, 60.0])

    def test_paid_hours_are_no_favour(self):
        hourly = self.env["product.product"].create(
            {
                "name": "Hour as worked",
                "type": "service",
                "uom_id": self.env.ref("uom.product_uom_hour").id,
                "service_policy": "delivered_timesheet",
                "list_price": 90.0,
            }
        )
        line = self._order_lines({"product_id": hourly.id, "product_uom_qty": 2})
        sheet = self._log("2026-05-04", 9.0, line=line)
        self.assertEqual(sheet.timesheet_invoice_type, "billable_time")
        self.rules.run_harvest(partners=self.client)
        self.assertFalse(self.entries.search([("project_id", "=", self.project.id)]))

    # -- after care ---------------------------------------------

    def test_end_is_the_move_into_a_closing_stage(self):
        self._track(self.project, "2026-05-10 09:00:00", stage_id=self.closed_stage.id)
        self._log("2026-05-10", 1.0)
        self._log("2026-05-11", 2.0)
        self.assertEqual(self._hours("after_care"), [2.0])
        # The date set is earlier: it counts.
        self.project.write({"date_start": "2026-01-01", "date": "2026-05-09"})
        self.assertEqual(self._hours("after_care"), [3.0])
        self._rule("after_care").grace_days = 1
        self.assertEqual(self._hours("after_care"), [2.0])

    def test_stage_left_again_is_no_end(self):
        former = self.project.stage_id
        self._track(self.project, "2026-05-10 09:00:00", stage_id=self.closed_stage.id)
        self._track(self.project, "2026-05-12 09:00:00", stage_id=former.id)
        self._log("2026-05-20", 2.0)
        self.assertFalse(self._find("after_care"))

    def test_after_care_on_a_fixed_price_is_its_excess(self):
        line = self.order.order_line  # 10 hours, not delivered
        self.project.write({"date_start": "2026-01-01", "date": "2026-05-10"})
        self._log("2026-05-04", 8.0, line=line)
        self._log("2026-05-20", 5.0, line=line)
        self.assertEqual(self._hours("after_care"), [3.0])

    # -- overrun ------------------------------------------------

    def test_sold_in_days(self):
        line = self._order_lines(
            {
                "product_id": self.hour_product.id,
                "product_uom_id": self.env.ref("uom.product_uom_day").id,
                "product_uom_qty": 1,
            }
        )
        line.qty_delivered_method = "manual"
        line.qty_delivered = 1
        self._log("2026-05-04", 9.5, line=line)
        [entry] = self._find("overrun")
        # 8 hours for 640
        self.assertRecordValues(entry, [{"hours": 1.5, "rate": 80.0, "amount": 120.0}])

    def test_planned_hours_of_the_task_are_what_was_sold(self):
        line = self._line()
        line.task_id.allocated_hours = 20.0
        line.task_id.state = "1_done"
        self._log("2026-05-04", 25.0, line.task_id, line)
        [entry] = self._find("overrun")
        self.assertRecordValues(entry, [{"hours": 5.0, "rate": 180.0, "amount": 900.0}])

    def test_unknown_sold_hours_are_no_overrun(self):
        line = self._line()
        line.qty_delivered = 6
        self._log("2026-05-04", 25.0, line.task_id, line)
        for planned in (0.0, 6.0):  # nothing, or what Odoo plans by itself
            with self.subTest(planned=planned):
                line.task_id.allocated_hours = planned
                line.project_id.allocated_hours = planned
                self.assertFalse(self._find("overrun"))

    def test_given_free_has_the_companys_rate(self):
        line = self._line(price_unit=0.0)
        line.task_id.allocated_hours = 20.0
        line.qty_delivered = 6
        self._log("2026-05-04", 22.0, line.task_id, line)
        [entry] = self._find("overrun")
        self.assertRecordValues(entry, [{"hours": 2.0, "rate": 50.0, "amount": 100.0}])

    def test_overrun_has_its_orders_currency(self):
        pricelist = self.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": self.foreign.id}
        )
        line = self._order_lines(
            {"product_id": self.hour_product.id, "product_uom_qty": 10},
            pricelist_id=pricelist.id,
        )
        line.qty_delivered_method = "manual"
        line.qty_delivered = 10
        # On a project of an order in the company's currency
        self._log("2026-05-04", 12.0, line=line)
        self.assertRecordValues(
            self._find("overrun"),
            [
                {
                    "currency_id": self.foreign.id,
                    "sale_order_id": line.order_id.id,
                    "amount": 40.0,
                    "amount_company": 160.0,
                }
            ],
        )

    def test_corrected_hours_do_not_deliver_a_line(self):
        line = self.order.order_line  # 10 hours, not delivered
        self.project.write({"date_start": "2026-01-01", "date": "2026-05-10"})
        self._log("2026-05-04", 12.0, line=line)
        self._log("2026-05-20", -2.0, line=line)  # taken by another rule
        self.assertFalse(self._find("overrun"))

    def test_cost_follows_a_part_of_a_timesheet(self):
        self.employee.hourly_cost = 21.53
        line = self.order.order_line
        line.qty_delivered_method = "manual"
        line.qty_delivered = 10
        self._log("2026-05-04", 8.0, line=line)
        self._log("2026-05-05", 4.5, line=line)  # 96.89, of which 2.5 hours
        [entry] = self._find("overrun")
        self.assertEqual(entry.internal_cost, 53.83)
        self._log("2026-05-06", 1.0, line=line)
        self._find("overrun")
        self.assertEqual(entry.internal_cost, 75.36)

    def test_delivered_when_the_project_is_closed_or_done(self):
        line = self.order.order_line
        self._log("2026-05-04", 12.0, line=line)
        self.assertFalse(self._find("overrun"))
        stage = self.project.stage_id
        self.project.stage_id = self.closed_stage
        self.assertEqual(self._hours("overrun"), [2.0])
        self.project.stage_id = stage
        self.assertFalse(self._find("overrun"))
        self.project.last_update_status = "done"
        self.assertEqual(self._hours("overrun"), [2.0])

    def test_generated_project_is_done_though_worked_on_elsewhere(self):
        line = self._line()
        line.task_id.allocated_hours = 20.0
        self._log("2026-05-04", 22.0, line=line)
        self.assertFalse(self._find("overrun"))
        line.project_id.last_update_status = "done"
        self.assertEqual(self._hours("overrun"), [2.0])

    def test_order_cancelled_since(self):
        line = self.order.order_line
        self._log("2026-05-04", 12.0, line=line)
        line.qty_delivered_method = "manual"
        line.qty_delivered = 10
        self.assertEqual(self._hours("overrun"), [2.0])
        self.order._action_cancel()
        self.assertFalse(self._find("overrun"))

    def test_projects_share_the_hours_of_a_line(self):
        line = self.order.order_line
        line.qty_delivered_method = "manual"
        line.qty_delivered = 10
        second = self.project.copy({"name": "Second"})
        self._log("2026-05-05", 6.0, line=line)
        self._log("2026-05-04", 6.0, line=line, project=second)
        self.assertEqual(self._hours("overrun"), [2.0])

    # -- extra scope --------------------------------------------

    def _extra_task(self, **values):
        """Return a task added to the fixed-price project two months after the order."""
        if not self.project.sale_line_id.order_id.date_order.month == 1:
            line = self._order_lines(
                {"product_id": self.fixed_product.id}, day="2026-01-10 09:00:00"
            )
            self._backdate(line, "2026-01-09")
            self.project.sale_line_id = line
        task = self.env["project.task"].create(
            {
                "name": "Another market",
                "project_id": self.project.id,
                "state": "1_done",
                **values,
            }
        )
        self._backdate(task, "2026-03-01 09:00:00")
        return task

    def test_subtasks_count_with_the_extra_task(self):
        task = self._extra_task()
        child = self._extra_task(parent_id=task.id, state="01_in_progress")
        grandchild = self._extra_task(parent_id=child.id, state="01_in_progress")
        for each in (task, child, grandchild):
            self._log("2026-03-05", 2.0, each, self.project.sale_line_id)
        [entry] = self._find("extra_scope")
        self.assertEqual((entry.res_id, entry.hours), (task.id, 6.0))

    def test_no_extra_scope(self):
        other = self._order_lines({"product_id": self.fixed_product.id})
        tasks = {
            "not done": self._extra_task(state="01_in_progress"),
            "for another client": self._extra_task(partner_id=self.other_client.id),
            "sold by another order": self._extra_task(sale_line_id=other.id),
            "asked for in the days of grace": self._extra_task(),
            "cancelled": self._extra_task(state="1_canceled"),
        }
        self._backdate(tasks["asked for in the days of grace"], "2026-01-17 08:00:00")
        for name, task in tasks.items():
            self._log("2026-03-05", 2.0, task, self.project.sale_line_id)
            task.name = name
        self.assertFalse(self._find("extra_scope").mapped("task_id.name"))

    def test_line_added_to_the_order_later_sells_the_task(self):
        task = self._extra_task()
        order = self.project.sale_line_id.order_id
        order.order_line = [Command.create({"product_id": self.fixed_product.id})]
        task.sale_line_id = order.order_line[-1]
        self._log("2026-03-05", 2.0, task, task.sale_line_id)
        self.assertFalse(self._find("extra_scope"))
        self._backdate(task.sale_line_id, "2026-01-09")
        self.assertEqual(self._hours("extra_scope"), [2.0])

    def test_extra_tasks_use_the_sold_hours_last(self):
        line = self._order_lines(
            {"product_id": self.hour_product.id, "product_uom_qty": 10},
            day="2026-01-10 09:00:00",
        )
        line.qty_delivered_method = "manual"
        line.qty_delivered = 10
        self.project.sale_line_id = line
        task = self._extra_task()
        self._log("2026-03-05", 4.0, task, line)
        self._log("2026-04-05", 9.0, line=line)
        self.assertEqual(self._hours("extra_scope"), [4.0])
        self.assertFalse(self._find("overrun"))
        # Without that rule the hours are summed up by date.
        self._rule("extra_scope").active = False
        self.assertEqual(self._hours("overrun"), [3.0])

    # -- urgent -------------------------------------------------

    def _urgent_task(self, asked, done):
        task = self.env["project.task"].create(
            {"name": "By tomorrow", "project_id": self.project.id, "state": "1_done"}
        )
        self._backdate(task, asked)
        self._backdate(task, done, "date_end")
        return task

    def test_asked_and_delivered_within_days(self):
        rule = self._rule("urgent")
        rule.write({"active": True, "urgent_days": 1, "surcharge_percent": 25.0})
        line = self.order.order_line
        for asked, done in (
            ("2026-05-06 09:00:00", "2026-05-07 17:00:00"),  # the next day
            ("2026-05-08 09:00:00", "2026-05-11 17:00:00"),  # Friday to Monday
            ("2026-05-12 09:00:00", "2026-05-14 17:00:00"),  # two working days
        ):
            task = self._urgent_task(asked, done)
            self._log(done[:10], 2.0, task, line)
        found = self._find("urgent")
        self.assertRecordValues(
            found,
            [{"res_model": "project.task", "hours": 0.0, "amount": 40.0}] * 2,
        )

    def test_holiday_and_urgent_task(self):
        self._rule("urgent").active = True
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "calendar_id": self.company.resource_calendar_id.id,
                "company_id": self.company.id,
                "date_from": "2026-05-05 08:00:00",
                "date_to": "2026-05-05 16:00:00",
            }
        )
        task = self._urgent_task("2026-05-05 09:00:00", "2026-05-05 17:00:00")
        line = self.order.order_line
        self._log("2026-05-05", 2.0, task, line)
        self._log("2026-05-05", 1.0, line=line)
        self._log("2026-05-06", 1.0, line=line)
        found = {(e.res_model, e.period, e.amount) for e in self._find("urgent")}
        self.assertEqual(
            found,
            {
                ("project.task", False, 80.0),
                ("project.project", date(2026, 5, 1), 40.0),
            },
        )

    # -- which rule ---------------------------------------------

    def test_hour_stays_with_the_first_rule_below_its_limit(self):
        self.project.write({"date_start": "2026-01-01", "date": "2026-05-10"})
        self._rule("after_care").minimum_hours = 5.0
        self._log("2026-05-20", 2.0)
        self.assertFalse(self._find("after_care") | self._find("free_hours"))

    def test_archived_rule_of_a_company_switches_the_kind_off_there(self):
        self._log("2026-05-04", 3.0)
        other = self.env["res.company"].create({"name": "Subsidiary"})
        rule = self._rule("free_hours")
        own = rule.copy({"company_id": other.id})
        own.active = False
        self.assertEqual(self._hours("free_hours"), [3.0])
        own.company_id = self.company
        self.assertFalse(self._find("free_hours"))
        own.write({"active": True, "minimum_hours": 3.5})
        self.assertFalse(self._find("free_hours"))
        own.minimum_hours = 3.0
        self.assertEqual(self._find("free_hours").rule_id, own)


@tagged("post_install", "-at_install")
class TestHarvestInvoices(HarvestCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.goods = cls.env["product.product"].create(
            {
                "name": "Printed report",
                "type": "consu",
                "list_price": 100.0,
                "invoice_policy": "order",
                "taxes_id": False,
            }
        )

    def _amounts(self, kind="credit_note"):
        return {entry.res_id: entry.amount for entry in self._find(kind)}

    def _refund_of_order(self, delivered, refunded):
        """Return the credit note of an order of five printed reports."""
        line = self._order_lines({"product_id": self.goods.id, "product_uom_qty": 5})
        line.qty_delivered_method = "manual"
        line.qty_delivered = delivered
        invoice = line.order_id._create_invoices()
        invoice.invoice_date = "2026-01-05"
        invoice.action_post()
        refund = invoice._reverse_moves([{"invoice_date": "2026-01-20"}])
        refund.invoice_line_ids.quantity = refunded
        refund.action_post()
        return refund

    def test_goods_that_came_back_are_no_favour(self):
        self._refund_of_order(delivered=3, refunded=2)
        self.assertFalse(self._amounts())

    def test_goods_that_were_kept_are_one(self):
        refund = self._refund_of_order(delivered=5, refunded=2)
        self.assertEqual(self._amounts(), {refund.id: 200.0})

    def test_down_payment_given_back_is_no_favour(self):
        refund = self._invoice(300.0, "2026-01-20", "out_refund")
        refund.button_draft()
        refund.invoice_line_ids.is_downpayment = True
        refund.action_post()
        self.assertFalse(self._amounts())

    def test_draft_is_nothing_yet(self):
        refund = self._invoice(300.0, "2026-01-20", "out_refund")
        self.assertEqual(self._amounts(), {refund.id: 300.0})
        refund.button_draft()
        self.assertFalse(self._amounts())

    def test_issued_again_in_time_and_whole_only(self):
        invoice = self._invoice(1000.0, "2026-01-05")
        late, part = (
            self._refund(invoice, "2026-01-20"),
            self._refund(invoice, "2026-01-20", 400.0),
        )
        self._invoice(1000.0, "2026-02-20")
        self.assertEqual(self._amounts(), {late.id: 1000.0, part.id: 400.0})
        self._rule("credit_note").reissue_days = 31
        self.assertEqual(self._amounts(), {part.id: 400.0})

    def test_one_invoice_issues_one_again(self):
        first, second = (self._invoice(1000.0, "2026-01-05") for _number in range(2))
        self._refund(first, "2026-01-20")
        kept = self._refund(second, "2026-01-21")
        self._invoice(1000.0, "2026-01-25")
        self.assertEqual(self._amounts(), {kept.id: 1000.0})

    def test_each_of_two_was_issued_again(self):
        first, second = (self._invoice(1000.0, "2026-01-05") for _number in range(2))
        self._refund(first, "2026-01-20")
        self._refund(second, "2026-01-21")
        self._invoice(1000.0, "2026-01-25")
        self._invoice(1000.0, "2026-01-26")
        self.assertFalse(self._amounts())

    def test_other_products_issue_nothing_again(self):
        invoice = self._invoice(1000.0, "2026-01-05")
        refund = self._refund(invoice, "2026-01-20")
        self._invoice(1000.0, "2026-01-25", product=self.hour_product)
        self.assertEqual(self._amounts(), {refund.id: 1000.0})

    # -- late payments ------------------------------------------

    def _late_invoice(self):
        rule = self._rule("late_payment")
        rule.write({"active": True, "interest_rate": 7.3, "minimum_days": 0})
        invoice = self._invoice(
            1000.0,
            "2026-01-05",
            invoice_payment_term_id=False,
            invoice_date_due="2026-01-10",
        )
        self.assertEqual(invoice.invoice_date_due, date(2026, 1, 10))
        return invoice

    def test_paid_in_parts(self):
        invoice = self._late_invoice()
        self._pay(invoice, "2026-01-08", amount=500.0)
        self._pay(invoice, "2026-01-20", amount=300.0)
        self.assertFalse(self._find("late_payment"), "not paid yet")
        self._pay(invoice, "2026-02-09", amount=200.0)
        [entry] = self._find("late_payment")
        # 300 for 10 days and 200 for 30 days
        self.assertRecordValues(
            entry, [{"days": 30.0, "amount": 1.8, "date": date(2026, 2, 9)}]
        )
        self._rule("late_payment").minimum_days = 31
        self.assertFalse(self._find("late_payment"))

    def test_paid_by_credit_note_is_not_late(self):
        invoice = self._late_invoice()
        refund = self._refund(invoice, "2026-03-01")
        lines = (invoice | refund).line_ids.filtered("date_maturity")
        if not lines[0].reconciled:
            lines.reconcile()
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertFalse(self._find("late_payment"))

    def test_fee_was_charged(self):
        invoice = self._late_invoice()
        fee = self._product("Fee")
        self._rule("late_payment").fee_product_id = fee
        self._pay(invoice, "2026-02-09")
        for day in ("2026-01-10", "2026-05-11"):  # too early, too late
            self._invoice(10.0, day, product=fee)
        self.assertEqual(len(self._find("late_payment")), 1)
        self._invoice(10.0, "2026-05-10", product=fee)
        self.assertFalse(self._find("late_payment"))


@tagged("post_install", "-at_install")
class TestHarvestDeadlines(HarvestCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order.date_order = "2026-01-05 09:00:00"
        cls._write_untracked(cls.project, date_start="2026-01-01", date="2026-05-10")
        cls._backdate(cls.project, "2026-01-04 09:00:00")

    def _days(self):
        return {(e.res_model, e.res_id): e.days for e in self._find("deadline_shift")}

    def _move(self, day, date_, record=None):
        record = record or self.project
        field = {
            "project.project": "date",
            "project.task": "date_deadline",
            "project.milestone": "deadline",
        }[record._name]
        self._track(record, f"{day} 09:00:00", **{field: date_})

    def test_joint_moves_count_once(self):
        near, far = self.env["project.task"].create(
            [
                {
                    "name": name,
                    "project_id": self.project.id,
                    "date_deadline": "2026-05-01 12:00:00",
                }
                for name in ("Near", "Far")
            ]
        )
        milestone = self.env["project.milestone"].create(
            {
                "name": "Report",
                "project_id": self.project.id,
                "deadline": "2026-05-01",
            }
        )
        self._backdate(near | far, "2026-01-04 09:00:00")
        self._backdate(milestone, "2026-01-04 09:00:00")
        self._flush_tracking()
        self._move("2026-02-01", "2026-05-15")
        self._move("2026-02-01", "2026-05-20", milestone)
        self._move("2026-03-01", "2026-05-03 12:00:00", near)
        self._move("2026-03-01", "2026-05-04 12:00:00", far)
        expected = {
            ("project.project", self.project.id): 5.0,
            ("project.task", far.id): 3.0,
        }
        self.assertEqual(self._days(), expected)
        self._rule("deadline_shift").merge_moves = False
        expected["project.milestone", milestone.id] = 19.0
        expected["project.task", near.id] = 2.0
        self.assertEqual(self._days(), expected)

    def test_price_rise_pays_for_the_move(self):
        self._move("2026-02-01", "2026-05-15")
        self._track(self.order.order_line, "2026-02-20 09:00:00", product_uom_qty=15)
        self._move("2026-03-01", "2026-05-25")
        [entry] = self._find("deadline_shift")
        self.assertRecordValues(entry, [{"days": 5.0, "date": date(2026, 2, 1)}])
        self._move("2026-04-01", "2026-05-27")
        [entry] = self._find("deadline_shift")
        self.assertRecordValues(entry, [{"days": 7.0, "date": date(2026, 4, 1)}])

    def test_further_order_pays_for_the_move(self):
        self._order_lines(
            {"product_id": self.hour_product.id},
            day="2026-02-01 15:00:00",
            project_id=self.project.id,
        )
        self._move("2026-02-01", "2026-05-15")
        self.assertFalse(self._days())

    def test_tasks_of_other_clients_by_themselves(self):
        """In a project without a client, too."""
        internal = self.env["project.project"].create({"name": "Helpdesk"})
        tasks = self.env["project.task"].create(
            [
                {
                    "name": "Question",
                    "project_id": project.id,
                    "partner_id": partner.id,
                    "date_deadline": "2026-05-01 12:00:00",
                }
                for project, partner in (
                    (internal, self.contact),
                    (internal, self.other_client),
                    (self.project, self.other_client),
                )
            ]
        )
        self._backdate(tasks, "2026-01-04 09:00:00")
        self._flush_tracking()
        for task, day in zip(tasks, ("03", "05", "09"), strict=True):
            self._move("2026-02-01", f"2026-05-{day} 12:00:00", task)
        # It is no joint move: another client's.
        self._move("2026-02-01", "2026-05-15")
        self.rules.run_harvest()
        found = self._suggested("deadline_shift", ("res_id", "in", tasks.ids))
        self.assertRecordValues(
            found.filtered(lambda entry: entry.res_model == "project.task"),
            [
                {"partner_id": client.id, "contact_id": contact.id, "days": days}
                for client, contact, days in (
                    (self.client, self.contact, 2.0),
                    (self.other_client, self.env["res.partner"], 4.0),
                    (self.other_client, self.env["res.partner"], 8.0),
                )
            ],
        )
        self.assertEqual(self._days()["project.project", self.project.id], 5.0)

    def test_currency_stays_when_the_order_changes(self):
        pricelist = self.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": self.foreign.id}
        )
        self._backdate(self.project, "2026-01-06 09:00:00")
        self._move("2026-02-01", "2026-05-20")
        entry = self._find("deadline_shift")
        self.assertEqual(entry.sale_order_id, self.order)
        earlier = self._order_lines(
            {"product_id": self.fixed_product.id},
            day="2026-01-02 09:00:00",
            project_id=self.project.id,
            pricelist_id=pricelist.id,
        )
        self._find("deadline_shift")
        self.assertRecordValues(
            entry,
            [
                {
                    "sale_order_id": earlier.order_id.id,
                    "currency_id": self.currency.id,
                    "days": 10.0,
                }
            ],
        )

    def test_moves_before_the_order_do_not_count(self):
        self._move("2026-01-04", "2026-05-15")
        self._move("2026-01-06", "2026-05-16")
        self.assertEqual(set(self._days().values()), {1.0})

    def test_limit_of_days(self):
        self._move("2026-02-01", "2026-05-12")
        self._rule("deadline_shift").minimum_days = 3
        self.assertFalse(self._days())
        self._move("2026-02-02", "2026-05-13")
        self.assertEqual(set(self._days().values()), {3.0})


@tagged("post_install", "-at_install")
class TestHarvestChanges(HarvestCommon):
    """What a scan of changes has to notice, each by an example."""

    def setUp(self):
        super().setUp()
        self._rule("late_payment").write(
            {
                "active": True,
                "minimum_days": 0,
                "fee_product_id": self._product("Fee").id,
            }
        )

    def _assert_noticed(self):
        """The change was noticed: there was one, and a full scan finds no more."""
        changes = self._scan("changes")
        full = self._scan("full")
        counts = ("created_count", "updated_count", "withdrawn_count")
        self.assertRecordValues(full, [dict.fromkeys(counts, 0)])
        self.assertTrue(any(changes[name] for name in counts))

    def test_fee_invoiced_later(self):
        invoice = self._invoice(
            1000.0,
            "2026-01-05",
            invoice_payment_term_id=False,
            invoice_date_due="2026-01-10",
        )
        self._pay(invoice, "2026-02-09")
        self._forget()
        self._invoice(
            10.0, "2026-03-01", product=self._rule("late_payment").fee_product_id
        )
        self._assert_noticed()

    def test_earlier_credit_note_frees_what_was_issued_again(self):
        first, second = (self._invoice(1000.0, "2026-01-05") for _number in range(2))
        refund = self._refund(first, "2026-01-20")
        self._refund(second, "2026-01-21")
        self._invoice(1000.0, "2026-01-25")
        self._forget()
        refund.button_draft()
        self._assert_noticed()

    def test_price_of_an_order_that_only_names_the_project(self):
        self.project.sale_line_id = False
        self.project.partner_id = self.contact
        line = self._order_lines({"product_id": self.hour_product.id})
        self.project.reinvoiced_sale_order_id = line.order_id
        self._log("2026-05-04", 3.0)
        self._forget()
        line.price_unit = 90.0
        self._assert_noticed()

    def test_stage_becomes_a_closing_one(self):
        self._log("2026-05-04", 12.0, line=self.order.order_line)
        self._forget()
        self.project.stage_id.fold = True
        self._assert_noticed()

    def test_further_order_of_a_project(self):
        self.order.date_order = "2026-01-01 09:00:00"
        self._write_untracked(self.project, date_start="2026-01-01", date="2026-05-10")
        self._backdate(self.project, "2026-01-01 09:00:00")
        self._track(self.project, "2026-02-01 09:00:00", date="2026-05-15")
        self._forget()
        self._order_lines(
            {"product_id": self.fixed_product.id},
            day="2026-02-01 15:00:00",
            project_id=self.project.id,
        )
        self._assert_noticed()

    def test_generated_project_is_done(self):
        product = self._product("Report", service_tracking="task_in_project")
        line = self._order_lines({"product_id": product.id, "product_uom_qty": 6})
        line.task_id.allocated_hours = 20.0
        self._log("2026-05-04", 22.0, line=line)
        self._forget()
        line.project_id.last_update_status = "done"
        self._assert_noticed()
        line.project_id.last_update_status = "on_track"
        self._forget()
        line.task_id.state = "1_done"
        self._assert_noticed()

    def test_timesheet_moves_to_another_line_and_project(self):
        line = self.order.order_line
        line.qty_delivered_method = "manual"
        line.qty_delivered = 10
        second = self.project.copy({"name": "Second"})
        task, other, elsewhere = self.env["project.task"].create(
            [
                {"name": "Here", "project_id": self.project.id},
                {"name": "There", "project_id": second.id},
                {"name": "For them", "project_id": self.project.id},
            ]
        )
        elsewhere.partner_id = self.other_client
        moved = self._log("2026-05-06", 6.0, task, line)
        self._log("2026-05-05", 7.0, other, line)
        changes = (
            ("billed by nobody", lambda: moved.write({"so_line": False})),
            ("task moved", lambda: task.write({"project_id": second.id})),
            ("billed again", lambda: moved.write({"so_line": line.id})),
            ("timesheet moved", lambda: moved.write({"task_id": elsewhere.id})),
            ("deleted", moved.unlink),
        )
        for name, change in changes:
            with self.subTest(name):
                self._forget()
                change()
                self._assert_noticed()
