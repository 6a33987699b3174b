"""The pages of a dossier, made from its snapshot: texts formatted, tables cut.

It needs no Odoo. The QWeb template (``report_dossier_templates.xml``) loops over
what comes out of here and decides nothing itself, so both wkhtmltopdf builds and the
browser show the same pages. The heights are those of the template's style sheet: who
changes a font size, a line height or a padding there changes it here.
"""

import re

from ..tools.paging import count_lines, cut_rows, split_text, text_width

DEFAULT_COLOUR = "#2f4b6e"
# Colours of the sections, far enough apart to be told apart when printed in grey.
SECTION_COLOURS = {
    "concession": "#1f3a5f",
    "benefit": "#4a8fb5",
    "flexibility": "#e3b45c",
    "special": "#a4405c",
}
OTHER_COLOUR = "#7d8590"

PIXELS_PER_MM = 96 / 25.4
# A4 with the margins of our paper format.
WIDTH, HEIGHT = 657, 997
# A row shows so many lines of a description, the rest goes on in the next row.
LINES_PER_ROW = 24
TEXT_WIDTH = 580
FOOTER = 20
HEADING_SPACE = 24
TABLE_SPACE = 6
RUNNING_HEAD = 26
# What is left free at the bottom of a page: the engines round heights differently.
RESERVE = 6
GAP = 10


