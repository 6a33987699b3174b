"""On which days touchpoints take place: examples and properties, without a database."""

import random
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.account_tiering.tools.rhythm import (
    Demand,
    Fixed,
    Planned,
    get_bounds,
)
from odoo.addons.account_tiering.tools.spread import (
    CAPACITY,
    NO_WORKING_DAY,
    OVERDUE,
    PERSONAL,
    SAME_WEEK,
    Owner,
    Workload,
    spread,
    sum_months,
)

PROPERTY = settings(max_examples=60, deadline=None, database=None, derandomize=True)

FIRST = date(2026, 9, 1)
LAST = date(2027, 8, 31)
DAYS = [FIRST + timedelta(days) for days in range(-40, 420)]
WEEKDAYS = [day for day in DAYS if day.weekday() < 5]


def make_owner(key="anna", limit=None, off=(), hours=8.0):
    return Owner(key, {day: hours for day in WEEKDAYS if day not in set(off)}, limit)


def make_demand(key=1, **values):
    defaults = {"client": key, "owner": "anna", "channel": "call", "times": 4}
    return Demand(key, **{**defaults, "hours": 1.0, **values})


def year_before(due):
    """Return the start of a demand that is due on the day for the second year."""
    return due.replace(year=due.year - 1)


def plan_again(demands, placements):
    """Return the demands with what was placed as their planned slots."""
    planned = defaultdict(list)
    for placed in placements:
        planned[placed.key].append(Planned(placed.year, placed.number, placed.day))
    return [demand._replace(planned=planned[demand.key]) for demand in demands]


def get_days(placements):
    return {(each.key, each.year, each.number): each.day for each in placements}


def to_fixed(placed, day):
    return Fixed(placed.year, placed.number, placed.due, day)


LIMITS = (None, 4.0, 2.0, 1.0, 0.5)
TIMES = (0, 1, 2, 4, 5, 7, 12, 26, 52)
LEAVES = (1, 5, 15, 60)
#: For those who have time: as a rule nothing is to be reported.
CALM = {
    "limits": (None, 6.0, 4.0),
    "times": TIMES[:-1],
    "leaves": (1, 2, 3),
    "with_others": False,
}


@st.composite
def draw_case(draw, limits=LIMITS, times=TIMES, leaves=LEAVES, with_others=True):
    """Return demands and owners of a small agency.

    :param with_others: some meetings take the time of both owners, and some days hold
        touchpoints that are none of the demands
    """
    owners = []
    for key in ("anna", "ben"):
        off = set()
        for _leave in range(draw(st.integers(0, 3))):
            start = draw(st.integers(0, len(WEEKDAYS) - 1))
            off.update(WEEKDAYS[start : start + draw(st.sampled_from(leaves))])
        owner = make_owner(key, draw(st.sampled_from(limits)), off)
        if with_others:
            taken = st.dictionaries(st.sampled_from(WEEKDAYS), st.just(1.0))
            owner = owner._replace(taken=draw(taken))
        owners.append(owner)
    demands = [
        Demand(
            key,
            draw(st.integers(1, 5)),
            draw(st.sampled_from(["anna", "ben"])),
            channel,
            draw(st.sampled_from(times)),
            0 if channel == "newsletter" else draw(st.sampled_from([0.25, 1.0, 2.0])),
            draw(st.none() | st.sampled_from(WEEKDAYS[:90])),
            draw(st.none() | st.sampled_from([day for day in DAYS if day < FIRST])),
        )
        for key, channel in enumerate(
            draw(
                st.lists(
                    st.sampled_from(["meeting", "call", "newsletter"]), max_size=12
                )
            )
        )
    ]
    if with_others:
        demands = [
            demand._replace(
                others=[(other.key, draw(st.sampled_from([0.5, 1.0])))]
                if demand.channel == "meeting" and draw(st.booleans())
                else ()
            )
            for demand in demands
            for other in owners
            if other.key != demand.owner
        ]
    return demands, owners


