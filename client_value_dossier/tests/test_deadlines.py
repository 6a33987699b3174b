"""Which moves of a deadline count: examples and properties, without a database."""

from datetime import date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.client_value_dossier.tools.deadlines import (
    Change,
    Move,
    Shift,
    count_joint_moves_once,
    find_moves,
    sum_up,
)

PROPERTY = settings(max_examples=150, deadline=None, database=None, derandomize=True)

START = datetime(2026, 1, 1, 9)
DUE = date(2026, 3, 1)


def _at(days):
    return START + timedelta(days=days)


def _changes(*offsets):
    """Return changes of a date, one each ten days, from DUE on by these days."""
    days = [DUE, *(DUE + timedelta(days=offset) for offset in offsets)]
    return [
        Change(_at(10 * number), old, new)
        for number, (old, new) in enumerate(zip(days, days[1:], strict=False), 1)
    ]


def _moves(*offsets, level="project", record=1):
    return find_moves(level, record, START, _changes(*offsets))


OFFSETS = st.lists(st.integers(-60, 60), min_size=1, max_size=12)
RISES = st.lists(st.integers(0, 130), max_size=6)
MOVES = st.lists(
    st.builds(
        Move,
        st.sampled_from(("project", "milestone", "task")),
        st.integers(1, 4),
        st.integers(0, 5).map(_at),
        st.just(START),
        st.integers(-30, 30).filter(bool),
    ),
    max_size=15,
)


