"""The workbook of one dossier, written with xlsxwriter."""

import datetime
import io

import xlsxwriter
from xlsxwriter.utility import xl_range

from .xlsx import (
    FILTER_WIDTH,
    MAX_SHEET_NAME,
    PLAIN_TEXT,
    Column,
    Formats,
    cell_text,
    cut_text,
    header_height,
    one_line,
    row_height,
    sheet_name,
    write_cell,
)

_COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1")

_FIGURE_WIDTH = 16

# Of the sheets of entries: code of the label, kind, greatest width.
_ENTRY_COLUMNS = (
    ("section", "long", 16),
    ("date", "date", None),
    ("what", "long", 30),
    ("description", "long", 45),
    ("category", "long", 18),
    ("project", "long", 20),
    ("contact", "long", 18),
    ("hours", "hours", None),
    ("days", "days", None),
    ("worth", "amount", None),
    ("original", "number", None),
    ("currency", "code", None),
)


def build_dossier_workbook(snapshot):
    """Return the workbook of a dossier's snapshot (schema 1), as XLSX bytes.

    Sheets: key figures with statistics and a chart, projects, the client's managers,
    one per section, all entries, evidence; those with nothing to show are left out.
    The same snapshot gives the same bytes.
    """
    return _DossierWorkbook(snapshot).build()


