import datetime
import io

import openpyxl
import xlsxwriter

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import ClientValueCommon

HEADERS = {
    "External ID": "id",
    "Date": "date",
    "Client": "partner_id",
    "Client's Manager": "contact_id",
    "Project": "project_id",
    "Category": "category_id",
    "What": "name",
    "Worth": "amount",
    "Currency": "currency_id",
    "Hours": "hours",
    "Deadline Days": "days",
}


class ImportCommon(ClientValueCommon):
    def _row(self, **cells):
        row = {
            "Date": "2024-03-05",
            "Client": "Acme Research",
            "Category": "Free consultation",
            "What": "Advice on the questionnaire",
        }
        row.update(cells)
        return row

    def _import(self, rows, headers=None, dryrun=False, **options):
        """Import a real workbook the way the import screen does."""
        headers = headers or list(HEADERS)
        buffer = io.BytesIO()
        book = xlsxwriter.Workbook(
            buffer, {"in_memory": True, "default_date_format": "yyyy-mm-dd"}
        )
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, headers)
        for number, row in enumerate(rows, start=1):
            sheet.write_row(number, 0, [row.get(header, "") for header in headers])
        book.close()
        wizard = self.env["base_import.import"].create(
            {
                "res_model": "client.value.entry",
                "file": buffer.getvalue(),
                "file_type": "application/vnd.openxmlformats-officedocument"
                ".spreadsheetml.sheet",
                "file_name": "entries.xlsx",
            }
        )
        preview = wizard.parse_preview({"has_headers": True, "quoting": '"'})
        fields = [
            "/".join(preview["matches"].get(index) or []) or False
            for index in range(len(headers))
        ]
        result = wizard.execute_import(
            fields,
            headers,
            {**preview["options"], "has_headers": True, **options},
            dryrun=dryrun,
        )
        return fields, result

    def _imported(self):
        return self.env["client.value.entry"].search(
            [("partner_id", "in", (self.client | self.other_client).ids)]
        )

    def _assert_refused(self, rows, *texts, **options):
        """Nothing is imported and the messages hold all of *texts*."""
        before = self.env["client.value.entry"].search_count([])
        _fields, result = self._import(rows, **options)
        self.assertFalse(result.get("ids"))
        messages = "\n".join(message["message"] for message in result["messages"])
        for text in texts:
            self.assertIn(text, messages)
        self.assertEqual(self.env["client.value.entry"].search_count([]), before)
        return result["messages"]


