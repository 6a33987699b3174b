from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.account_tiering.tools.free_time import STEP, find_time, intersect

DAY = 24 * 60
MORNING, AFTERNOON = (8 * 60, 12 * 60), (13 * 60, 17 * 60)
intervals = st.lists(
    st.tuples(st.integers(0, DAY), st.integers(0, DAY)).map(
        lambda pair: tuple(sorted(pair))
    ),
    max_size=5,
)


@tagged("post_install", "-at_install")
class TestFreeTime(BaseCase):
    def test_free_day(self):
        self.assertEqual(find_time([MORNING, AFTERNOON], [], 60), (600, True))

    def test_beside_another_meeting(self):
        self.assertEqual(find_time([MORNING], [(600, 660)], 60), (660, True))
        self.assertEqual(find_time([MORNING], [(600, 705)], 60), (540, True))

    def test_touching_intervals_are_one(self):
        self.assertEqual(find_time([(600, 660), (660, 720)], [], 120), (600, True))

    def test_no_time_left(self):
        self.assertEqual(find_time([MORNING], [(0, DAY)], 60), (600, False))

    def test_longer_than_the_work(self):
        self.assertEqual(find_time([(485, 500), (840, 900)], [], 120), (840, False))

    def test_day_off(self):
        self.assertEqual(find_time([], [], 60), (600, False))

    def test_bad_lengths(self):
        for minutes in (0, -15, DAY + 1):
            with self.assertRaises(ValueError):
                find_time([MORNING], [], minutes)

    @settings(
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(intervals, intervals, st.integers(1, 300))
    def test_free_is_free(self, work, busy, minutes):
        """A time that is said to be free is; one that is not said so does not exist."""
        at, is_free = find_time(work, busy, minutes)
        at_work = {minute for start, end in work for minute in range(start, end)}
        taken = {minute for start, end in busy for minute in range(start, end)}

        def fits(start):
            need = set(range(start, start + minutes))
            return need <= at_work and not need & taken

        self.assertEqual(is_free, fits(at) and at % STEP == 0)
        if not is_free:
            self.assertFalse(any(map(fits, range(0, DAY, STEP))))

    def test_time_in_common(self):
        self.assertEqual(
            intersect([MORNING, AFTERNOON], [(600, 840)]), [(600, 720), (780, 840)]
        )
        self.assertEqual(intersect([MORNING], [AFTERNOON]), [])
        self.assertEqual(intersect([MORNING], [(720, 800)]), [])

    @given(intervals, intervals)
    def test_time_in_common_is_in_both(self, one, other):
        def minutes(slots):
            return {at for start, end in slots for at in range(start, end)}

        common = intersect(one, other)
        self.assertEqual(minutes(common), minutes(one) & minutes(other))
