import io
from unittest.mock import patch

import xlsxwriter

from odoo.tests import HttpCase, tagged

from .common import ClientValueCommon


@tagged("post_install", "-at_install")
class TestTours(ClientValueCommon, HttpCase):
    """What an account manager does in the browser."""

    def test_log_value_from_a_project(self):
        self.own.group_ids += self.env.ref("project.group_project_user")
        self.start_tour(
            f"/odoo/project.project/{self.project.id}",
            "client_value_log_from_project",
            login=self.own.login,
        )
        entry = self.project.value_entry_ids
        self.assertRecordValues(
            entry,
            [
                {
                    "name": "Found two specialists by the next morning",
                    "partner_id": self.client.id,
                    "contact_id": self.contact.id,
                    "user_id": self.own.id,
                    "category_id": self.urgent.id,
                    "hours": 2.5,
                    "amount": 200.0,
                    "state": "confirmed",
                }
            ],
        )

    def test_make_issue_print_and_download_a_dossier(self):
        self._create_entries(6)
        with self._print_for_real():
            self.start_tour(
                f"/odoo/contacts/{self.client.id}",
                "client_value_dossier_issue",
                login=self.own.login,
            )
        dossier = self.env["client.value.dossier"].search(
            [("partner_id", "=", self.client.id)]
        )
        self.assertEqual(dossier.state, "issued")
        self.assertEqual(dossier.purpose, "departing")
        self.assertEqual(dossier.snapshot["total"]["count"], 6)

    def _print_for_real(self):
        """Store real PDFs: in tests Odoo's reports are HTML unless asked."""
        dossiers = type(self.env["client.value.dossier"])
        store_pdf = dossiers._store_pdf
        return patch.object(
            dossiers,
            "_store_pdf",
            lambda self: store_pdf(self.with_context(force_report_rendering=True)),
        )

    def _create_discounted_orders(self, count):
        orders = self.env["sale.order"]
        for _number in range(count):
            order = self._create_order(self.hour_product, 2)
            order.order_line.discount = 25.0
            orders |= order
        return orders

    def test_scan_a_client_and_review_by_mouse_and_keyboard(self):
        self.project.date = self.project.date_start = False
        hours = self._log_free_hours("2026-05-04", 3.0)
        self._create_discounted_orders(2)
        self.start_tour(
            f"/odoo/contacts/{self.client.id}",
            "client_value_scan_client",
            login=self.own.login,
        )
        entries = self.client.value_entry_ids.filtered("rule_id")
        kept = entries.filtered("has_timesheets")
        self.assertEqual(kept.state, "confirmed")
        self.assertEqual(kept.name, "Advice on the sample")
        self.assertEqual(
            sorted((entries - kept).mapped("state")), ["confirmed", "dismissed"]
        )
        hours.unit_amount = 4.5
        self.env["client.value.rule"].run_harvest(partners=self.client)
        self.start_tour(
            f"/odoo/value-entries/{kept.id}",
            "client_value_source_changed",
            login=self.own.login,
        )
        self.assertRecordValues(
            kept,
            [{"hours": 4.5, "source_changed": False, "name": "Advice on the sample"}],
        )

    def test_running_scan_shows_its_progress(self):
        scan = self.env["client.value.scan"].create({"steps": [], "record_count": 9})
        self.start_tour(
            f"/odoo/value-scans/{scan.id}",
            "client_value_scan_progress",
            login=self.manager.login,
        )
        self.assertEqual(scan.state, "cancelled")

    def test_review_suggestions(self):
        orders = self._create_discounted_orders(3)
        entries = self.env["client.value.rule"].run_harvest(partners=self.client)
        self.assertEqual(entries.sale_order_id, orders)
        self.start_tour(
            "/odoo/value-suggestions", "client_value_suggestions", login=self.own.login
        )
        self.assertEqual(
            sorted(entries.mapped("state")), ["confirmed", "confirmed", "dismissed"]
        )
        kept = entries.filtered(lambda entry: entry.state == "confirmed")
        self.assertEqual(kept.user_id, self.own)

    def test_keep_a_suggestion_in_its_form(self):
        self._create_discounted_orders(1)
        entry = self.env["client.value.rule"].run_harvest(partners=self.client)
        self.start_tour(
            f"/odoo/value-suggestions/{entry.id}",
            "client_value_suggestion_form",
            login=self.own.login,
        )
        self.assertEqual(entry.state, "confirmed")

    def test_import_a_sheet(self):
        wrong_row = ["2024-05-02", "Nobody Inc", "Savings", "Second imported favour"]
        right_row = ["2024-05-02", "Beta Foods", "Savings", "Second imported favour"]
        for name, second_row in (
            ("wrong_entries.xlsx", wrong_row),
            ("entries.xlsx", right_row),
        ):
            self._create_sheet(name, second_row)
        self.start_tour(
            "/odoo/value-entries", "client_value_import", login=self.own.login
        )
        entries = self.env["client.value.entry"].search(
            [("name", "like", "imported favour")], order="id"
        )
        self.assertEqual(entries.partner_id, self.client | self.other_client)
        self.assertEqual(entries.mapped("section"), ["concession", "benefit"])

    def _create_sheet(self, name, second_row):
        buffer = io.BytesIO()
        book = xlsxwriter.Workbook(buffer, {"in_memory": True})
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Date", "Client", "Category", "What"])
        sheet.write_row(
            1, 0, ["2024-05-01", "Acme Research", "Discount", "First imported favour"]
        )
        sheet.write_row(2, 0, second_row)
        book.close()
        self.env["ir.attachment"].with_user(self.own).create(
            {"name": name, "raw": buffer.getvalue()}
        )
