"""When touchpoints are due: examples and properties, without a database."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.account_tiering.tools.rhythm import (
    QUARTERS,
    Demand,
    Fixed,
    Rhythm,
    get_bounds,
    stagger,
)

PROPERTY = settings(max_examples=150, deadline=None, database=None, derandomize=True)

TIMES = st.integers(1, 52)
DAYS = st.dates(date(2023, 1, 1), date(2033, 12, 31))
CHANNELS = st.sampled_from(sorted(QUARTERS))
RHYTHMS = st.builds(
    Demand,
    key=st.just(1),
    client=st.integers(1, 10**6),
    owner=st.just("owner"),
    channel=CHANNELS,
    times=TIMES,
    hours=st.just(1.0),
    start=st.none() | st.dates(date(2020, 1, 1), date(2022, 12, 1)),
    last_touch=st.none(),
    fixed=st.just(()),
    planned=st.just(()),
)


def make_demand(**values):
    defaults = {"key": 1, "client": 7, "owner": "owner", "channel": "call"}
    return Demand(**{**defaults, "times": 4, "hours": 1.0, **values})


def get_dues(demand, first, last):
    """Return the due dates of the demand's open slots, by (year, number)."""
    rhythm = Rhythm(demand)
    return {
        (index // demand.times, index % demand.times + 1): date.fromordinal(
            rhythm.get_due(index)
        )
        for index in rhythm.find_open(first.toordinal(), last.toordinal(), set())
    }


