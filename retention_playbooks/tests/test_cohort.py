"""How many clients stay: examples and properties."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.retention_playbooks.tools.cohort import (
    Retention,
    Row,
    add_up,
    compute_cohorts,
    compute_retention,
    get_first_day,
    get_quarter,
)

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
#: The quarter that is looked at; the year before ends with 96.
NOW = 100

ROWS = st.lists(
    st.builds(
        Row,
        client=st.integers(1, 6),
        quarter=st.integers(85, 103),
        revenue=st.integers(-50, 100).map(float),
        tier=st.sampled_from([None, 1, 2]),
    ),
    max_size=40,
)


def _compute(*rows, quarter=NOW):
    return compute_retention([Row(*row) for row in rows], quarter, quarter)


@tagged("post_install", "-at_install")
class TestCohort(BaseCase):
    def _assert_counts(self, found, **expected):
        names = ("clients", "kept", "lost", "new", "regained")
        self.assertEqual(
            {name: getattr(found, name) for name in names if getattr(found, name)},
            expected,
        )

    # ------------------------------------------------------------
    # EXAMPLES
    # ------------------------------------------------------------

    def test_quarters(self):
        self.assertEqual(
            get_quarter(date(2025, 12, 31)) + 1, get_quarter(date(2026, 1, 1))
        )
        self.assertEqual(
            get_quarter(date(2025, 3, 31)) + 1, get_quarter(date(2025, 4, 1))
        )
        self.assertEqual(get_quarter(date(2025, 4, 1)), get_quarter(date(2025, 6, 30)))
        self.assertEqual(
            get_first_day(get_quarter(date(2025, 6, 30))), date(2025, 4, 1)
        )
        self.assertEqual(
            get_first_day(get_quarter(date(2025, 12, 5))), date(2025, 10, 1)
        )

    def test_a_year_of_a_tier(self):
        (found,) = _compute(
            ("stays", 95, 100.0),
            ("stays", 99, 100.0),
            ("grows", 95, 100.0),
            ("grows", 99, 150.0),
            ("shrinks", 95, 100.0),
            ("shrinks", 99, 70.0),
            ("leaves", 95, 100.0),
            ("comes", 99, 40.0),
            ("returns", 90, 500.0),
            ("returns", 99, 60.0),
            ("long gone", 90, 500.0),
        )
        self._assert_counts(found, clients=4, kept=3, lost=1, new=1, regained=1)
        self.assertEqual(found.base, 400)
        self.assertEqual((found.expansion, found.contraction), (50, 30))
        self.assertEqual((found.new_revenue, found.regained_revenue), (40, 60))
        self.assertEqual(found.lost_revenue, 100)
        self.assertEqual(found.client_rate, 0.75)
        self.assertEqual(found.net_rate, 0.8)
        self.assertEqual(found.gross_rate, 0.675)
        self.assertEqual(found.revenue, 420)

    def test_the_years_end_where_they_should(self):
        for quarter, expected in (
            (101, {}),
            (100, {"new": 1}),
            (97, {"new": 1}),
            (96, {"clients": 1, "lost": 1}),
            (93, {"clients": 1, "lost": 1}),
            (92, {}),
        ):
            with self.subTest(quarter=quarter):
                found = _compute(("client", quarter, 5.0))
                if expected:
                    self._assert_counts(found[0], **expected)
                else:
                    self.assertEqual(found, [])

    def test_regained_are_those_of_before(self):
        (found,) = _compute(("client", 92, 5.0), ("client", 97, 5.0))
        self._assert_counts(found, regained=1)
        (found,) = _compute(("client", 93, 5.0), ("client", 97, 5.0))
        self._assert_counts(found, clients=1, kept=1)
        for nothing in (0.0, -5.0):
            (found,) = _compute(("client", 92, nothing), ("client", 97, 5.0))
            self._assert_counts(found, new=1)

    def test_refunds(self):
        (found,) = _compute(
            ("refunded", 93, 100.0), ("refunded", 94, -100.0), ("kept", 94, 10.0)
        )
        self._assert_counts(found, clients=1, lost=1)
        (found,) = _compute(("one", 94, 100.0), ("one", 98, 20.0), ("one", 99, -30.0))
        self._assert_counts(found, clients=1, lost=1)
        self.assertEqual((found.lost_revenue, found.revenue), (100, 0))

    def test_the_tier_is_that_of_the_year_before(self):
        (found,) = _compute(
            ("one", 95, 9.0, "B"), ("one", 97, 9.0, "A"), ("one", 94, 1.0, "C")
        )
        self.assertEqual((found.tier, found.clients), ("B", 1))
        (found,) = _compute(("one", 95, 9.0, "B"), ("one", 96, 9.0, "A"))
        self.assertEqual(found.tier, "A")
        (found,) = _compute(("one", 98, 9.0, "A"), ("one", 99, 9.0, "B"))
        self.assertEqual((found.tier, found.new), ("A", 1))

    def test_tiers_and_quarters_are_told_in_order(self):
        rows = [
            Row("b", 95, 5.0, "B"),
            Row("none", 95, 5.0),
            Row("a", 95, 5.0, "A"),
            Row("a", 98, 5.0, "A"),
        ]
        found = compute_retention(rows, 99, 100)
        self.assertEqual(
            [(one.quarter, one.tier) for one in found],
            [(99, None), (99, "A"), (99, "B"), (100, None), (100, "A"), (100, "B")],
        )
        self.assertEqual([one.kept for one in found], [0, 1, 0, 0, 1, 0])

    def test_all_tiers_together(self):
        rows = [Row("a", 95, 30.0, "A"), Row("b", 95, 10.0), Row("a", 99, 20.0, "A")]
        found = add_up(compute_retention(rows, 99, 100))
        self.assertEqual([one.quarter for one in found], [99, 100])
        self.assertEqual({one.tier for one in found}, {None})
        self.assertEqual((found[0].clients, found[0].kept), (2, 1))
        self.assertEqual(found[0].net_rate, 0.5)
        self.assertEqual(add_up([]), [])

    def test_nobody(self):
        self.assertEqual(_compute(), [])
        empty = Retention(NOW)
        rates = empty.client_rate, empty.net_rate, empty.gross_rate
        self.assertEqual(rates, (None, None, None))
        (only_new,) = _compute(("one", 99, 5.0))
        self.assertIsNone(only_new.client_rate)
        with self.assertRaises(ValueError):
            compute_retention([], 5, 4)

    def test_cohorts(self):
        rows = [
            Row("a", 97, 5.0),
            Row("a", 99, 6.0),
            Row("b", 97, 1.0),
            Row("b", 98, -2.0),
            Row("c", 99, 7.0),
            Row("refund first", 97, -7.0),
            Row("refund first", 98, 7.0),
            Row("later", 101, 7.0),
        ]
        self.assertEqual(
            compute_cohorts(rows, 100),
            [
                (97, 2, (2, 0, 1, 0), (6, 0, 6, 0)),
                (98, 1, (1, 0, 0), (7, 0, 0)),
                (99, 1, (1, 0), (7, 0)),
            ],
        )
        self.assertEqual(compute_cohorts([], 100), [])

    # ------------------------------------------------------------
    # PROPERTIES
    # ------------------------------------------------------------

    @PROPERTY
    @given(ROWS)
    def test_what_adds_up(self, rows):
        for one in compute_retention(rows, 96, 103):
            self.assertEqual(one.clients, one.kept + one.lost)
            self.assertGreaterEqual(one.contraction + one.lost_revenue, 0)
            if one.clients:
                self.assertLessEqual(one.gross_rate, one.net_rate)
                self.assertTrue(0 <= one.gross_rate <= 1)
                self.assertTrue(0 <= one.client_rate <= 1)

    @PROPERTY
    @given(ROWS)
    def test_revenue_is_that_of_the_year(self, rows):
        for one in add_up(compute_retention(rows, 96, 103)):
            sums = {}
            for row in rows:
                if one.quarter - 3 <= row.quarter <= one.quarter:
                    sums[row.client] = sums.get(row.client, 0) + row.revenue
            bought = [amount for amount in sums.values() if amount > 0]
            self.assertAlmostEqual(one.revenue, sum(bought))
            self.assertEqual(one.kept + one.new + one.regained, len(bought))

    @PROPERTY
    @given(ROWS)
    def test_clients_of_a_year_are_at_risk_in_the_next(self, rows):
        found = {one.quarter: one for one in add_up(compute_retention(rows, 92, 103))}
        for quarter, one in found.items():
            if quarter + 4 in found:
                later = found[quarter + 4]
                self.assertEqual(later.clients, one.kept + one.new + one.regained)
                self.assertAlmostEqual(later.base, one.revenue)

    @PROPERTY
    @given(ROWS)
    def test_rows_of_a_quarter_add_up(self, rows):
        halves = [
            row._replace(revenue=row.revenue / 2) for row in rows for _half in range(2)
        ]
        self.assertEqual(
            compute_retention(rows, 96, 103), compute_retention(halves, 96, 103)
        )

    @PROPERTY
    @given(ROWS)
    def test_each_client_is_in_one_cohort(self, rows):
        cohorts = compute_cohorts(rows, 103)
        sums = {}
        for row in rows:
            key = row.client, row.quarter
            sums[key] = sums.get(key, 0) + row.revenue
        buyers = {client for (client, _quarter), amount in sums.items() if amount > 0}
        self.assertEqual(sum(one.clients for one in cohorts), len(buyers))
        for one in cohorts:
            self.assertEqual(one.active[0], one.clients)
            self.assertEqual(len(one.active), 103 - one.quarter + 1)
            self.assertEqual(len(one.revenues), len(one.active))
