import io
import json
import re
import zipfile

from odoo import Command
from odoo.tests import Form, tagged
from odoo.tools.pdf import PdfFileReader

from .common import SECRET, ClientValueCommon

REPORT = "client_value_dossier.action_report_dossier"


@tagged("post_install", "-at_install")
class TestSnapshot(ClientValueCommon):
    def _snapshot(self, **values):
        return self._create_dossier(**values)._prepare_snapshot()

    def _figures(self, snapshot):
        return {figure["code"]: figure["value"] for figure in snapshot["figures"]}

    def test_plain_data(self):
        self._create_entries(8)
        snapshot = self._snapshot()
        self.assertEqual(json.loads(json.dumps(snapshot)), snapshot)

    def test_heading(self):
        snapshot = self._snapshot()
        self.assertEqual(snapshot["client"]["name"], "Acme Research")
        self.assertEqual(
            snapshot["recipient"],
            {"name": "Bob Ray", "position": "Head of Insights"},
        )
        self.assertEqual(snapshot["prepared_by"]["name"], self.own.name)
        self.assertEqual(snapshot["company"]["name"], self.company.name)
        self.assertEqual(snapshot["number"], "")
        self.assertEqual(snapshot["currency"]["code"], self.currency.name)

    def test_lines_and_subtotals(self):
        self._create_entry(hours=2, amount=100, contact_id=self.contact.id)
        self._create_entry(category_id=self.discount.id, amount=50.5, date="2025-01-02")
        self._create_entry(category_id=self.deadline.id, days=10)
        self._create_entry(category_id=self.urgent.id, name="By tomorrow")
        snapshot = self._snapshot()
        sections = {section["code"]: section for section in snapshot["sections"]}
        self.assertEqual(
            list(sections), ["concession", "benefit", "flexibility", "special"]
        )
        concession = sections["concession"]
        self.assertEqual(
            concession["subtotal"],
            {"count": 2, "amount": 150.5, "hours": 2.0, "days": 0.0},
        )
        self.assertEqual(
            [line["date"] for line in concession["lines"]],
            ["2024-03-05", "2025-01-02"],
        )
        self.assertEqual(concession["lines"][0]["contact"], "Ann Lee")
        self.assertEqual(sections["benefit"]["lines"], [])
        self.assertTrue(sections["benefit"]["empty_text"])
        self.assertEqual(
            snapshot["total"], {"count": 4, "amount": 150.5, "hours": 2, "days": 10}
        )
        figures = self._figures(snapshot)
        self.assertEqual(figures["worth"], 150.5)
        self.assertEqual(figures["hours"], 2)
        self.assertEqual(figures["days"], 10)
        self.assertEqual(figures["special"], 1)

    def test_period_sections_and_projects_restrict(self):
        early = self._create_entry(name="early", date="2023-01-01")
        self._create_entry(name="late", date="2025-01-01")
        self._create_entry(name="special", category_id=self.urgent.id)
        inside = self._create_entry(name="inside", project_id=self.project.id)

        def names(**values):
            snapshot = self._snapshot(**values)
            return {
                line["what"]
                for section in snapshot["sections"]
                for line in section["lines"]
            }

        self.assertEqual(names(date_to="2023-12-31"), {early.name})
        self.assertEqual(
            names(date_from="2024-01-01", date_to="2024-12-31"), {"special", "inside"}
        )
        self.assertEqual(names(with_special=False), {"early", "late", "inside"})
        self.assertEqual(
            names(project_ids=[Command.set(self.project.ids)]), {inside.name}
        )

    def test_empty_sections_left_out(self):
        self._create_entry()
        snapshot = self._snapshot(empty_sections="omit")
        self.assertEqual(
            [section["code"] for section in snapshot["sections"]], ["concession"]
        )

    def test_no_entries_at_all(self):
        snapshot = self._snapshot()
        self.assertEqual(snapshot["total"]["count"], 0)
        self.assertEqual(snapshot["statistics"]["years"], [])

    def test_statistics(self):
        self._create_entry(amount=100, date="2024-05-01")
        self._create_entry(amount=50, date="2025-05-01", category_id=self.support.id)
        statistics = self._snapshot()["statistics"]
        self.assertEqual(statistics["measure"], "amount")
        self.assertEqual(
            [(year["year"], year["amount"]) for year in statistics["years"]],
            [(2024, 100), (2025, 50)],
        )
        self.assertEqual(statistics["years"][1]["by_section"]["benefit"], 50)
        self.assertEqual(
            sum(section["amount"] for section in statistics["sections"]), 150
        )

    def test_statistics_count_when_nothing_has_a_worth(self):
        self._create_entry(category_id=self.urgent.id)
        self.assertEqual(self._snapshot()["statistics"]["measure"], "count")

    # Projects, revenue, people

    def test_projects_with_prices(self):
        self._create_order(self.fixed_product, 2).project_id = self.project
        [line] = self._snapshot()["projects"]["lines"]
        self.assertEqual(
            line,
            {
                "name": "Brand tracker",
                "contact": "Ann Lee",
                "manager": self.own.name,
                "from": "2024-02-01",
                "to": "2024-06-30",
                "price": 800.0 + 2000.0,
            },
        )

    def test_cancelled_orders_have_no_price(self):
        self.order._action_cancel()
        self.assertEqual(self._snapshot()["projects"]["total"], 0.0)

    def test_projects_of_the_period(self):
        self.assertFalse(self._snapshot(date_from="2025-01-01")["projects"]["lines"])
        self.assertFalse(self._snapshot(date_to="2023-12-31")["projects"]["lines"])
        self.assertFalse(self._snapshot(with_projects=False)["projects"]["shown"])

    def test_templates_are_no_projects(self):
        self.env["project.project"].create(
            {"name": "Template", "partner_id": self.client.id, "is_template": True}
        )
        self.assertEqual(len(self._snapshot()["projects"]["lines"]), 1)

    def _invoice(self, amount, date="2024-04-01", move_type="out_invoice", **values):
        if not self.env["account.journal"].search_count(
            [("type", "=", "sale"), ("company_id", "=", self.company.id)]
        ):
            self.env["account.chart.template"].try_loading(
                "generic_coa", company=self.company, install_demo=False
            )
        move = self.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": self.contact.id,
                "invoice_date": date,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Study",
                            "quantity": 1,
                            "price_unit": amount,
                            "tax_ids": False,
                        }
                    )
                ],
                **values,
            }
        )
        return move

    def test_revenue_is_invoices_minus_credit_notes(self):
        moves = (
            self._invoice(1000)
            | self._invoice(300, move_type="out_refund")
            | self._invoice(500, date="2025-04-01")
        )
        moves.action_post()
        self._invoice(9999)  # a draft does not count
        self.assertEqual(self._figures(self._snapshot())["revenue"], 1200)
        year = self._snapshot(date_from="2024-01-01", date_to="2024-12-31")
        self.assertEqual(self._figures(year)["revenue"], 700)
        moves.invoice_user_id = self.other
        as_salesman = self._create_dossier().with_user(self.own)._prepare_snapshot()
        self.assertEqual(self._figures(as_salesman)["revenue"], 1200)

    def test_revenue_in_the_dossiers_currency(self):
        (
            self._invoice(100, currency_id=self.foreign.id)
            | self._invoice(100, date="2025-04-01")
        ).action_post()
        snapshot = self._snapshot(currency_id=self.foreign.id)
        self.assertEqual(self._figures(snapshot)["revenue"], 100 + 25)
        self.assertEqual(self._figures(self._snapshot())["revenue"], 200 + 100)

    def test_revenue_of_chosen_projects_is_their_price(self):
        chosen = [Command.set(self.project.ids)]
        snapshot = self._snapshot(project_ids=chosen)
        self.assertEqual(self._figures(snapshot)["revenue"], 800.0)
        snapshot = self._snapshot(project_ids=chosen, with_projects=False)
        self.assertEqual(self._figures(snapshot)["revenue"], 800.0)

    def test_managers_over_time(self):
        self._create_entry(contact_id=self.contact.id, date="2023-02-01")
        self._create_entry(contact_id=self.contact.id, date="2024-05-01")
        self._create_entry(contact_id=self.newcomer.id, date="2025-05-01")
        self.order.date_order = "2024-03-01"
        self.contact.active = False
        contacts = self._snapshot(date_to="2026-01-31")["contacts"]
        self.assertEqual(
            [(contact["name"], contact["from"], contact["to"]) for contact in contacts],
            [
                ("Ann Lee", "2023-02-01", "2024-06-30"),
                ("Bob Ray", "2025-05-01", "2025-05-01"),
            ],
        )
        self.assertEqual([contact["current"] for contact in contacts], [False, True])
        self.assertEqual(contacts[0]["projects"], 1)

    def test_managers_of_the_future_and_of_long_ago(self):
        self._create_entry(contact_id=self.newcomer.id, date="2024-03-01")
        self.project.date = "2030-01-01"
        contacts = self._snapshot(date_to="2026-01-31", recipient_id=False)["contacts"]
        by_name = {contact["name"]: contact for contact in contacts}
        self.assertEqual(by_name["Ann Lee"]["to"], "2026-01-31")
        self.assertTrue(by_name["Ann Lee"]["current"])
        self.assertFalse(by_name["Bob Ray"]["current"])
        early = self._snapshot(date_to="2023-01-31")["contacts"]
        self.assertEqual(early, [])

    def test_years_together(self):
        self.client.client_since_manual = "2016-11-23"
        figures = self._figures(self._snapshot(date_to="2026-11-23"))
        self.assertAlmostEqual(figures["years"], 10.0, 1)

    def test_evidence_files_are_named(self):
        attachment = self.env["ir.attachment"].create(
            {"name": "minutes.pdf", "raw": b"x"}
        )
        entry = self._create_entry(attachment_ids=[Command.set(attachment.ids)])
        entry.message_post(body="internal", attachments=[("internal.txt", b"y")])
        self.assertEqual(
            [line["file"] for line in self._snapshot()["evidence"]], ["minutes.pdf"]
        )

    # Currencies

    def test_other_currency_shows_the_original(self):
        self._create_entry(amount=100, currency_id=self.foreign.id, date="2024-06-01")
        [line] = self._snapshot()["sections"][0]["lines"]
        self.assertEqual(line["amount"], 200.0)
        self.assertEqual(line["original"], {"amount": 100.0, "code": self.foreign.name})

    def test_dossier_in_the_clients_currency(self):
        self._create_entry(amount=100, currency_id=self.foreign.id, date="2024-06-01")
        self._create_entry(amount=100, date="2025-06-01")
        snapshot = self._snapshot(currency_id=self.foreign.id)
        self.assertEqual(snapshot["currency"]["code"], self.foreign.name)
        self.assertEqual(
            [line["amount"] for line in snapshot["sections"][0]["lines"]], [100, 25]
        )

    # Nothing internal

    def test_without_amounts_there_is_no_money(self):
        self._create_entry(amount=4711.25, currency_id=self.foreign.id)
        self._create_order(self.fixed_product, 4711).project_id = self.project
        dossier = self._create_dossier(show_amounts=False, introduction="Words")
        snapshot = dossier._prepare_snapshot()
        self.assertNotIn("4711", json.dumps(snapshot))
        for key in ("price", "amount"):
            values = re.findall(rf'"{key}": ([^,}}]+)', json.dumps(snapshot))
            self.assertLessEqual(set(values), {"null", '"Amount"', '"Price"'}, key)
        self.assertNotIn("revenue", self._figures(snapshot))
        self.assertNotIn("worth", self._figures(snapshot))

    def _read_workbook(self, content):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return "".join(archive.read(name).decode() for name in archive.namelist())

    def test_secrets_reach_no_output(self):
        """PDF text, HTML, workbook cells and mail, walked for planted secrets."""
        self._plant_secrets()
        dossier = self._create_dossier(user_id=self.manager.id).with_user(self.manager)
        dossier = dossier.with_context(force_report_rendering=True)
        report = self.env["ir.actions.report"].with_context(force_report_rendering=True)
        outputs = {
            "snapshot": json.dumps(dossier._prepare_snapshot()),
            "draft html": report._render_qweb_html(REPORT, dossier.ids)[0].decode(),
        }
        with self.allow_pdf_render():
            dossier.action_issue()
            pdf = report._render_qweb_pdf(REPORT, dossier.ids)[0]
            action = dossier.action_send()
            action["context"]["force_report_rendering"] = True
            composer = Form.from_action(dossier.env, action).save()
            composer.action_send_mail()
        message = dossier.message_ids[0]
        outputs |= {
            "html": report._render_qweb_html(REPORT, dossier.ids)[0].decode(),
            "pdf": self._read_pdf(pdf),
            "workbook": self._read_workbook(dossier._render_workbook()),
            "mail": f"{message.subject} {message.body}",
        }
        self.assertEqual(message.attachment_ids.mapped("mimetype"), ["application/pdf"])
        # Sales administrators have a sheet of costs: see test_overservicing.py.
        portfolio = (
            self.env["client.value.portfolio"].with_user(self.all_docs).create({})
        )
        buffer = io.BytesIO()
        portfolio._write_workbook(buffer)
        outputs["portfolio"] = self._read_workbook(buffer.getvalue())
        for name, text in outputs.items():
            with self.subTest(name):
                if name != "mail":
                    self.assertIn("Advice on the questionnaire", text)
                if name != "portfolio":
                    self.assertNotIn(SECRET, text)
                self.assertNotIn("4711.17", text)
                self.assertNotIn("4,711.17", text)
        # The portfolio is for colleagues: entries hidden from the client are in it,
        # internal notes, suggestions and dismissed ones are not.
        portfolio_text = outputs["portfolio"]
        self.assertIn(f"{SECRET} hidden", portfolio_text)
        self.assertEqual(portfolio_text.count(SECRET), 1)

    def _read_pdf(self, content):
        pages = PdfFileReader(io.BytesIO(content), strict=False).pages
        return " ".join(" ".join(page.extract_text().split()) for page in pages)

    # Many entries

    def test_queries_do_not_grow_with_entries(self):
        def count():
            dossier = self._create_dossier(currency_id=self.foreign.id)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            dossier.with_user(self.own)._prepare_snapshot()
            return self.env.cr.sql_log_count - before

        values = {"contact_id": self.contact.id, "project_id": self.project.id}
        self._create_entries(4, **values)
        count()
        few = count()
        self._create_entries(300, **values)
        self.assertEqual(count(), few)