@tagged("post_install", "-at_install")
class TestEntryImport(ImportCommon):
    def test_columns_are_recognised(self):
        fields, result = self._import([self._row()])
        self.assertFalse(result["messages"])
        self.assertEqual(fields, list(HEADERS.values()))

    def test_a_real_sheet(self):
        _fields, result = self._import(
            [
                self._row(
                    **{
                        "Client": " acme  RESEARCH ",
                        "Client's Manager": "ann lee",
                        "Project": "Brand Tracker",
                        "Hours": 2,
                    }
                ),
                self._row(
                    Category="discount",
                    Worth=120.5,
                    What="10 % off",
                    Date=datetime.date(2024, 3, 9),
                ),
                self._row(Category="Flexibility", **{"Deadline Days": 5}, What="Later"),
                self._row(Currency=self.foreign.name, Worth=10, What="Fees"),
            ]
        )
        self.assertFalse(result["messages"])
        hours, discount, later, fees = self.env["client.value.entry"].browse(
            result["ids"]
        )
        self.assertEqual(hours.contact_id, self.contact)
        self.assertEqual(hours.project_id, self.project)
        self.assertEqual(hours.amount, 160.0)
        self.assertEqual(discount.category_id, self.discount)
        self.assertEqual(discount.amount, 120.5)
        self.assertEqual(discount.date, datetime.date(2024, 3, 9))
        self.assertEqual(later.section, "flexibility")
        self.assertEqual(later.days, 5)
        self.assertEqual(fees.currency_id, self.foreign)
        self.assertEqual(fees.amount_company, 20.0)

    def test_client_by_reference_vat_or_contact(self):
        self.client.write({"ref": "K-77", "vat": "US123"})
        _fields, result = self._import(
            [
                self._row(Client="k-77", What="by reference"),
                self._row(Client="US123", What="by VAT"),
                self._row(Client="Ann Lee", What="by contact"),
            ]
        )
        self.assertFalse(result["messages"])
        entries = self.env["client.value.entry"].browse(result["ids"])
        self.assertEqual(entries.partner_id, self.client)
        self.assertEqual(entries[2].contact_id, self.contact)

    def test_unknown_values_name_row_and_remedy(self):
        messages = self._assert_refused(
            [
                self._row(What="fine"),
                self._row(Client="Nobody Inc"),
                self._row(Category="Magic"),
                self._row(Project="Moonshot"),
                self._row(**{"Client's Manager": "Carl Who"}),
                self._row(Currency="XXQ"),
            ],
            "Client “Nobody Inc” (row 3) was not found. Create the client in Contacts",
            "Category “Magic” (row 4) was not found. Use one of the names",
            "Project “Moonshot” (row 5) was not found",
            "Client's Manager “Carl Who” (row 6) was not found. Add this person",
            "Currency “XXQ” (row 7) was not found. Use a currency code",
        )
        self.assertEqual(
            [message["record"] for message in messages if "field" not in message],
            [3, 4, 5, 6, 7],
        )

    def test_ambiguous_client(self):
        self.env["res.partner"].create({"name": "Acme Research", "is_company": True})
        self._assert_refused([self._row()], "2 clients are called", "row 2")

    def test_active_client_wins_over_archived_namesake(self):
        self.env["res.partner"].create(
            {"name": "Acme Research", "is_company": True, "active": False}
        )
        _fields, result = self._import([self._row()])
        self.assertFalse(result["messages"])

    def test_inactive_currency(self):
        self.env.ref("base.CHF").active = False
        self._assert_refused(
            [self._row(Currency="CHF", Worth=1)], "CHF (row 2) is not active"
        )

    def test_project_of_another_client(self):
        self._assert_refused(
            [self._row(Client="Beta Foods", Project="Brand tracker")],
            "Project “Brand tracker” (row 2) was not found",
            "belongs to this client",
        )

    def test_negative_figures(self):
        self._assert_refused(
            [self._row(Worth=-5), self._row(Hours=-1, What="B")],
            "Worth in row 2 is negative (-5",
            "Hours in row 3 is negative (-1",
        )

    def test_bad_date(self):
        messages = self._assert_refused(
            [
                self._row(Date="2024-03-05", What="A"),
                self._row(Date="2024-13-45", What="B"),
            ]
        )
        self.assertTrue(messages)
        self.assertRegex(messages[0]["message"], r"line 2|row 2|row 3|line 3")

    def test_repeated_rows(self):
        self._assert_refused(
            [self._row(Worth=5), self._row(What="other"), self._row(Worth=5)],
            "Row 4 repeats row 2",
        )

    def test_rows_that_are_in_odoo_already(self):
        rows = [self._row(Worth=5), self._row(What="By the hour", Hours=3)]
        self._import(rows)
        self._assert_refused(
            rows, "Row 2 is already in Odoo", "Row 3 is already in Odoo"
        )

    def test_same_external_id_twice(self):
        self._assert_refused(
            [
                self._row(**{"External ID": "fav-1"}, What="A"),
                self._row(**{"External ID": "fav-1"}, What="B"),
            ],
            "Row 3 has the same external ID as row 2",
        )

    def test_second_import_updates(self):
        sheet = [
            self._row(**{"External ID": "fav-1"}, What="A", Worth=10),
            self._row(**{"External ID": "fav-2"}, What="B", Worth=20),
        ]
        _fields, first = self._import(sheet)
        sheet[1]["Worth"] = 25
        _fields, second = self._import(sheet)
        self.assertFalse(second["messages"])
        self.assertEqual(first["ids"], second["ids"])
        entries = self.env["client.value.entry"].browse(first["ids"])
        self.assertEqual(entries.mapped("amount"), [10, 25])

    def test_test_button_imports_nothing(self):
        before = self.env["client.value.entry"].search_count([])
        _fields, result = self._import([self._row()], dryrun=True)
        self.assertFalse(result["messages"])
        self.assertEqual(self.env["client.value.entry"].search_count([]), before)

    def test_wrong_row_stops_all_batches(self):
        rows = [self._row(What=f"Favour {number}") for number in range(9)]
        rows.append(self._row(Client="Nobody Inc"))
        self._assert_refused(rows, "(row 11)", limit=3)

    def test_batches(self):
        rows = [self._row(What=f"Favour {number}") for number in range(5)]
        _fields, result = self._import(rows, limit=3)
        self.assertFalse(result["messages"])
        self.assertEqual(result["nextrow"], 3)
        _fields, result = self._import(rows, limit=3, skip=3)
        self.assertFalse(result["messages"])
        self.assertEqual(len(self._imported()), 5)

    # What the user may choose about unknown values

    def test_choose_to_skip_rows(self):
        _fields, result = self._import(
            [self._row(What="kept"), self._row(Project="Moonshot")],
            import_skip_records=["project_id"],
        )
        self.assertFalse(result["messages"])
        self.assertEqual(self._imported().mapped("name"), ["kept"])

    def test_choose_to_leave_empty(self):
        _fields, result = self._import(
            [self._row(**{"Client's Manager": "Carl Who"})],
            import_set_empty_fields=["contact_id"],
        )
        self.assertFalse(result["messages"])
        self.assertFalse(self._imported().contact_id)

    def test_choose_to_create(self):
        _fields, result = self._import(
            [
                self._row(
                    Client="Nova Ltd",
                    Project="Launch",
                    Category="Goodwill",
                    **{"Client's Manager": "Nina Nova"},
                ),
                self._row(Client="nova ltd", Project="launch", What="Second"),
            ],
            name_create_enabled_fields={
                "category_id": True,
                "partner_id": True,
                "contact_id": True,
                "project_id": True,
            },
        )
        self.assertFalse(result["messages"])
        entries = self.env["client.value.entry"].browse(result["ids"])
        self.assertEqual(entries.partner_id.name, "Nova Ltd")
        self.assertTrue(entries.partner_id.is_company)
        self.assertEqual(entries.project_id.name, "Launch")
        self.assertEqual(entries.project_id.partner_id, entries.partner_id)
        self.assertEqual(entries[0].contact_id.parent_id, entries.partner_id)
        self.assertEqual(entries[0].category_id.name, "Goodwill")

    def test_queries_do_not_grow_with_rows(self):
        def run(count, tag):
            rows = [
                self._row(What=f"{tag} {number}", **{"Client's Manager": "Ann Lee"})
                for number in range(count)
            ]
            columns = [field for header, field in HEADERS.items() if header in rows[0]]
            data = [
                [row[header] for header, field in HEADERS.items() if field in columns]
                for row in rows
            ]
            before = self.env.cr.sql_log_count
            self.env["client.value.entry"]._prepare_import(columns, data)
            return self.env.cr.sql_log_count - before

        run(2, "warm")
        self.assertEqual(run(2, "few"), run(200, "many"))


@tagged("post_install", "-at_install")
class TestImportTemplate(ImportCommon, HttpCase):
    def test_filled_template_is_imported(self):
        [template] = self.env["client.value.entry"].get_import_templates()
        self.authenticate(self.own.login, self.own.login)
        response = self.url_open(template["template"])
        self.assertEqual(response.status_code, 200)
        book = openpyxl.load_workbook(io.BytesIO(response.content))
        headers = [cell.value for cell in book.worksheets[0][1]]
        self.assertEqual(headers, [*HEADERS, "Details"])
        categories = [row[5].value for row in book.worksheets[1].iter_rows(min_row=2)]
        self.assertIn(self.discount.name, categories)
        fields, result = self._import(
            [self._row(Worth=12.5, Details="Two calls")], headers=headers
        )
        self.assertEqual(fields, [*HEADERS.values(), "description"])
        self.assertFalse(result["messages"])
        self.assertEqual(self._imported().amount, 12.5)

    @mute_logger("odoo.http")
    def test_template_needs_the_right_to_log(self):
        [template] = self.env["client.value.entry"].get_import_templates()
        self.authenticate(self.internal.login, self.internal.login)
        self.assertEqual(self.url_open(template["template"]).status_code, 403)
