"""Large exports: any number of rows in constant memory, written with xlsxwriter."""

import datetime
import tempfile

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

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
        self._locale = locale
        self._names = set()
        self._sheet = None
        # The rows wait here until the end: one folder that is surely removed.
        self._folder = tempfile.TemporaryDirectory()
        self._workbook = xlsxwriter.Workbook(
            target,
            {
                "constant_memory": True,
                "tmpdir": self._folder.name,
                "use_zip64": True,  # which zipfile does for huge files only
                **PLAIN_TEXT,
            },
        )
        self._workbook.set_properties({"title": one_line(title)})
        self._formats = Formats(self._workbook, locale, currency)

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc, traceback):
        if exc_type is None:
            self.close()
        else:
            self._folder.cleanup()

    def add_sheet(self, title, columns, total_label=""):
        """Start a sheet; the rows that follow are its rows.

        :param columns: list of Column
        :param total_label: word for a last row with the sums of the columns of kind
            amount, hours, days and integer; "" for no such row
        """
        if self._sheet:
            self._sheet.finish()
        worksheet = self._workbook.add_worksheet(sheet_name(title, self._names))
        if self._locale["direction"] == "rtl":
            worksheet.right_to_left()
        self._sheet = _Sheet(worksheet, self._formats, title, columns, total_label)

    def write_rows(self, rows):
        """Append rows to the sheet; where it is full, go on in a further one.

        :param rows: iterable of sequences of values in the order of the columns:
            str for text, ``datetime.date`` for dates, else int or float; None, False
            and "" leave the cell empty
        :raise ValueError: NaN or an infinite number
        """
        sheet = self._sheet
        for values in rows:
            if sheet.count == self.MAX_ROWS - 1 - bool(sheet.total_label):
                self.add_sheet(sheet.title, sheet.columns, sheet.total_label)
                sheet = self._sheet
            sheet.add_row(values)

    def close(self):
        """Write the file."""
        with self._folder:
            if self._sheet:
                self._sheet.finish()
            self._workbook.close()


class _Sheet:
    """A sheet that is being written from top to bottom."""

    def __init__(self, worksheet, formats, title, columns, total_label):
        self.title = title
        self.columns = columns
        self.total_label = total_label
        self.count = 0
        self._worksheet = worksheet
        self._write_string = worksheet.write_string
        self._write_number = worksheet.write_number
        self._sums = [0] * len(columns)
        # Looked up once, not for each cell.
        self._cells = [
            (col, formats.cell[column.kind]) for col, column in enumerate(columns)
        ]
        self._total_formats = [formats.total[column.kind] for column in columns]
        worksheet.set_landscape()
        worksheet.set_paper(9)
        worksheet.fit_to_pages(1, 0)
        worksheet.repeat_rows(0)
        worksheet.freeze_panes(1, 0)
        widths = [
            column.width or _DEFAULT_WIDTHS.get(column.kind, 12) for column in columns
        ]
        labels = [column.label for column in columns]
        worksheet.set_row(0, header_height(labels, widths))
        for col, (label, width) in enumerate(zip(labels, widths, strict=True)):
            worksheet.set_column(col, col, width)
            write_cell(worksheet, 0, col, "text", label, formats.header)

    def add_row(self, values):
        self.count = row = self.count + 1
        write_string, write_number = self._write_string, self._write_number
        for (col, cell_format), value in zip(self._cells, values, strict=True):
            if value is None or value is False or value == "":
                continue
            if isinstance(value, datetime.date):
                value = date_serial(value) or value.isoformat()[:10]
                if isinstance(value, int):
                    write_number(row, col, value, cell_format)
                    continue
            if isinstance(value, str):
                write_string(row, col, cell_text(value), cell_format)
            else:
                try:
                    write_number(row, col, value, cell_format)
                except TypeError as error:
                    raise ValueError(
                        f"{value} is not a number that a cell can hold"
                    ) from error
                self._sums[col] += value

    def finish(self):
        """Add what comes below the last row, and the filter above all rows."""
        worksheet = self._worksheet
        last_row = max(self.count, 1)
        worksheet.autofilter(0, 0, last_row, len(self.columns) - 1)
        if not self.total_label:
            return
        row = self.count + 1
        for col, column in enumerate(self.columns):
            cell_format = self._total_formats[col]
            if column.kind in _SUMMED_KINDS:
                letter = xl_col_to_name(col)
                worksheet.write_formula(
                    row,
                    col,
                    f"=SUBTOTAL(109,{letter}2:{letter}{last_row + 1})",
                    cell_format,
                    self._sums[col],
                )
            else:
                label = "" if col else self.total_label
                write_cell(worksheet, row, col, "text", label, cell_format)
