"""Numbers, dates and money as a reader of the dossier's language expects them.

``locale`` and ``currency`` are those of a snapshot::

    {"date_format": "%d.%m.%Y", "decimal_point": ",", "thousands_sep": "\u00a0",
     "grouping": [3, 0], "direction": "ltr"}
    {"code": "EUR", "symbol": "€", "position": "after", "decimals": 2}

Numbers are grouped as ``res.lang.format()`` does it. Spaces within a number or an
amount are non-breaking, so that it never falls apart at the end of a line.
"""

import functools
import re

NBSP = "\u00a0"

# Where the parts of an ISO date go; %y takes the last two digits of the year.
_DATE_DIRECTIVES = {"%Y": "{0}", "%m": "{1}", "%d": "{2}", "%y": "{0[2]}{0[3]}"}


def format_number(value, locale, decimals):
    """Return a number rounded to ``decimals`` digits, with grouped thousands.

    A number that is rounded to zero has no minus sign.
    """
    whole, _point, fraction = f"{value:.{decimals}f}".partition(".")
    sign = ""
    if whole[0] == "-":
        whole = whole[1:]
        if whole.strip("0") or fraction.strip("0"):
            sign = "-"
    whole = _group(whole, locale["grouping"], locale["thousands_sep"])
    if fraction:
        return f"{sign}{whole}{locale['decimal_point']}{fraction}"
    return sign + whole


def _group(digits, grouping, separator):
    """Return the digits with separators.

    :param grouping: sizes of the groups from the right, as in ``res.lang``: 0
        repeats the last size for the rest, -1 or the end of the list leaves the
        rest together
    """
    separator = separator.replace(" ", NBSP)
    groups = []
    size = end = len(digits)
    for count in grouping:
        if end <= 0 or count == -1:
            break
        if count == 0:
            while end > 0:
                groups.append(digits[max(end - size, 0) : end])
                end -= size
            break
        size = count
        groups.append(digits[max(end - size, 0) : end])
        end -= size
    if end > 0:
        groups.append(digits[:end])
    return separator.join(reversed(groups))


def format_amount(value, currency, locale):
    """Return an amount of money with the currency's decimals and symbol."""
    number = format_number(value, locale, currency["decimals"])
    if currency["position"] == "before":
        return f"{currency['symbol']}{NBSP}{number}"
    return f"{number}{NBSP}{currency['symbol']}"


def format_hours(value, locale):
    """Return hours with one decimal, or two where needed: 4.0, 4.5, 4.25."""
    value = round(value, 2)
    return format_number(value, locale, 1 if value == round(value, 1) else 2)


def format_days(value, locale):
    """Return days without decimals, or with one where needed: 4, 4.5."""
    value = round(value, 1)
    return format_number(value, locale, 0 if value == round(value) else 1)


def format_date(iso, locale):
    """Return an ISO date ("2026-11-23") as the locale writes it, "" for none.

    The directives %d, %m, %Y and %y are known. A format with any other one leaves
    the date in ISO form.
    """
    if not iso:
        return ""
    return _date_template(locale["date_format"]).format(*iso.split("-"))


@functools.lru_cache(maxsize=64)
def _date_template(date_format):
    """Return a template for ``str.format`` that takes year, month and day."""
    template = re.sub(
        "%.",
        lambda match: _DATE_DIRECTIVES.get(match[0], match[0]),
        date_format.replace("{", "{{").replace("}", "}}"),
    )
    return "{0}-{1}-{2}" if "%" in template else template


class SnapshotFormatter:
    """Formats the values of one snapshot: what the renderers use.

    Amounts, hours and days are numbers; None gives "".
    """

    def __init__(self, snapshot):
        self._locale = snapshot["locale"]
        self._currency = snapshot.get("currency")
        self._labels = snapshot["labels"]

    def amount(self, value):
        """Return an amount in the dossier's currency."""
        if value is None:
            return ""
        return format_amount(value, self._currency, self._locale)

    def hours(self, value):
        return "" if value is None else format_hours(value, self._locale)

    def days(self, value):
        return "" if value is None else format_days(value, self._locale)

    def original(self, line):
        """Return a line's amount in its own currency ("400.00 USD"), or ""."""
        original = line.get("original")
        if not original:
            return ""
        number = format_number(original["amount"], self._locale, 2)
        return f"{number}{NBSP}{original['code']}"

    def date(self, iso):
        """Return an ISO date as the locale writes it; "" for "" and None."""
        return format_date(iso, self._locale)

    def figure(self, figure):
        """Return the value of one of the snapshot's figures, with its unit."""
        kind, value = figure["kind"], figure["value"]
        if kind == "amount":
            return self.amount(value)
        if kind == "count":
            return format_number(value, self._locale, 0)
        if kind == "years":
            text = format_number(value, self._locale, 1)
        elif kind == "hours":
            text = self.hours(value)
        else:
            text = self.days(value)
        unit = self._labels.get(f"{kind}_unit")
        return f"{text}{NBSP}{unit}" if unit else text
