import ast
import re
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, TransactionCase, tagged
from odoo.tools import format_amount as odoo_format_amount
from odoo.tools import format_date as odoo_format_date

from odoo.addons.client_value_dossier.tools.formatting import (
    NBSP,
    SnapshotFormatter,
    format_amount,
    format_date,
    format_days,
    format_hours,
    format_number,
)

from .sample_snapshot import make_snapshot

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)

ENGLISH = make_snapshot(0, "en_US")["locale"]
RUSSIAN = make_snapshot(0, "ru_RU")["locale"]
LOCALES = st.builds(
    lambda point, separator, grouping: {
        "date_format": "%Y-%m-%d",
        "decimal_point": point,
        "thousands_sep": separator,
        "grouping": grouping,
        "direction": "ltr",
    },
    st.sampled_from([",", "."]),
    st.sampled_from(["", " ", "'", NBSP, "\u202f"]),
    st.sampled_from([[3, 0], [3, 2, 0], [3, 2, -1], [2, 3], [3], [0], [-1], []]),
)
VALUES = st.floats(-1e15, 1e15)


@tagged("post_install", "-at_install")
class TestFormatting(BaseCase):
    def test_numbers(self):
        for value, decimals, english, russian in [
            (0, 2, "0.00", "0,00"),
            (999.994, 2, "999.99", "999,99"),
            (999.996, 2, "1,000.00", f"1{NBSP}000,00"),
            (-1234567.891, 2, "-1,234,567.89", f"-1{NBSP}234{NBSP}567,89"),
            (-0.001, 2, "0.00", "0,00"),
            (-100000, 0, "-100,000", f"-100{NBSP}000"),
        ]:
            self.assertEqual(format_number(value, ENGLISH, decimals), english)
            self.assertEqual(format_number(value, RUSSIAN, decimals), russian)

    def test_groupings(self):
        for grouping, expected in [
            ([3, 0], "1,234,567,890"),
            ([3, 2, 0], "1,23,45,67,890"),
            ([3, 2, -1], "12345,67,890"),
            ([3], "1234567,890"),
            ([], "1234567890"),
        ]:
            locale = {**ENGLISH, "grouping": grouping}
            self.assertEqual(format_number(1234567890, locale, 0), expected)

    @PROPERTY
    @given(VALUES, LOCALES, st.integers(0, 4))
    def test_number_can_be_read_back(self, value, locale, decimals):
        text = format_number(value, locale, decimals)
        self.assertNotIn(" ", text)
        separator = locale["thousands_sep"].replace(" ", NBSP)
        plain = text.replace(separator, "").replace(locale["decimal_point"], ".")
        self.assertEqual(Decimal(plain), Decimal(f"{value:.{decimals}f}"))
        self.assertFalse(re.fullmatch(r"-[0.]+", plain))

    def test_amounts(self):
        euro = {"code": "EUR", "symbol": "€", "position": "after", "decimals": 2}
        yen = {"code": "JPY", "symbol": "¥", "position": "before", "decimals": 0}
        self.assertEqual(format_amount(1234.5, euro, ENGLISH), f"1,234.50{NBSP}€")
        self.assertEqual(format_amount(1234.5, yen, ENGLISH), f"¥{NBSP}1,234")
        self.assertEqual(
            format_amount(-1234.5, euro, RUSSIAN), f"-1{NBSP}234,50{NBSP}€"
        )

    def test_hours_and_days(self):
        for value, hours, days in [
            (0, "0.0", "0"),
            (4, "4.0", "4"),
            (4.5, "4.5", "4.5"),
            (4.25, "4.25", "4.2"),
            (0.1 + 0.2, "0.3", "0.3"),
            (1200.0, "1,200.0", "1,200"),
        ]:
            self.assertEqual(format_hours(value, ENGLISH), hours)
            self.assertEqual(format_days(value, ENGLISH), days)

    def test_dates(self):
        for date_format, expected in [
            ("%d.%m.%Y", "03.02.2026"),
            ("%m/%d/%y", "02/03/26"),
            ("%Y年%m月%d日", "2026年02月03日"),
            ("{%d}", "{03}"),
            ("%d %B %Y", "2026-02-03"),
        ]:
            locale = {**ENGLISH, "date_format": date_format}
            self.assertEqual(format_date("2026-02-03", locale), expected)
            self.assertEqual(format_date("", locale), "")

    def test_formatter_of_a_snapshot(self):
        snapshot = make_snapshot(3, "ru_RU")
        formatter = SnapshotFormatter(snapshot)
        self.assertEqual(formatter.amount(1250), f"1{NBSP}250,00{NBSP}€")
        self.assertEqual(formatter.amount(0.0), f"0,00{NBSP}€")
        self.assertEqual(formatter.hours(2), "2,0")
        self.assertEqual(formatter.days(2.0), "2")
        self.assertEqual(formatter.date("2026-11-23"), "23.11.2026")
        for method in (formatter.amount, formatter.hours, formatter.days):
            self.assertEqual(method(None), "")
        line = {"original": {"amount": 400.0, "code": "USD"}}
        self.assertEqual(formatter.original(line), f"400,00{NBSP}USD")
        self.assertEqual(formatter.original({"original": {}}), "")

    def test_figures_have_units(self):
        formatter = SnapshotFormatter(make_snapshot(0))
        for kind, value, expected in [
            ("years", 3.44, f"3.4{NBSP}years"),
            ("count", 1200, "1,200"),
            ("amount", 5.0, f"5.00{NBSP}€"),
            ("hours", 40.25, f"40.25{NBSP}h"),
            ("days", 21.0, f"21{NBSP}days"),
        ]:
            self.assertEqual(formatter.figure({"kind": kind, "value": value}), expected)


