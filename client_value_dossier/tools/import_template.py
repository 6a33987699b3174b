"""The sheet in which people prepare value entries for import (demand D9)."""

import datetime

import xlsxwriter
from xlsxwriter.utility import quote_sheetname, xl_range_abs

from .xlsx import PLAIN_TEXT, cell_text, sheet_name

# Rows prepared with drop-down lists.
PREPARED_ROWS = 2000


def write_import_template(target, columns, title, choices_title):
    """Write an empty sheet with the columns to import.

    :param target: path or binary file object
    :param columns: list of dict with ``label``, ``kind`` (``text`` | ``date`` |
        ``number``), ``width`` (characters), ``help`` and, optionally, ``choices``
        (texts offered in a drop-down list; others may be typed)
    :param title: name of the sheet
    :param choices_title: name of the sheet that holds the choices
    """
    book = xlsxwriter.Workbook(target, {"in_memory": True, **PLAIN_TEXT})
    taken = set()
    sheet = book.add_worksheet(sheet_name(title, taken))
    choices_sheet = book.add_worksheet(sheet_name(choices_title, taken))
    choices_name = quote_sheetname(choices_sheet.get_name())
    head = book.add_format({"bold": True, "bg_color": "#E7E6E6", "bottom": 1})
    formats = {
        "text": book.add_format({"num_format": "@"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        "number": book.add_format({"num_format": "0.00"}),
    }
    sheet.freeze_panes(1, 0)
    for index, column in enumerate(columns):
        sheet.set_column(index, index, column["width"], formats[column["kind"]])
        sheet.write_string(0, index, column["label"], head)
        sheet.write_comment(0, index, column["help"])
        if column["kind"] == "date":
            sheet.data_validation(
                1,
                index,
                PREPARED_ROWS,
                index,
                {
                    "validate": "date",
                    "criteria": ">",
                    "value": datetime.date(1970, 1, 1),
                    "error_type": "warning",
                },
            )
        choices = column.get("choices")
        if not choices:
            continue
        choices_sheet.write_string(0, index, column["label"], head)
        choices_sheet.set_column(index, index, column["width"])
        for row, choice in enumerate(choices, start=1):
            choices_sheet.write_string(row, index, cell_text(choice))
        choice_range = xl_range_abs(1, index, len(choices), index)
        sheet.data_validation(
            1,
            index,
            PREPARED_ROWS,
            index,
            {
                "validate": "list",
                "source": f"={choices_name}!{choice_range}",
                "error_type": "information",
            },
        )
    book.close()