class Agency:
    """A plain account of all days, to judge placements by."""

    def __init__(self, demands, owners, placements):
        self.demands = {demand.key: demand for demand in demands}
        self.owners = {owner.key: owner for owner in owners}
        self.placements = placements

    def is_working(self, demand, day):
        """Return whether all owners of a demand work on a day."""
        return all(self.owners[key].hours.get(day) for key, _ in demand.get_loads())

    def has_room(self, demand, day, taken):
        """Return whether all owners of a demand have time for it on a day.

        :param taken: hours of other touchpoints by owner and day
        """
        for key, hours in demand.get_loads():
            owner = self.owners[key]
            room = owner.hours.get(day, 0)
            if owner.limit is not None:
                room = min(room, owner.limit)
            if hours and taken[key, day] + owner.taken.get(day, 0) + hours > room:
                return False
        return True

    def get_touches(self):
        """Return (placement or None, demand, day) of all that takes place."""
        touches = [(each, self.demands[each.key], each.day) for each in self.placements]
        return touches + [
            (None, demand, fixed.day)
            for demand in self.demands.values()
            for fixed in demand.fixed
            if fixed.day
        ]

    def find_fine_days(self, placed):
        """Return the fine days of a placement's window, and the reason for none."""
        demand = self.demands[placed.key]
        others = [touch for touch in self.get_touches() if touch[0] is not placed]
        taken = Counter()
        for _placed, other, day in others:
            for key, hours in other.get_loads():
                taken[key, day] += hours
        weeks = {
            day.isocalendar()[:2]
            for _placed, other, day in others
            if {demand.channel, other.channel} <= PERSONAL
            and other.client == demand.client
        }
        size = (placed.window_end - placed.window_start).days + 1
        window = [placed.window_start + timedelta(days) for days in range(size)]
        window = [day for day in window if day >= FIRST]
        working = [day for day in window if self.is_working(demand, day)]
        roomy = [day for day in working if self.has_room(demand, day, taken)]
        fine = [day for day in roomy if day.isocalendar()[:2] not in weeks]
        reason = None if fine else SAME_WEEK
        if not roomy:
            reason = CAPACITY
        if not working:
            reason = NO_WORKING_DAY
        if not window:
            reason = OVERDUE
        return fine, reason