@tagged("post_install", "-at_install")
class TestFormattingAsOdoo(TransactionCase):
    """Our texts are those that Odoo itself would write."""

    LANGS = ("en_US", "ru_RU", "bg_BG", "de_CH", "en_IN", "fr_FR", "ar_001")
    VALUES = (0.0, 5.0, 12.345, 999.996, 1234.5, -98765.4321, 123456789.01, -1e12)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.langs = cls.env["res.lang"].with_context(active_test=False)
        cls.langs = cls.langs.search([("code", "in", cls.LANGS)])
        cls.langs.active = True

    def _get_locale(self, lang):
        return {
            "date_format": lang.date_format,
            "decimal_point": lang.decimal_point,
            "thousands_sep": lang.thousands_sep or "",
            "grouping": ast.literal_eval(lang.grouping),
            "direction": lang.direction,
        }

    def test_numbers(self):
        self.assertGreater(len(self.langs), 4)
        for lang in self.langs:
            for grouping in ("[3,0]", "[3,2,0]"):
                lang.grouping = grouping
                locale = self._get_locale(lang)
                for value in self.VALUES:
                    for decimals in (0, 2, 3):
                        self.assertEqual(
                            format_number(value, locale, decimals),
                            lang.format(f"%.{decimals}f", value, grouping=True).replace(
                                " ", NBSP
                            ),
                            (lang.code, grouping, value, decimals),
                        )

    def test_amounts(self):
        for lang in self.langs:
            for currency in self.env["res.currency"].search([], limit=3):
                data = {
                    "code": currency.name,
                    "symbol": currency.symbol,
                    "position": currency.position,
                    "decimals": currency.decimal_places,
                }
                for value in self.VALUES:
                    value = currency.round(value)
                    # Odoo puts an invisible character behind the minus sign.
                    self.assertEqual(
                        format_amount(value, data, self._get_locale(lang)),
                        odoo_format_amount(
                            self.env, value, currency, lang.code
                        ).replace("\ufeff", ""),
                    )

    def test_dates(self):
        date_format = self.env["res.lang"]._fields["date_format"]
        lang = self.langs[0]
        for value in date_format.get_values(self.env):
            lang.date_format = value
            self.assertEqual(
                format_date("2026-02-03", self._get_locale(lang)),
                odoo_format_date(self.env, "2026-02-03", lang_code=lang.code),
            )
