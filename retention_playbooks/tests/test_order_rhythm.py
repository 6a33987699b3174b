"""Whether a client's rhythm of orders is broken: examples and properties."""

import random
import time
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.retention_playbooks.tools.order_rhythm import (
    BROKEN,
    IRREGULAR,
    REGULAR,
    TOO_FEW,
    Clock,
    Limits,
    find_rhythm,
    find_rhythms,
)

PROPERTY = settings(max_examples=200, deadline=None, database=None, derandomize=True)
START = date(2022, 1, 10)
#: Plain limits, so that the examples can be checked by hand.
PLAIN = Limits(
    purchases=4,
    together=7,
    grace=0,
    factor=3.0,
    patience=9999,
    least_share=0.1,
    least_days=0.0,
    usual_share=0.0,
    usual_weight=0.0,
    memory=12,
    irregular_share=0.5,
    season=0,
)
EVEN = (0, 100, 200, 300)  # bound: 100 + 3 x 10 days

HISTORIES = st.lists(st.integers(0, 1500), max_size=25).map(sorted)
BUYERS = st.lists(st.integers(0, 1500), min_size=1, max_size=25).map(sorted)
LIMITS = st.builds(
    Limits,
    purchases=st.integers(3, 6),
    together=st.integers(0, 20),
    grace=st.integers(0, 40),
    factor=st.floats(0, 6),
    patience=st.sampled_from([0, 90, 180, 9999]),
    least_share=st.floats(0, 0.5),
    least_days=st.floats(0, 20),
    usual_share=st.floats(0, 1),
    usual_weight=st.floats(0, 5),
    memory=st.integers(2, 15),
    irregular_share=st.floats(0, 1),
    season=st.sampled_from([0, 30, 60]),
)
PERIODS = st.lists(
    st.tuples(st.integers(0, 1500), st.integers(0, 40)).map(
        lambda one: (_day(one[0]), _day(sum(one)))
    ),
    max_size=6,
)


def _day(number):
    return START + timedelta(number)


def _find(numbers, today, limits=PLAIN, quiet_until=None, clock=None):
    """Return the rhythm; days count from ``START``."""
    return find_rhythm(
        [_day(number) for number in numbers],
        _day(today),
        limits,
        None if quiet_until is None else _day(quiet_until),
        clock,
    )