@tagged("post_install", "-at_install")
class TestSpread(BaseCase):
    def spread(self, demands, owners=None, first=FIRST, last=LAST):
        return spread(demands, owners or [make_owner()], first, last)

    # ------------------------------------------------------------
    # EXAMPLES
    # ------------------------------------------------------------

    def test_nothing_to_place(self):
        self.assertEqual(spread([], [], FIRST, LAST), [])
        self.assertEqual(self.spread([]), [])
        self.assertEqual(self.spread([make_demand(times=0)]), [])

    def test_new_client_starts_at_once(self):
        saturday = date(2026, 9, 5)
        [meeting, call] = self.spread(
            [
                make_demand(1, client=1, channel="meeting", times=2, start=saturday),
                make_demand(2, client=1, start=saturday),
            ],
            last=date(2026, 9, 30),
        )
        # On the next working days, not on Friday, and a week apart.
        self.assertEqual(
            meeting[3:],
            (saturday, saturday, date(2026, 9, 12), date(2026, 9, 7), None),
        )
        self.assertEqual(call[3:], (*meeting[3:6], date(2026, 9, 14), SAME_WEEK))

    def test_never_before_the_horizon(self):
        first = date(2026, 9, 5)
        [placed] = self.spread(
            [make_demand(start=first)], first=first, last=date(2026, 9, 30)
        )
        self.assertEqual((placed.day, placed.reason), (date(2026, 9, 7), None))

    def test_day_with_most_time_left(self):
        start = date(2026, 10, 7)
        demands = [make_demand(key, start=year_before(start)) for key in range(1, 12)]
        placements = self.spread(demands, last=date(2026, 10, 31))
        days = Counter(placed.day for placed in placements)
        # Fifteen days of the window are eleven working days.
        self.assertEqual(set(days.values()), {1})
        self.assertEqual(placements[0].day, start)

    def test_part_of_a_day(self):
        start = date(2026, 10, 7)
        hours = {start: 3.0, start + timedelta(1): 1.0, start + timedelta(2): 0.0}
        owner = Owner("anna", hours, 2.0)
        demands = [make_demand(key, start=year_before(start)) for key in range(1, 5)]
        placements = self.spread(demands, [owner], last=date(2026, 10, 31))
        self.assertEqual(
            [(placed.day - start).days for placed in placements], [0, 0, 1, 0]
        )
        self.assertEqual(
            [placed.reason for placed in placements], [None, None, None, CAPACITY]
        )

    def test_owner_who_never_works(self):
        for owner in (Owner("anna", {}), make_owner(hours=0.0)):
            placements = self.spread([make_demand(), make_demand(2, times=12)], [owner])
            self.assertEqual(len(placements), 16)
            for placed in placements:
                self.assertEqual(placed.reason, NO_WORKING_DAY)
                self.assertEqual(placed.day, placed.due)

    def test_limit_of_nothing_leaves_newsletters(self):
        demands = [
            make_demand(1, start=FIRST),
            make_demand(2, channel="newsletter", hours=0, start=FIRST),
        ]
        placements = self.spread(demands, [make_owner(limit=0)])
        reasons = {placed.key: placed.reason for placed in placements}
        self.assertEqual(reasons, {1: CAPACITY, 2: None})

    def test_long_leave_puts_off(self):
        due = date(2026, 11, 18)
        leave = [due + timedelta(days) for days in range(-14, 12)]
        [placed] = self.spread(
            [make_demand(start=year_before(due))],
            [make_owner(off=leave)],
            last=date(2026, 12, 1),
        )
        self.assertEqual(placed.reason, NO_WORKING_DAY)
        self.assertEqual(placed.day, due + timedelta(12))

    def test_horizon_shorter_than_the_interval(self):
        demand = make_demand(times=1, start=date(2026, 3, 1))
        last = FIRST + timedelta(30)
        self.assertEqual(self.spread([demand], last=last), [])
        same_day = make_demand(times=1, start=FIRST)
        self.assertEqual(len(self.spread([same_day], last=FIRST)), 1)

    def test_weekly_calls_leave_no_week_for_a_meeting(self):
        placements = self.spread(
            [
                make_demand(1, client=1, times=52),
                make_demand(2, client=1, times=2, channel="meeting"),
            ]
        )
        reasons = Counter(placed.reason for placed in placements)
        self.assertEqual(set(reasons), {None, SAME_WEEK})
        self.assertLessEqual(reasons[SAME_WEEK], 4)

    def test_overdue_is_offered_again(self):
        due = FIRST - timedelta(60)
        [placed] = self.spread([make_demand(start=due)], first=due, last=due)
        demand = make_demand(start=due, planned=[Planned(*placed[1:3], placed.day)])
        [again, *rest] = self.spread([demand])
        self.assertEqual(again[1:4], (placed.year, placed.number, due))
        self.assertEqual((again.day, again.reason), (FIRST, OVERDUE))
        # Until it is settled.
        demand = make_demand(start=due, fixed=[to_fixed(placed, None)])
        self.assertEqual(self.spread([demand]), rest)

    def test_planned_for_a_cadence_that_was_cut(self):
        """The fifth of the year is no longer owed, and is not the next year's first."""
        placements = self.spread([make_demand()])
        [first] = [placed for placed in placements if placed[1:3] == (2027, 1)]
        stale = [
            Planned(2026, 5, day)
            for day in WEEKDAYS
            if first.window_start <= day <= first.window_end and day != first.day
        ]
        self.assertEqual(self.spread([make_demand(planned=stale[:1])]), placements)

    def test_fixed_takes_its_time(self):
        start = date(2026, 10, 7)
        fixed = [Fixed(2026, 4, date(2026, 10, 7), start)]
        demands = [
            make_demand(1, start=year_before(start)),
            make_demand(2, start=year_before(start), fixed=fixed),
            # Also of a cadence that is no more.
            make_demand(
                3, times=0, fixed=[Fixed(2026, 4, start, start + timedelta(1))]
            ),
        ]
        [placed] = self.spread(demands, [make_owner(limit=1)], last=date(2026, 10, 31))
        self.assertEqual((placed.key, placed.day), (1, start - timedelta(1)))

    def test_takes_the_time_of_all_owners(self):
        """A meeting goes to a day on which the director works and has time, too; it
        takes his time, and what is planned for him elsewhere counts."""
        first, second, third = WEEKDAYS[40:43]
        manager = make_owner("anna", 2.0, set(WEEKDAYS) - {first, second, third})
        director = make_owner("dora", 2.0, {first})._replace(taken={second: 1.0})
        meeting = make_demand(
            1,
            channel="meeting",
            times=1,
            hours=1.0,
            start=second,
            others=[("dora", 1.5)],
        )
        [placed] = spread([meeting], [manager, director], FIRST, LAST)
        self.assertEqual((placed.day, placed.reason), (third, None))
        other = make_demand(2, client=2, owner="dora", times=1, hours=1.0, start=third)
        placements = spread([meeting, other], [manager, director], FIRST, LAST)
        self.assertEqual(
            {each.key: each.reason for each in placements}, {1: None, 2: None}
        )
        self.assertNotEqual(placements[0].day, placements[1].day)
        fixed = to_fixed(placed, third)
        demands = [meeting._replace(fixed=[fixed]), other]
        [moved] = spread(demands, [manager, director], FIRST, LAST)
        self.assertGreater(moved.day, third)

    def test_nobody_has_time_when_one_of_two_never_works(self):
        meeting = make_demand(channel="meeting", others=[("dora", 1.0)])
        owners = [make_owner(), Owner("dora", {})]
        placements = spread([meeting], owners, FIRST, LAST)
        self.assertEqual({each.reason for each in placements}, {NO_WORKING_DAY})

    def test_fixed_takes_its_week(self):
        start = date(2026, 10, 7)
        fixed = [Fixed(2026, 2, start, start)]
        meeting = make_demand(
            2,
            client=1,
            channel="meeting",
            times=2,
            start=year_before(start),
            fixed=fixed,
        )
        [placed] = self.spread(
            [make_demand(1, start=year_before(start)), meeting], last=date(2026, 10, 31)
        )
        self.assertEqual((placed.day, placed.reason), (date(2026, 10, 2), None))

    def test_what_has_no_room_in_its_window_leaves_it(self):
        due = date(2026, 10, 7)
        owner = Owner("anna", {due: 8.0, due + timedelta(10): 8.0}, 1.0)
        demands = [
            make_demand(key, start=year_before(due), planned=[Planned(2026, 4, due)])
            for key in (1, 2, 3)
        ]
        placements = self.spread(demands, [owner], last=date(2026, 10, 31))
        self.assertEqual(
            [((placed.day - due).days, placed.reason) for placed in placements],
            # The second finds room, the third none at all.
            [(0, None), (10, CAPACITY), (0, CAPACITY)],
        )

    def test_of_two_on_a_full_day_the_later_one_moves(self):
        due = date(2026, 10, 7)
        demands = [
            make_demand(key, start=year_before(due), planned=[Planned(2026, 4, due)])
            for key in (1, 2)
        ]
        placements = self.spread(
            demands, [make_owner(limit=1)], last=date(2026, 10, 31)
        )
        self.assertEqual([(placed.day - due).days for placed in placements], [0, -1])

    def test_no_other_leaves_its_window_to_make_room(self):
        due = date(2026, 10, 7)
        owner = Owner("anna", {due: 8.0, due + timedelta(10): 8.0}, 2.0)
        demands = [
            make_demand(1, start=year_before(due), planned=[Planned(2026, 4, due)]),
            make_demand(2, start=year_before(due), hours=3.0),
        ]
        placements = self.spread(demands, [owner], last=date(2026, 10, 31))
        self.assertEqual(
            [(placed.day, placed.reason) for placed in placements],
            [(due, None), (due, CAPACITY)],
        )

    def test_no_other_gets_into_a_meetings_week_to_make_room(self):
        due, after = date(2026, 10, 9), date(2026, 10, 12)
        owner = Owner("anna", {due: 8.0, after: 8.0}, 2.0)
        demands = [
            make_demand(1, start=year_before(due), planned=[Planned(2026, 4, due)]),
            make_demand(
                2, start=year_before(due), hours=3.0, planned=[Planned(2026, 4, due)]
            ),
            make_demand(
                3,
                client=1,
                channel="meeting",
                times=2,
                start=year_before(due),
                fixed=[Fixed(2026, 2, due, after + timedelta(1))],
            ),
        ]
        placements = self.spread(demands, [owner], last=date(2026, 10, 31))
        self.assertEqual(
            [(placed.day, placed.reason) for placed in placements],
            [(due, None), (due, CAPACITY)],
        )

    def test_call_makes_way_for_a_meeting(self):
        due = date(2026, 10, 7)
        owners = [make_owner(), Owner("ben", {due: 8.0})]
        demands = [
            make_demand(
                1, client=1, start=year_before(due), planned=[Planned(2026, 4, due)]
            ),
            make_demand(
                2, client=1, channel="meeting", times=2, owner="ben", start=due
            ),
        ]
        placements = self.spread(demands, owners, last=date(2026, 10, 31))
        self.assertEqual(
            [(placed.day, placed.reason) for placed in placements],
            [(date(2026, 10, 2), None), (due, None)],
        )

    def test_fixed_fills_the_only_day(self):
        due = date(2026, 10, 7)
        demands = [
            make_demand(1, start=year_before(due), planned=[Planned(2026, 4, due)]),
            make_demand(2, start=year_before(due), fixed=[Fixed(2026, 4, due, due)]),
        ]
        [placed] = self.spread(
            demands, [Owner("anna", {due: 8.0}, 1.0)], last=date(2026, 10, 31)
        )
        self.assertEqual((placed.day, placed.reason), (due, CAPACITY))

    def test_late_start_keeps_within_reach(self):
        """What is due five days before the horizon is not put off for longer."""
        due = FIRST - timedelta(5)
        reach = get_bounds(4).reach
        days = [FIRST + timedelta(days) for days in range(40)]
        for away, expected in ((reach, due + timedelta(reach)), (reach + 1, FIRST)):
            hours = {day: 8.0 for day in days if (day - due).days >= away}
            [placed] = self.spread(
                [make_demand(start=due)], [Owner("anna", hours)], last=FIRST
            )
            self.assertEqual((placed.day, placed.reason), (expected, NO_WORKING_DAY))

    def test_further_leave_moves_those_with_fewest_choices_first(self):
        day = date(2026, 10, 7)
        leave = [date(2026, 10, each) for each in range(8, 29)]
        demands = [
            make_demand(
                1, start=year_before(day), planned=[Planned(2026, 4, date(2026, 10, 8))]
            ),
            make_demand(
                2,
                start=year_before(date(2026, 10, 13)),
                planned=[Planned(2026, 4, date(2026, 10, 13))],
            ),
            make_demand(
                3,
                start=year_before(day),
                fixed=[Fixed(2026, 4, day, date(2026, 10, 6))],
            ),
        ]
        placements = self.spread(
            demands, [make_owner(off=leave, limit=1)], last=date(2026, 10, 31)
        )
        self.assertEqual(
            [(placed.day, placed.reason) for placed in placements],
            [(date(2026, 10, 5), None), (day, None)],
        )

    def test_first_plan_is_even(self):
        demands = [make_demand(key) for key in range(1, 101)]
        placements = self.spread(demands)
        days = Counter(placed.day for placed in placements)
        weeks = Counter(day.isocalendar()[:2] for day in days.elements())
        # 400 calls on 261 days: 1.5 a day, 7.7 a week.
        self.assertLessEqual(max(days.values()), 3)
        self.assertLessEqual(max(weeks.values()), 13)
        self.assertEqual(len(weeks), 53)
        self.assertEqual({placed.reason for placed in placements}, {None})

    def test_fewest_choices_go_first(self):
        """Those who are due before a leave do not take the last days of the others."""
        leave = [date(2026, 10, day) for day in range(8, 29)]
        late = [
            make_demand(key, start=year_before(date(2026, 10, 13))) for key in (1, 2)
        ]
        early = [
            make_demand(key, start=year_before(date(2026, 10, 6)))
            for key in range(3, 7)
        ]
        placements = self.spread(
            late + early, [make_owner(off=leave, limit=1)], last=date(2026, 10, 31)
        )
        self.assertEqual({placed.reason for placed in placements}, {None})

    def test_bad_input_is_refused(self):
        owners = [make_owner()]
        due = date(2026, 10, 1)
        cases = [
            ("is unknown", [make_demand(owner="eve")], owners),
            ("Demand 1 occurs twice", [make_demand(), make_demand()], owners),
            ("Owner 'anna' occurs twice", [], owners * 2),
            ("-1 times a year", [make_demand(times=-1)], owners),
            ("366 times a year", [make_demand(times=366)], owners),
            ("-1 is not a number of hours", [make_demand(hours=-1)], owners),
            ("nan is not a number", [make_demand(hours=float("nan"))], owners),
            ("limit: -2 is not", [], [make_owner(limit=-2)]),
            ("the time on 2026", [], [make_owner(hours=-8)]),
            ("inf is not", [], [make_owner(hours=float("inf"))]),
            (
                "slot 0 of 2026 does not exist",
                [make_demand(planned=[Planned(2026, 0, due)])],
                owners,
            ),
            (
                "slot 2 of 2026 occurs twice",
                [
                    make_demand(
                        planned=[Planned(2026, 2, due)],
                        fixed=[Fixed(2026, 2, due, None)],
                    )
                ],
                owners,
            ),
        ]
        for message, demands, bad_owners in cases:
            with (
                self.subTest(message=message),
                self.assertRaisesRegex(ValueError, message),
            ):
                spread(demands, bad_owners, FIRST, LAST)
        with self.assertRaisesRegex(ValueError, "before it begins"):
            spread([], [], FIRST, FIRST - timedelta(1))

    # ------------------------------------------------------------
    # PROPERTIES OF A PLAN
    # ------------------------------------------------------------

    @PROPERTY
    @given(draw_case())
    def test_each_is_placed_once(self, case):
        demands, owners = case
        placements = spread(demands, owners, FIRST, LAST)
        self.assertEqual(len(get_days(placements)), len(placements))
        counts = Counter(placed.key for placed in placements)
        for demand in demands:
            if not demand.last_touch and (not demand.start or demand.start <= FIRST):
                late_start = [
                    placed
                    for placed in placements
                    if placed.key == demand.key and placed.due < FIRST
                ]
                self.assertEqual(counts[demand.key] - len(late_start), demand.times)
                self.assertLessEqual(len(late_start), 1)

    @PROPERTY
    @given(draw_case())
    def test_what_is_not_reported_is_fine(self, case):
        demands, owners = case
        agency = Agency(demands, owners, spread(demands, owners, FIRST, LAST))
        taken, weeks = Counter(), Counter()
        for placed in agency.placements:
            demand = agency.demands[placed.key]
            self.assertGreaterEqual(placed.day, max(FIRST, demand.start or FIRST))
            if placed.reason:
                reach = timedelta(get_bounds(demand.times).reach)
                if placed.reason != OVERDUE:
                    self.assertLessEqual(abs(placed.day - placed.due), reach)
                continue
            self.assertLessEqual(placed.window_start, placed.day)
            self.assertLessEqual(placed.day, placed.window_end)
            self.assertTrue(agency.is_working(demand, placed.day))
            self.assertTrue(agency.has_room(demand, placed.day, taken))
            for key, hours in demand.get_loads():
                taken[key, placed.day] += hours
            if demand.channel in PERSONAL:
                weeks[demand.client, placed.day.isocalendar()[:2]] += 1
        self.assertLessEqual(max(weeks.values(), default=0), 1)

    @PROPERTY
    @given(draw_case())
    def test_what_is_reported_has_no_fine_day(self, case):
        demands, owners = case
        agency = Agency(demands, owners, spread(demands, owners, FIRST, LAST))
        for placed in agency.placements:
            if placed.reason:
                fine, reason = agency.find_fine_days(placed)
                self.assertEqual(fine, [])
                self.assertEqual(placed.reason, reason)

    @PROPERTY
    @given(draw_case())
    def test_distance(self, case):
        demands, owners = case
        placements = spread(demands, owners, FIRST, LAST)
        for demand in demands:
            if not demand.times:
                continue
            interval, slack, give, reach = get_bounds(demand.times)
            own = [placed for placed in placements if placed.key == demand.key]
            for one, other in pairwise(own):
                distance = (other.day - one.day).days
                if OVERDUE in (one.reason, other.reason):
                    continue
                self.assertLess(0, distance)
                self.assertLessEqual(distance, interval + give + 2 + 2 * reach)
                if not one.reason and not other.reason:
                    moved = give if demand.last_touch else 0
                    self.assertLessEqual(interval - moved - 2 * slack, distance)
                    self.assertLessEqual(distance, interval + moved + 2 + 2 * slack)

    @PROPERTY
    @given(draw_case(), st.randoms(use_true_random=False))
    def test_order_of_the_input_does_not_matter(self, case, shuffler):
        demands, owners = case
        placements = spread(demands, owners, FIRST, LAST)
        demands = plan_again(demands, placements[::2])
        placements = spread(demands, owners, FIRST, LAST)
        demands = [
            demand._replace(
                planned=shuffler.sample(demand.planned, len(demand.planned))
            )
            for demand in shuffler.sample(demands, len(demands))
        ]
        self.assertEqual(spread(demands, owners[::-1], FIRST, LAST), placements)

    # ------------------------------------------------------------
    # PROPERTIES OF A FURTHER PLAN
    # ------------------------------------------------------------

    @PROPERTY
    @given(draw_case())
    def test_again_changes_nothing(self, case):
        demands, owners = case
        placements = spread(demands, owners, FIRST, LAST)
        self.assertEqual(
            spread(plan_again(demands, placements), owners, FIRST, LAST), placements
        )

    @PROPERTY
    @given(draw_case(), st.data())
    def test_again_changes_nothing_after_a_disturbance(self, case, data):
        """Whatever days were planned before, one plan settles all."""
        demands, owners = case
        placements = spread(demands, owners, FIRST, LAST)
        shifts = st.integers(-9, 9).map(timedelta)
        moved = [
            placed._replace(day=placed.day + data.draw(shifts)) for placed in placements
        ]
        settled = spread(plan_again(demands, moved), owners, FIRST, LAST)
        self.assertEqual(
            spread(plan_again(demands, settled), owners, FIRST, LAST), settled
        )

    @PROPERTY
    @given(draw_case(**CALM), st.integers(1, 120))
    def test_what_is_planned_stays_while_the_horizon_rolls_on(self, case, days):
        demands, owners = case
        before = spread(demands, owners, FIRST, LAST)
        if any(placed.reason for placed in before):
            reject()
        first, last = FIRST + timedelta(days), LAST + timedelta(days)
        held = defaultdict(list)
        for placed in before:
            if placed.day < first:
                held[placed.key].append(to_fixed(placed, placed.day))
        demands = [
            demand._replace(fixed=held[demand.key])
            for demand in plan_again(
                demands, [placed for placed in before if placed.day >= first]
            )
        ]
        after = spread(demands, owners, first, last)
        if any(placed.reason for placed in after):
            reject()
        days_after = get_days(after)
        for slot, day in get_days(before).items():
            if day >= first:
                self.assertEqual(days_after.pop(slot), day)
        # What came with the further days is due in them, or all but.
        for placed in after:
            if (placed.key, placed.year, placed.number) in days_after:
                self.assertGreater(placed.due, LAST)

    @PROPERTY
    @given(draw_case(**CALM), st.data())
    def test_held_on_its_day_moves_nothing(self, case, data):
        demands, owners = case
        placements = spread(demands, owners, FIRST, LAST)
        if not placements or any(placed.reason for placed in placements):
            reject()
        held = data.draw(st.sampled_from(placements))
        # The earlier ones as well, as time passes.
        demands = [
            demand._replace(
                fixed=[
                    to_fixed(placed, placed.day)
                    for placed in placements
                    if placed.key == demand.key and placed.day <= held.day
                ]
            )
            for demand in plan_again(
                demands, [placed for placed in placements if placed.day > held.day]
            )
        ]
        self.assertEqual(
            spread(demands, owners, FIRST, LAST),
            [placed for placed in placements if placed.day > held.day],
        )

    @PROPERTY
    @given(
        draw_case(limits=[None], times=[0, 1, 2, 4, 5, 7], leaves=[1]),
        st.sampled_from([2, 3, 4, 6, 7, 12]),
        st.data(),
    )
    def test_held_early_moves_the_next_one_only(self, case, times, data):
        demands, owners = case
        demand = make_demand(99, times=times)
        demands.append(demand)
        placements = spread(demands, owners, FIRST, LAST)
        own = [placed for placed in placements if placed.key == demand.key]
        _interval, slack, give, _reach = get_bounds(times)
        days = data.draw(st.integers(slack + 1, give))
        held, after = own[:2]
        fixed = to_fixed(held, held.due - timedelta(days))
        again = [
            each if each.key != demand.key else each._replace(fixed=[fixed])
            for each in plan_again(
                demands, [placed for placed in placements if placed is not held]
            )
        ]
        result = spread(again, owners, FIRST, LAST)
        if any(placed.reason for placed in result):
            reject()
        expected, found = get_days(placements), get_days(result)
        slot = (after.key, after.year, after.number)
        expected.pop((held.key, held.year, held.number))
        expected.pop(slot)
        day = found.pop(slot)
        self.assertEqual(found, expected)
        [moved] = [placed for placed in result if placed[:3] == slot]
        self.assertEqual(moved.due, after.due - timedelta(days))
        if moved.window_start <= after.day <= moved.window_end:
            self.assertEqual(day, after.day)

    @PROPERTY
    @given(draw_case(), st.data())
    def test_further_demand_moves_others_only_to_make_room(self, case, data):
        demands, owners = case
        if not demands:
            reject()
        *demands, further = demands
        placements = spread(demands, owners, FIRST, LAST)
        again = [*plan_again(demands, placements), further]
        result = spread(again, owners, FIRST, LAST)
        found = get_days(result)
        moved = [placed for placed in placements if found[placed[:3]] != placed.day]
        if not moved:
            return
        # Only because some of the new ones had no fine day left.
        agency = Agency(demands + [further], owners, placements)
        fresh = [placed for placed in result if placed.key == further.key]
        days = []
        for placed in fresh:
            agency.placements = [*placements, *days, placed]
            fine, _reason = agency.find_fine_days(placed)
            days.append(placed)
            if not fine:
                return
        self.fail(f"{moved} moved without need")

    @PROPERTY
    @given(draw_case(**CALM), st.data())
    def test_holiday_moves_what_is_on_it(self, case, data):
        demands, owners = case
        placements = spread(demands, owners, FIRST, LAST)
        if not placements or any(placed.reason for placed in placements):
            reject()
        holiday = data.draw(st.sampled_from(placements)).day
        owners = [owner._replace(hours={**owner.hours, holiday: 0}) for owner in owners]
        result = spread(plan_again(demands, placements), owners, FIRST, LAST)
        if any(placed.reason for placed in result):
            reject()
        found = get_days(result)
        for placed in placements:
            if placed.day == holiday:
                self.assertNotEqual(found[placed[:3]], holiday)
            else:
                self.assertEqual(found[placed[:3]], placed.day)

    @PROPERTY
    @given(draw_case(**CALM), st.data())
    def test_handed_over_keeps_days_the_new_owner_has_time_on(self, case, data):
        demands, owners = case
        placements = spread(demands, owners, FIRST, LAST)
        if any(placed.reason for placed in placements):
            reject()
        demands = [
            demand._replace(owner="zoe")
            for demand in plan_again(demands, placements)
            if demand.owner == "anna"
        ]
        result = spread(demands, [make_owner("zoe")], FIRST, LAST)
        handed = {demand.key for demand in demands}
        self.assertEqual(
            result, [placed for placed in placements if placed.key in handed]
        )

    # ------------------------------------------------------------
    # WORKLOAD
    # ------------------------------------------------------------

    def test_sum_months(self):
        first, last = date(2026, 12, 15), date(2027, 1, 10)
        owners = [
            Owner("ben", {date(2026, 12, 14): 8.0, date(2027, 1, 4): 1.5}, 2.0),
            Owner("anna", {date(2026, 12, 15): 8.0, date(2026, 12, 16): 0.0}, 2.0),
        ]
        touches = [
            ("anna", date(2026, 12, 15), 1.5),
            ("anna", date(2026, 12, 31), 1.0),
            ("ben", date(2027, 1, 10), 0.1),
            ("ben", date(2027, 1, 10), 0.2),
            ("ben", date(2027, 1, 11), 5.0),
        ]
        december, january = date(2026, 12, 1), date(2027, 1, 1)
        self.assertEqual(
            sum_months(touches, owners, first, last),
            [
                Workload("ben", december, 0.0, 0.0, 0.0),
                Workload("ben", january, 0.3, 1.5, 1.5),
                Workload("anna", december, 2.5, 2.0, 8.0),
                Workload("anna", january, 0.0, 0.0, 0.0),
            ],
        )
        self.assertEqual(sum_months([], [], first, last), [])

    def test_sum_months_refuses_bad_input(self):
        with self.assertRaisesRegex(ValueError, "Owner 'eve' is unknown"):
            sum_months([("eve", FIRST, 1.0)], [make_owner()], FIRST, LAST)
        with self.assertRaisesRegex(ValueError, "before it begins"):
            sum_months([], [], LAST, FIRST)
        with self.assertRaisesRegex(ValueError, "-1 is not a number of hours"):
            sum_months([("anna", FIRST, -1)], [make_owner()], FIRST, LAST)

    @PROPERTY
    @given(draw_case())
    def test_months_hold_all_that_is_placed(self, case):
        demands, owners = case
        placements = spread(demands, owners, FIRST, LAST)
        by_key = {demand.key: demand for demand in demands}
        touches = [
            (by_key[placed.key].owner, placed.day, by_key[placed.key].hours)
            for placed in placements
        ]
        months = sum_months(touches, owners, FIRST, LAST)
        self.assertEqual(len(months), 24)
        for owner in owners:
            own = [month for month in months if month.owner == owner.key]
            days = {
                day: owner.hours[day] for day in owner.hours if FIRST <= day <= LAST
            }
            limit = (
                max(days.values(), default=0) if owner.limit is None else owner.limit
            )
            self.assertAlmostEqual(
                sum(month.promised for month in own),
                sum(
                    hours
                    for key, day, hours in touches
                    if key == owner.key and day <= LAST
                ),
            )
            self.assertAlmostEqual(
                sum(month.available for month in own), sum(days.values())
            )
            self.assertAlmostEqual(
                sum(month.capacity for month in own), limit * len(days)
            )

    # ------------------------------------------------------------
    # AN AGENCY OF SOME SIZE
    # ------------------------------------------------------------

    def test_agency(self):
        """Of 300 clients of 3 owners with a leave nearly all get what they should."""
        chance = random.Random(4)
        owners = []
        for key in range(3):
            leave = WEEKDAYS[chance.randrange(200) :][:15]
            owners.append(make_owner(key, limit=3.0, off=leave))
        demands = []
        for client in range(300):
            cadences = [("meeting", 2, 2.0), ("call", 4, 0.75)]
            if chance.random() > 0.3:
                cadences = [("call", 2, 0.75), ("newsletter", 4, 0.0)]
            for channel, times, hours in cadences:
                demands.append(
                    Demand((client, channel), client, client % 3, channel, times, hours)
                )
        placements = spread(demands, owners, FIRST, LAST)
        self.assertEqual(len(placements), 1800)
        # Three weeks of leave are longer than a window; the days around are in demand.
        reasons = Counter(placed.reason for placed in placements)
        self.assertEqual(set(reasons), {None, NO_WORKING_DAY, CAPACITY})
        self.assertLess(reasons[NO_WORKING_DAY], 1800 * 0.03)
        self.assertLess(reasons[CAPACITY], 1800 * 0.015)
        self.assertEqual(
            spread(plan_again(demands, placements), owners, FIRST, LAST), placements
        )
