import datetime
import io
import json
import re
import tempfile
import tracemalloc
import zipfile
from pathlib import Path
from unittest.mock import patch

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from odoo.tests import BaseCase, tagged

from odoo.addons.client_value_dossier.tools.canonical import canonical_json
from odoo.addons.client_value_dossier.tools.portfolio import PortfolioWriter
from odoo.addons.client_value_dossier.tools.workbook import build_dossier_workbook
from odoo.addons.client_value_dossier.tools.xlsx import MAX_TEXT, Column, sheet_name

from .sample_snapshot import TRICKY_TEXTS, make_snapshot

PROPERTY = settings(max_examples=60, deadline=None, database=None, derandomize=True)
NAMESPACE = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
RICH_TEXT = "<r><t>not</t> rich</r>"
TEXTS = st.text() | st.sampled_from([*TRICKY_TEXTS, RICH_TEXT, "_x0007_", "a\r\nb"])


def load(content, data_only=False):
    """Open a workbook; ``data_only`` gives the stored results of formulas."""
    return openpyxl.load_workbook(io.BytesIO(content), data_only=data_only)


def cells(book):
    return (cell for sheet in book for row in sheet.iter_rows() for cell in row)


def parts(content, pattern):
    """Return the parsed XML of the package's parts whose name matches."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {
            name: etree.fromstring(package.read(name))
            for name in package.namelist()
            if re.fullmatch(pattern, name)
        }


def texts(content):
    """Return all texts in a workbook's cells, as Excel would read them."""
    trees = parts(content, r"xl/(sharedStrings|worksheets/sheet\d+)\.xml")
    return [
        re.sub("_x([0-9A-F]{4})_", lambda match: chr(int(match[1], 16)), node.text)
        for tree in trees.values()
        for node in tree.iterfind(".//x:t", NAMESPACE)
        if node.text
    ]


