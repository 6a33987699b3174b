import io
import tempfile
from datetime import date

import openpyxl

from odoo.tests import BaseCase, tagged

from odoo.addons.account_tiering.tools.workbook import (
    MAX_TEXT,
    Column,
    Sheet,
    write_workbook,
)

from .common import TieringCommon


def _read(content):
    """Return {sheet: rows of values} of a workbook."""
    workbook = openpyxl.load_workbook(content)
    return {
        sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)]
        for sheet in workbook
    }


@tagged("post_install", "-at_install")
class TestWorkbookWriter(BaseCase):
    def _write(self, *sheets, **options):
        buffer = io.BytesIO()
        write_workbook(buffer, sheets, **options)
        return buffer

    def test_typed_cells(self):
        columns = [
            Column("Name"),
            Column("Day", "date"),
            Column("Amount", "amount"),
            Column("Count", "integer"),
            Column("Share", "percent"),
            Column("Hours", "hours"),
        ]
        rows = [
            ["Acme", date(2026, 5, 4), 12.5, 3, 80.0, 1.5],
            [None, False, "", 0, 0, 0],
        ]
        sheets = _read(self._write(Sheet("Clients", columns, rows)))
        self.assertEqual(sheets["Clients"][0], [column.label for column in columns])
        values = sheets["Clients"][1]
        self.assertEqual(values[1].date(), date(2026, 5, 4))
        self.assertEqual(values[2:], [12.5, 3, 80.0, 1.5])
        self.assertEqual(sheets["Clients"][2], [None, None, None, 0, 0, 0])

    def test_text_stays_text(self):
        texts = [
            "=1+1",
            "+41",
            "-5",
            "@x",
            "http://a.example",
            "12",
            "{=1}",
            "<r>x</r>",
        ]
        buffer = self._write(Sheet("=S", [Column("=T")], [[text] for text in texts]))
        sheet = openpyxl.load_workbook(buffer)["=S"]
        self.assertEqual(sheet["A1"].value, "=T")
        self.assertEqual(sheet["A1"].data_type, "s")
        for row, text in enumerate(texts, 2):
            cell = sheet.cell(row, 1)
            with self.subTest(text=text):
                self.assertEqual(cell.value.rstrip(), text)
                self.assertEqual(cell.data_type, "s")
                self.assertIsNone(cell.hyperlink)

    def test_long_text_is_cut(self):
        sheets = _read(self._write(Sheet("S", [Column("T")], [["ж😀" * 20_000]])))
        text = sheets["S"][1][0]
        self.assertLessEqual(len(text.encode("utf-16-le")) // 2, MAX_TEXT)
        self.assertTrue(text.endswith("…"))

    def test_names_of_sheets(self):
        names = ["A/B:C", "a/b:c", "", "History", "x" * 50, "'quoted'"]
        sheets = [Sheet(name, [Column("T")], []) for name in names]
        self.assertEqual(
            list(_read(self._write(*sheets))),
            ["A-B-C", "a-b-c (2)", "Sheet", "History (2)", "x" * 31, "quoted"],
        )

    def test_date_formats(self):
        for given, excel in (
            ("%d.%m.%Y", "dd.mm.yyyy"),
            ("%m/%d/%y", "mm/dd/yy"),
            ("%A", "yyyy-mm-dd"),
        ):
            rows = [[date(2026, 5, 4)]]
            buffer = self._write(
                Sheet("S", [Column("T", "date")], rows), date_format=given
            )
            cell = openpyxl.load_workbook(buffer)["S"]["A2"]
            with self.subTest(format=given):
                self.assertEqual(cell.number_format, excel)


@tagged("post_install", "-at_install")
class TestWorkbooks(TieringCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.big = cls._create_client("=Big", 9000, cls.own)
        cls.small = cls._create_client("Small", 1000)

    def _write(self, record):
        with tempfile.NamedTemporaryFile(suffix=".xlsx") as file:
            record._write_workbook(file.name)
            return _read(io.BytesIO(file.read()))

    def test_review(self):
        review = self._create_review()
        sheets = self._write(review)
        self.assertEqual(list(sheets), ["Clients", "Tiers", "Account managers"])
        header, *rows = sheets["Clients"]
        cells = [dict(zip(header, row, strict=True)) for row in rows]
        self.assertEqual(
            [
                (row["Client"], row[f"Revenue ({self.currency.name})"], row["New Tier"])
                for row in cells
            ],
            [("=Big", 9000, "A"), ("Small", 1000, "B")],
        )
        self.assertEqual(cells[0]["Account Manager"], self.own.name)
        self.assertEqual(cells[0]["Cumulative %"], 90)
        self.assertEqual(cells[0]["Movement"], "New")
        self.assertEqual(
            [(row[0], row[2]) for row in sheets["Tiers"][1:]],
            [("A", 1), ("B", 1), ("No tier", 0)],
        )
        self.assertEqual(
            sorted(row[0] for row in sheets["Account managers"][1:]),
            sorted(["Nobody", self.own.name]),
        )

    def test_tier_list(self):
        self._create_review().action_apply()
        archived = self._create_client("Archived")
        self._assign(archived, self.tier_a)
        archived.active = False
        sheets = self._write(self.env["client.tier.assignment"])
        [(_title, (header, *rows))] = sheets.items()
        self.assertEqual(header[:2], ["Client", "Tier"])
        self.assertEqual([row[:2] for row in rows], [["=Big", "A"], ["Small", "B"]])
        sheets = self._write(self.env["client.tier.assignment"].with_user(self.own))
        self.assertEqual([row[0] for row in sheets["Clients by tier"][1:]], ["=Big"])

    def test_download(self):
        review = self._create_review()
        self.assertEqual(
            review.action_download()["url"],
            f"/account_tiering/review/{review.id}/review.xlsx",
        )
