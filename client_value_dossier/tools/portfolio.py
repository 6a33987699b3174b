"""Large exports: any number of rows in constant memory.

xlsxwriter makes the workbook: styles, headers, filters, page set-up. The rows are
written here, as they come, to a temporary file, and take their place in the finished
workbook: a quarter of the time that a call of xlsxwriter for each cell takes.
"""

import datetime
import io
import math
import re
import shutil
import tempfile
import zipfile

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from .xlsx import (
    PLAIN_TEXT,
    Formats,
    cell_text,
    date_serial,
    header_height,
    one_line,
    sheet_name,
    write_cell,
)

_DEFAULT_WIDTHS = {"long": 50, "text": 24, "amount": 16}
_SUMMED_KINDS = ("amount", "hours", "days", "integer")
_CHUNK = 500  # rows that are written to the temporary file at a time
_ZIP64_FROM = 2_000_000_000  # bytes; Excel grumbles about ZIP64 where it is needless

# What XML cannot hold is written as _x0007_, and so that notation itself.
_SPECIAL = re.compile("[&<>\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class PortfolioWriter:
    """Writes a large export row by row.

    ::

        with PortfolioWriter(path, locale, currency) as writer:
            writer.add_sheet("Entries", [Column("Date", "date", 12), ...])
            writer.write_rows(rows)

    The file is written at the end, by :meth:`close`, or not at all after an error.

    :param target: path of the file to write, or a binary file object
    :param locale: as in a snapshot; its date format and direction are used
    :param currency: as in a snapshot, for columns of kind ``amount``; None for
        amounts with two decimals and no symbol
    :param title: the document's title, a property of the file
    """

    MAX_ROWS = 1_048_576  # of a sheet, with header and totals

    def __init__(self, target, locale, currency=None, title=""):
        self._target = target
        self._locale = locale
        self._currency = currency
        self._title = title
        self._names = set()
        self._sheets = []

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc, traceback):
        if exc_type is None:
            self.close()
        else:
            self._discard()

    def add_sheet(self, title, columns, total_label=""):
        """Start a sheet; the rows that follow are its rows.

        :param columns: list of Column
        :param total_label: word for a last row with the sums of the columns of kind
            amount, hours, days and integer; "" for no such row
        """
        self._sheets.append(
            _Sheet(title, sheet_name(title, self._names), columns, total_label)
        )
        # Which number a style has in the workbook shows when one has been written.
        xml = self._build_frame().read(f"xl/worksheets/sheet{len(self._sheets)}.xml")
        self._sheets[-1].read_styles(xml)

    def write_rows(self, rows):
        """Append rows to the sheet; where it is full, go on in a further one.

        :param rows: iterable of sequences of values in the order of the columns:
            str for text, ``datetime.date`` for dates, else int or float; None, False
            and "" leave the cell empty. One more value that is true marks the row:
            its cells in the columns with ``alert`` are coloured
        :raise ValueError: NaN or an infinite number
        """
        sheet = self._sheets[-1]
        for values in rows:
            if sheet.count == self.MAX_ROWS - 1 - bool(sheet.total_label):
                self.add_sheet(sheet.title, sheet.columns, sheet.total_label)
                sheet = self._sheets[-1]
            sheet.add_row(values)

    def close(self):
        """Write the file."""
        # Level 3 takes half the time of the usual 6, for a file a tenth larger.
        with (
            self._build_frame() as frame,
            zipfile.ZipFile(
                self._target, "w", zipfile.ZIP_DEFLATED, compresslevel=3
            ) as archive,
        ):
            sheets = {
                f"xl/worksheets/sheet{number}.xml": sheet
                for number, sheet in enumerate(self._sheets, start=1)
            }
            for name in frame.namelist():
                content = frame.read(name)
                sheet = sheets.get(name)
                size = sheet.get_size() if sheet else len(content)
                with archive.open(name, "w", force_zip64=size > _ZIP64_FROM) as part:
                    if sheet:
                        sheet.copy_to(part, content)
                    else:
                        part.write(content)
        self._discard()

    def _discard(self):
        for sheet in self._sheets:
            sheet.data.close()

    def _build_frame(self):
        """Return the workbook without its rows, an open ZipFile.

        The second row of each sheet has an empty cell for each column, in the style
        of the column, the third in the style of its total, the fourth in that of marked
        rows.
        """
        buffer = io.BytesIO()
        workbook = xlsxwriter.Workbook(buffer, {"in_memory": True, **PLAIN_TEXT})
        workbook.set_properties({"title": one_line(self._title)})
        formats = Formats(workbook, self._locale, self._currency)
        for sheet in self._sheets:
            worksheet = workbook.add_worksheet(sheet.name)
            worksheet.set_landscape()
            worksheet.set_paper(9)
            worksheet.fit_to_pages(1, 0)
            worksheet.repeat_rows(0)
            worksheet.freeze_panes(1, 0)
            worksheet.autofilter(0, 0, max(sheet.count, 1), len(sheet.columns) - 1)
            if self._locale["direction"] == "rtl":
                worksheet.right_to_left()
            widths = [
                column.width or _DEFAULT_WIDTHS.get(column.kind, 12)
                for column in sheet.columns
            ]
            labels = [column.label for column in sheet.columns]
            worksheet.set_row(0, header_height(labels, widths))
            for col, (label, kind, _width, alert) in enumerate(sheet.columns):
                worksheet.set_column(col, col, widths[col])
                write_cell(worksheet, 0, col, "text", label, formats.header)
                marked = formats.alert if alert else formats.cell
                for row, styles in enumerate((formats.cell, formats.total, marked), 1):
                    worksheet.write_blank(row, col, None, styles[kind])
        workbook.close()
        return zipfile.ZipFile(buffer)