def as_shown(text):
    """Return the text that a cell holds for a text that somebody typed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text + " " if text == RICH_TEXT else text


class WorkbookCase(BaseCase):
    def assertPlainText(self, content, expected):
        """The expected texts are there as text; only sums are formulas."""
        found = set(texts(content))
        self.assertLessEqual({as_shown(text) for text in expected if text}, found)
        for cell in cells(load(content)):
            self.assertIsNone(cell.hyperlink)
            if cell.data_type == "f":
                self.assertRegex(cell.value, r"^=SUBTOTAL\(109,[^,()]+\)$")
        for tree in parts(content, r".*_rels/.*\.rels").values():
            self.assertNotIn(b"External", etree.tostring(tree))
        self.assertFalse(parts(content, r"xl/calcChain\.xml"))


@tagged("post_install", "-at_install")
class TestDossierWorkbook(WorkbookCase):
    def test_sheets(self):
        book = load(build_dossier_workbook(make_snapshot()))
        self.assertEqual(
            book.sheetnames,
            [
                "Key figures",
                "Projects",
                "Client's managers",
                "Concessions",
                "Benefits",
                "Flexibility",
                "Special arrangements",
                "All entries",
                "Evidence on file",
            ],
        )
        for sheet in book.worksheets[1:]:
            self.assertEqual(sheet.freeze_panes, "A2")
            self.assertEqual(sheet.print_title_rows, "$1:$1")
            self.assertEqual(sheet.page_setup.orientation, "landscape")
            self.assertEqual(sheet.page_setup.fitToHeight, 0)
        for sheet in book:
            self.assertIn("&P", sheet.oddFooter.right.text)
        self.assertEqual(book.properties.title, "Value dossier")

    def test_cyrillic(self):
        for lang in ("ru_RU", "bg_BG"):
            snapshot = make_snapshot(4, lang)
            book = load(build_dossier_workbook(snapshot))
            section = snapshot["sections"][0]
            sheet = book[section["label"]]
            self.assertEqual(sheet["A1"].value, snapshot["labels"]["date"])
            self.assertEqual(sheet["B2"].value, section["lines"][0]["what"])
            self.assertEqual(sheet["A2"].number_format, "dd.mm.yyyy")

    def test_cells_are_typed(self):
        snapshot = make_snapshot(9)
        sheet = load(build_dossier_workbook(snapshot))["Concessions"]
        columns = {cell.value: cell.column - 1 for cell in sheet[1]}
        lines = snapshot["sections"][0]["lines"]
        for row, line in zip(sheet.iter_rows(min_row=2), lines, strict=False):
            day = row[columns["Date"]]
            self.assertTrue(day.is_date)
            self.assertEqual(day.number_format, "mm/dd/yyyy")
            self.assertEqual(day.value.date().isoformat(), line["date"])
            worth = row[columns["Worth"]]
            self.assertEqual(worth.value, line["amount"] or None)
            self.assertEqual(worth.number_format, '#,##0.00"\u00a0€"')
            self.assertEqual(row[columns["Hours"]].value, line["hours"] or None)
            self.assertEqual(row[columns["What"]].value, line["what"])
            original = row[columns["Original amount"]].value
            self.assertEqual(original, line["original"].get("amount"))
            self.assertEqual(
                row[columns["Currency"]].value, line["original"].get("code")
            )

    def test_totals_are_formulas_with_values(self):
        snapshot = make_snapshot(7)
        content = build_dossier_workbook(snapshot)
        values = load(content, data_only=True)
        for name, lines, total in [
            *(
                (section["label"], section["lines"], section["subtotal"])
                for section in snapshot["sections"]
            ),
            ("All entries", [None] * 28, snapshot["total"]),
        ]:
            sheet = values[name]
            self.assertEqual(sheet.max_row, len(lines) + 2, name)
            last = dict(
                zip(
                    [cell.value for cell in sheet[1]],
                    [cell.value for cell in sheet[sheet.max_row]],
                    strict=True,
                )
            )
            self.assertAlmostEqual(last["Worth"], total["amount"])
            self.assertEqual(last.get("Hours", 0), total["hours"])
            self.assertEqual(last.get("Days", 0), total["days"])
            self.assertEqual(sheet.cell(sheet.max_row, 1).value, "Total")
        formulas = [cell for cell in cells(load(content)) if cell.data_type == "f"]
        self.assertIn("=SUBTOTAL(109,F2:F4)", {cell.value for cell in formulas})

    def test_key_figures(self):
        snapshot = make_snapshot(6)
        sheet = load(build_dossier_workbook(snapshot))["Key figures"]
        shown = {row[0].value: row[1] for row in sheet.iter_rows() if row[0].value}
        self.assertEqual(sheet["A1"].value, snapshot["title"])
        self.assertEqual(shown["Client"].value, snapshot["client"]["name"])
        self.assertEqual(shown["Number"].value, snapshot["number"])
        self.assertEqual(shown["Date"].value, datetime.datetime(2026, 11, 23))
        for figure in snapshot["figures"]:
            if figure["code"] not in ("special",):
                self.assertEqual(shown[figure["label"]].value, figure["value"])
        self.assertEqual(shown["Years together"].number_format, '#,##0.0"\u00a0years"')
        for year in snapshot["statistics"]["years"]:
            self.assertEqual(shown[year["year"]].value, year["count"])
        self.assertEqual(shown["Total"].value, snapshot["total"]["count"])

    def test_draft_says_so(self):
        content = build_dossier_workbook(make_snapshot(1, number=""))
        self.assertIn("Draft", texts(content))

    def test_chart(self):
        for years, show_amounts, series, title in [
            (3, True, 4, "By year"),
            (3, False, 4, "By year"),
            (1, True, 1, "By section"),
        ]:
            snapshot = make_snapshot(5, years=years, show_amounts=show_amounts)
            content = build_dossier_workbook(snapshot)
            (chart,) = parts(content, r"xl/charts/chart\d+\.xml").values()
            self.assertEqual(len(chart.findall(".//{*}ser")), series)
            shown = [node.text for node in chart.iterfind(".//{*}t")]
            self.assertEqual(shown, [title, "Worth" if show_amounts else "Entries"])
            total = sum(float(v.text) for v in chart.iterfind(".//{*}val//{*}v"))
            measure = "amount" if show_amounts else "count"
            self.assertAlmostEqual(total, snapshot["total"][measure])
        self.assertFalse(
            parts(build_dossier_workbook(make_snapshot(0)), r"xl/charts/.*")
        )

    def test_chart_counts_when_nothing_is_worth_money(self):
        snapshot = make_snapshot(5, show_amounts=False)
        counts = snapshot["statistics"]["years"]
        snapshot = make_snapshot(5)
        snapshot["statistics"]["measure"] = "count"
        for year, by_count in zip(snapshot["statistics"]["years"], counts, strict=True):
            year["by_section"] = by_count["by_section"]
        content = build_dossier_workbook(snapshot)
        (chart,) = parts(content, r"xl/charts/chart\d+\.xml").values()
        total = sum(float(v.text) for v in chart.iterfind(".//{*}val//{*}v"))
        self.assertEqual(total, snapshot["total"]["count"])

    def test_no_money_when_amounts_are_not_shown(self):
        snapshot = make_snapshot(30, show_amounts=False)
        content = build_dossier_workbook(snapshot)
        words = ("Worth", "Price", "Original amount", "Currency", "Turnover", "tax")
        for text in texts(content):
            self.assertNotRegex(text, "|".join(words))
            self.assertNotIn("€", text)
        for cell in cells(load(content)):
            self.assertNotRegex(cell.number_format, r'0\.00$|0\.00[^#]|€|"[^"]*EUR')
        # Nothing of the currency is needed.
        del snapshot["currency"]
        self.assertEqual(build_dossier_workbook(snapshot), content)

    def test_texts_stay_text(self):
        snapshot = make_snapshot(len(TRICKY_TEXTS), tricky=True)
        snapshot["client"]["name"] = "=1+1 & <Sons>"
        snapshot["projects"]["lines"][0]["name"] = RICH_TEXT
        snapshot["contacts"][0]["name"] = "+x"
        snapshot["evidence"][0]["file"] = "=cmd|' /C calc'!A0"
        snapshot["title"] = "@title"
        expected = [
            *TRICKY_TEXTS,
            snapshot["client"]["name"],
            RICH_TEXT,
            "+x",
            snapshot["evidence"][0]["file"],
            "@title",
        ]
        self.assertPlainText(build_dossier_workbook(snapshot), expected)

    @PROPERTY
    @given(st.lists(TEXTS, min_size=6, max_size=6))
    def test_any_text(self, values):
        snapshot = make_snapshot(1)
        line = snapshot["sections"][0]["lines"][0]
        line["what"], line["description"] = values[:2]
        snapshot["client"]["name"] = values[2]
        snapshot["sections"][0]["label"] = values[3]
        snapshot["labels"]["page"] = snapshot["company"]["name"] = values[4]
        snapshot["title"] = values[5]
        self.assertPlainText(
            build_dossier_workbook(snapshot), [*values[:3], *values[4:]]
        )

    def test_long_text_is_cut(self):
        for text, length in [
            ("x" * MAX_TEXT, MAX_TEXT),
            ("x" * (MAX_TEXT + 1), MAX_TEXT),
            ("😀" * MAX_TEXT, MAX_TEXT // 2 + 1),
        ]:
            snapshot = make_snapshot(1, sections=["benefit"])
            snapshot["sections"][0]["lines"][0]["description"] = text
            shown = max(texts(build_dossier_workbook(snapshot)), key=len)
            self.assertEqual(len(shown), length)
            self.assertLessEqual(len(shown.encode("utf-16-le")), 2 * MAX_TEXT)
            self.assertEqual(shown[-1], text[-1] if shown == text else "…")

    def test_tables(self):
        snapshot = make_snapshot(3)
        # A language in which many words are the same.
        for code in ("contact", "manager", "project", "what", "description"):
            snapshot["labels"][code] = "Name"
        snapshot["labels"]["category"] = "NAME"
        snapshot["labels"]["from"] = ""
        snapshot["labels"]["worth"] = "Wörth [#1] 'net'"
        content = build_dossier_workbook(snapshot)
        book = load(content)
        tables = [(sheet, table) for sheet in book for table in sheet.tables.values()]
        self.assertEqual(len(tables), 8)
        self.assertEqual(len({table.name for _sheet, table in tables}), 8)
        formulas = [cell for cell in cells(book) if cell.data_type == "f"]
        self.assertIn(
            "Wörth [#1] 'net'", {c.parent.cell(1, c.column).value for c in formulas}
        )
        for sheet, table in tables:
            names = table.column_names
            self.assertEqual(len({name.lower() for name in names}), len(names))
            self.assertEqual(names, [cell.value for cell in sheet[1]])
            self.assertEqual(table.ref, sheet.dimensions)
            data_rows = sheet.max_row - 1 - (table.totalsRowCount or 0)
            self.assertGreater(data_rows, 0)
            self.assertTrue(table.autoFilter.ref.endswith(str(data_rows + 1)))

    def test_nothing_to_show(self):
        snapshot = make_snapshot({"benefit": 2}, projects=0)
        book = load(build_dossier_workbook(snapshot))
        self.assertEqual(
            book["Concessions"]["A2"].value, "Nothing to report in this period."
        )
        self.assertEqual(book["Projects"]["A2"].value, "No projects in this period.")
        snapshot = make_snapshot({"benefit": 2}, projects=None, empty_sections="omit")
        snapshot["contacts"] = snapshot["evidence"] = []
        self.assertEqual(
            load(build_dossier_workbook(snapshot)).sheetnames,
            ["Key figures", "Benefits", "All entries"],
        )

    def test_right_to_left(self):
        snapshot = make_snapshot(1)
        snapshot["locale"]["direction"] = "rtl"
        for sheet in load(build_dossier_workbook(snapshot)):
            self.assertTrue(sheet.sheet_view.rightToLeft)

    def test_sealed_dossier_gives_the_same_bytes(self):
        snapshot = make_snapshot(10, "bg_BG", tricky=True)
        stored = json.loads(canonical_json(snapshot))
        self.assertEqual(
            build_dossier_workbook(stored), build_dossier_workbook(snapshot)
        )

    def test_colour(self):
        for colour, font in [
            ("#ffee00", "FF000000"),
            ("#112233", "FFFFFFFF"),
            ("red; }", "FFFFFFFF"),
        ]:
            snapshot = make_snapshot(1)
            snapshot["company"]["colour"] = colour
            book = load(build_dossier_workbook(snapshot))
            self.assertEqual(book["Projects"]["A1"].font.color.rgb, font)


@tagged("post_install", "-at_install")
class TestSheetNames(BaseCase):
    @PROPERTY
    @given(st.lists(st.text() | st.sampled_from(["History", "'a'", "x" * 40, "A/B"])))
    def test_any_title(self, titles):
        taken = set()
        names = [sheet_name(title, taken) for title in titles * 2]
        self.assertEqual(len({name.lower() for name in names}), len(names))
        for name in names:
            self.assertTrue(0 < len(name.encode("utf-16-le")) // 2 <= 31)
            self.assertNotRegex(name, r"[\[\]:*?/\\\x00-\x1f]|^'|'$")
            self.assertNotEqual(name.lower(), "history")

    def test_readable(self):
        taken = set()
        self.assertEqual(sheet_name("Key figures", taken), "Key figures")
        self.assertEqual(sheet_name("KEY FIGURES", taken), "KEY FIGURES (2)")
        self.assertEqual(sheet_name("A/B: 'x'", taken), "A-B- 'x")
        self.assertEqual(sheet_name("", taken), "Sheet")


@tagged("post_install", "-at_install")
class TestPortfolioWriter(WorkbookCase):
    LOCALE = {"date_format": "%d.%m.%Y", "direction": "ltr"}
    COLUMNS = [
        Column("Date", "date", 12),
        Column("What"),
        Column("Hours", "hours"),
        Column("Worth", "amount"),
        Column("Rate", "number"),
    ]
    ROWS = [
        (datetime.date(2026, 3, 4), "First", 1.5, 100.25, 0.5),
        (datetime.datetime(2026, 3, 5, 23, 59), "", None, -5, False),
        (datetime.date(202, 3, 4), "Third", 0.0, 0, None),
    ]

    def export(self, *sheets, **options):
        """Return the bytes of a workbook; a sheet is (title, columns, rows, label)."""
        buffer = io.BytesIO()
        with PortfolioWriter(buffer, self.LOCALE, **options) as writer:
            for title, columns, rows, label in sheets:
                writer.add_sheet(title, columns, label)
                writer.write_rows(rows)
        return buffer.getvalue()

    def test_cells_are_typed(self):
        currency = {"symbol": "€", "position": "before", "decimals": 2}
        content = self.export(
            ("Entries", self.COLUMNS, self.ROWS, "Total"), currency=currency, title="T"
        )
        book = load(content)
        sheet = book["Entries"]
        self.assertEqual(
            [[cell.value for cell in row] for row in sheet.iter_rows(max_row=4)],
            [
                ["Date", "What", "Hours", "Worth", "Rate"],
                [datetime.datetime(2026, 3, 4), "First", 1.5, 100.25, 0.5],
                [datetime.datetime(2026, 3, 5), None, None, -5, None],
                ["0202-03-04", "Third", 0, 0, None],
            ],
        )
        self.assertEqual(
            [cell.number_format for cell in sheet[2]],
            ["dd.mm.yyyy", "@", "#,##0.0#", '"€\u00a0"#,##0.00', "#,##0.00"],
        )
        self.assertEqual(
            [cell.value for cell in sheet[5]],
            ["Total", None, "=SUBTOTAL(109,C2:C4)", "=SUBTOTAL(109,D2:D4)", None],
        )
        values = load(content, data_only=True)["Entries"]
        self.assertEqual([values["C5"].value, values["D5"].value], [1.5, 95.25])
        self.assertEqual(sheet.auto_filter.ref, "A1:E4")
        self.assertEqual(sheet.dimensions, "A1:E5")
        self.assertEqual(sheet.freeze_panes, "A2")
        self.assertEqual(sheet.column_dimensions["A"].width, 12.7109375)
        self.assertEqual(book.properties.title, "T")

    def test_marked_rows(self):
        columns = [Column("Client"), Column("Share", "percent", alert=True)]
        rows = [("A", 0.5, True), ("B", 0.25, False), ("C", 0.125), ("D", None, True)]
        sheet = load(self.export(("Shares", columns, rows, "Total")))["Shares"]
        self.assertEqual(
            [cell.value for cell in sheet["B"]], ["Share", 0.5, 0.25, 0.125, None, None]
        )
        self.assertEqual({cell.number_format for cell in sheet["B"][1:4]}, {"0.0%"})
        coloured = [
            cell.coordinate
            for row in sheet.iter_rows(min_row=2)
            for cell in row
            if cell.fill.fill_type
        ]
        self.assertEqual(coloured, ["B2"])

    def test_several_sheets(self):
        other = [Column("Days", "days"), Column("Count", "integer"), Column("Name")]
        content = self.export(
            ("Entries", self.COLUMNS, self.ROWS, "Total"),
            ("entries", other, [(1.0, 2, "x")], ""),
            ("Empty", other, [], "Total"),
        )
        book = load(content)
        self.assertEqual(book.sheetnames, ["Entries", "entries (2)", "Empty"])
        for sheet, formats in [
            (book["Entries"], ["dd.mm.yyyy", "@", "#,##0.0#", "#,##0.00", "#,##0.00"]),
            (book["entries (2)"], ["General", "#,##0", "@"]),
        ]:
            self.assertEqual([cell.number_format for cell in sheet[2]], formats)
        self.assertEqual(book["entries (2)"].max_row, 2)
        self.assertEqual(book["Empty"]["A2"].value, "=SUBTOTAL(109,A2:A2)")

    def test_full_sheet_goes_on_in_the_next(self):
        columns = [Column("Number", "integer")]
        rows = [(number,) for number in range(8)]
        with patch.object(PortfolioWriter, "MAX_ROWS", 6):
            content = self.export(("Numbers", columns, rows, "Total"))
        book = load(content)
        self.assertEqual(book.sheetnames, ["Numbers", "Numbers (2)"])
        self.assertEqual(
            [[cell.value for (cell,) in sheet.iter_rows()] for sheet in book],
            [
                ["Number", 0, 1, 2, 3, "=SUBTOTAL(109,A2:A5)"],
                ["Number", 4, 5, 6, 7, "=SUBTOTAL(109,A2:A5)"],
            ],
        )

    @PROPERTY
    @given(st.lists(TEXTS, min_size=1))
    def test_any_text(self, values):
        content = self.export(
            ("Texts", [Column("A"), Column("B")], [(text, text) for text in values], "")
        )
        self.assertPlainText(content, values)

    def test_error_leaves_no_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "export.xlsx")
            for value in (float("nan"), float("inf")):
                with (
                    self.assertRaises(ValueError),
                    PortfolioWriter(str(path), self.LOCALE) as writer,
                ):
                    writer.add_sheet("Numbers", [Column("Number", "number")])
                    writer.write_rows([(value,)])
            self.assertFalse(path.exists())

    def test_memory_does_not_grow_with_rows(self):
        def measure(count):
            rows = (
                (datetime.date(2026, 1, 1), f"Text {i}", 1.5, i * 1.25, None)
                for i in range(count)
            )
            tracemalloc.start()
            with tempfile.TemporaryDirectory() as folder:
                path = str(Path(folder, "export.xlsx"))
                with PortfolioWriter(path, self.LOCALE) as writer:
                    writer.add_sheet("Entries", self.COLUMNS)
                    writer.write_rows(rows)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return peak

        measure(10)
        # 9 000 rows more are about 3 MB of XML.
        self.assertLess(measure(10_000), measure(1_000) + 1_500_000)