class _DossierWorkbook:
    def __init__(self, snapshot):
        self.snapshot = snapshot
        self.labels = snapshot["labels"]
        self.show_amounts = snapshot["options"]["show_amounts"]
        self.buffer = io.BytesIO()
        self.workbook = xlsxwriter.Workbook(
            self.buffer, {"in_memory": True, **PLAIN_TEXT}
        )
        self.formats = Formats(
            self.workbook,
            snapshot["locale"],
            snapshot["currency"] if self.show_amounts else None,
            snapshot["company"]["colour"],
        )
        self.sheet_names = set()

    def build(self):
        snapshot = self.snapshot
        self.workbook.set_properties(
            {
                "title": one_line(snapshot["title"]),
                "subject": one_line(snapshot["client"]["name"]),
                "author": one_line(snapshot["prepared_by"]["name"]),
                "company": one_line(snapshot["company"]["name"]),
                "created": datetime.datetime.fromisoformat(snapshot["date"]),
            }
        )
        self._add_key_figures()
        if snapshot["projects"]["shown"]:
            self._add_projects()
        if snapshot["contacts"]:
            self._add_contacts()
        for section in snapshot["sections"]:
            self._add_section(section)
        if snapshot["total"]["count"]:
            self._add_all_entries()
        if snapshot["evidence"]:
            self._add_evidence()
        self.workbook.close()
        return self.buffer.getvalue()

    # Sheets

    def _add_key_figures(self):
        snapshot, labels, formats = self.snapshot, self.labels, self.formats
        sheet = self._add_sheet(labels["key_figures"])
        sheet.set_portrait()
        sheet.fit_to_pages(1, 1)
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, 8, _FIGURE_WIDTH)
        write_cell(sheet, 0, 0, "text", snapshot["title"], formats.title)
        write_cell(sheet, 1, 0, "text", snapshot["purpose_label"], formats.note)
        row = 3
        for label, kind, value in self._get_identity():
            write_cell(sheet, row, 0, "text", label, formats.bold)
            write_cell(sheet, row, 1, kind, value, formats.left[kind])
            row += 1
        row = self._write_figures(sheet, row + 1)
        row, section_rows = self._write_sections(sheet, row + 1)
        row, year_rows = self._write_years(sheet, row + 1)
        if self.show_amounts:
            write_cell(sheet, row, 0, "text", labels["tax_note"], formats.note)
            row += 1
        if len(year_rows) > 1:
            # The sections' columns follow year, count and, if shown, worth.
            first_col = 3 if self.show_amounts else 2
            count = len(snapshot["statistics"]["sections"])
            columns = range(first_col, first_col + count)
            self._insert_chart(sheet, row + 1, year_rows, columns, labels["by_year"])
        elif year_rows:
            columns = [2 if snapshot["statistics"]["measure"] == "amount" else 1]
            self._insert_chart(
                sheet, row + 1, section_rows, columns, labels["by_section"]
            )

    def _get_identity(self):
        """Return what identifies the dossier: triples of label, kind and value."""
        snapshot, labels = self.snapshot, self.labels
        recipient, author = snapshot["recipient"], snapshot["prepared_by"]
        triples = [
            (labels["client"], "text", snapshot["client"]["name"]),
            (labels["period"], "text", snapshot["period"]["label"]),
            (labels["number"], "text", snapshot["number"] or labels["draft"]),
            (labels["date"], "date", snapshot["date"]),
            (labels["prepared_for"], "text", _join(recipient, "name", "position")),
            (labels["prepared_by"], "text", _join(author, "name", "position")),
            ("", "text", snapshot["company"]["name"]),
            ("", "text", _join(author, "email", "phone")),
            ("", "text", snapshot["previous"].get("text")),
        ]
        return [triple for triple in triples if triple[2]]

    def _write_figures(self, sheet, row):
        """Write the figures; return the row below."""
        formats = self.formats
        write_cell(sheet, row, 0, "text", self.labels["key_figures"], formats.heading)
        for figure in self.snapshot["figures"]:
            row += 1
            cell_format = self._get_figure_format(figure)
            write_cell(sheet, row, 0, "text", figure["label"], formats.cell["text"])
            write_cell(sheet, row, 1, "number", figure["value"], cell_format)
        return row + 1

    def _get_figure_format(self, figure):
        kind = figure["kind"]
        if kind == "amount":
            return self.formats.cell["amount"]
        number_format = "#,##0.0#" if kind == "hours" else "#,##0.0"
        if kind == "count" or (kind == "days" and figure["value"] % 1 == 0):
            number_format = "#,##0"
        return self.formats.with_unit(number_format, self.labels.get(f"{kind}_unit"))

    def _write_sections(self, sheet, row):
        """Write the statistics by section.

        Return the row below, and the rows of the sections, for the chart.
        """
        labels, sections = self.labels, self.snapshot["statistics"]["sections"]
        columns = {
            "label": Column(labels["section"]),
            "count": Column(labels["count"], "integer"),
            "amount": Column(labels["worth"], "amount"),
            "hours": Column(labels["hours"], "hours"),
            "days": Column(labels["days"], "days"),
        }
        if not self.show_amounts:
            del columns["amount"]
        total = {**self.snapshot["total"], "label": labels["total"]}
        write_cell(sheet, row, 0, "text", labels["by_section"], self.formats.heading)
        return self._write_range(
            sheet,
            row + 1,
            list(columns.values()),
            [[line[key] for key in columns] for line in sections],
            [total[key] for key in columns],
        )

    def _write_years(self, sheet, row):
        """Write the statistics by year; return as :meth:`_write_sections`."""
        labels, statistics = self.labels, self.snapshot["statistics"]
        years, measure = statistics["years"], statistics["measure"]
        if not years:
            return row, range(0)
        total = self.snapshot["total"]
        columns = [Column(labels["year"], "year"), Column(labels["count"], "integer")]
        rows = [[year["year"], year["count"]] for year in years]
        totals = [labels["total"], total["count"]]
        if self.show_amounts:
            columns.append(Column(labels["worth"], "amount"))
            totals.append(total["amount"])
            for values, year in zip(rows, years, strict=True):
                values.append(year["amount"])
        for section in statistics["sections"]:
            kind = "amount" if measure == "amount" else "integer"
            columns.append(Column(section["label"], kind))
            totals.append(section[measure])
            for values, year in zip(rows, years, strict=True):
                values.append(year["by_section"].get(section["code"], 0))
        write_cell(sheet, row, 0, "text", labels["by_year"], self.formats.heading)
        return self._write_range(sheet, row + 1, columns, rows, totals)

    def _write_range(self, sheet, row, columns, rows, totals):
        """Write a header, rows and totals as plain cells.

        Return the row below, and the range of ``rows``' row numbers.
        """
        end = row + 1 + len(rows)
        labels = [(column.label, _FIGURE_WIDTH) for column in columns]
        sheet.set_row(row, row_height(labels))
        for col, (label, kind, *_) in enumerate(columns):
            cell_formats = self.formats.cell if col else self.formats.left
            header = self.formats.header_right if col else self.formats.header
            write_cell(sheet, row, col, "text", label, header)
            for index, values in enumerate(rows, start=row + 1):
                write_cell(sheet, index, col, kind, values[col], cell_formats[kind])
            write_cell(sheet, end, col, kind, totals[col], self.formats.total[kind])
        return end + 1, range(row + 1, end)

    def _insert_chart(self, sheet, row, data_rows, columns, title):
        """Insert stacked columns: one for each data row, one layer for each column."""
        chart = self.workbook.add_chart({"type": "column", "subtype": "stacked"})
        first, last = data_rows[0], data_rows[-1]
        for index, col in enumerate(columns):
            chart.add_series(
                {
                    "name": [sheet.name, first - 1, col],
                    "categories": [sheet.name, first, 0, last, 0],
                    "values": [sheet.name, first, col, last, col],
                    "fill": {"color": _COLOURS[index % len(_COLOURS)]},
                    "gap": 60,
                }
            )
        measure = self.snapshot["statistics"]["measure"]
        name = self.labels["worth" if measure == "amount" else "count"]
        chart.set_title({"name": one_line(title), "name_font": {"size": 12}})
        chart.set_y_axis({"name": one_line(name), "num_format": "#,##0"})
        chart.set_legend({"position": "bottom"} if len(columns) > 1 else {"none": True})
        chart.set_size({"width": 800, "height": 320})
        sheet.insert_chart(row, 0, chart)

    def _add_projects(self):
        labels, projects = self.labels, self.snapshot["projects"]
        columns = {
            "name": Column(labels["project"], "long"),
            "contact": Column(labels["contact"], "long", 30),
            "manager": Column(labels["manager"], "long", 30),
            "from": Column(labels["from"], "date"),
            "to": Column(labels["to"], "date"),
        }
        totals = {}
        if self.show_amounts:
            totals[len(columns)] = projects["total"]
            columns["price"] = Column(labels["price"], "amount")
        self._add_table_sheet(
            labels["projects"],
            list(columns.values()),
            [[line[key] or None for key in columns] for line in projects["lines"]],
            totals,
            labels["no_projects"],
        )

    def _add_contacts(self):
        labels = self.labels
        columns = {
            "name": Column(labels["contact"], "long"),
            "position": Column(labels["position"], "long"),
            "from": Column(labels["from"], "date"),
            "to": Column(labels["to"], "date"),
            "projects": Column(labels["projects"], "integer"),
        }
        lines = [
            {**line, "to": labels["today"]} if line["current"] else line
            for line in self.snapshot["contacts"]
        ]
        self._add_table_sheet(
            labels["contacts"],
            list(columns.values()),
            [[line[key] for key in columns] for line in lines],
        )

    def _add_section(self, section):
        self._add_entries_sheet(
            section["label"],
            [_flatten(line) for line in section["lines"]],
            section["subtotal"],
            section["empty_text"],
        )

    def _add_all_entries(self):
        self._add_entries_sheet(
            self.labels["entries"],
            [
                _flatten(line, section["label"])
                for section in self.snapshot["sections"]
                for line in section["lines"]
            ],
            self.snapshot["total"],
        )

    def _add_entries_sheet(self, name, lines, total, empty_text=""):
        """Add a sheet of entries; columns with nothing in them are left out.

        :param lines: dicts from label code to value
        :param total: the sums, as a section's subtotal
        """
        columns = {
            code: Column(self.labels[code], kind, width)
            for code, kind, width in _ENTRY_COLUMNS
            if code in ("date", "what") or any(line[code] for line in lines)
        }
        if not self.show_amounts:
            for code in ("worth", "original", "currency"):
                columns.pop(code, None)
        sums = {"hours": "hours", "days": "days", "worth": "amount"}
        self._add_table_sheet(
            name,
            list(columns.values()),
            [[line[code] or None for code in columns] for line in lines],
            {i: total[sums[code]] for i, code in enumerate(columns) if code in sums},
            empty_text,
        )

    def _add_evidence(self):
        labels = self.labels
        columns = {
            "file": Column(labels["file"], "long"),
            "date": Column(labels["date"], "date"),
            "what": Column(labels["what"], "long"),
        }
        self._add_table_sheet(
            labels["evidence"],
            list(columns.values()),
            [[line[key] for key in columns] for line in self.snapshot["evidence"]],
        )

    # Parts of sheets

    def _add_sheet(self, name):
        """Add a sheet that prints on A4 pages across, with page numbers."""
        sheet = self.workbook.add_worksheet(sheet_name(name, self.sheet_names))
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.75, bottom=0.75)
        snapshot, labels = self.snapshot, self.labels
        client = _header_text(snapshot["client"]["name"], 60)
        number = _header_text(snapshot["number"] or labels["draft"], 20)
        page, of = _header_text(labels["page"], 15), _header_text(labels["of"], 10)
        sheet.set_header(f"&L{_header_text(sheet.name, MAX_SHEET_NAME)}")
        sheet.set_footer(f"&L{client} · {number}&R{page} &P {of} &N")
        if self.snapshot["locale"]["direction"] == "rtl":
            sheet.right_to_left()
        return sheet

    def _add_table_sheet(self, name, columns, rows, totals=None, empty_text=""):
        """Add a sheet with an Excel table, or with ``empty_text`` without rows.

        :param columns: list of Column
        :param rows: lists of values, one for each column; dates are ISO strings
        :param totals: dict from column index to its sum; None or {}: no total row
        """
        sheet = self._add_sheet(name)
        if not rows:
            write_cell(sheet, 0, 0, "text", name, self.formats.heading)
            write_cell(sheet, 1, 0, "text", empty_text, self.formats.cell["text"])
            return
        totals = totals or {}
        last_row, last_col = len(rows) + bool(totals), len(columns) - 1
        labels = _unique_labels(columns)
        widths = [
            _fit_width(label, column, [*values, totals.get(col)])
            for col, (label, column, values) in enumerate(
                zip(labels, columns, zip(*rows, strict=True), strict=True)
            )
        ]
        header, options = self.formats.header, []
        for col, label in enumerate(labels):
            sheet.set_column(col, col, widths[col])
            option = {"header": label, "header_format": header}
            if col in totals:
                option["total_function"] = "sum"
            elif totals and col == 0:
                option["total_string"] = cell_text(self.labels["total"])
            options.append(option)
        table = {
            "columns": options,
            "total_row": bool(totals),
            "style": "Table Style Light 15",
        }
        sheet.add_table(0, 0, last_row, last_col, table)
        sheet.set_row(0, header_height(labels, widths))
        for row, values in enumerate(rows, start=1):
            long_texts = []
            for col, (_label, kind, *_) in enumerate(columns):
                value = values[col]
                write_cell(sheet, row, col, kind, value, self.formats.cell[kind])
                if kind == "long" and value:
                    long_texts.append((value, widths[col]))
            if long_texts:
                sheet.set_row(row, row_height(long_texts))
        if totals:
            self._write_totals(sheet, last_row, columns, totals)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)

    def _write_totals(self, sheet, row, columns, totals):
        """Write a table's last row, with the sums' values for readers that do not
        compute. Plain ranges, as names of columns may be more than some can read."""
        for col, column in enumerate(columns):
            cell_format = self.formats.total[column.kind]
            if col in totals:
                cells = xl_range(1, col, row - 1, col)
                sheet.write_formula(
                    row,
                    col,
                    f"=SUBTOTAL(109,{cells})",
                    cell_format,
                    float(totals[col]),
                )
            else:
                text = "" if col else self.labels["total"]
                write_cell(sheet, row, col, "text", text, cell_format)