class _Sheet:
    """A sheet's description, and its rows as XML in a temporary file."""

    def __init__(self, title, name, columns, total_label):
        self.title = title
        self.name = name
        self.columns = columns
        self.total_label = total_label
        self.count = 0
        self.data = tempfile.TemporaryFile()
        self._sums = [0] * len(columns)
        self._cells = self._totals = self._marked = ()
        self._parts = []

    def read_styles(self, xml):
        """Find out how the cells of each column begin, from the sheet in a frame."""
        styles = dict(re.findall(rb'<c r="([A-Z]+[2-4])" s="(\d+)"/>', xml))
        self._cells, self._totals, self._marked = (
            [
                (
                    f'<c r="{xl_col_to_name(col)}',
                    f'" s="{styles[xl_rowcol_to_cell(row, col).encode()].decode()}"',
                )
                for col in range(len(self.columns))
            ]
            for row in (1, 2, 3)
        )

    def add_row(self, values):
        self.count += 1
        row = self.count + 1
        parts = self._parts
        parts.append(f'<row r="{row}">')
        is_marked = len(values) > len(self._cells) and values[-1]
        for col, (start, style) in enumerate(
            self._marked if is_marked else self._cells
        ):
            value = values[col]
            if value is None or value is False or value == "":
                continue
            if isinstance(value, datetime.date):
                value = date_serial(value) or value.isoformat()[:10]
            elif not isinstance(value, str):
                self._sums[col] += value
            parts.append(f"{start}{row}{style}{_cell_content(value)}")
        parts.append("</row>")
        if self.count % _CHUNK == 0:
            self._flush()

    def _flush(self):
        self.data.write("".join(self._parts).encode())
        self._parts.clear()

    def get_size(self):
        """Return how many bytes the rows take."""
        self._flush()
        return self.data.tell()

    def copy_to(self, part, xml):
        """Write the sheet's XML from the frame, with the rows in their place.

        :param part: binary file object
        :param xml: bytes
        """
        self._add_totals()
        self._flush()
        end = xl_rowcol_to_cell(
            self.count + bool(self.total_label), len(self.columns) - 1
        )
        head, _, tail = xml.partition(b'<row r="2"')
        part.write(
            re.sub(
                rb'<dimension ref="[^"]*"/>',
                f'<dimension ref="A1:{end}"/>'.encode(),
                head,
            )
        )
        self.data.seek(0)
        shutil.copyfileobj(self.data, part, 1 << 20)
        part.write(tail[tail.index(b"</sheetData>") :])

    def _add_totals(self):
        if not self.total_label:
            return
        row = self.count + 2
        self._parts.append(f'<row r="{row}">')
        for col, (start, style) in enumerate(self._totals):
            self._parts.append(f"{start}{row}{style}")
            if self.columns[col].kind in _SUMMED_KINDS:
                letter = xl_col_to_name(col)
                self._parts.append(
                    f"><f>SUBTOTAL(109,{letter}2:{letter}{max(row - 1, 2)})</f>"
                    f"<v>{self._sums[col]:.16g}</v></c>"
                )
            else:
                self._parts.append("/>" if col else _cell_content(self.total_label))
        self._parts.append("</row>")


def _cell_content(value):
    """Return the rest of a cell's XML, after its style: text or a number."""
    if isinstance(value, str):
        text = cell_text(value)
        if _SPECIAL.search(text):
            text = _SPECIAL.sub(_escape, text)
        return f' t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a number that a cell can hold")
    return f"><v>{value:.16g}</v></c>"


def _escape(match):
    char = match[0]
    return _ENTITIES.get(char) or f"_x{ord(char):04X}_"