@tagged("post_install", "-at_install")
class TestDeadlines(BaseCase):
    def test_moves_of_one_date_are_one_favour(self):
        self.assertEqual(sum_up(_moves(5, 12), []), Shift(12, _at(20).date()))

    def test_first_date_is_no_move(self):
        self.assertEqual(find_moves("task", 1, START, [Change(_at(1), None, DUE)]), [])

    def test_removed_and_set_again_is_one_move(self):
        later = DUE + timedelta(days=7)
        changes = [Change(_at(1), DUE, None), Change(_at(2), None, later)]
        [move] = find_moves("task", 1, START, changes)
        self.assertEqual((move.days, move.since), (7, _at(1)))

    def test_what_was_taken_back_does_not_count(self):
        self.assertIsNone(sum_up(_moves(10, 0), []))
        self.assertEqual(sum_up(_moves(10, 0, 5), []), Shift(5, _at(30).date()))
        self.assertIsNone(sum_up(_moves(-5, 0), []))

    def test_paid_move_does_not_count(self):
        moves = _moves(10, 15)
        self.assertEqual(sum_up(moves, [_at(5)]), Shift(5, _at(20).date()))
        self.assertEqual(sum_up(moves, [_at(15)]), Shift(10, _at(10).date()))
        # On the same day, after the move: it belongs to it.
        self.assertEqual(
            sum_up(moves, [_at(20) + timedelta(hours=5)]), Shift(10, _at(10).date())
        )
        self.assertEqual(sum_up(moves, [_at(30)]), Shift(15, _at(20).date()))

    def test_joint_moves_are_one(self):
        project, milestone = _moves(3), _moves(9, level="milestone", record=4)
        near, far = _moves(5, level="task", record=2), _moves(7, level="task", record=3)
        self.assertEqual(
            count_joint_moves_once(project + milestone + near + far), project
        )
        self.assertEqual(count_joint_moves_once(near + far + milestone), milestone)
        self.assertEqual(count_joint_moves_once(near + far), far)

    @PROPERTY
    @given(st.lists(st.integers(-60, 60), max_size=12), st.lists(st.integers(0, 130)))
    def test_never_more_than_the_ways_later(self, offsets, rises):
        moves = _moves(*offsets)
        shift = sum_up(moves, [_at(day) for day in rises])
        later = sum(move.days for move in moves if move.days > 0)
        if shift:
            self.assertGreater(shift.days, 0)
            self.assertLessEqual(shift.days, later)
            self.assertIn(shift.date, [move.when.date() for move in moves])

    @PROPERTY
    @given(st.lists(st.integers(-60, 60), min_size=1, max_size=12))
    def test_without_a_rise_it_is_the_way_from_first_to_last(self, offsets):
        shift = sum_up(_moves(*offsets), [])
        granted = shift.days if shift else 0
        self.assertEqual(granted, max(offsets[-1], 0))

    @PROPERTY
    @given(
        MOVES,
        st.randoms(),
    )
    def test_one_record_a_day_whatever_the_order(self, moves, random):
        kept = count_joint_moves_once(moves)
        days = {move.when.date() for move in moves}
        winners = {(move.when.date(), move.level, move.record) for move in kept}
        self.assertEqual(len(winners), len(days))
        shuffled = random.sample(moves, len(moves))
        again = count_joint_moves_once(shuffled)
        self.assertEqual(
            winners, {(move.when.date(), move.level, move.record) for move in again}
        )
        self.assertEqual(sorted(kept), sorted(again))

    # ------------------------------------------------------------
    # AGAINST A MODEL: days are given and taken back one by one
    # ------------------------------------------------------------

    def _give_day_by_day(self, moves, rises):
        """Return ([(day it was given on, paid or not)], days made up for)."""
        given, debt = [], 0
        for move in moves:
            on = move.when.date()
            paid = any(move.since < rise and rise.date() <= on for rise in rises)
            for _day in range(abs(move.days)):
                if move.days > 0 and debt:
                    debt -= 1
                elif move.days > 0:
                    given.append((on, paid))
                elif given:
                    given.pop()
                else:
                    debt += 1
        return given, debt

    @PROPERTY
    @given(OFFSETS, RISES)
    def test_free_paid_and_owed_days_are_the_way_from_first_to_last(
        self, offsets, rises
    ):
        moves, rises = _moves(*offsets), list(map(_at, rises))
        given, debt = self._give_day_by_day(moves, rises)
        self.assertEqual(len(given) - debt, offsets[-1])
        free = [on for on, paid in given if not paid]
        expected = Shift(len(free), free[-1]) if free else None
        self.assertEqual(sum_up(moves, rises), expected)

    @PROPERTY
    @given(OFFSETS, RISES, st.integers(-60, 0))
    def test_what_is_taken_back_leaves_nothing(self, offsets, rises, end):
        self.assertIsNone(sum_up(_moves(*offsets, end), list(map(_at, rises))))

    @PROPERTY
    @given(OFFSETS, RISES, st.integers(0, 130))
    def test_a_further_rise_never_grants_more(self, offsets, rises, further):
        moves, rises = _moves(*offsets), list(map(_at, rises))
        before, after = sum_up(moves, rises), sum_up(moves, [*rises, _at(further)])
        self.assertLessEqual(after.days if after else 0, before.days if before else 0)

    @PROPERTY
    @given(OFFSETS)
    def test_a_rise_before_each_move_pays_for_all(self, offsets):
        moves = _moves(*offsets)
        self.assertIsNone(sum_up(moves, [move.when for move in moves]))

    @PROPERTY
    @given(OFFSETS, st.randoms())
    def test_removed_for_a_while_changes_nothing(self, offsets, random):
        changes = _changes(*offsets)
        detours = []
        for change in changes:
            if random.random() < 0.5:
                # Some days before, so that the change before stays the one before.
                away = change.when - timedelta(days=random.randint(1, 9))
                detours.append(Change(away, change.old, None))
                change = change._replace(old=None)
            detours.append(change)
        direct = find_moves("task", 1, START, changes)
        found = find_moves("task", 1, START, detours)
        self.assertEqual(
            [(move.when, move.days) for move in found],
            [(move.when, move.days) for move in direct],
        )
        self.assertTrue(all(move.days for move in found))

    @PROPERTY
    @given(MOVES)
    def test_who_moves_alone_that_day_counts(self, moves):
        kept = count_joint_moves_once(moves)
        for move in moves:
            day = [each for each in moves if each.when.date() == move.when.date()]
            if len({(each.level, each.record) for each in day}) == 1:
                self.assertIn(move, kept)
