"""Random histories of two companies, checked against a slow and obvious reference."""

import random
from collections import defaultdict
from datetime import timedelta

from odoo import Command, fields
from odoo.tests import tagged

from .harvest_common import HarvestCommon
from .harvest_reference import HOUR_KINDS, Reference

COUNTS = ("created_count", "updated_count", "withdrawn_count")
FIRST_DAY = fields.Date.to_date("2026-01-05")
DAYS = 200


class History:
    """Half a year of one company's work, made through the ORM by a seeded dice."""

    def __init__(self, test, company, dice):
        self.test, self.company, self.dice = test, company, dice
        self.env = test.env(
            context={
                **test.env.context,
                "allowed_company_ids": [company.id, *(test.companies - company).ids],
            }
        )
        self.clients = (test.contact | test.newcomer | test.other_client).with_env(
            self.env
        )
        self.employee = test.employees[company].with_env(self.env)
        self.products = [product.with_env(self.env) for product in test.products]
        self.pricelists = test.pricelists.with_env(self.env)
        self.orders = self.env["sale.order"]
        self.projects = self.env["project.project"]
        self.tasks = self.env["project.task"]
        self.sheets = self.env["account.analytic.line"]
        self.moves = self.env["account.move"]

    def happens(self, chance):
        return self.dice.random() < chance

    def day(self, first=0, last=DAYS):
        return FIRST_DAY + timedelta(days=self.dice.randint(first, last))

    def time(self, day=None):
        hour = self.dice.randint(7, 18)
        return f"{day or self.day()} {hour:02}:30:00"

    def choose_line(self, lines=None):
        """Return one of the lines that sold work, if any."""
        lines = self.orders.order_line if lines is None else lines
        services = lines.filtered(lambda line: line.product_id.type == "service")
        return self.dice.choice(services) if services else services

    # ------------------------------------------------------------
    # MAKING
    # ------------------------------------------------------------

    def make(self):
        for _number in range(5):
            self.add_order()
        self.add_project()
        for project in self.projects:
            self.date_project(project)
        for _number in range(8):
            self.add_task()
        for _number in range(35):
            self.log()
        for _number in range(4):
            self.add_invoice()
        for _number in range(8):
            self.move_deadline()
        for order in self.orders[:2]:
            self.amend(order)
        if self.happens(0.7):
            self.orders[-1]._action_cancel()

    def add_order(self, **values):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.dice.choice(self.clients).id,
                "company_id": self.company.id,
                "pricelist_id": self.dice.choice(self.pricelists).id,
                "order_line": [
                    Command.create(self.get_line_values())
                    for _number in range(self.dice.randint(1, 4))
                ],
                **values,
            }
        )
        order.action_confirm()
        order.date_order = self.time(self.day(0, 60))
        if self.happens(0.3):
            order.order_line[0].is_downpayment = True
        for line in order.order_line.filtered(lambda line: line.product_id):
            line.qty_delivered_method = "manual"
            line.qty_delivered = line.product_uom_qty * self.dice.choice((0, 0.5, 1, 1))
        self.test._backdate(
            order.order_line, self.dice.choice((order.date_order, "2026-11-01"))
        )
        self.orders |= order
        self.projects |= order.order_line.project_id
        self.tasks |= order.order_line.task_id
        for task in order.order_line.task_id:
            if self.happens(0.6):
                task.allocated_hours = self.dice.choice((4, 10, 25))
        return order

    def get_line_values(self):
        if self.happens(0.1):
            return {"display_type": "line_section", "name": "Section"}
        values = {
            "product_id": self.dice.choice(self.products).id,
            "product_uom_qty": self.dice.choice((0, 1, 2, 5, 8, 12.5)),
            "discount": self.dice.choice((0, 0, 0, 5, 12.5, 100)),
        }
        if self.happens(0.3):
            values["price_unit"] = self.dice.choice((0, 33.33, 80, 2000, -45.5))
        return values

    def add_project(self):
        project = self.env["project.project"].create(
            {
                "name": "Advice",
                "partner_id": self.happens(0.7) and self.dice.choice(self.clients).id,
                "company_id": self.company.id,
                "allow_billable": True,
            }
        )
        if self.happens(0.5):
            project.sale_line_id = self.choose_line()
        self.projects |= project

    def date_project(self, project):
        self.test._backdate(project, self.time(self.day(0, 20)))
        if self.happens(0.7):
            self.test._write_untracked(
                project, date_start=FIRST_DAY, date=self.day(60, 150)
            )
        if self.happens(0.4):
            self.close(project)

    def close(self, project):
        stage = self.test.closed_stage.with_env(self.env)
        self.test._track(project, self.time(self.day(60, 150)), stage_id=stage.id)

    def add_task(self):
        project = self.dice.choice(self.projects)
        values = {"name": "Task", "project_id": project.id}
        if self.happens(0.7):
            values["state"] = "1_done"
        if self.happens(0.2):
            values["partner_id"] = self.dice.choice(self.clients).id
        parents = self.tasks.filtered(lambda task: task.project_id == project)
        if parents and self.happens(0.3):
            values["parent_id"] = self.dice.choice(parents).id
        task = self.env["project.task"].create(values)
        asked = self.day(0, 120)
        self.test._backdate(task, self.time(asked))
        done = asked + timedelta(days=self.dice.randint(0, 6))
        self.test._backdate(task, self.time(done), "date_end")
        if self.happens(0.3):
            lines = project.sale_line_id.order_id.order_line
            task.sale_line_id = self.choose_line(lines) or self.choose_line()
        self.tasks |= task
        return task

    def log(self):
        project = self.dice.choice(self.projects)
        tasks = self.tasks.filtered(lambda task: task.project_id == project)
        task = self.dice.choice(tasks) if tasks and self.happens(0.7) else tasks[:0]
        line = task.sale_line_id or project.sale_line_id
        if not line or self.happens(0.5):
            line = self.dice.choice((self.choose_line(), line.browse()))
        # A task is worked on after it was asked for, mostly.
        first = (task.create_date.date() - FIRST_DAY).days if task else 0
        first = max(min(first, 150), 0) if self.happens(0.9) else 0
        self.sheets |= self.env["account.analytic.line"].create(
            {
                "name": "Work",
                "project_id": project.id,
                "task_id": task.id,
                "employee_id": self.employee.id,
                "company_id": self.company.id,
                "date": self.day(first),
                "unit_amount": self.dice.choice((0.25, 1, 1.5, 3, 4, 7.75, -1, -0.5)),
                "so_line": line.id,
                "is_so_line_edited": True,
            }
        )

    def add_invoice(self):
        """Make an invoice, and what became of it."""
        day = self.day(0, 90)
        partner = self.dice.choice(self.clients)
        product = self.dice.choice(self.products)
        invoice = self.bill(partner, product, self.dice.choice((100, 250)), day)
        for _number in range(self.dice.randint(0, 2)):
            credited = day + timedelta(days=self.dice.randint(0, 15))
            amount = self.dice.choice((invoice.amount_untaxed, 60.0))
            self.bill(
                partner,
                product,
                amount,
                credited,
                move_type="out_refund",
                reversed_entry_id=invoice.id,
            )
            if self.happens(0.6):
                again = credited + timedelta(days=self.dice.randint(0, 40))
                self.bill(partner, product, self.dice.choice((90, 240)), again)
        if self.happens(0.6):
            self.pay(invoice)

    def bill(self, partner, product, amount, day, move_type="out_invoice", **values):
        move = self.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": partner.id,
                "company_id": self.company.id,
                "currency_id": self.dice.choice(self.pricelists).currency_id.id
                if move_type == "out_invoice"
                else self.env["account.move"]
                .browse(values["reversed_entry_id"])
                .currency_id.id,
                "invoice_date": day,
                "invoice_payment_term_id": False,
                "invoice_date_due": day + timedelta(days=14),
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": product.id,
                            "price_unit": amount,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
                **values,
            }
        )
        move.action_post()
        self.moves |= move
        return move

    def pay(self, invoice):
        due = invoice.invoice_date_due
        if invoice.payment_state not in ("not_paid", "partial"):
            return
        if self.happens(0.4):
            part = due + timedelta(days=self.dice.randint(-5, 20))
            self.test._pay(invoice, part, amount=invoice.amount_residual / 2)
        self.test._pay(invoice, due + timedelta(days=self.dice.randint(-5, 60)))

    def move_deadline(self):
        record, field = self.dice.choice(
            [
                *((project, "date") for project in self.projects if project.date),
                *((task, "date_deadline") for task in self.tasks[:3]),
            ]
        )
        due = self.dice.choice((self.day(60, 180), self.day(60, 180), False))
        if record._name == "project.project":
            due = due or self.day(60, 180)
        # On few days, so that some are moved together.
        when = FIRST_DAY + timedelta(days=self.dice.choice((10, 40, 70, 100)))
        self.test._track(record, self.time(when), **{field: due})

    def amend(self, order):
        line = order.order_line.filtered("product_id")[:1]
        if line and order.state == "sale":
            self.test._track(
                line,
                self.time(self.day(20, 120)),
                product_uom_qty=line.product_uom_qty + self.dice.choice((-1, 1, 4)),
            )

    # ------------------------------------------------------------
    # CHANGING
    # ------------------------------------------------------------

    def change(self):
        for name in self.dice.sample(sorted(self.get_changes()), 7):
            self.get_changes()[name]()

    def get_changes(self):
        sheet = self.dice.choice(self.sheets.exists())
        line = self.dice.choice(self.orders.order_line.filtered("product_id"))
        service = self.choose_line()
        project = self.dice.choice(self.projects)
        task = self.dice.choice(self.tasks)
        order = self.dice.choice(self.orders)
        move = self.dice.choice(self.moves)
        return {
            "sheet deleted": sheet.unlink,
            "sheet corrected": lambda: sheet.write({"unit_amount": 2.75}),
            "sheet billed": lambda: sheet.write({"so_line": service.id}),
            "sheet not billed": lambda: sheet.write({"so_line": False}),
            "sheet of another day": lambda: sheet.write({"date": self.day()}),
            "work": self.log,
            "line": lambda: line.write({"product_uom_qty": line.product_uom_qty + 2}),
            "price": lambda: line.write({"price_unit": line.price_unit * 0.9}),
            "delivered": lambda: service.write(
                {"qty_delivered": service.product_uom_qty}
            ),
            "cancelled": order._action_cancel,
            "order": lambda: self.add_order(project_id=project.id),
            "amended": lambda: self.amend(order),
            "task moved": lambda: task.write(
                {"project_id": project.id, "parent_id": False}
            ),
            "task done": lambda: task.write({"state": "1_done"}),
            "task open": lambda: task.write({"state": "01_in_progress"}),
            "client": lambda: task.write(
                {"partner_id": self.dice.choice(self.clients).id}
            ),
            "closed": lambda: self.close(project),
            "done": lambda: project.write({"last_update_status": "done"}),
            "deadline": self.move_deadline,
            "invoice": self.add_invoice,
            "paid": lambda: move.move_type == "out_invoice" and self.pay(move),
            "draft": move.button_draft,
        }