def next_year(day):
    """Return the day's anniversary, 1 March for a 29 February."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return date(day.year + 1, 3, 1)


@tagged("post_install", "-at_install")
class TestRhythm(BaseCase):
    def test_quarterly(self):
        dues = get_dues(
            make_demand(start=date(2027, 2, 10)), date(2027, 1, 1), date(2028, 3, 1)
        )
        self.assertEqual(
            dues,
            {
                (2027, 1): date(2027, 2, 10),
                (2027, 2): date(2027, 5, 12),
                (2027, 3): date(2027, 8, 11),
                (2027, 4): date(2027, 11, 10),
                (2028, 1): date(2028, 2, 10),
            },
        )

    def test_bounds(self):
        self.assertEqual(get_bounds(1), (365, 7, 91, 28))
        self.assertEqual(get_bounds(4), (91, 7, 22, 28))
        self.assertEqual(get_bounds(12), (30, 3, 7, 11))
        self.assertEqual(get_bounds(52), (7, 3, 0, 3))
        self.assertEqual(get_bounds(365), (1, 0, 0, 0))

    def test_bounds_keep_the_order(self):
        for times in range(1, 366):
            interval, slack, give, reach = get_bounds(times)
            self.assertLessEqual(0, slack)
            self.assertLessEqual(slack, reach)
            self.assertLessEqual(0, give)
            self.assertLess(give + 2 * reach, interval)

    def test_times_out_of_range_are_refused(self):
        for times in (0, -1, 366):
            with self.assertRaisesRegex(ValueError, "not between 1 and 365"):
                get_bounds(times)
            with self.assertRaisesRegex(ValueError, "not between 1 and 365"):
                stagger(date(2027, 1, 1), "call", times)

    def test_channels_are_a_quarter_of_the_interval_apart(self):
        start = date(2027, 1, 1)
        shifts = {
            channel: (stagger(start, channel, 4) - start).days for channel in QUARTERS
        }
        self.assertEqual(
            shifts, {"meeting": 0, "newsletter": 22, "call": 45, "other": 68}
        )
        self.assertEqual(stagger(start, "visit", 4), stagger(start, "other", 4))
        # Of a client who has no start, too: calls are half way between the meetings.
        year = date(2027, 1, 1), date(2027, 12, 31)
        meeting, call = (
            set(get_dues(make_demand(channel=channel, times=2), *year).values())
            for channel in ("meeting", "call")
        )
        for day in meeting:
            self.assertIn(min(abs(day - each).days for each in call), (90, 91, 92))

    def test_start_on_29_february(self):
        demand = make_demand(start=date(2028, 2, 29), times=1)
        self.assertEqual(
            list(get_dues(demand, date(2028, 2, 29), date(2033, 1, 1)).values()),
            [date(year, 3, 1) for year in range(2028, 2033)],
        )

    def test_first_plan_is_spread_over_the_interval(self):
        first = date(2026, 10, 1)
        dues = [
            min(get_dues(make_demand(client=client), first, next_year(first)).values())
            for client in range(1, 2001)
        ]
        by_week = Counter((due - first).days // 7 for due in dues)
        self.assertEqual(set(by_week), set(range(14)))
        # 154 a week on average; of the week at the end there is but half a day.
        self.assertTrue(all(110 < by_week[week] < 200 for week in range(13)), by_week)
        self.assertEqual(len({due.weekday() for due in dues}), 7)

    # ------------------------------------------------------------
    # COUNT AND DISTANCE
    # ------------------------------------------------------------

    @PROPERTY
    @given(RHYTHMS, DAYS)
    @example(make_demand(times=5), date(2028, 2, 29))
    @example(make_demand(times=7), date(2027, 3, 1))
    @example(make_demand(times=365), date(2027, 3, 1))
    def test_twelve_months_hold_exactly_n(self, demand, first):
        last = next_year(first) - timedelta(1)
        dues = get_dues(demand, first, last)
        self.assertEqual(len(dues), demand.times)
        self.assertTrue(all(first <= due <= last for due in dues.values()))

    @PROPERTY
    @given(RHYTHMS, st.integers(2023, 2033))
    def test_a_calendar_year_holds_its_numbers(self, demand, year):
        dues = get_dues(demand, date(year, 1, 1), date(year, 12, 31))
        self.assertEqual(
            list(dues), [(year, number) for number in range(1, demand.times + 1)]
        )

    @PROPERTY
    @given(RHYTHMS, DAYS, st.integers(1, 1500))
    def test_distance(self, demand, first, days):
        dues = get_dues(demand, first, first + timedelta(days)).values()
        interval = get_bounds(demand.times).interval
        for due, after in pairwise(dues):
            self.assertIn((after - due).days - interval, (0, 1, 2))

    @PROPERTY
    @given(RHYTHMS, DAYS, st.integers(1, 500))
    def test_slots_keep_their_dates_while_the_horizon_rolls_on(
        self, demand, first, days
    ):
        last = first + timedelta(800)
        later = first + timedelta(days)
        expected = get_dues(demand, first, last)
        self.assertEqual(
            get_dues(demand, later, last),
            {slot: due for slot, due in expected.items() if due >= later},
        )

    @PROPERTY
    @given(TIMES, DAYS)
    def test_new_client_is_due_at_once(self, times, start):
        demand = make_demand(times=times, start=start)
        dues = list(get_dues(demand, start, start + timedelta(400)).values())
        is_leap_day = (start.month, start.day) == (2, 29)
        self.assertEqual(dues[0], start + timedelta(is_leap_day))
        # Still when the plan is made on the last day of the window.
        late = dues[0] + timedelta(get_bounds(times).slack)
        self.assertEqual(
            next(iter(get_dues(demand, late, late + timedelta(400)).values())), dues[0]
        )
        late += timedelta(1)
        self.assertNotIn(
            dues[0], get_dues(demand, late, late + timedelta(400)).values()
        )

    # ------------------------------------------------------------
    # WHAT TOOK PLACE
    # ------------------------------------------------------------

    def test_two_weeks_early_moves_the_next_one_only(self):
        first, last = date(2027, 1, 1), date(2028, 12, 31)
        for times in (1, 2, 4, 6):
            demand = make_demand(times=times)
            expected = get_dues(demand, first, last)
            (slot, due), (after, after_due), *_rest = expected.items()
            early = due - timedelta(14)
            dues = get_dues(
                demand._replace(fixed=[Fixed(*slot, due, early)]), first, last
            )
            del expected[slot]
            expected[after] = after_due - timedelta(14)
            self.assertEqual(dues, expected)
            self.assertIn((dues[after] - early).days - 365 // times, (0, 1, 2))

    def test_offset_shrinks(self):
        first, last = date(2027, 1, 1), date(2027, 12, 31)
        demand = make_demand(times=12)
        expected = get_dues(demand, first, last)
        (slot, due), *rest = expected.items()
        dues = get_dues(
            demand._replace(fixed=[Fixed(*slot, due, due + timedelta(10))]), first, last
        )
        offsets = [(dues[key] - day).days for key, day in rest]
        self.assertEqual(offsets, [10, 3] + [0] * 9)

    def test_latest_one_that_was_held_counts(self):
        first, last = date(2027, 1, 1), date(2028, 12, 31)
        plain = get_dues(make_demand(), first, last)
        one, two, three = list(plain)[:3]
        held = [
            Fixed(*one, plain[one], plain[one] + timedelta(20)),
            Fixed(*two, plain[two], plain[two] - timedelta(20)),
        ]
        for fixed in (held, held[::-1]):
            dues = get_dues(make_demand(fixed=fixed), first, last)
            self.assertEqual(dues[three], plain[three] - timedelta(20))

    def test_what_is_moved_over_the_edge_of_the_horizon(self):
        first, last = date(2027, 1, 1), date(2028, 12, 31)
        plain = get_dues(make_demand(), first, last)
        one, two, three = list(plain)[:3]
        for days in (-20, 20):
            held = Fixed(*one, plain[one], plain[one] + timedelta(days))
            demand = make_demand(fixed=[held])
            due = plain[two] + timedelta(days)
            # On the day that it is due now,
            self.assertEqual(get_dues(demand, due, due), {two: due})
            # and still while it would not have been due if nothing had moved it.
            first = max(due, plain[two])
            self.assertEqual(list(get_dues(demand, first, plain[three])), [two, three])
            day = first + timedelta(1)
            self.assertEqual(list(get_dues(demand, day, plain[three])), [three])

    def test_what_was_before_the_start_does_not_count(self):
        start, last = date(2027, 3, 1), date(2028, 12, 31)
        demand = make_demand(start=start)
        plain = get_dues(demand, start, last)
        touch = start - timedelta(20)
        held = [Fixed(2026, 4, touch, touch - timedelta(20))]
        for other in (
            demand._replace(last_touch=touch),
            demand._replace(fixed=held),
        ):
            self.assertEqual(get_dues(other, start, last), plain)

    def test_given_up_moves_nothing(self):
        first, last = date(2027, 1, 1), date(2027, 12, 31)
        expected = get_dues(make_demand(), first, last)
        slot, due = next(iter(expected.items()))
        demand = make_demand(fixed=[Fixed(*slot, due, None)])
        del expected[slot]
        self.assertEqual(get_dues(demand, first, last), expected)

    def test_fewer_a_year_use_up_the_last_one(self):
        # The fifth of six was held before the cadence was cut to four.
        held = Fixed(2027, 5, date(2027, 10, 1), date(2027, 10, 1))
        demand = make_demand(times=4, fixed=[held])
        dues = get_dues(demand, date(2027, 10, 2), date(2028, 12, 31))
        self.assertNotIn((2027, 4), dues)
        self.assertEqual(
            [slot for slot in dues if slot[0] == 2028],
            [(2028, number) for number in (1, 2, 3, 4)],
        )

    @PROPERTY
    @given(RHYTHMS, DAYS)
    def test_last_touch_puts_off_the_next_one_by_an_interval(self, demand, touch):
        demand = demand._replace(last_touch=touch)
        interval, slack, give, _reach = get_bounds(demand.times)
        dues = get_dues(demand, touch + timedelta(1), touch + timedelta(3 * 366))
        away = (min(dues.values()) - touch).days - interval
        # Exactly, but for what a window allows, and for the limit of the offset.
        limit = max(slack, interval // 2 + 2 - 2 * give)
        self.assertTrue(-limit <= away <= limit + 2, away)

    def test_last_touch_uses_up_its_slot_for_good(self):
        first, last = date(2027, 1, 1), date(2028, 12, 31)
        plain = get_dues(make_demand(), first, last)
        used, following = list(plain)[:2]
        demand = make_demand(last_touch=plain[used] - timedelta(30))
        dues = get_dues(demand, first, last)
        self.assertEqual(list(dues), list(plain)[1:])
        self.assertEqual(dues[following], plain[following] - timedelta(30))
        # Also when the next one is held long before it is due.
        early = demand.last_touch + timedelta(10)
        held = Fixed(*following, dues[following], early)
        dues = get_dues(demand._replace(fixed=[held]), first, last)
        self.assertEqual(list(dues), list(plain)[2:])

    def test_last_touch_nearest_to_a_slot_after_the_settled_one(self):
        """A slot held very late: the contact before it does not use up the next."""
        first, last = date(2027, 1, 1), date(2028, 12, 31)
        plain = get_dues(make_demand(), first, last)
        one, two = list(plain)[:2]
        held = Fixed(*one, plain[one], plain[two] - timedelta(5))
        touch = plain[two] - timedelta(10)
        demand = make_demand(fixed=[held], last_touch=touch)
        self.assertIn(two, get_dues(demand, first, last))

    @PROPERTY
    @given(RHYTHMS, DAYS, st.integers(-90, 90), st.integers(0, 400))
    def test_last_touch_does_not_count_after_a_settled_slot(
        self, demand, first, away, days
    ):
        last = first + timedelta(800)
        slot, due = list(get_dues(demand, first, last).items())[1]
        held = Fixed(*slot, due, due + timedelta(away))
        demand = demand._replace(fixed=[held])
        touch = held.day + timedelta(days)
        self.assertEqual(
            get_dues(demand._replace(last_touch=touch), first, last),
            get_dues(demand, first, last),
        )

    @PROPERTY
    @given(
        RHYTHMS,
        st.integers(2024, 2032),
        st.lists(st.integers(-90, 90), min_size=1, max_size=60),
    )
    def test_whatever_took_place_the_count_stays(self, demand, year, offsets):
        """Hold slots one by one, each as much too early or late as a number says."""
        interval, _slack, give, _reach = get_bounds(demand.times)
        span = date(year, 1, 1), date(year + 2, 12, 31)
        plain = get_dues(demand, *span)
        fixed = []
        for slot, offset in zip(list(plain), offsets, strict=False):
            offset = max(min(offset, interval // 2), -(interval // 2))
            due = get_dues(demand._replace(fixed=fixed), *span).get(slot)
            if not due:
                break
            fixed.append(Fixed(*slot, due, due + timedelta(offset)))
        demand = demand._replace(fixed=fixed)
        dues = get_dues(demand, date(year - 1, 7, 1), span[1])
        rest = [slot for slot in plain if slot not in {each[:2] for each in fixed}]
        # Each slot once, none lost, none more; at the edges they may come or go.
        self.assertEqual(
            [slot for slot in dues if slot in plain][: len(rest) - 2],
            rest[: len(rest) - 2],
        )
        rest = [slot for slot in rest if slot in dues]
        for slot in rest:
            self.assertLessEqual(abs((dues[slot] - plain[slot]).days), 2 * give)
        for due, after in pairwise(dues[slot] for slot in rest):
            self.assertTrue(
                interval - give <= (after - due).days <= interval + give + 2
            )

    @PROPERTY
    @given(RHYTHMS, DAYS, st.data())
    def test_held_in_its_window_changes_nothing(self, demand, first, data):
        last = first + timedelta(3 * 366)
        early = data.draw(st.integers(-60, 60), label="offset of the one before")
        slot, due = next(iter(get_dues(demand, first, last).items()))
        demand = demand._replace(fixed=[Fixed(*slot, due, due + timedelta(early))])
        dues = get_dues(demand, first, last)
        slack = get_bounds(demand.times).slack
        for slot, due in list(dues.items())[:3]:
            day = due + timedelta(data.draw(st.integers(-slack, slack)))
            demand = demand._replace(fixed=[*demand.fixed, Fixed(*slot, due, day)])
            del dues[slot]
            self.assertEqual(get_dues(demand, first, last), dues)
