"""What the workbook of a dossier and the large exports have in common.

Cells, formats and names as Excel wants them. What a user typed stays text: no cell
becomes a formula or a link.
"""

import datetime
import math
import re
from typing import NamedTuple

# Excel's limits; it counts text in units of UTF-16.
MAX_TEXT = 32_767
MAX_SHEET_NAME = 31
FILTER_WIDTH = 3  # letters whose place a filter's button takes

# Options of xlsxwriter's workbooks.
PLAIN_TEXT = {
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_NUMBER_FORMATS = {
    "days": "General",
    "hours": "#,##0.0#",
    "integer": "#,##0",
    "number": "#,##0.00",
    "percent": "0.0%",
    "year": "0",
}
_DATE_DIRECTIVES = {"%d": "dd", "%m": "mm", "%Y": "yyyy", "%y": "yy"}
_DAY_ZERO = datetime.date(1899, 12, 30).toordinal()
_LEAP_DAY = 60  # Excel believes in 29 February 1900
_LINE_HEIGHT, _MAX_HEIGHT = 15, 409  # points
_DEFAULT_COLOUR = "#875a7b"
_ALERT = {"bg_color": "#f8d7da", "font_color": "#842029"}


class Column(NamedTuple):
    """A column of a sheet.

    :param label: the header
    :param kind: ``text``, ``long`` (wrapped text), ``code`` (centred text), ``date``,
        ``amount``, ``number`` (two decimals), ``hours``, ``days``, ``integer``,
        ``percent`` (1 is 100 %) or ``year``
    :param width: in characters: of the column in a large export, at most that in a
        dossier, where columns fit their contents; None leaves it to the writer
    :param alert: in a large export, whether its cells are coloured in marked rows
    """

    label: str
    kind: str = "text"
    width: float | None = None
    alert: bool = False


class Formats:
    """The cell formats of one workbook.

    ``cell``, ``left``, ``alert`` and ``total`` are dicts from a column's kind to the
    format of usual cells, of cells aligned to the left, of coloured cells, and of sums.

    :param workbook: an ``xlsxwriter.Workbook``
    :param locale: as in a snapshot; its date format is used
    :param currency: as in a snapshot, for the kind ``amount``; None for amounts with
        two decimals and no symbol
    :param colour: of titles and headers, "#rrggbb"; anything else gives our own
    """

    def __init__(self, workbook, locale, currency=None, colour=_DEFAULT_COLOUR):
        self._workbook = workbook
        if not re.fullmatch("#[0-9a-fA-F]{6}", colour or ""):
            colour = _DEFAULT_COLOUR
        number_formats = {
            "text": "@",
            "code": "@",
            "long": "General",  # some Excels cannot show much text in text cells
            "date": _excel_date_format(locale["date_format"]),
            "amount": _excel_amount_format(currency),
            **_NUMBER_FORMATS,
        }
        self.cell, self.left, self.alert, self.total = {}, {}, {}, {}
        for kind, number_format in number_formats.items():
            options = {"num_format": number_format, "valign": "top"}
            own = {
                "long": {"text_wrap": True},
                "date": {"align": "left"},
                "code": {"align": "center"},
            }
            self.cell[kind] = workbook.add_format(options | own.get(kind, {}))
            self.left[kind] = workbook.add_format(options | {"align": "left"})
            self.alert[kind] = workbook.add_format(options | _ALERT)
            self.total[kind] = workbook.add_format(options | {"bold": True, "top": 1})
        self.title = workbook.add_format(
            {"bold": True, "font_size": 18, "font_color": colour}
        )
        self.heading = workbook.add_format(
            {"bold": True, "font_size": 12, "font_color": colour}
        )
        self.bold = workbook.add_format({"bold": True, "valign": "top"})
        self.note = workbook.add_format({"italic": True})
        header = {
            "bold": True,
            "text_wrap": True,
            "valign": "vcenter",
            "bg_color": colour,
            "font_color": "#000000" if _is_light(colour) else "#ffffff",
        }
        self.header = workbook.add_format(header)
        self.header_right = workbook.add_format(header | {"align": "right"})

    def with_unit(self, number_format, unit):
        """Return the format of a number that is followed by a unit (or by "")."""
        if unit:
            number_format += _quote(f"\u00a0{unit}")
        return self._workbook.add_format({"num_format": number_format})


def write_cell(sheet, row, col, kind, value, cell_format):
    """Write a value as a typed cell.

    :param value: text; an ISO date, where any other text stays text; a number; None
        and "" write an empty cell
    """
    if value is None or value == "":
        sheet.write_blank(row, col, None, cell_format)
        return
    if kind == "date":
        value = _parse_date(value)
    if isinstance(value, str):
        sheet.write_string(row, col, cell_text(value), cell_format)
    else:
        sheet.write_number(row, col, value, cell_format)


def row_height(texts):
    """Return the height in points that a row needs for its wrapped texts.

    Excel finds it itself, LibreOffice does not.

    :param texts: iterable of (text, width of its column in characters); there is at
        least one
    """
    lines = max(
        sum(_count_lines(len(line), width) for line in text.split("\n"))
        for text, width in texts
    )
    return min(lines * _LINE_HEIGHT, _MAX_HEIGHT)


def _count_lines(length, width):
    # Breaking between words wastes about a tenth of each line.
    return 1 if length < width else math.ceil(length / (width * 0.9))


def header_height(labels, widths):
    """Return the height in points of a header whose cells have filter buttons."""
    return row_height(
        (label, max(width - FILTER_WIDTH, 5))
        for label, width in zip(labels, widths, strict=True)
    )


def _parse_date(text):
    """Return the serial number of an ISO date, or the text if it has none."""
    try:
        return date_serial(datetime.date.fromisoformat(text)) or text
    except ValueError:
        return text


def date_serial(day):
    """Return Excel's number for a day, None before March 1900."""
    serial = day.toordinal() - _DAY_ZERO
    return serial if serial > _LEAP_DAY else None


def cell_text(text):
    """Return text that a cell can hold, cut to Excel's limit."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "  # xlsxwriter would take it for its own rich text
    return cut_text(text, MAX_TEXT)


def cut_text(text, limit):
    """Return text of ``limit`` UTF-16 units at most; what was cut ends in "…"."""
    if len(text) * 2 <= limit:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= limit * 2:
        return text
    return units[: limit * 2 - 2].decode("utf-16-le", "ignore") + "…"


def one_line(text):
    """Return text without line breaks and other control characters."""
    return re.sub("[\x00-\x20\x7f\ufffe\uffff]+", " ", text or "").strip()


def sheet_name(title, taken):
    """Return a name that Excel accepts for a sheet, and add it to ``taken``.

    :param taken: set of the workbook's names so far, in lower case
    """
    base = re.sub(r"[\[\]:*?/\\]", "-", one_line(title)).strip(" '") or "Sheet"
    number, suffix = 1, ""
    while True:
        name = cut_text(base, MAX_SHEET_NAME - len(suffix)).rstrip(" '") + suffix
        # Excel keeps the name History for itself.
        if name.lower() not in taken | {"history"}:
            taken.add(name.lower())
            return name
        number += 1
        suffix = f" ({number})"


def _excel_date_format(date_format):
    """Return Excel's form of a date format (%d, %m, %Y, %y); ISO for any other."""
    parts = re.split("(%.)", date_format)
    if not set(parts[1::2]) <= set(_DATE_DIRECTIVES):
        return "yyyy-mm-dd"
    return "".join(
        _DATE_DIRECTIVES[part]
        if part in _DATE_DIRECTIVES
        else "".join(char if char in " .-/" else f"\\{char}" for char in part)
        for part in parts
    )


def _excel_amount_format(currency):
    if not currency:
        return _NUMBER_FORMATS["number"]
    number = "#,##0"
    if currency["decimals"]:
        number += "." + "0" * currency["decimals"]
    if currency["position"] == "before":
        return _quote(f"{currency['symbol']}\u00a0") + number
    return number + _quote(f"\u00a0{currency['symbol']}")


def _quote(text):
    """Return text as a literal of a number format."""
    return '"{}"'.format(text.replace('"', ""))


def _is_light(colour):
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red * 0.299 + green * 0.587 + blue * 0.114 > 160