def brand_colour(colour):
    """Return a usable #rrggbb colour: ours when invalid, darker when too pale."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour or ""):
        return DEFAULT_COLOUR
    channels = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    while _luminance(channels) > 0.18:
        # White paper behind it: a contrast of 4.5 at least.
        channels = [channel * 9 // 10 for channel in channels]
    return "#{:02x}{:02x}{:02x}".format(*channels)


def _luminance(channels):
    """Relative luminance as the WCAG defines it."""
    linear = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in channels)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


class Column:
    """A column of a table: what it is called, how wide and how it is set."""

    def __init__(self, label, width=0, kind=""):
        self.label = label
        self.width = width
        self.kind = kind

    @property
    def inner(self):
        return self.width - GAP


class Table:
    """Rows of cells with their estimated heights."""

    def __init__(self, columns, width):
        self.columns = columns
        used = sum(column.width for column in columns)
        for column in columns:
            if not column.width:
                column.width = width - used
        self.rows = []
        self.heights = []
        self.foot = None
        self.foot_height = 0
        self.kind = ""

    @property
    def head_height(self):
        lines = max(
            count_lines(column.label, column.inner, 9, bold=True)
            for column in self.columns
        )
        return 12 * lines + 8

    def add(self, cells, kind=""):
        """Append a row. A cell is a text or a dict.

        Keys of the dict: ``text``, ``strong`` (bold), ``meta`` and ``more`` (small
        lines below the text), ``swatch`` (a colour), ``bar`` (pieces of a bar).
        """
        height, row = 14, []
        for column, cell in zip(self.columns, cells, strict=True):
            if not isinstance(cell, dict):
                cell = {"text": cell}
            row.append(
                {
                    "kind": column.kind,
                    "text": cell.get("text", ""),
                    "swatch": cell.get("swatch"),
                    "bar": cell.get("bar"),
                    "meta": cell.get("meta"),
                    "more": cell.get("more", ()),
                    "strong": cell.get("strong", False),
                }
            )
            lines = count_lines(
                row[-1]["text"], column.inner, 10, bold=cell.get("strong", False)
            )
            small = count_lines(row[-1]["meta"] or "", column.inner, 9)
            small += sum(count_lines(t, column.inner, 9) for t in row[-1]["more"])
            height = max(height, 14 * lines + 12 * small)
        self.rows.append({"kind": kind, "cells": row})
        self.heights.append(height + 9)

    def add_foot(self, label, values):
        """Set the row of sums: a label over the first columns, then the values."""
        span = len(self.columns) - len(values)
        cells = [{"kind": "", "text": label, "span": span}]
        for column, value in zip(self.columns[span:], values, strict=True):
            cells.append({"kind": column.kind, "text": value, "span": 1})
        self.foot = cells
        self.foot_height = 26

    def part(self, start, stop):
        """Return a run of the rows as a table; the sums follow the last row."""
        rows = self.rows[start:stop]
        foot = self.foot if stop == len(self.rows) else None
        if foot:
            rows[-1] = dict(rows[-1], kind=f"{rows[-1]['kind']} last".strip())
        return {
            "part": "table",
            "kind": self.kind,
            "columns": self.columns,
            "rows": rows,
            "foot": foot,
        }


class DossierLayout:
    """Makes the pages of one dossier.

    :param snapshot: what client.value.dossier keeps (schema 1)
    :param fmt: a SnapshotFormatter for it
    :param width: of the printed area in CSS pixels (1/96 inch)
    :param height: of the printed area; the footer is in it when ``own_footer``
    :param own_footer: the page's footer is part of the page's body
    :param state_text: says that the dossier is cancelled, below the heading
    """

    def __init__(
        self, snapshot, fmt, width=WIDTH, height=HEIGHT, own_footer=False, state_text=""
    ):
        self.snapshot = snapshot
        self.state_text = state_text
        self.fmt = fmt
        self.labels = snapshot["labels"]
        self.money = bool(snapshot["options"].get("show_amounts"))
        self.width = int(width)
        self.room = int(height) - RESERVE - (FOOTER if own_footer else 0)
        self.pages = []
        self.left = 0
        self.number = 0

    # ------------------------------------------------------------------
    # Pages
    # ------------------------------------------------------------------

    def make_pages(self):
        """Return the pages: their parts in the order of the dossier, their number."""
        self._new_page()
        self._add_masthead()
        self._add_paragraphs(self.snapshot.get("introduction"))
        self._add_figures()
        self._add_statistics()
        self._add_contacts()
        self._add_projects()
        for section in self.snapshot["sections"]:
            self._add_section(section)
        self._add_total()
        self._add_closing()
        self._add_evidence()
        return [
            {"parts": parts, "text": self._page_text(number)}
            for number, parts in enumerate(self.pages, start=1)
        ]

    def _page_text(self, number):
        labels = self.labels
        return f"{labels['page']} {number} {labels['of']} {len(self.pages)}"

    def _new_page(self):
        self.pages.append([])
        self.left = self.room

    def _add(self, part, height, keep=0):
        """Put a part on the page, on a new one if it does not fit.

        :param keep: room that what follows needs on the same page
        """
        if self.pages[-1] and height + keep > self.left:
            self._new_page()
        self._put(part, height)

    def _put(self, part, height):
        """Put a part on the page whether it fits or not."""
        if not self.pages[-1] and part["part"] == "heading":
            # The template leaves out the space above it.
            height -= HEADING_SPACE
        self.pages[-1].append(part)
        self.left -= height

    def _add_table(self, table, heading=None, heading_height=0, running=""):
        """Put a table on as many pages as it takes, below its heading."""
        head, tail = table.head_height + TABLE_SPACE, table.foot_height
        room = self.room - RUNNING_HEAD
        runs = cut_rows(table.heights, self.left - heading_height, room, head, tail)
        if runs[0][1] == 0 and self.pages[-1]:
            self._new_page()
            runs = cut_rows(table.heights, self.left - heading_height, room, head, tail)
        if heading:
            self._put(heading, heading_height)
        for index, (start, stop) in enumerate(runs):
            if start == stop:
                continue
            if index:
                self._new_page()
                self._put({"part": "running", "text": running}, RUNNING_HEAD)
            height = head + sum(table.heights[start:stop])
            height += tail if stop == len(table.rows) else 0
            self._put(table.part(start, stop), height)

    def _heading(self, text, hint="", number=False, colour=None, empty=""):
        """Return a heading and its height."""
        if number:
            self.number += 1
        part = {
            "part": "heading",
            "number": str(self.number) if number else "",
            "text": text,
            "hint": hint,
            "colour": colour,
            "empty": empty,
        }
        height = HEADING_SPACE + 8
        # What an empty section says follows its name on the same line.
        line = text + " " + "n" * round(len(empty) * 10 / 15)
        height += 20 * count_lines(line if empty else text, self.width - 50, 15, True)
        height += 14 * count_lines(hint, self.width - 20, 10)
        return part, height

    # ------------------------------------------------------------------
    # First page
    # ------------------------------------------------------------------

    def _add_masthead(self):
        snapshot, labels = self.snapshot, self.labels
        company, client = snapshot["company"], snapshot["client"]
        recipient = snapshot.get("recipient") or {}
        author = snapshot.get("prepared_by") or {}
        contact = [
            ", ".join(company.get("address") or []),
            " · ".join(filter(None, [company.get("phone"), company.get("email")])),
            " · ".join(filter(None, [company.get("website"), company.get("vat")])),
        ]
        contact = [line for line in contact if line]
        address = ", ".join(client.get("address") or [])
        client_lines = [line for line in (address, client.get("vat")) if line]
        facts = [
            (
                labels["prepared_for"],
                recipient.get("name") or client["name"],
                [recipient.get("position")] if recipient.get("name") else [],
            ),
            (
                labels["prepared_by"],
                author.get("name") or company["name"],
                [author.get("position"), author.get("email"), author.get("phone")],
            ),
            (labels["period"], (snapshot.get("period") or {}).get("label", ""), []),
            (
                labels["number"],
                snapshot.get("number") or labels["draft"],
                [self.fmt.date(snapshot.get("date"))],
            ),
        ]
        quarter = self.width // 4
        facts = [
            {
                "label": label,
                "text": text,
                "more": [line for line in more if line],
                "width": quarter,
            }
            for label, text, more in facts
        ]
        part = {
            "part": "masthead",
            "company": company["name"],
            "logo": self._logo(company.get("logo")),
            "contact": contact,
            "title": snapshot["title"],
            "client": client["name"],
            "client_lines": client_lines,
            "purpose": snapshot.get("purpose_label") or "",
            "facts": facts,
            "previous": (snapshot.get("previous") or {}).get("text") or "",
            "state_text": self.state_text,
        }
        lines = sum(count_lines(line, self.width // 2, 9) for line in contact)
        name = count_lines(company["name"], self.width // 2 - 20, 14, bold=True)
        height = max(52 if part["logo"] else 18 * name, 13 * lines) + 13
        height += 30 + 14 + 6
        height += 32 * count_lines(client["name"], self.width, 26, bold=True)
        height += 13 * sum(count_lines(t, self.width, 9) for t in client_lines)
        height += 18 * count_lines(part["purpose"], self.width, 11) + 6
        height += 16 * count_lines(self.state_text, self.width, 11, bold=True)
        inner = quarter - GAP
        height += 18 + max(
            14
            + 14 * count_lines(fact["text"], inner, 10, bold=True)
            + 12 * sum(count_lines(line, inner, 9) for line in fact["more"])
            for fact in facts
        )
        height += 20 * count_lines(part["previous"], self.width, 9)
        self._add(part, height + 12)

    @staticmethod
    def _logo(logo):
        """Return a data URI for a base64 picture, "" if the engines cannot show it."""
        logo = re.sub(r"\s", "", logo or "")
        if not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", logo):
            return ""
        kind = {"i": "png", "/": "jpeg", "R": "gif"}.get(logo[:1])
        return f"data:image/{kind};base64,{logo}" if kind else ""

    def _add_paragraphs(self, paragraphs, keep=0):
        """Running text; a paragraph that does not fit goes on on the next page.

        :param keep: room that the last paragraph leaves for what follows
        """
        measure = min(self.width, TEXT_WIDTH)
        paragraphs = [text for text in paragraphs or [] if text.strip()]
        for index, text in enumerate(paragraphs):
            needed = keep if index == len(paragraphs) - 1 else 0
            lines = count_lines(text, measure, 11)
            height = 17 * lines + 8
            if height + needed > self.left and (lines <= 4 or height <= self.left):
                self._new_page()
            if height <= self.left:
                pieces = [text]
            else:
                if self.left < 4 * 17:
                    self._new_page()
                pieces = split_text(
                    text, measure, 11, self.left // 17 - 1, self.room // 17 - 1
                )
            for piece in pieces:
                lines = count_lines(piece, measure, 11)
                self._add(
                    {"part": "paragraph", "lines": piece.split("\n")}, 17 * lines + 8
                )

    def _add_figures(self):
        figures = self.snapshot.get("figures") or []
        if not figures:
            return
        rows = 1 if len(figures) <= 4 else 2
        per_row = -(-len(figures) // rows)
        width = (self.width + 14) // per_row
        cards = [
            {
                "text": self.fmt.figure(figure),
                "label": figure["label"],
                "code": figure["code"],
                "inner": width - 14,
                "end": "end" if index % per_row == per_row - 1 else None,
            }
            for index, figure in enumerate(figures)
        ]
        widest = max(text_width(card["text"], 1, bold=True) for card in cards)
        size = next((s for s in (21, 18, 15) if widest * s <= width - 14), 12)
        label_lines = max(count_lines(c["label"], width - 14, 9) for c in cards)
        part, height = self._heading(self.labels["key_figures"])
        self._add(part, height, keep=80)
        self._add(
            {
                "part": "figures",
                "size": size,
                "rows": [cards[i : i + per_row] for i in range(0, len(cards), per_row)],
                "per_row": per_row,
            },
            rows * (2 + 7 + 28 + 12 * label_lines + 14),
        )

    # ------------------------------------------------------------------
    # Statistics
    # ------------------------------------------------------------------

    def _add_statistics(self):
        statistics = self.snapshot.get("statistics") or {}
        sections = statistics.get("sections") or []
        years = statistics.get("years") or []
        if not sections or not any(section["count"] for section in sections):
            return
        labels = self.labels
        by_amount = self.money and statistics.get("measure") == "amount"
        columns = self._sum_columns(sections, 100)
        numbers = sum(column.width for column, _values in columns)
        name = 150
        self._add_by_section(sections, columns, name, numbers, by_amount)
        if not years:
            return
        columns = [
            (column, key) for column, key in columns if key in ("count", "amount")
        ]
        numbers = sum(column.width for column, _values in columns)
        table = Table(
            [
                Column(labels["by_year"], name),
                Column("", self.width - name - numbers),
                *(Column(c.label, c.width, c.kind) for c, _key in columns),
            ],
            self.width,
        )
        table.kind = "chart"
        colours = [SECTION_COLOURS.get(s["code"], OTHER_COLOUR) for s in sections]
        totals = [
            [max((y["by_section"].get(s["code"]) or 0.0), 0.0) for s in sections]
            for y in years
        ]
        scale = max((sum(values) for values in totals), default=0.0)
        length = self.width - name - numbers - 2 * GAP
        for year, values in zip(years, totals, strict=True):
            table.add(
                [
                    str(year["year"]),
                    {"bar": _bar(values, colours, scale, length)},
                    *(self._sum(year, key) for _column, key in columns),
                ]
            )
        self._add_table(table, {"part": "space"}, 14)

    def _add_by_section(self, sections, columns, name, numbers, by_amount):
        """The sums of the sections; the coloured squares are the chart's legend."""
        labels = self.labels
        table = Table(
            [
                Column(labels["by_section"], name),
                Column("", self.width - name - numbers),
                *(column for column, _key in columns),
            ],
            self.width,
        )
        table.kind = "chart"
        key = "amount" if by_amount else "count"
        scale = max((s.get(key) or 0.0) for s in sections)
        length = self.width - name - numbers - 2 * GAP
        for section in sections:
            colour = SECTION_COLOURS.get(section["code"], OTHER_COLOUR)
            value = max(section.get(key) or 0.0, 0.0)
            table.add(
                [
                    {"text": section["label"], "swatch": colour},
                    {"bar": _bar([value], [colour], scale, length)},
                    *(self._sum(section, key) for _column, key in columns),
                ]
            )
        part, height = self._heading(labels["statistics"])
        self._add_table(table, part, height)

    def _sum_columns(self, sums, money_width):
        """Return (column, key) of the sums that are not empty everywhere."""
        labels, columns = self.labels, []
        for key, width in (("count", 62), ("hours", 58), ("days", 52)):
            if key == "count" or any(s.get(key) for s in sums):
                width = max(width, text_width(labels[key], 9, bold=True) + GAP + 4)
                columns.append((Column(labels[key], int(width), "n"), key))
        if self.money and any(s.get("amount") for s in sums):
            texts = [self.fmt.amount(s.get("amount")) for s in sums]
            width = max([money_width, *(text_width(t, 10) + GAP for t in texts)])
            columns.append((Column(labels["worth"], int(width), "n"), "amount"))
        return columns

    def _sum(self, sums, key):
        """Return one sum as text; nothing for no hours, days or money."""
        value = sums.get(key)
        if key == "count":
            return str(value)
        return getattr(self.fmt, key)(value or None)

    # ------------------------------------------------------------------
    # Lists
    # ------------------------------------------------------------------

    def _add_contacts(self):
        contacts = self.snapshot.get("contacts") or []
        if not contacts:
            return
        labels = self.labels
        table = Table(
            [
                Column(labels["contact"], 190),
                Column(labels["position"]),
                Column(labels["period"], 160, "w"),
                Column(labels["projects"], 70, "n"),
            ],
            self.width,
        )
        for contact in contacts:
            end = labels["today"] if contact.get("current") else ""
            table.add(
                [
                    {"text": contact["name"], "strong": bool(contact.get("current"))},
                    contact.get("position") or "",
                    self._span(contact, end),
                    str(contact.get("projects") or ""),
                ]
            )
        part, height = self._heading(labels["contacts"])
        self._add_table(table, part, height, labels["contacts"])

    def _span(self, item, end=""):
        """Return a period as text; ``end`` takes the place of the last day."""
        first = self.fmt.date(item.get("from"))
        last = end or self.fmt.date(item.get("to"))
        if first == last:
            return first
        return f"{first} – {last}".strip()

    def _add_projects(self):
        projects = self.snapshot.get("projects") or {}
        if not projects.get("shown"):
            return
        labels, lines = self.labels, projects.get("lines") or []
        if not lines:
            part, height = self._heading(
                labels["projects"], number=True, empty=labels["no_projects"]
            )
            self._add(part, height)
            return
        columns = [
            (Column(labels["project"]), "name"),
            (Column(labels["contact"], 128), "contact"),
            (Column(labels["manager"], 128), "manager"),
            (Column(labels["period"], 150, "w"), "span"),
        ]
        rows = [dict(line, span=self._span(line)) for line in lines]
        columns = [
            (column, key)
            for column, key in columns
            if key == "name" or any(row.get(key) for row in rows)
        ]
        if self.money:
            for row, line in zip(rows, lines, strict=True):
                row["price"] = (
                    self.fmt.amount(line.get("price")) if line.get("price") else ""
                )
            total = self.fmt.amount(projects.get("total"))
            texts = [*(row["price"] for row in rows), labels["price"]]
            width = max(text_width(total, 10, bold=True), *map(_plain_width, texts))
            columns.append((Column(labels["price"], int(width) + GAP, "n"), "price"))
        table = Table([column for column, _key in columns], self.width)
        for row in rows:
            table.add([row.get(key) or "" for _column, key in columns])
        if self.money:
            table.add_foot(labels["total"], [total])
        part, height = self._heading(labels["projects"], number=True)
        self._add_table(table, part, height, self._running(part))

    @staticmethod
    def _running(heading):
        return f"{heading['number']}  {heading['text']}".strip()

    def _add_section(self, section):
        lines = section["lines"]
        colour = SECTION_COLOURS.get(section["code"], OTHER_COLOUR)
        part, height = self._heading(
            section["label"],
            section.get("hint") or "" if lines else "",
            number=True,
            colour=colour,
            empty="" if lines else section.get("empty_text") or "",
        )
        if not lines:
            self._add(part, height)
            return
        table, columns = self._section_table(section)
        keys = [key for _column, key in columns]
        what = next(column for column, key in columns if key == "what")
        for line in lines:
            self._add_line(table, keys, what, line)
        sums = section["subtotal"]
        values = [
            self._sum(sums, key) for key in keys if key in ("hours", "days", "amount")
        ]
        label = f"{self.labels['subtotal']} ({sums['count']})"
        table.add_foot(label, values)
        self._add_table(table, part, height, self._running(part))

    def _section_table(self, section):
        """Return a section's table and its columns with the lines' keys."""
        labels, lines, fmt = self.labels, section["lines"], self.fmt
        dates = [fmt.date(line["date"]) for line in lines[:50]]
        date_width = max([_plain_width(d) for d in dates] + [58]) + GAP
        columns = [
            (Column(labels["date"], int(date_width), "w"), "date"),
            (Column(labels["what"]), "what"),
        ]
        projects = [line.get("project") or "" for line in lines]
        if any(projects):
            width = max(_plain_width(project) for project in projects) + GAP
            columns.append(
                (Column(labels["project"], int(min(max(width, 70), 130))), "project")
            )
        sums = section["subtotal"]
        for key in ("hours", "days"):
            if any(line.get(key) for line in lines):
                width = max(
                    text_width(labels[key], 9, bold=True),
                    text_width(self._sum(sums, key), 10, bold=True),
                )
                columns.append(
                    (Column(labels[key], max(int(width) + GAP, 48), "n"), key)
                )
        if self.money and any(line.get("amount") for line in lines):
            texts = [fmt.amount(line.get("amount")) for line in lines]
            width = max(
                text_width(fmt.amount(sums["amount"]), 10, bold=True),
                text_width(labels["worth"], 9, bold=True),
                *(_plain_width(text) for text in texts),
            )
            columns.append((Column(labels["worth"], int(width) + GAP, "n"), "amount"))
        return Table([column for column, _key in columns], self.width), columns

    def _add_line(self, table, keys, what, line):
        """One entry: a row, or several when its description is very long."""
        fmt = self.fmt
        meta = " · ".join(filter(None, [line.get("category"), line.get("contact")]))
        details = "\n".join(
            text.strip()
            for text in (line.get("description") or "").split("\n")
            if text.strip()
        )
        pieces = [""]
        if details:
            most = min(LINES_PER_ROW, self.room // 40)
            pieces = split_text(details, what.inner, 9, most, most)
        values = {
            "date": fmt.date(line["date"]),
            "what": {
                "text": line["what"],
                "strong": True,
                "meta": meta,
                "more": [text for text in pieces[0].split("\n") if text],
            },
            "project": line.get("project") or "",
            "hours": fmt.hours(line["hours"]) if line.get("hours") else "",
            "days": fmt.days(line["days"]) if line.get("days") else "",
        }
        if "amount" in keys:
            original = line.get("original") or {}
            values["amount"] = {
                "text": fmt.amount(line["amount"]) if line.get("amount") else "",
                "more": [fmt.original(line)] if original else [],
            }
        table.add([values[key] for key in keys])
        for piece in pieces[1:]:
            table.rows[-1]["kind"] = f"{table.rows[-1]['kind']} open".strip()
            more = {"more": [text for text in piece.split("\n") if text]}
            table.add([more if key == "what" else "" for key in keys], kind="more")

    # ------------------------------------------------------------------
    # The end
    # ------------------------------------------------------------------

    def _add_total(self):
        total = self.snapshot.get("total") or {}
        if not total.get("count"):
            return
        columns = self._sum_columns([total], 110)
        cells = [
            {
                "label": column.label,
                "text": self._sum(total, key),
                "width": max(
                    column.width, int(text_width(self._sum(total, key), 14, True) + 16)
                ),
            }
            for column, key in columns
        ]
        self._add(
            {
                "part": "total",
                "label": self.labels["total"],
                "cells": cells,
                "note": self.labels.get("tax_note", "") if self.money else "",
            },
            24 + 2 + 8 + 12 + 20 + 8 + 1 + 20,
        )

    def _add_closing(self):
        closing = self.snapshot.get("closing") or []
        author = self.snapshot.get("prepared_by") or {}
        if not closing:
            return
        more = [
            author.get("position"),
            self.snapshot["company"]["name"],
            " · ".join(filter(None, [author.get("email"), author.get("phone")])),
        ]
        more = [line for line in more if line]
        height = 26 + 13 * len(more) if author.get("name") else 0
        lines = count_lines(closing[-1], TEXT_WIDTH, 11)
        self._add({"part": "space"}, 14, keep=17 * min(lines, 4) + 8 + height)
        self._add_paragraphs(closing, keep=height)
        if height:
            self._add(
                {"part": "signature", "text": author["name"], "more": more}, height
            )

    def _add_evidence(self):
        evidence = self.snapshot.get("evidence") or []
        if not evidence:
            return
        labels = self.labels
        dates = [self.fmt.date(item.get("date")) for item in evidence]
        date_width = int(max([_plain_width(d) for d in dates] + [58])) + GAP
        table = Table(
            [
                Column(labels["date"], date_width, "w"),
                Column(labels["what"]),
                Column(labels["file"], 240),
            ],
            self.width,
        )
        for item, date in zip(evidence, dates, strict=True):
            table.add([date, item.get("what") or "", item["file"]])
        part, height = self._heading(labels["evidence"])
        self._add_table(table, part, height, labels["evidence"])


def _plain_width(text):
    return text_width(text, 10)


def _bar(values, colours, scale, length):
    """Return the pieces of a stacked bar: colour, width and gap in whole pixels.

    A white line parts the pieces, so that they can be told apart in grey print.
    """
    if not scale:
        return []
    pieces, reached, drawn = [], 0.0, 0
    for value, colour in zip(values, colours, strict=True):
        reached += value
        if value <= 0:
            continue
        end = max(round(reached / scale * length), drawn + 2)
        pieces.append({"colour": colour, "width": end - drawn - 1, "gap": 1})
        drawn = end
    if pieces:
        pieces[-1]["width"] += 1
        pieces[-1]["gap"] = 0
    return pieces


def watermark_styles(word, width):
    """Return the styles of a word written across a page, twice: one stays whole
    wherever the engine cuts."""
    size = int(min(90, 0.8 * width / max(text_width(word, 1, bold=True), 1)))
    style = f"width:{width}px;font-size:{size}px;line-height:{size}px;top:%dpx"
    return [style % top for top in (240, 680)]