@tagged("post_install", "-at_install")
class TestHarvestRandom(HarvestCommon):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        other = cls.env["res.company"].create(
            {"name": "Subsidiary", "currency_id": cls.foreign.id}
        )
        other.client_value_rate = 35.0
        cls.companies = cls.company | other
        cls.env.user.company_ids |= other
        cls.env["account.chart.template"].try_loading(
            "generic_coa", company=other, install_demo=False
        )
        cls.env["res.currency.rate"].create(
            {"name": "2024-01-01", "currency_id": cls.currency.id, "rate": 1.6}
            | {"company_id": other.id}
        )
        cls.employees = {
            company: cls.env["hr.employee"].create(
                {"name": company.name, "company_id": company.id, "hourly_cost": 21.5}
            )
            for company in cls.companies
        }
        hour = cls.env.ref("uom.product_uom_hour").id
        cls.products = [
            cls._product(
                "As worked",
                uom_id=hour,
                list_price=90.0,
                service_policy="delivered_timesheet",
            ),
            cls._product(
                "Prepaid",
                uom_id=hour,
                list_price=80.0,
                service_policy="ordered_prepaid",
                service_tracking="task_in_project",
            ),
            cls._product(
                "Study",
                list_price=1234.5,
                service_policy="ordered_prepaid",
                service_tracking="task_in_project",
            ),
            cls._product(
                "Milestones", list_price=700.0, service_policy="delivered_milestones"
            ),
            cls._product("Book", type="consu", list_price=19.99),
        ]
        cls.pricelists = cls.env["product.pricelist"].create(
            [
                {"name": currency.name, "currency_id": currency.id, "company_id": False}
                for currency in (cls.currency, cls.foreign)
            ]
        )
        cls.pricelists[1].item_ids = [
            Command.create(
                {
                    "applied_on": "3_global",
                    "compute_price": "percentage",
                    "percent_price": 10.0,
                }
            )
        ]

    # ------------------------------------------------------------
    # COMPARING
    # ------------------------------------------------------------

    def _tune_rules(self, dice):
        """Let rules count in any order, with any limits; one company has its own."""
        rules = self.rules.with_context(active_test=False).search([])
        hour_rules = rules.filtered(lambda rule: rule.kind in HOUR_KINDS)
        places = dice.sample(range(5), 5)
        for rule, place in zip(hour_rules, places, strict=True):
            rule.write(
                {
                    "sequence": place,
                    "minimum_hours": dice.choice((0, 0, 0.5, 2)),
                    "group_by_task": dice.random() < 0.4,
                    "grace_days": dice.choice((0, 3, 7)),
                    "running_minimum_hours": dice.choice((0, 0, 3)),
                    "urgent_days": dice.choice((0, 1, 2)),
                    "surcharge_percent": dice.choice((25, 50)),
                }
            )
        for rule in rules - hour_rules:
            rule.write(
                {
                    "minimum_amount": dice.choice((0, 0, 15)),
                    "minimum_days": dice.choice((0, 1, 5)),
                    "price_reference": dice.choice(("list", "pricelist")),
                    "interest_rate": dice.choice((0, 8)),
                    "reissue_days": dice.choice((20, 30)),
                    "fee_product_id": dice.choice((False, self.products[4].id)),
                    "merge_moves": dice.random() < 0.5,
                }
            )
        rules.active = True
        for rule in dice.sample(list(rules), 2):
            own = rule.copy({"company_id": self.companies[1].id})
            own.write({"active": dice.random() < 0.5, "minimum_hours": 1.0})

    def _get_found(self):
        entries = self.entries.sudo().search(
            [("state", "=", "suggested"), ("rule_id", "!=", False)]
        )
        found = {}
        for entry in entries:
            key = (
                *(entry.rule_id.kind, entry.res_model, entry.res_id),
                *(entry.period, entry.company_id.id),
            )
            self.assertNotIn(key, found)
            found[key] = {
                "hours": round(entry.hours, 6),
                "amount": round(entry.amount, 2),
                "days": round(entry.days, 2),
                "currency": entry.currency_id.name,
                "partner": entry.partner_id.id,
                "cost": round(entry.internal_cost, 2),
                "date": entry.date,
            }
        return found

    def _assert_as_expected(self):
        self._flush_tracking()
        self.env.invalidate_all()
        reference = Reference(self.env)
        expected, found = reference.find(), self._get_found()
        differences = {
            key: (found.get(key), expected.get(key))
            for key in {**found, **expected}
            if not self._is_same(found.get(key), expected.get(key))
        }
        self.assertFalse(differences, "found and expected")
        self._assert_counted_once(reference)
        return found

    def _is_same(self, one, other):
        return bool(one and other) and all(
            abs(one[name] - other[name]) < 0.011
            if name == "cost"
            else one[name] == other[name]
            for name in one
        )

    def _assert_counted_once(self, reference):
        """No timesheet counts for more than its unpaid hours, with all rules."""
        projects = self.env["project.project"].with_context(active_test=False)
        self.rules.sudo()._prepare_hours(projects.search([]).ids)
        self.env.cr.execute(
            """
            SELECT hour.timesheet_id, SUM(hour.hours)
                       FILTER (WHERE rule.kind <> 'urgent'), SUM(hour.hours)
              FROM client_value_hour hour
              JOIN client_value_rule rule ON rule.id = hour.rule_id
             GROUP BY hour.timesheet_id
            """
        )
        for sheet_id, unpaid, hours in self.env.cr.fetchall():
            sheet = self.env["account.analytic.line"].browse(sheet_id)
            self.assertLessEqual(
                abs(unpaid or 0), abs(reference.unpaid[sheet.sudo()]) + 1e-6
            )
            self.assertLessEqual(abs(hours), abs(sheet.unit_amount) + 1e-6)

    def _check(self, seed):
        dice = random.Random(seed)
        self._tune_rules(dice)
        histories = [History(self, company, dice) for company in self.companies]
        for history in histories:
            history.make()
        self._flush_tracking()
        self.rules.run_harvest()
        found = self._assert_as_expected()
        kinds = {key[0] for key in found}
        self.assertGreaterEqual(len(kinds), 5, kinds)

        # Again: nothing new.
        self.assertRecordValues(self._scan("full"), [dict.fromkeys(COUNTS, 0)])
        for _round in range(2):
            self._forget()
            for history in histories:
                history.change()
            self._flush_tracking()
            self._scan("changes")
            self._assert_as_expected()
            # What has changed is all there is.
            self.assertRecordValues(self._scan("full"), [dict.fromkeys(COUNTS, 0)])
        return kinds

    def test_histories(self):
        kinds = defaultdict(int)
        for seed in range(6):
            with self.subTest(seed=seed), self.env.cr.savepoint() as savepoint:
                for kind in self._check(seed):
                    kinds[kind] += 1
                savepoint.rollback()
            self.env.invalidate_all()
        self.assertEqual(len(kinds), 9, kinds)
