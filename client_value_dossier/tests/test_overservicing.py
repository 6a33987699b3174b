import io
from datetime import date

import openpyxl
from freezegun import freeze_time
from lxml import etree

from odoo import Command
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tests import tagged
from odoo.tools.safe_eval import safe_eval

from .common import ClientValueCommon

MODELS = ("client.value.overservicing", "client.value.overservicing.client")


@tagged("post_install", "-at_install")
class TestOverservicing(ClientValueCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.abroad = cls.env["res.company"].create({"name": "Abroad"})
        for company in (cls.company, cls.abroad):
            if not cls.env["account.journal"].search_count(
                [("type", "=", "sale"), ("company_id", "=", company.id)]
            ):
                cls.env["account.chart.template"].try_loading(
                    "generic_coa", company=company, install_demo=False
                )
        cls.abroad.currency_id = cls.foreign
        cls.env["res.currency.rate"].create(
            {
                "name": "2024-01-01",
                "currency_id": cls.currency.id,
                "rate": 5.0,
                "company_id": cls.abroad.id,
            }
        )
        cls.manager_abroad = cls._new_user(
            "manager_abroad", "sales_team.group_sale_manager"
        )
        cls.manager_abroad.write(
            {
                "company_ids": [Command.set(cls.abroad.ids)],
                "company_id": cls.abroad.id,
            }
        )
        cls.clients = cls.client + cls.other_client

    def _report(self, companies=None, user=None, model=MODELS[0]):
        """Return the report as a user of these companies has it."""
        companies = companies or self.company
        return (
            self.env[model]
            .with_user(user or self.manager)
            .with_context(allowed_company_ids=companies.ids)
        )

    def _invoice(
        self, amount, day="2024-03-20", partner=None, order_lines=None, **values
    ):
        """Post an invoice of one line, or a credit note of a negative amount."""
        move = self.env["account.move"].create(
            {
                "move_type": "out_refund" if amount < 0 else "out_invoice",
                "partner_id": (partner or self.contact).id,
                "invoice_date": day,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Study",
                            "price_unit": abs(amount),
                            "tax_ids": False,
                            "sale_line_ids": order_lines
                            and [Command.set(order_lines.ids)],
                        }
                    )
                ],
                **values,
            }
        )
        move.action_post()
        return move

    def _sums(self, report, groupby=(), domain=None):
        """Return {group values: {field: sum or ratio}} of our clients."""
        names = ["worth", "worth_suggested", "internal_cost", "hours", "revenue"]
        specs = [f"{name}:sum" for name in names]
        specs += ["worth_share:avg", "cost_share:avg"]
        names += ["worth_share", "cost_share"]
        groups = report._read_group(
            Domain("partner_id", "in", self.clients.ids) & Domain(domain or []),
            list(groupby),
            specs,
        )
        size = len(groupby)
        return {
            group[:size]: dict(zip(names, group[size:], strict=True))
            for group in groups
        }

    def _fill(self):
        """Favours and invoices of all sorts, in two companies."""
        self._create_entries(40, internal_cost=7.5, hours=0.25)
        self._create_entry(amount=50, currency_id=self.foreign.id)
        self._create_entry(amount=70, partner_id=self.other_client.id)
        self._create_entry(amount=60, state="suggested", internal_cost=5, hours=1)
        self._create_entry(amount=80, state="dismissed", internal_cost=5, hours=1)
        self._create_entry(amount=90, company_id=self.abroad.id, internal_cost=9)
        invoice = self._invoice(1000)
        invoice.copy()  # a draft does not count
        self._invoice(-300, "2024-04-20")
        self._invoice(200, currency_id=self.foreign.id)
        self._invoice(400, partner=self.other_client)
        self._invoice(500, company_id=self.abroad.id)
        self._invoice(100, company_id=self.abroad.id, currency_id=self.currency.id)
        self._invoice(600).button_cancel()

    # Figures

    def test_reconciles_with_entries_and_invoices(self):
        self._fill()
        found = self._sums(
            self._report(self.company + self.abroad, self.env.user),
            ["partner_id", "company_id"],
        )
        self.assertEqual(len(found), 3)
        for (client, company), sums in found.items():
            domain = [("partner_id", "=", client.id), ("company_id", "=", company.id)]
            entries = self.env["client.value.entry"].search(domain)
            given = entries.filtered(lambda entry: entry.state == "confirmed")
            suggested = entries.filtered(lambda entry: entry.state == "suggested")
            invoices = self.env["account.move"].search(
                [
                    ("commercial_partner_id", "=", client.id),
                    ("company_id", "=", company.id),
                    ("move_type", "in", ("out_invoice", "out_refund")),
                    ("state", "=", "posted"),
                ]
            )
            expected = {
                "worth": sum(given.mapped("amount_company")),
                "worth_suggested": sum(suggested.mapped("amount_company")),
                "internal_cost": sum(given.mapped("internal_cost")),
                "hours": sum(given.mapped("hours")),
                "revenue": sum(invoices.mapped("amount_untaxed_signed")),
            }
            for name, value in expected.items():
                with self.subTest(client=client.name, company=company.name, name=name):
                    self.assertAlmostEqual(sums[name], value, 2)
        # Literally: 1000 - 300, and 200 at the rate of 0.5.
        self.assertEqual(found[self.client, self.company]["revenue"], 1100)
        # 500, and 100 at the rate of 5.
        self.assertEqual(found[self.client, self.abroad]["revenue"], 520)

    def test_taxes_are_no_revenue_and_cash_rounding_is(self):
        company = self.company
        tax = self.env["account.tax"].create({"name": "Tax", "amount": 20})
        rounding = self.env["account.cash.rounding"].create(
            {
                "name": "Fives",
                "rounding": 5,
                "strategy": "add_invoice_line",
                "profit_account_id": company.income_currency_exchange_account_id.id,
                "loss_account_id": company.expense_currency_exchange_account_id.id,
            }
        )
        move = self._invoice(101)
        move.button_draft()
        move.invoice_line_ids.tax_ids = tax
        move.invoice_cash_rounding_id = rounding
        move.action_post()
        self.assertGreater(move.amount_tax, 20)
        self.assertNotEqual(move.amount_untaxed_signed, 101)
        sums = self._sums(self._report())[()]
        self.assertAlmostEqual(sums["revenue"], move.amount_untaxed_signed, 2)

    def test_a_row_is_a_month_of_a_project(self):
        self._fill()
        self._create_entry(amount=11, project_id=self.project.id, date="2024-05-02")
        self._create_entry(amount=22, project_id=self.project.id, date="2024-05-31")
        report = self._report(self.company + self.abroad, self.env.user)
        rows = report.search([("partner_id", "in", self.clients.ids)])
        keys = [
            (row.partner_id, row.project_id, row.date, row.company_id) for row in rows
        ]
        self.assertEqual(len(set(keys)), len(rows))
        self.assertEqual(len(set(rows.ids)), len(rows))
        row = rows.filtered("project_id")
        self.assertEqual(row.worth, 33)
        self.assertEqual(row.date, date(2024, 5, 1))
        self.assertEqual(row.account_manager_id, self.own)
        # A row is found again by its id.
        row.invalidate_recordset()
        self.assertEqual(row.worth, 33)

    def test_integrators_decide_what_counts(self):
        self._fill()
        self.patch(
            type(self.env["client.value.entry"]),
            "_get_given_domain",
            lambda entries: [("amount", "=", 70)],
        )
        original = type(self.env["res.partner"])._get_client_invoice_domain
        self.patch(
            type(self.env["res.partner"]),
            "_get_client_invoice_domain",
            lambda partners: [
                *original(partners),
                ("amount_untaxed_signed", "=", 1000),
            ],
        )
        sums = self._sums(self._report())[()]
        self.assertEqual([sums["worth"], sums["revenue"]], [70, 1000])

    def test_project_of_an_invoice_line(self):
        def project(name):
            return self.env["project.project"].create({"name": name})

        by_line, by_task, by_order, other = map(
            project, ["Of the line", "Of the task", "Of the order", "Of another"]
        )
        task = self.env["project.task"].create(
            {"name": "Task", "project_id": by_task.id}
        )
        orders = [self._create_order(self.fixed_product, 1) for _number in range(4)]
        lines = [order.order_line for order in orders]
        orders[0].project_id = orders[1].project_id = other
        lines[0].write({"project_id": by_line.id, "task_id": task.id})
        lines[1].task_id = task
        orders[2].project_id = by_order
        for amount, order_lines in (
            (1, lines[0]),
            (20, lines[1]),
            (300, lines[2]),
            (4000, lines[3]),
            (50000, lines[2] + lines[0]),  # once, with the first order line
        ):
            self._invoice(amount, order_lines=order_lines)
        found = self._sums(self._report(), ["project_id"])
        self.assertEqual(
            {project.name: sums["revenue"] for (project,), sums in found.items()},
            {
                "Of the line": 50001,
                "Of the task": 20,
                "Of the order": 300,
                False: 4000,
            },
        )

    # Shares

    def test_share_of_a_group_is_the_ratio_of_its_sums(self):
        self._create_entry(amount=50, internal_cost=10, date="2024-03-01")
        self._create_entry(amount=300, internal_cost=20, date="2024-04-01")
        self._create_entry(amount=25, date="2024-05-01")
        self._invoice(1000, "2024-03-31")
        self._invoice(500, "2024-04-30")
        report = self._report()
        total = self._sums(report)[()]
        self.assertEqual([total["worth_share"], total["cost_share"]], [25, 2])
        months = self._sums(report, ["date:month"])
        self.assertEqual(
            [sums["worth_share"] for sums in months.values()], [5, 60, False]
        )
        rows = report.search([("partner_id", "=", self.client.id)], order="date")
        self.assertEqual(rows.mapped("worth_share"), [5, 60, 0])
        self._invoice(-2000, "2024-04-30")
        self.assertFalse(self._sums(report)[()]["worth_share"])

    def test_share_over_several_currencies(self):
        self._create_entry(amount=100)
        self._create_entry(amount=10, company_id=self.abroad.id)
        self._invoice(1000)
        self._invoice(100, company_id=self.abroad.id)
        both = self._report(self.company + self.abroad, self.env.user)
        # 10 and 100 of the foreign currency are 40 and 400 at its last rate of 0.25.
        self.assertAlmostEqual(self._sums(both)[()]["worth_share"], 100 * 140 / 1400, 6)
        self._invoice(900, company_id=self.abroad.id)
        self.assertAlmostEqual(self._sums(both)[()]["worth_share"], 100 * 140 / 5000, 6)

    def test_threshold(self):
        self.assertEqual(self.company.client_value_threshold, 10)
        self._create_entry(amount=100)
        report = self._report()

        def status():
            report.invalidate_model()
            return report.search([("partner_id", "=", self.client.id)]).status

        self.assertEqual(status(), "no_revenue")
        invoice = self._invoice(1000)
        self.assertEqual(status(), "within")
        settings = self.env["res.config.settings"].create(
            {"client_value_threshold": 9.9}
        )
        settings.execute()
        self.assertEqual(status(), "above")
        self.assertEqual(
            report.search_count(
                [("partner_id", "=", self.client.id), ("status", "=", "above")]
            ),
            1,
        )
        invoice.button_draft()
        self.assertEqual(status(), "no_revenue")
        self._invoice(1, partner=self.other_client)
        row = report.search([("partner_id", "=", self.other_client.id)])
        self.assertEqual(row.status, "within")

    def test_threshold_is_that_of_the_company(self):
        self.abroad.client_value_threshold = 50
        for company in (self.company, self.abroad):
            self._create_entry(amount=100, company_id=company.id)
            self._invoice(500, company_id=company.id)
        rows = self._report(self.company + self.abroad, self.env.user).search(
            [("partner_id", "=", self.client.id)], order="company_id"
        )
        by_company = {row.company_id: row.status for row in rows}
        self.assertEqual(by_company, {self.company: "above", self.abroad: "within"})

    # Clients

    @freeze_time("2026-03-15")
    def test_clients_of_the_last_twelve_months(self):
        for amount, day in (
            (1, "2025-03-31"),
            (20, "2025-04-01"),
            (300, "2026-03-31"),
            (4000, "2026-04-01"),
        ):
            self._create_entry(amount=amount, date=day, project_id=self.project.id)
            self._invoice(amount * 4, day)
        clients = self._report(model=MODELS[1])
        row = clients.search([("partner_id", "in", self.clients.ids)])
        self.assertEqual([row.worth, row.revenue], [320, 1280])
        self.assertEqual([row.worth_share, row.status], [25, "above"])
        # The months that it opens add up to the same.
        action = row.action_view_months()
        self.assertEqual(action["path"], "over-servicing")
        self.assertTrue(action["context"]["search_default_last_12_months"])
        view = self.env.ref(
            "client_value_dossier.client_value_overservicing_view_search"
        )
        (node,) = etree.fromstring(view.arch).xpath("//filter[@name='last_12_months']")
        months = self._sums(self._report(), domain=safe_eval(node.get("domain")))[()]
        self.assertEqual([months["worth"], months["revenue"]], [320, 1280])

    def test_filters_are_understood(self):
        for name in ("", "_client"):
            view = self.env.ref(
                f"client_value_dossier.client_value_overservicing{name}_view_search"
            )
            report = self._report(model=view.model)
            for node in etree.fromstring(view.arch).xpath("//filter[@domain]"):
                with self.subTest(view=view.name, filter=node.get("name")):
                    domain = safe_eval(node.get("domain"), {"uid": self.manager.id})
                    report.search(domain)

    def test_entries_behind_a_row(self):
        entries = self._create_entry(amount=1, date="2024-02-01")
        entries |= self._create_entry(amount=2, date="2024-02-29")
        self._create_entry(amount=3, date="2024-03-01")
        self._create_entry(amount=4, date="2024-02-02", project_id=self.project.id)
        row = self._report().search([("worth", "=", 3), ("date", "=", "2024-02-01")])
        action = row.action_view_entries()
        self.assertEqual(
            self.env["client.value.entry"].search(action["domain"]), entries
        )

    # Access

    def test_only_sales_administrators_read_it(self):
        self._create_entry(amount=100, internal_cost=10)
        for model in MODELS:
            for user in (
                self.own,
                self.all_docs,
                self.member,
                self.internal,
                self.portal,
                self.env.ref("base.public_user"),
            ):
                report = self._report(user=user, model=model)
                with self.subTest(model=model, user=user.login):
                    self.assertFalse(report.has_access("read"))
                    with self.assertRaises(AccessError):
                        report.search([])
                    with self.assertRaises(AccessError):
                        report.formatted_read_group([], [], ["worth:sum"])
            report = self._report(model=model)
            self.assertTrue(report.has_access("read"))
            for operation in ("write", "create", "unlink"):
                self.assertFalse(report.has_access(operation))

    def test_companies_are_separated(self):
        self._fill()
        for model in MODELS:
            report = self._report(self.abroad, self.manager_abroad, model)
            self.assertLessEqual(report.search([]).company_id, self.abroad)
            with self.assertRaises(AccessError):
                self._report(user=self.manager_abroad, model=model).search([])
        ours = self._report().search([("partner_id", "=", self.client.id)])
        self.assertEqual(ours.company_id, self.company)
        abroad = self._report(self.abroad, self.manager_abroad)
        self.assertFalse(abroad.search([("id", "in", ours.ids)]))
        total = self._sums(abroad)[()]
        self.assertEqual([total["worth"], total["revenue"]], [90, 520])

    def test_menus_and_actions_are_for_sales_administrators(self):
        menus = self.env["ir.ui.menu"]
        for name in ("overservicing", "overservicing_client"):
            menu = self.env.ref(f"client_value_dossier.menu_client_value_{name}")
            action = self.env.ref(f"client_value_dossier.client_value_{name}_action")
            self.assertEqual(menu.action, action)
            for user, is_shown in ((self.manager, True), (self.all_docs, False)):
                visible = menus.with_user(user)._visible_menu_ids()
                self.assertEqual(menu.id in visible, is_shown)

    # Workbook

    def _workbook(self, records, user=None, companies=None, **values):
        portfolio = (
            self.env["client.value.portfolio"]
            .with_user(user or self.manager)
            .with_context(
                active_model=records._name,
                active_ids=records.ids,
                allowed_company_ids=(companies or self.company).ids,
            )
            .create(values)
        )
        buffer = io.BytesIO()
        portfolio._write_workbook(buffer)
        return openpyxl.load_workbook(buffer)

    def _sheet(self, *args, **values):
        """Return [{label: cell}] of the sheet's rows, without that of totals."""
        sheet = self._workbook(*args, **values)["Over-servicing"]
        head, *rows = sheet.iter_rows()
        labels = [cell.value for cell in head]
        return [
            dict(zip(labels, row, strict=True))
            for row in rows
            if row[labels.index("Company")].value
        ]

    def test_workbook_sheet_is_for_sales_administrators(self):
        self._create_entry(amount=100, internal_cost=4711.17)
        book = self._workbook(self.clients)
        self.assertEqual(book.sheetnames, ["Clients", "Entries", "Over-servicing"])
        for user in (self.own, self.all_docs):
            book = self._workbook(self.clients, user)
            self.assertEqual(book.sheetnames, ["Clients", "Entries"])
            values = [
                cell.value
                for sheet in book
                for row in sheet.iter_rows()
                for cell in row
            ]
            self.assertIn("Acme Research", values)
            self.assertNotIn(4711.17, values)

    def test_workbook_figures(self):
        self._create_entry(amount=100, internal_cost=40)
        self._create_entry(amount=60, partner_id=self.other_client.id)
        self._invoice(500)
        self._invoice(1000, partner=self.other_client)
        acme, beta = self._sheet(self.clients)
        self.assertEqual(
            {label: cell.value for label, cell in acme.items()},
            {
                "Client": "Acme Research",
                "Account Manager": self.own.name,
                "Worth (Company Currency)": 100,
                "Internal Cost": 40,
                "Revenue": 500,
                "Worth / Revenue": 0.2,
                "Cost / Revenue": 0.08,
                "Threshold": 0.1,
                "Currency": self.currency.name,
                "Company": self.company.name,
            },
        )
        self.assertEqual(acme["Worth / Revenue"].number_format, "0.0%")
        self.assertEqual(
            [cell.fill.fgColor.rgb for cell in acme.values() if cell.fill.fill_type],
            ["FFF8D7DA"],
        )
        self.assertTrue(acme["Worth / Revenue"].fill.fill_type)
        self.assertEqual(beta["Worth / Revenue"].value, 0.06)
        self.assertFalse(beta["Worth / Revenue"].fill.fill_type)

    def test_workbook_takes_selection_and_period(self):
        chosen = self._create_entry(amount=10, date="2024-03-10")
        self._create_entry(amount=20, date="2024-03-11")
        self._create_entry(amount=40, date="2024-04-01")
        self._create_entry(amount=80, partner_id=self.other_client.id)
        self._invoice(100, "2024-03-10")
        self._invoice(200, "2024-03-31")
        self._invoice(400, "2024-04-01")
        (row,) = self._sheet(chosen)
        self.assertEqual(row["Worth (Company Currency)"].value, 70)
        self.assertEqual(row["Revenue"].value, 700)
        (row,) = self._sheet(chosen, date_from="2024-03-10", date_to="2024-03-31")
        self.assertEqual(row["Worth (Company Currency)"].value, 30)
        self.assertEqual(row["Revenue"].value, 300)

    def test_workbook_of_several_companies(self):
        self._fill()
        self.manager.company_ids += self.abroad
        rows = self._sheet(self.client, companies=self.company + self.abroad)
        found = {
            row["Company"].value: (row["Revenue"].value, row["Currency"].value)
            for row in rows
        }
        self.assertEqual(
            found,
            {
                self.company.name: (1100, self.currency.name),
                "Abroad": (520, self.foreign.name),
            },
        )

    def test_workbook_without_revenue(self):
        self._create_entry(amount=100)
        (row,) = self._sheet(self.client)
        self.assertEqual(row["Revenue"].value, 0)
        self.assertIsNone(row["Worth / Revenue"].value)