def _fit_width(label, column, values):
    """Return a column's width in characters, for its header and its values."""
    if column.kind in ("text", "long", "code"):
        lines = [line for value in values for line in str(value or "").split("\n")]
        longest = max(len(line) for line in lines)
    elif column.kind == "date":
        longest = 10
    else:
        longest = max(len(f"{value or 0:,.2f}") for value in values)
        longest += 4 * (column.kind == "amount")  # for the symbol
    header = max((len(word) for word in label.split()), default=0) + FILTER_WIDTH
    return min(max(longest + 2, header, 8), column.width or 50)


def _flatten(line, section=""):
    """Return a line of a section as a dict from label code to value."""
    original = line["original"]
    return {
        **line,
        "section": section,
        "worth": line["amount"],
        "original": original.get("amount"),
        "currency": original.get("code"),
    }


def _header_text(text, limit):
    """Return text for a page's header or footer (which has 255 characters in all)."""
    return cut_text(one_line(text), limit).replace("&", "&&")


def _join(record, *keys):
    return ", ".join(record[key] for key in keys if record.get(key))


def _unique_labels(columns):
    """Return the columns' labels; where two are the same a number is added."""
    seen, labels = set(), []
    for column in columns:
        base = label = cut_text(one_line(column.label), 200) or "-"
        number = 1
        while label.lower() in seen:
            number += 1
            label = f"{base} ({number})"
        seen.add(label.lower())
        labels.append(label)
    return labels
