from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.retention_playbooks.tools.workdays import WorkDays

FIRST = date(2026, 3, 2)  # a Monday
LAST = FIRST + timedelta(59)


def _make(off=()):
    days = [FIRST + timedelta(number) for number in range(60)]
    return WorkDays(
        [day for day in days if day.weekday() < 5 and day not in off], FIRST, LAST
    )


@tagged("post_install", "-at_install")
class TestWorkDays(BaseCase):
    def test_counts(self):
        work = _make()
        self.assertEqual(work.add(FIRST, 0), FIRST)
        self.assertEqual(work.add(FIRST, 1), date(2026, 3, 3))
        self.assertEqual(work.add(FIRST, 5), date(2026, 3, 9))
        self.assertEqual(work.add(date(2026, 3, 7), 0), date(2026, 3, 9))
        self.assertEqual(work.add(date(2026, 3, 7), 1), date(2026, 3, 9))
        self.assertEqual(work.add(date(2026, 3, 6), 1), date(2026, 3, 9))

    def test_leaves_out_days_off(self):
        work = _make(off=[date(2026, 3, 3), date(2026, 3, 4)])
        self.assertEqual(work.add(FIRST, 1), date(2026, 3, 5))
        self.assertFalse(work.works(date(2026, 3, 3)))

    def test_no_days_known_is_monday_to_friday(self):
        work = WorkDays([], FIRST, LAST)
        self.assertEqual(work.add(FIRST, 5), date(2026, 3, 9))

    def test_beyond_what_is_known(self):
        work = _make()
        late = LAST + timedelta(40)
        result = work.add(late, 3)
        self.assertTrue(work.works(result))
        self.assertEqual(
            sum(
                work.works(late + timedelta(number))
                for number in range(1, (result - late).days + 1)
            ),
            3,
        )
        self.assertGreater(work.add(FIRST, 100), LAST)

    def test_no_way_back(self):
        with self.assertRaises(ValueError):
            _make().add(FIRST, -1)

    @given(
        st.integers(-30, 90),
        st.integers(0, 80),
        st.sets(st.integers(0, 59).map(lambda number: FIRST + timedelta(number))),
    )
    def test_properties(self, start, count, off):
        """The result is a working day; so many working days lie after the start."""
        work, day = _make(off), FIRST + timedelta(start)
        result = work.add(day, count)
        self.assertGreaterEqual(result, day)
        self.assertTrue(work.works(result))
        if count:
            passed = sum(
                work.works(day + timedelta(number))
                for number in range(1, (result - day).days + 1)
            )
            self.assertEqual(passed, count)
        self.assertLess(
            result, work.add(day, count + 1) if work.works(day) else date.max
        )
