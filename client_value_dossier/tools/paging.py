"""Where a printed document may be cut: text measures and pages of table rows.

wkhtmltopdf knows no way to ask how high something will be, and its two common
builds cut long tables differently, so the pages of a dossier are decided here, from
the letters' widths. The measures are those of DejaVu Sans, the widest of the fonts
in use, rounded up: what is estimated to fit does fit. It needs no Odoo.
"""

import re

# Advance widths in em, rounded up to 0.05; a letter that is not listed is WIDE.
_CLASSES = {
    0.3: "'IJijlіїІ",
    0.35: " ,./:;\\|\u00a0·",
    0.4: "()-[]ft",
    0.45: "!r",
    0.5: '"*_`–',
    0.55: "?cszгзсэ“”„",
    0.6: "FLkvxyвтухчь",
    0.65: "$0123456789EPSTYabdeghnopqu{}ГЕЗРТУабеийклоряЁё«»€",
    0.7: "ABCKRVXZАБВСХЧЬЭЯднпц",
    0.75: "NUИЙКъ",
    0.8: "&DGHOQДЛНОПЦмы",
    0.85: "#+<=>^w~Ъю",
    0.9: "MМФЫф",
    0.95: "жшщ",
}
WIDE = 1.1
_WIDTHS = {letter: em for em, letters in _CLASSES.items() for letter in letters}
# Accented Latin letters are as wide as the plain ones; this is above all of them
# but the ligatures.
_WIDTHS.update((chr(code), 0.8) for code in range(0xC0, 0x180))
_WIDTHS.update((letter, 1.1) for letter in "ÆŒœæ")
_WIDTHS["\u202f"] = 0.3
# Debian's build rounds font sizes to whole device pixels: up to 2.5 % wider.
ROUNDING = 1.01
BOLD = 1.14

_SPACES = re.compile(r"[ \t\r\f\v]+")


def text_width(text, size, bold=False):
    """Width in pixels of one line of text, rather too wide than too narrow."""
    ems = sum(_WIDTHS.get(letter, WIDE) for letter in text)
    return ems * size * ROUNDING * (BOLD if bold else 1.0)


def wrap(text, width, size, bold=False):
    """Cut a text into the lines it takes at most in a column of a width (pixels).

    Returns ``[(line, end), ...]``: ``end`` is what separates the line from the next
    one: a space, a newline, or nothing inside of a word that is too long.
    """
    lines = []
    space = text_width(" ", size, bold)
    for paragraph in text.split("\n"):
        line, used = [], 0.0
        for word in _SPACES.split(paragraph):
            length = text_width(word, size, bold)
            if line and used + space + length > width:
                lines.append((" ".join(line), " "))
                line, used = [], 0.0
            while length > width and len(word) > 1:
                # The engine breaks a word that is longer than the column.
                head = _fitting(word, width, size, bold)
                lines.append((word[:head], ""))
                word = word[head:]
                length = text_width(word, size, bold)
            used += length + (space if line else 0.0)
            line.append(word)
        lines.append((" ".join(line), "\n"))
    return lines


def count_lines(text, width, size, bold=False):
    """How many lines a text takes at most; none for an empty text."""
    if not text:
        return 0
    if len(text) * size * WIDE * BOLD < width and "\n" not in text:
        return 1
    return len(wrap(text, width, size, bold))


def split_text(text, width, size, first, most):
    """Cut a text into pieces: ``first`` lines at most, then ``most`` lines at most.

    The pieces joined are the text, but for the white space where it was cut.
    """
    lines = wrap(text, width, size)
    pieces, start, count = [], 0, max(first, 1)
    while start < len(lines):
        run = lines[start : start + count]
        pieces.append("".join(line + end for line, end in run).strip())
        start, count = start + count, max(most, 1)
    return pieces


def shorten(text, width, size, bold=False):
    """Cut a line of text off, with an ellipsis, where it gets too wide."""
    if text_width(text, size, bold) <= width:
        return text
    return text[: _fitting(text, width - 1.2 * size, size, bold)].rstrip() + "…"


def _fitting(word, width, size, bold):
    """How many letters of a word fit in a line: one at least."""
    used = 0.0
    for index, letter in enumerate(word):
        used += text_width(letter, size, bold)
        if used > width:
            return max(index, 1)
    return len(word)


def cut_rows(heights, first, room, head=0, tail=0, keep=2):
    """Cut the rows of a table into runs that fit on a page each.

    Returns ``[(start, stop), ...]``. The first run is for the rest of the current
    page and is empty when the table had better start on a new page. No row is lost,
    none is moved. Only a row that is higher than a page exceeds its page.

    :param heights: height of each row
    :param first: room that is left on the current page
    :param room: room of a page
    :param head: height of the header row, which each run repeats
    :param tail: height of the sums, which stay with the last rows
    :param keep: no page shows fewer rows of a table that goes on, if it can be helped
    """
    total = len(heights)
    runs, start, space, fresh = [], 0, first, first >= room
    while start < total:
        fitting = start + _rows_within(heights[start:], space - head)
        stop = fitting
        if stop == total:
            if head + sum(heights[start:]) + tail > space:
                # The sums do not fit: the last rows go to the next page with them.
                stop = total - keep
        elif total - stop < keep:
            stop = total - keep
        if stop - start < min(keep, total - start):
            stop = start
        if stop == start and fresh:
            stop = max(min(fitting, total - 1), start + 1)
        runs.append((start, stop))
        start, space, fresh = stop, room, True
    return runs


def _rows_within(heights, room):
    """How many of the first rows fit in a room."""
    used = 0
    for index, height in enumerate(heights):
        used += height
        if used > room:
            return index
    return len(heights)