@tagged("post_install", "-at_install")
class TestOrderRhythm(BaseCase):
    # ------------------------------------------------------------
    # EXAMPLES
    # ------------------------------------------------------------

    def test_every_quarter_for_a_year_then_nothing_for_half_a_year(self):
        days = [date(2024, 1, 10), date(2024, 4, 9), date(2024, 7, 10)]
        days += [date(2024, 10, 9), date(2025, 1, 8)]
        rhythm = find_rhythm(days, date(2025, 7, 10))
        self.assertEqual(rhythm.state, BROKEN)
        self.assertEqual(rhythm.interval, 91)
        self.assertEqual(rhythm.since_last, 183)
        self.assertEqual((rhythm.purchases, rhythm.months), (5, 12))
        self.assertGreater(rhythm.score, 1)
        # In April, it is just late.
        self.assertEqual(find_rhythm(days, date(2025, 4, 20)).state, REGULAR)

    def test_the_bound_is_the_last_day_that_is_not_broken(self):
        rhythm = _find(EVEN, 300 + 130)
        self.assertEqual((rhythm.interval, rhythm.spread), (100, 10))
        self.assertEqual((rhythm.bound, rhythm.since_last), (130, 130))
        self.assertEqual((rhythm.state, rhythm.score), (REGULAR, 1.0))
        rhythm = _find(EVEN, 300 + 131)
        self.assertEqual((rhythm.state, rhythm.bound), (BROKEN, 130))
        self.assertEqual(rhythm.score, 131 / 130)
        self.assertEqual(_find(EVEN, 300 + 260).score, 2.0)

    def test_grace_comes_on_top(self):
        self.assertEqual(_find(EVEN, 300, PLAIN._replace(grace=20)).bound, 150)

    def test_patience_ends_at_the_longest_interval(self):
        days = [0, 40, 240, 290, 400]  # bound: far beyond
        limits = PLAIN._replace(patience=90)
        self.assertEqual(_find(days, 400, limits).bound, 200)
        self.assertEqual(_find(days, 400, limits._replace(grace=5)).bound, 205)
        limits = PLAIN._replace(patience=230, grace=5)
        self.assertEqual(_find(days, 400, limits).bound, 230)
        self.assertEqual(_find(days, 600, limits).state, IRREGULAR)
        self.assertEqual(_find(days, 631, limits).state, BROKEN)
        # It makes nobody wait longer.
        self.assertEqual(_find(EVEN, 300, PLAIN._replace(patience=200)).bound, 130)

    def test_the_longest_interval_is_that_of_all_the_history(self):
        days = [0, 500, *range(600, 2000, 100)]
        self.assertEqual(_find(days, 2000, PLAIN._replace(memory=3)).longest, 500)

    def test_spread_is_the_scaled_median_of_the_deviations(self):
        # Intervals 80, 90, 110, 130: median 100, deviations 20, 10, 10, 30.
        rhythm = _find([0, 80, 170, 280, 410], 410)
        self.assertEqual(rhythm.interval, 100)
        self.assertAlmostEqual(rhythm.spread, 1.4826 * 15)
        self.assertEqual(rhythm.bound, int(100 + 3 * 1.4826 * 15))

    def test_one_long_interval_moves_nothing(self):
        rhythm = _find([0, 100, 200, 300, 700, 800, 900], 900)
        self.assertEqual((rhythm.interval, rhythm.spread), (100, 10))

    def test_regular_buyers_are_noticed_earlier_than_irregular_ones(self):
        regular = [0, 90, 200, 300, 400]
        irregular = [0, 40, 240, 290, 400]
        self.assertEqual(_find(regular, 400).state, REGULAR)
        self.assertEqual(_find(irregular, 400).state, IRREGULAR)
        self.assertLess(_find(regular, 400).bound, _find(irregular, 400).bound)
        self.assertEqual(_find(regular, 600).state, BROKEN)
        self.assertEqual(_find(irregular, 600).state, IRREGULAR)
        self.assertEqual(_find(irregular, 2000).state, BROKEN)

    def test_irregular_is_a_spread_above_the_share(self):
        # Intervals 80, 100, 120: the spread is 0.29652 of the median.
        days = [0, 80, 180, 300]
        for share, state in ((0.2966, REGULAR), (0.2965, IRREGULAR)):
            limits = PLAIN._replace(irregular_share=share)
            self.assertEqual(_find(days, 300, limits).state, state)

    def test_least_spread(self):
        self.assertEqual(_find(EVEN, 300, PLAIN._replace(least_share=0.2)).spread, 20)
        self.assertEqual(_find(EVEN, 300, PLAIN._replace(least_days=15)).spread, 15)
        self.assertEqual(_find(EVEN, 300, PLAIN._replace(least_days=5)).spread, 10)

    def test_few_intervals_lean_towards_the_usual_spread(self):
        limits = PLAIN._replace(usual_share=0.4, usual_weight=2.0, least_share=0.0)
        # Three intervals show 0, two say 40.
        self.assertAlmostEqual(_find(EVEN, 300, limits).spread, 16)
        longer = [100 * place for place in range(9)]
        self.assertAlmostEqual(_find(longer, 800, limits).spread, 8)

    def test_too_few_purchases(self):
        rhythm = _find(EVEN[:3], 5000)
        self.assertEqual(rhythm.state, TOO_FEW)
        self.assertEqual((rhythm.interval, rhythm.spread, rhythm.bound), (None,) * 3)
        self.assertEqual((rhythm.since_last, rhythm.score), (4800, 0.0))
        self.assertEqual((rhythm.waited, rhythm.longest), (4800, 100))
        self.assertEqual((rhythm.purchases, rhythm.months), (3, 7))
        self.assertNotEqual(_find(EVEN, 5000).state, TOO_FEW)

    def test_no_order(self):
        rhythm = _find([], 100)
        self.assertEqual((rhythm.state, rhythm.since_last), (TOO_FEW, None))
        self.assertEqual((rhythm.purchases, rhythm.months), (0, 0))
        self.assertEqual((rhythm.waited, rhythm.longest), (None, None))
        self.assertEqual((rhythm.score, rhythm.seasonal), (0.0, False))
        self.assertIsNone(_find([5], 100).longest)

    def test_orders_a_few_days_apart_are_one_purchase(self):
        rhythm = _find([0, 0, 7, 100, 103, 200, 300, 307], 307)
        self.assertEqual(rhythm.purchases, 4)
        self.assertEqual((rhythm.interval, rhythm.spread), (100, 10))
        self.assertEqual(_find([0, 8, 100, 200, 300], 300).purchases, 5)

    def test_a_purchase_does_not_grow_for_ever(self):
        # Counted from its first day: one purchase of two orders each time.
        self.assertEqual(_find(range(0, 60, 5), 60).purchases, 6)
        self.assertEqual(_find(range(0, 60, 5), 60).interval, 10)

    def test_waiting_counts_from_the_last_order(self):
        rhythm = _find([0, 100, 200, 300, 305], 435)
        self.assertEqual((rhythm.since_last, rhythm.state), (130, REGULAR))
        self.assertEqual(_find([0, 100, 200, 300, 305], 436).state, BROKEN)

    def test_an_order_of_the_future_is_an_order(self):
        rhythm = _find([*EVEN, 900], 800)
        self.assertEqual((rhythm.state, rhythm.since_last), (REGULAR, 0))
        self.assertEqual(rhythm.score, 0.0)

    def test_only_the_last_intervals_count(self):
        days = [0, 200, 400, 600, 630, 660, 690]
        self.assertEqual(_find(days, 690).interval, 115)
        self.assertEqual(_find(days, 690, PLAIN._replace(memory=3)).interval, 30)
        self.assertEqual(_find(days, 690, PLAIN._replace(memory=4)).interval, 30)
        rhythm = _find(days, 690, PLAIN._replace(memory=3))
        self.assertEqual((rhythm.purchases, rhythm.months), (7, 23))

    def test_days_of_an_announced_pause_do_not_count(self):
        self.assertEqual(_find(EVEN, 500, quiet_until=600).state, REGULAR)
        self.assertEqual(_find(EVEN, 500, quiet_until=600).score, 0.0)
        rhythm = _find(EVEN, 730, quiet_until=600)
        self.assertEqual((rhythm.state, rhythm.bound), (REGULAR, 430))
        self.assertEqual((rhythm.score, rhythm.since_last), (1.0, 430))
        self.assertEqual(rhythm.waited, 130)
        self.assertEqual(_find(EVEN, 731, quiet_until=600).state, BROKEN)

    def test_a_pause_that_is_over_changes_nothing(self):
        self.assertEqual(_find(EVEN, 431, quiet_until=250), _find(EVEN, 431))

    def test_closed_days_do_not_count(self):
        clock = Clock([(_day(350), _day(369))])
        rhythm = _find(EVEN, 450, clock=clock)
        self.assertEqual((rhythm.state, rhythm.bound), (REGULAR, 150))
        self.assertEqual(_find(EVEN, 451, clock=clock).state, BROKEN)

    def test_closed_days_of_the_past_do_not_count_either(self):
        # One interval of 120 days is one of 100 without the closed ones.
        clock = Clock([(_day(110), _day(129))])
        rhythm = _find([0, 100, 220, 320], 320, clock=clock)
        self.assertEqual((rhythm.interval, rhythm.spread), (100, 10))
        self.assertEqual(rhythm.bound, 130)

    def test_the_interval_is_told_in_days_of_the_calendar(self):
        clock = Clock(
            [(_day(100 * place), _day(100 * place + 9)) for place in range(9)]
        )
        rhythm = _find(EVEN, 300, clock=clock)
        self.assertEqual((rhythm.interval, rhythm.spread), (100, 9))
        # 90 + 27 open days after 9 or 10 closed ones.
        self.assertEqual(rhythm.bound, 10 + 90 + 10 + 27)

    def test_seasonal_buyers_are_waited_for(self):
        # Each spring three orders, a month apart.
        days = [365 * year + month * 30 for year in range(3) for month in range(3)]
        limits = PLAIN._replace(season=45)
        last = days[-1]
        self.assertEqual(_find(days, last + 200).state, BROKEN)
        rhythm = _find(days, last + 200, limits)
        self.assertEqual((rhythm.state, rhythm.seasonal), (REGULAR, True))
        # It was back 305 days after the same time of last year, a day late by the
        # calendar's leap years.
        self.assertEqual(rhythm.bound, 305 + 45)
        self.assertEqual(_find(days, last + 350, limits).state, REGULAR)
        rhythm = _find(days, last + 351, limits)
        self.assertEqual((rhythm.state, rhythm.seasonal), (BROKEN, True))

    def test_a_season_that_may_come_at_any_time(self):
        limits = PLAIN._replace(season=400)
        self.assertEqual(_find([0, 50, 100, 550, 600, 650], 800, limits).state, REGULAR)

    def test_nobody_is_broken_on_the_day_of_an_order(self):
        clock = Clock([(_day(-10), _day(299))])
        limits = PLAIN._replace(patience=0, least_share=0.0)
        rhythm = _find([0, 100, 200, 299], 299, limits, clock=clock)
        self.assertEqual((rhythm.state, rhythm.score), (REGULAR, 0.0))
        self.assertEqual(rhythm.spread, 0)
        # All intervals were closed; the first open day and one more are left.
        self.assertEqual(rhythm.bound, 2)

    def test_a_season_of_other_months_is_none(self):
        days = [0, 30, 60, 90, 120, 150, 400, 430, 460, 490, 520]
        limits = PLAIN._replace(season=30)
        # Last year's pause began at 150; this one begins at 520 or 600.
        self.assertTrue(_find(days, 640, limits).seasonal)
        rhythm = _find([*days, 550, 580, 610], 800, limits)
        self.assertEqual((rhythm.state, rhythm.seasonal), (BROKEN, False))

    def test_a_season_is_seen_in_each_year(self):
        # Two years ago there was no pause at this time.
        days = [30 * place for place in range(20)]  # to 570
        days += [730, 760, 790, 820, 850, 880, 910, 935]
        limits = PLAIN._replace(season=30)
        self.assertEqual(_find(days, 1100, limits).state, BROKEN)
        self.assertEqual(_find(days[12:], 1100, limits).state, REGULAR)

    def test_days_out_of_order(self):
        for days in ([10, 5], [0, 100, 99, 200], [0, 3, 2]):
            with self.assertRaises(ValueError):
                _find(days, 500)

    def test_limits_are_checked(self):
        for wrong in (
            {"purchases": 2},
            {"memory": 1},
            {"factor": -1},
            {"factor": float("nan")},
            {"together": -1},
            {"grace": -1},
            {"patience": -1},
            {"least_days": -0.5},
            {"least_share": -0.5},
            {"usual_share": -0.5},
            {"usual_weight": -0.5},
            {"irregular_share": -0.5},
            {"season": -1},
        ):
            with self.subTest(limits=wrong):
                with self.assertRaises(ValueError):
                    _find(EVEN, 500, PLAIN._replace(**wrong))
                with self.assertRaises(ValueError):
                    list(find_rhythms([], START, PLAIN._replace(**wrong)))
        Limits(purchases=3, memory=2, factor=0, season=0, together=0).check()
        Limits().check()

    def test_clock(self):
        first, second = (_day(10), _day(19)), (_day(30), _day(30))
        clock = Clock([second, first, (_day(15), _day(16))])
        zero = START.toordinal()
        numbers = [clock.count(zero + day) - zero for day in (9, 10, 15, 20, 30, 31)]
        self.assertEqual(numbers, [9, 10, 10, 10, 20, 20])
        found = [clock.find(zero + number) - zero for number in (9, 10, 19, 20, 21)]
        self.assertEqual(found, [9, 20, 29, 31, 32])
        self.assertTrue(clock)
        self.assertFalse(Clock())
        with self.assertRaises(ValueError):
            Clock([(_day(5), _day(4))])

    def test_periods_that_touch(self):
        zero = START.toordinal()
        clock = Clock([(_day(0), _day(4)), (_day(5), _day(9))])
        self.assertEqual(clock.count(zero + 10), zero)
        self.assertEqual(clock.find(zero), zero + 10)

    def test_it_is_fast(self):
        source = random.Random(4)
        clients = [
            (client, sorted(source.randrange(738_000, 739_800) for _order in range(10)))
            for client in range(100_000)
        ]
        seconds = []
        for _round in range(3):
            start = time.perf_counter()
            states = [
                rhythm.state
                for _client, rhythm in find_rhythms(clients, date(2025, 12, 31))
            ]
            seconds.append(time.perf_counter() - start)
        self.assertEqual(len(states), 100_000)
        self.assertLess(min(seconds), 2.0)

    # ------------------------------------------------------------
    # PROPERTIES
    # ------------------------------------------------------------

    @PROPERTY
    @given(st.lists(HISTORIES, max_size=5), LIMITS, PERIODS, st.integers(0, 2500))
    def test_many_are_found_as_one(self, histories, limits, periods, today):
        clock = Clock(periods)
        quiet = {0: _day(today + 10), 2: _day(today // 2)}
        found = find_rhythms(
            (
                (client, [_day(number).toordinal() for number in numbers])
                for client, numbers in enumerate(histories)
            ),
            _day(today),
            limits,
            quiet,
            clock,
        )
        expected = [
            find_rhythm(
                [_day(number) for number in numbers],
                _day(today),
                limits,
                quiet.get(client),
                clock,
            )
            for client, numbers in enumerate(histories)
        ]
        self.assertEqual(list(found), list(enumerate(expected)))

    @PROPERTY
    @given(BUYERS, LIMITS, PERIODS, st.integers(0, 900))
    def test_broken_is_beyond_the_bound(self, numbers, limits, periods, silence):
        rhythm = _find(numbers, numbers[-1] + silence, limits, clock=Clock(periods))
        self.assertEqual(rhythm.since_last, silence)
        if rhythm.state == TOO_FEW:
            self.assertLess(rhythm.purchases, limits.purchases)
            return
        self.assertGreaterEqual(rhythm.purchases, limits.purchases)
        self.assertEqual(rhythm.state == BROKEN, silence > rhythm.bound)
        self.assertEqual(rhythm.state == BROKEN, rhythm.score > 1)
        self.assertGreaterEqual(rhythm.spread, limits.least_days)

    @PROPERTY
    @given(BUYERS, LIMITS, st.integers(0, 600), st.integers(1, 600))
    def test_what_is_broken_stays_broken_until_an_order(
        self, numbers, limits, silence, more
    ):
        limits = limits._replace(season=0)
        now = _find(numbers, numbers[-1] + silence, limits)
        later = _find(numbers, numbers[-1] + silence + more, limits)
        self.assertGreaterEqual(later.score, now.score)
        if now.state == BROKEN:
            self.assertEqual(later.state, BROKEN)
        back = [*numbers, numbers[-1] + silence + more]
        self.assertNotEqual(_find(back, back[-1], limits).state, BROKEN)

    @PROPERTY
    @given(HISTORIES, LIMITS, st.integers(0, 900), st.integers(-5000, 5000))
    def test_the_date_does_not_matter_without_seasons(
        self, numbers, limits, silence, shift
    ):
        limits = limits._replace(season=0)
        last = numbers[-1] if numbers else 0
        moved = [number + shift for number in numbers]
        self.assertEqual(
            _find(numbers, last + silence, limits),
            _find(moved, last + shift + silence, limits),
        )

    @PROPERTY
    @given(HISTORIES, LIMITS, st.integers(0, 900), st.floats(0, 5))
    def test_a_larger_factor_waits_longer(self, numbers, limits, silence, more):
        limits = limits._replace(season=0)
        today = (numbers[-1] if numbers else 0) + silence
        one = _find(numbers, today, limits)
        other = _find(numbers, today, limits._replace(factor=limits.factor + more))
        if one.state != TOO_FEW:
            self.assertGreaterEqual(other.bound, one.bound)

    @PROPERTY
    @given(BUYERS, LIMITS, st.integers(0, 900), st.data())
    def test_several_orders_on_a_day_are_one(self, numbers, limits, silence, data):
        again = data.draw(st.sampled_from(numbers))
        self.assertEqual(
            _find(numbers, numbers[-1] + silence, limits),
            _find(sorted([*numbers, again]), numbers[-1] + silence, limits),
        )

    @PROPERTY
    @given(BUYERS, LIMITS, st.integers(0, 900), PERIODS, st.integers(0, 2500))
    def test_what_does_not_count_never_breaks(
        self, numbers, limits, silence, periods, quiet
    ):
        today = numbers[-1] + silence
        limits = limits._replace(season=0)
        plain = _find(numbers, today, limits)
        paused = _find(numbers, today, limits, quiet_until=quiet)
        self.assertGreaterEqual(plain.score, paused.score)
        if plain.state != TOO_FEW:
            self.assertGreaterEqual(paused.bound, plain.bound)
        # Days after the last order that are closed only give time.
        later = [one for one in periods if one[0] > _day(numbers[-1])]
        closed = _find(numbers, today, limits, clock=Clock(later))
        if plain.state != TOO_FEW:
            self.assertGreaterEqual(closed.bound, plain.bound)

    @PROPERTY
    @given(PERIODS, st.integers(-10, 1600))
    def test_clock_counts_open_days(self, periods, number):
        clock = Clock(periods)
        closed = {
            day
            for first, last in periods
            for day in range(first.toordinal(), last.toordinal() + 1)
        }
        zero = _day(-20).toordinal()
        day = _day(number).toordinal()
        open_days = sum(one not in closed for one in range(zero, day))
        self.assertEqual(clock.count(day) - clock.count(zero), open_days)
        found = clock.find(clock.count(day))
        self.assertNotIn(found, closed)
        self.assertGreaterEqual(found, day)
        self.assertEqual(clock.count(found), clock.count(day))
        if day not in closed:
            self.assertEqual(found, day)
