import os
import pathlib
import re
import subprocess
import tempfile
from contextlib import contextmanager
from unittest.mock import patch

import lxml.html
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from odoo.tests import BaseCase, TransactionCase, tagged

from odoo.addons.base.models import ir_actions_report
from odoo.addons.client_value_dossier.report.dossier_layout import (
    DEFAULT_COLOUR,
    DossierLayout,
    brand_colour,
)
from odoo.addons.client_value_dossier.tools.formatting import SnapshotFormatter
from odoo.addons.client_value_dossier.tools.paging import (
    count_lines,
    cut_rows,
    shorten,
    split_text,
    text_width,
)

from .sample_snapshot import make_snapshot

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)

REPORT = "client_value_dossier.action_report_dossier"
PREVIEW = "client_value_dossier.action_report_dossier_preview"
NUMBERED_ENTRY = re.compile(r"Entry \d{4}")


def number_entries(snapshot):
    """Give each entry a name that is found again in the output."""
    names = []
    for section in snapshot["sections"]:
        for line in section["lines"]:
            names.append(f"Entry {len(names) + 1:04}")
            line["what"] = names[-1]
    return names


@tagged("post_install", "-at_install")
class TestPaging(BaseCase):
    def test_table_is_cut_at_the_page(self):
        runs = cut_rows([10] * 50, 100, 200, head=10, tail=15)
        self.assertEqual(runs, [(0, 9), (9, 28), (28, 47), (47, 50)])

    def test_no_single_row_below_the_heading(self):
        self.assertEqual(cut_rows([10] * 5, 25, 200, head=10), [(0, 0), (0, 5)])

    def test_sums_take_rows_with_them(self):
        # 19 rows and the header fill the page, the sums do not fit any more.
        runs = cut_rows([10] * 19, 200, 200, head=10, tail=15)
        self.assertEqual(runs, [(0, 17), (17, 19)])

    def test_last_page_has_more_than_one_row(self):
        runs = cut_rows([10] * 20, 200, 200, head=10)
        self.assertEqual(runs, [(0, 18), (18, 20)])

    def test_row_higher_than_a_page(self):
        runs = cut_rows([300, 10, 10], 50, 200, head=10)
        self.assertEqual(runs, [(0, 0), (0, 1), (1, 3)])

    @PROPERTY
    @given(
        heights=st.lists(st.integers(5, 150), max_size=60),
        first=st.integers(0, 400),
        room=st.integers(200, 400),
        head=st.integers(0, 30),
        tail=st.integers(0, 20),
    )
    def test_every_row_once_and_in_its_page(self, heights, first, room, head, tail):
        first = min(first, room)
        runs = cut_rows(heights, first, room, head, tail)
        rows = [row for start, stop in runs for row in range(start, stop)]
        self.assertEqual(rows, list(range(len(heights))), "each once, in order")
        for index, (start, stop) in enumerate(runs):
            self.assertTrue(stop > start or index == 0, "only the first may be empty")
            if stop == start:
                continue
            used = head + sum(heights[start:stop])
            used += tail if stop == len(heights) else 0
            self.assertLessEqual(used, first if index == 0 else room)

    @PROPERTY
    @given(
        text=st.text(alphabet="ab жщ,\n-W", max_size=400),
        width=st.integers(20, 300),
        first=st.integers(1, 5),
        most=st.integers(1, 5),
    )
    def test_split_text_loses_no_letter(self, text, width, first, most):
        pieces = split_text(text, width, 9, first, most)
        self.assertEqual("".join("".join(pieces).split()), "".join(text.split()))
        for index, piece in enumerate(pieces):
            limit = most if index else first
            self.assertLessEqual(count_lines(piece, width, 9), limit)

    def test_lines_of_a_text(self):
        self.assertEqual(count_lines("", 100, 10), 0)
        self.assertEqual(count_lines("a\nb", 100, 10), 2)
        self.assertGreater(count_lines("w" * 120, 100, 10), 8, "long words break")
        self.assertEqual(count_lines("a\u00a0b " * 5, 30, 10), 5, "no break inside")

    def test_shorten(self):
        self.assertEqual(shorten("short", 200, 8), "short")
        cut = shorten("a long name " * 20, 200, 8)
        self.assertTrue(cut.endswith("…"))
        self.assertLessEqual(text_width(cut, 8), 200)

    def test_brand_colour(self):
        self.assertEqual(brand_colour("#875a7b"), "#875a7b")
        for wrong in ("", None, "red", "#12345", "#123456;}</style>", "#ggg000"):
            self.assertEqual(brand_colour(wrong), DEFAULT_COLOUR)
        self.assertNotEqual(brand_colour("#ffff00"), "#ffff00", "too pale to read")

    def test_sections_are_numbered_as_shown(self):
        snapshot = make_snapshot(
            {"concession": 2, "special": 3}, empty_sections="omit", projects=None
        )
        pages = DossierLayout(snapshot, SnapshotFormatter(snapshot)).make_pages()
        headings = [
            (part["number"], part["text"])
            for page in pages
            for part in page["parts"]
            if part["part"] == "heading" and part["number"]
        ]
        self.assertEqual(
            headings, [("1", "Concessions"), ("2", "Special arrangements")]
        )

    def test_very_long_description_goes_on_in_further_rows(self):
        snapshot = make_snapshot(4)
        story = " ".join(f"word{index}" for index in range(3000))
        snapshot["sections"][0]["lines"][1]["description"] = story
        layout = DossierLayout(snapshot, SnapshotFormatter(snapshot))
        rows = [
            row
            for page in layout.make_pages()
            for part in page["parts"]
            if part["part"] == "table"
            for row in part["rows"]
        ]
        self.assertGreater(len([row for row in rows if "more" in row["kind"]]), 3)
        text = " ".join(text for row in rows for text in row["cells"][1]["more"])
        self.assertIn(story, text)


class DossierReportCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client = cls.env["res.partner"].create({"name": "Client", "is_company": True})
        cls.dossier = cls.env["client.value.dossier"].create({"partner_id": client.id})
        cls.Report = cls.env["ir.actions.report"].with_context(
            force_report_rendering=True
        )

    @contextmanager
    def shown(self, snapshot, **options):
        """Have the report show a snapshot in place of the dossier's own."""
        model = type(self.env["report.client_value_dossier.report_dossier"])

        def prepare_doc(report, dossier, paperformat, own_footer):
            return report._prepare_doc_from_snapshot(
                snapshot,
                report._page_size(paperformat),
                own_footer,
                record=dossier,
                **options,
            )

        with patch.object(model, "_prepare_doc", prepare_doc):
            yield

    def render_html(self, snapshot, report=PREVIEW, **options):
        with self.shown(snapshot, **options):
            html = self.Report._render_qweb_html(report, self.dossier.ids)[0]
        return lxml.html.fromstring(html.decode())


@tagged("post_install", "-at_install")
class TestDossierHtml(DossierReportCase):
    def test_tables_have_their_header_row(self):
        root = self.render_html(make_snapshot(40))
        tables = root.xpath("//div[starts-with(@class, 'table')]/table")
        self.assertGreater(len(tables), 8)
        for table in tables:
            self.assertEqual(len(table.xpath("thead/tr")), 1)
            columns = len(table.xpath("colgroup/col"))
            self.assertEqual(len(table.xpath("thead/tr/th")), columns)
            for row in table.xpath("tbody/tr"):
                spans = [int(cell.get("colspan") or 1) for cell in row.xpath("td")]
                self.assertEqual(sum(spans), columns)

    def test_every_line_and_its_sums(self):
        snapshot = make_snapshot(25)
        names = number_entries(snapshot)
        root = self.render_html(snapshot)
        titles = [text for text in root.xpath("//td/b/text()") if text in names]
        self.assertEqual(titles, names)
        formatter = SnapshotFormatter(snapshot)
        feet = [
            row.xpath("td")[-1].text_content()
            for row in root.xpath("//tr[@class='foot']")
        ]
        self.assertEqual(
            feet,
            [
                formatter.amount(snapshot["projects"]["total"]),
                *(
                    formatter.amount(s["subtotal"]["amount"])
                    for s in snapshot["sections"]
                ),
            ],
        )
        total = root.xpath("//div[@class='total']")[0].text_content()
        self.assertIn(formatter.amount(snapshot["total"]["amount"]), total)

    def test_sums_are_with_rows(self):
        for lines in range(12, 40):
            root = self.render_html(make_snapshot({"concession": lines}))
            for row in root.xpath("//tr[@class='foot']"):
                self.assertGreater(len(row.getparent()), 2, f"{lines} lines")

    def test_no_money_without_amounts(self):
        snapshot = make_snapshot(8, show_amounts=False)
        text = self.render_html(snapshot).body.text_content()
        for word in ("€", "EUR", "USD", snapshot["labels"]["worth"], "without tax"):
            self.assertNotIn(word, text)
        self.assertIn("Entries", text)

    def test_texts_are_escaped(self):
        snapshot = make_snapshot(12, tricky=True)
        attack = "<script>alert(1)</script>"
        for person in (snapshot["client"], snapshot["company"], snapshot["recipient"]):
            person["name"] = attack
        snapshot["introduction"] = snapshot["closing"] = [attack]
        snapshot["company"]["colour"] = "red}</style><script>"
        snapshot["company"]["logo"] = '"><script>'
        snapshot["projects"]["lines"][0]["name"] = attack
        snapshot["evidence"][0]["file"] = attack
        for report in (PREVIEW, REPORT):
            root = self.render_html(snapshot, report)
            self.assertFalse(root.xpath("//script | //b[text()='not bold']"))
            self.assertGreater(root.body.text_content().count(attack), 5)

    def test_empty_sections(self):
        snapshot = make_snapshot({"benefit": 3}, projects=0)
        root = self.render_html(snapshot)
        empty = [node.text for node in root.xpath("//h2/span[@class='empty']")]
        nothing = "Nothing to report in this period."
        self.assertEqual(
            empty, ["No projects in this period.", nothing, nothing, nothing]
        )

    def test_nothing_at_all(self):
        snapshot = make_snapshot(0, projects=None, sections=("concession",))
        snapshot.update(introduction=[], closing=[], evidence=[], contacts=[])
        snapshot.update(figures=[], previous={}, recipient={})
        root = self.render_html(snapshot)
        self.assertEqual(len(root.xpath("//div[contains(@class, 'page')]")), 1)

    def test_bars_add_up(self):
        snapshot = make_snapshot(10)
        root = self.render_html(snapshot)
        bars = root.xpath("//div[@class='bar']")
        self.assertEqual(len(bars), 4 + len(snapshot["statistics"]["years"]))
        lengths = []
        for bar in bars[4:]:
            styles = [piece.get("style") for piece in bar]
            pixels = [int(px) for s in styles for px in re.findall(r"(\d+)px", s)]
            lengths.append(sum(pixels))
        amounts = [year["amount"] for year in snapshot["statistics"]["years"]]
        for length, amount in zip(lengths, amounts, strict=True):
            self.assertAlmostEqual(length / max(lengths), amount / max(amounts), 1)

    def test_marks(self):
        draft = self.render_html(make_snapshot(3, number=""))
        self.assertEqual(set(draft.xpath("//div[@class='mark']/text()")), {"Draft"})
        cancelled = self.render_html(
            make_snapshot(3, lang="bg_BG"), cancelled=True, replaced_by="VD/2027/0001"
        )
        self.assertEqual(
            set(cancelled.xpath("//div[@class='mark']/text()")), {"Анулирано"}
        )
        self.assertEqual(
            cancelled.xpath("//div[@class='state']/text()"),
            ["Анулирано · VD/2027/0001"],
        )
        issued = self.render_html(make_snapshot(3))
        self.assertFalse(issued.xpath("//div[@class='mark']"))

    def test_preview_is_a_sheet(self):
        root = self.render_html(make_snapshot(3))
        self.assertIn("box-shadow", root.head.text_content())
        self.assertFalse(root.xpath("//link | //@src[not(starts-with(., 'data:'))]"))

    def test_real_dossier(self):
        html = self.Report._render_qweb_html(REPORT, self.dossier.ids)[0].decode()
        root = lxml.html.fromstring(html)
        self.assertEqual(root.xpath("//h1/text()"), ["Client"])
        main = root.xpath("//main")[0]
        self.assertEqual(main.get("data-oe-id"), str(self.dossier.id))

    def test_other_reports_keep_their_arguments(self):
        paperformat = self.env.ref("base.paperformat_euro")
        args = self.Report._build_wkhtmltopdf_args(paperformat, False, {})
        self.assertIn("--javascript-delay", args)
        self.assertNotIn("--footer-left", args)
        self.assertNotIn("--disable-javascript", args)


