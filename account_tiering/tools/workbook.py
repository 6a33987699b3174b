"""Workbooks of reviews and tier lists.

What a user typed stays text: no cell becomes a formula or a link. Rows are written as
they come, in constant memory.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import BinaryIO, NamedTuple

import xlsxwriter

MAX_TEXT = 32_767  # Excel's limit for a cell
MAX_ROWS = 1_048_576  # of a sheet
MAX_SHEET_NAME = 31

_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_FORMATS = {
    "text": "@",
    "amount": "#,##0.00",
    "percent": "0.00",
    "hours": "#,##0.0#",
    "integer": "#,##0",
}
_DATE_DIRECTIVES = {"%d": "dd", "%m": "mm", "%Y": "yyyy", "%y": "yy"}
_HEADER = {
    "bold": True,
    "text_wrap": True,
    "valign": "vcenter",
    "bg_color": "#875a7b",
    "font_color": "#ffffff",
}


class Column(NamedTuple):
    """A column of a sheet.

    :param label: the header
    :param kind: ``text``, ``date``, ``amount``, ``percent`` (a number from 0 to 100),
        ``hours`` or ``integer``
    :param width: in characters
    """

    label: str
    kind: str = "text"
    width: float = 14


class Sheet(NamedTuple):
    """A sheet.

    :param title: its name, cut and cleaned as Excel wants it
    :param columns: list of Column
    :param rows: iterable of sequences of values: str, ``datetime.date``, int, float;
        None, False and "" leave a cell empty
    """

    title: str
    columns: list[Column]
    rows: Iterable


def write_workbook(
    target: str | BinaryIO, sheets: Iterable[Sheet], date_format: str = "%Y-%m-%d"
) -> None:
    """Write a workbook with these sheets.

    :param target: path, or binary file object
    :param date_format: as in Odoo's languages (%d, %m, %Y, %y); ISO for any other
    :raises ValueError: with more rows than a sheet holds
    """
    workbook = xlsxwriter.Workbook(target, _OPTIONS)
    formats = {
        kind: workbook.add_format({"num_format": code, "valign": "top"})
        for kind, code in _FORMATS.items()
    }
    formats["date"] = workbook.add_format(
        {"num_format": _excel_date_format(date_format), "align": "left"}
    )
    header = workbook.add_format(_HEADER)
    taken = set()
    for title, columns, rows in sheets:
        sheet = workbook.add_worksheet(_sheet_name(title, taken))
        sheet.freeze_panes(1, 0)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        for col, column in enumerate(columns):
            sheet.set_column(col, col, column.width)
        for col, column in enumerate(columns):
            sheet.write_string(0, col, column.label, header)
        row = 0
        for row, values in enumerate(rows, 1):
            if row >= MAX_ROWS:
                raise ValueError("A sheet does not hold so many rows.")
            for col, (value, column) in enumerate(zip(values, columns, strict=True)):
                _write_cell(sheet, row, col, value, formats[column.kind])
        sheet.autofilter(0, 0, max(row, 1), len(columns) - 1)
    workbook.close()


def _write_cell(sheet, row, col, value, cell_format):
    if value is None or value is False or value == "":
        return
    if isinstance(value, str):
        sheet.write_string(row, col, _cell_text(value), cell_format)
    elif isinstance(value, date):
        sheet.write_datetime(row, col, value, cell_format)
    else:
        sheet.write_number(row, col, value, cell_format)


def _cell_text(text):
    """Return text that a cell can hold: Excel counts in units of UTF-16."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "  # xlsxwriter would take it for its own rich text
    units = text.encode("utf-16-le")
    if len(units) > MAX_TEXT * 2:
        text = units[: MAX_TEXT * 2 - 2].decode("utf-16-le", "ignore") + "…"
    return text


def _sheet_name(title, taken):
    """Return a name that Excel accepts for a sheet, and add it to ``taken``."""
    base = re.sub(r"[\[\]:*?/\\\x00-\x1f]", "-", title).strip(" '") or "Sheet"
    number, suffix = 1, ""
    while True:
        name = base[: MAX_SHEET_NAME - len(suffix)].rstrip(" '") + suffix
        if name.lower() not in taken | {"history"}:
            taken.add(name.lower())
            return name
        number += 1
        suffix = f" ({number})"


def _excel_date_format(date_format):
    parts = re.split("(%.)", date_format)
    if not set(parts[1::2]) <= set(_DATE_DIRECTIVES):
        return "yyyy-mm-dd"
    return "".join(_DATE_DIRECTIVES.get(part, part) for part in parts)
