"""When in the year clients like to be addressed: examples and properties."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.retention_playbooks.tools.season import (
    AVOID,
    GOOD,
    Season,
    find_avoided,
    next_good_day,
    weigh,
)

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
CHRISTMAS = Season(AVOID, 2.0, (12, 20), (1, 8))
AUGUST = Season(AVOID, 1.0, (8, 1), (8, 31))
ADVENT = Season(GOOD, 1.0, (11, 25), (12, 15))
FAIR = Season(GOOD, 3.0, spans=[(date(2025, 5, 5), date(2025, 5, 9))])

DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))
MONTH_DAYS = DAYS.map(lambda day: (day.month, day.day))
SPANS = st.lists(
    st.tuples(DAYS, st.integers(0, 40)).map(
        lambda one: (one[0], one[0] + timedelta(one[1]))
    ),
    max_size=2,
)
KINDS = st.sampled_from([GOOD, AVOID])
WEIGHTS = st.integers(1, 3).map(float)
SEASONS = st.lists(
    st.builds(Season, KINDS, WEIGHTS, MONTH_DAYS, MONTH_DAYS, st.just(()))
    | st.builds(Season, KINDS, WEIGHTS, st.none(), st.none(), SPANS),
    max_size=4,
)


def _works(day):
    return day.weekday() < 5


@tagged("post_install", "-at_install")
class TestSeason(BaseCase):
    # ------------------------------------------------------------
    # EXAMPLES
    # ------------------------------------------------------------

    def test_a_season_of_each_year(self):
        for year in (2024, 2025):
            for month, day, holds in (
                (7, 31, False),
                (8, 1, True),
                (8, 31, True),
                (9, 1, False),
            ):
                self.assertEqual(AUGUST.holds(date(year, month, day)), holds)

    def test_a_season_over_new_year(self):
        for day, holds in (
            (date(2025, 12, 19), False),
            (date(2025, 12, 20), True),
            (date(2026, 1, 1), True),
            (date(2026, 1, 8), True),
            (date(2026, 1, 9), False),
        ):
            self.assertEqual(CHRISTMAS.holds(day), holds)

    def test_one_day(self):
        season = Season(GOOD, 1.0, (5, 1), (5, 1))
        self.assertTrue(season.holds(date(2025, 5, 1)))
        self.assertFalse(season.holds(date(2025, 5, 2)))
        self.assertFalse(season.holds(date(2025, 4, 30)))

    def test_leap_days(self):
        season = Season(GOOD, 1.0, (2, 1), (2, 29))
        self.assertTrue(season.holds(date(2025, 2, 28)))
        self.assertFalse(season.holds(date(2025, 3, 1)))
        season = Season(GOOD, 1.0, (2, 29), (3, 5))
        self.assertFalse(season.holds(date(2025, 2, 28)))
        self.assertTrue(season.holds(date(2025, 3, 1)))
        self.assertTrue(season.holds(date(2024, 2, 29)))

    def test_a_season_that_moves(self):
        for day, holds in ((4, False), (5, True), (9, True), (10, False)):
            self.assertEqual(FAIR.holds(date(2025, 5, day)), holds)
        self.assertFalse(FAIR.holds(date(2026, 5, 6)))

    def test_weights_add_up(self):
        late = Season(GOOD, 0.5, (12, 1), (12, 31))
        seasons = [CHRISTMAS, ADVENT, late]
        self.assertEqual(weigh(date(2025, 12, 10), seasons), 1.5)
        self.assertEqual(weigh(date(2025, 12, 24), seasons), -1.5)
        self.assertEqual(weigh(date(2025, 6, 1), seasons), 0)

    def test_an_ordinary_day_is_good(self):
        day = date(2025, 6, 3)
        self.assertEqual(next_good_day(day, [CHRISTMAS, AUGUST]), day)
        self.assertEqual(next_good_day(day, []), day)

    def test_the_end_of_a_bad_time_is_waited_for(self):
        self.assertEqual(
            next_good_day(date(2025, 12, 22), [CHRISTMAS]), date(2026, 1, 9)
        )

    def test_a_good_time_is_waited_for_if_near(self):
        seasons = [ADVENT]
        self.assertEqual(next_good_day(date(2025, 11, 20), seasons), date(2025, 11, 25))
        # The last day of the horizon counts.
        day = date(2025, 11, 15)
        self.assertEqual(next_good_day(day, seasons, 10), date(2025, 11, 25))
        self.assertEqual(next_good_day(day, seasons, 9), day)

    def test_the_best_time_wins_and_of_it_the_first_day(self):
        better = Season(GOOD, 2.0, (12, 1), (12, 5))
        self.assertEqual(
            next_good_day(date(2025, 11, 20), [ADVENT, better]), date(2025, 12, 1)
        )

    def test_no_good_day(self):
        self.assertIsNone(next_good_day(date(2025, 8, 1), [AUGUST], 30))
        self.assertEqual(
            next_good_day(date(2025, 8, 1), [AUGUST], 31), date(2025, 9, 1)
        )
        self.assertIsNone(next_good_day(date(2025, 6, 1), [], 5, lambda _day: False))
        self.assertEqual(next_good_day(date(2025, 6, 1), [], 0), date(2025, 6, 1))

    def test_days_off(self):
        saturday = date(2025, 6, 7)
        self.assertEqual(next_good_day(saturday, [], works=_works), date(2025, 6, 9))

    def test_avoided_periods(self):
        self.assertEqual(
            find_avoided(
                date(2025, 8, 10), date(2026, 8, 3), [AUGUST, CHRISTMAS, FAIR]
            ),
            [
                (date(2025, 8, 10), date(2025, 8, 31)),
                (date(2025, 12, 20), date(2026, 1, 8)),
                (date(2026, 8, 1), date(2026, 8, 3)),
            ],
        )
        self.assertEqual(find_avoided(date(2025, 1, 2), date(2025, 1, 1), [AUGUST]), [])
        one_day = date(2025, 8, 1)
        self.assertEqual(find_avoided(one_day, one_day, [AUGUST]), [(one_day, one_day)])

    def test_seasons_are_checked(self):
        for wrong in (
            Season("bad", 1.0, (1, 1), (2, 1)),
            Season(GOOD, 0.0, (1, 1), (2, 1)),
            Season(GOOD, -1.0, (1, 1), (2, 1)),
            Season(GOOD, 1.0, (1, 1)),
            Season(GOOD, 1.0, None, (1, 1)),
            Season(GOOD, 1.0, (2, 30), (3, 1)),
            Season(GOOD, 1.0, (1, 1), (13, 1)),
            Season(GOOD, spans=[(date(2025, 1, 2), date(2025, 1, 1))]),
        ):
            with self.subTest(season=wrong):
                with self.assertRaises(ValueError):
                    wrong.check()
                with self.assertRaises(ValueError):
                    next_good_day(date(2025, 1, 1), [wrong])
                with self.assertRaises(ValueError):
                    find_avoided(date(2025, 1, 1), date(2025, 1, 2), [wrong])
        with self.assertRaises(ValueError):
            next_good_day(date(2025, 1, 1), [], -1)
        Season(GOOD, 1.0, (2, 29), (2, 29)).check()

    # ------------------------------------------------------------
    # PROPERTIES
    # ------------------------------------------------------------

    @PROPERTY
    @given(DAYS, SEASONS, st.integers(0, 60))
    def test_no_day_of_the_horizon_is_better(self, day, seasons, horizon):
        days = [day + timedelta(after) for after in range(horizon + 1)]
        weights = [weigh(one, seasons) for one in days]
        found = next_good_day(day, seasons, horizon)
        if found is None:
            self.assertLess(max(weights), 0)
        else:
            self.assertGreaterEqual(max(weights), 0)
            self.assertEqual(found, days[weights.index(max(weights))])

    @PROPERTY
    @given(DAYS, SEASONS, st.integers(0, 60))
    def test_a_good_day_stays_good(self, day, seasons, horizon):
        found = next_good_day(day, seasons, horizon)
        if found is not None:
            left = horizon - (found - day).days
            self.assertEqual(next_good_day(found, seasons, left), found)

    @PROPERTY
    @given(DAYS, st.integers(0, 500), SEASONS)
    def test_avoided_days_are_in_one_period(self, first, length, seasons):
        last = first + timedelta(length)
        found = find_avoided(first, last, seasons)
        self.assertEqual(found, sorted(found))
        days = [
            start + timedelta(number)
            for start, end in found
            for number in range((end - start).days + 1)
        ]
        expected = [first + timedelta(number) for number in range(length + 1)]
        self.assertEqual(days, [one for one in expected if weigh(one, seasons) < 0])
        for (_start, end), (start, _end) in zip(found, found[1:], strict=False):
            self.assertGreater((start - end).days, 1)