@tagged("post_install", "-at_install")
class TestDossierPdf(DossierReportCase):
    """What the installed wkhtmltopdf prints; WKHTMLTOPDF_PATCHED names the binary of
    the other build (with patched Qt) to print with as well."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        installed = ir_actions_report._wkhtml()
        cls.engines = [installed]
        other = os.environ.get("WKHTMLTOPDF_PATCHED")
        if other:
            cls.engines.append(installed._replace(bin=other, is_patched_qt=True))

    @contextmanager
    def using(self, engine):
        """Have Odoo print with a wkhtmltopdf."""
        self.assertEqual(engine.state, "ok", "wkhtmltopdf must be installed")
        with (
            self.subTest(engine=engine.bin),
            patch.object(ir_actions_report, "_wkhtml", lambda: engine),
        ):
            yield

    def print_pdf(self, snapshot, dossiers=None, **options):
        """Return the PDF; nothing may be left for Odoo to warn of."""
        run = ir_actions_report._run_wkhtmltopdf
        processes = []

        def watched_run(args):
            processes.append(run(args))
            return processes[-1]

        with (
            self.shown(snapshot, **options),
            patch.object(ir_actions_report, "_run_wkhtmltopdf", watched_run),
        ):
            pdf, kind = self.Report._render_qweb_pdf(
                REPORT, (dossiers or self.dossier).ids
            )
        self.assertEqual(kind, "pdf")
        for process in processes:
            self.assertEqual(process.returncode, 0, process.stderr)
            self.assertNotIn("not support", process.stderr)
        return pdf

    def page_texts(self, pdf):
        text = subprocess.run(
            ["pdftotext", "-layout", "-", "-"],
            input=pdf,
            capture_output=True,
            check=True,
        ).stdout.decode()
        return text.split("\f")[:-1]

    def page_pictures(self, pdf):
        """Return the pages as small pictures."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                ["pdftoppm", "-r", "20", "-", f"{folder}/page"], input=pdf, check=True
            )
            return [
                Image.open(path).convert("RGB")
                for path in sorted(pathlib.Path(folder).iterdir())
            ]

    def test_long_dossier(self):
        snapshot = make_snapshot(60)
        names = number_entries(snapshot)
        for engine in self.engines:
            with self.using(engine):
                pdf = self.print_pdf(snapshot)
                pages = self.page_texts(pdf)
                found = NUMBERED_ENTRY.findall("\n".join(pages))
                # The list of evidence names some once more.
                self.assertEqual(found[: len(names)], names)
                self.assertLess(len(pdf) / len(pages), 60_000)
                self.assertLess(len(pages), len(names) / 8)
                for number, page in enumerate(pages, start=1):
                    self.assertIn(f"Page {number} of {len(pages)}", page)
                    self.assertIn("VD/2026/0007", page)
                    if NUMBERED_ENTRY.search(page):
                        self.assertRegex(page, r"Date +What .*Worth")
                    if "Subtotal" in page:
                        self.assertRegex(page, r"Entry \d{4}[^\f]+Subtotal")
                self.assertIn("Northern Light Retail", pages[0])
                self.assertIn("Fieldwork Research Agency", pages[0])

    def test_pages_are_cut_where_the_layout_says(self):
        """In each language, with few and many lines, tricky texts and long words."""
        for lang in ("en_US", "ru_RU", "bg_BG"):
            snapshot = make_snapshot(14, lang, tricky=True, years=12, projects=40)
            snapshot["introduction"] = ["Длинное слово и ещё слово. " * 80] * 5
            snapshot["client"]["name"] = "Очень длинное имя клиента " * 4
            for engine in self.engines:
                with self.using(engine):
                    pages = self.page_texts(self.print_pdf(snapshot))
                    layout = DossierLayout(
                        snapshot,
                        SnapshotFormatter(snapshot),
                        own_footer=not engine.is_patched_qt,
                    )
                    expected = len(layout.make_pages())
                    self.assertEqual(len(pages), expected, lang)

    def test_cancelled_on_each_page(self):
        snapshot = make_snapshot(12, "ru_RU")
        for engine in self.engines:
            with self.using(engine):
                pdf = self.print_pdf(snapshot, cancelled=True)
                pages = self.page_texts(pdf)
                self.assertGreater(len(pages), 3)
                for page in pages:
                    self.assertIn("Отменено", page)
                pictures = self.page_pictures(pdf)
                self.assertEqual(len(pictures), len(pages))
                for picture in pictures:
                    reddish = sum(
                        count
                        for count, (red, green, blue) in picture.getcolors(1 << 24)
                        if red > 230 and red - green > 10 and red - blue > 10
                    )
                    self.assertGreater(reddish, 500, "the word lies across the page")

    def test_several_dossiers(self):
        dossiers = self.dossier | self.dossier.copy()
        snapshot = make_snapshot(3)
        for engine in self.engines:
            with self.using(engine):
                pages = self.page_texts(self.print_pdf(snapshot, dossiers))
                half = len(pages) // 2
                for start in (0, half):
                    self.assertIn(f"Page 1 of {half}", pages[start])
                    self.assertIn("Northern Light Retail", pages[start])
