"""Which moves of a deadline were a favour: pure computation on tracked changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

#: Whose date it is; where several are moved together the first kind counts.
LEVELS = ("project", "milestone", "task")


class Change(NamedTuple):
    """A tracked change of a date; no date before it was set or after it was removed."""

    when: datetime
    old: date | None
    new: date | None


class Move(NamedTuple):
    """A date moved by some days, later when positive.

    ``since`` is when the date was changed before, or its record created.
    """

    level: str
    record: int
    when: datetime
    since: datetime
    days: int


class Shift(NamedTuple):
    """What is left of all moves of one date: days granted, and the day of the last."""

    days: int
    date: date


def find_moves(
    level: str, record: int, created: datetime, changes: Iterable[Change]
) -> list[Move]:
    """Return the moves that changes of one date amount to.

    A date that is removed and set again has been moved from the one to the other;
    setting a date for the first time moves nothing.

    :param changes: in the order of their time
    """
    moves = []
    last, since = None, created
    for when, old, new in changes:
        before = old or last
        if new and before and new != before:
            moves.append(Move(level, record, when, since, (new - before).days))
        last = new or before
        since = when
    return moves


def count_joint_moves_once(moves: Iterable[Move]) -> list[Move]:
    """Return the moves of one project without those made along with another one.

    What is moved on the same day is one move: that of the project, else that of the
    milestone moved furthest, else that of the task moved furthest (of several alike,
    the one with the lowest id).
    """
    kept = []
    by_day: dict[date, list[Move]] = {}
    for move in sorted(moves, key=lambda move: move.when):
        by_day.setdefault(move.when.date(), []).append(move)
    for of_day in by_day.values():
        distances: dict[tuple[str, int], int] = {}
        for move in of_day:
            key = move.level, move.record
            distances[key] = distances.get(key, 0) + move.days
        winner = min(
            distances,
            key=lambda key: (LEVELS.index(key[0]), -abs(distances[key]), key[1]),
        )
        kept += [move for move in of_day if (move.level, move.record) == winner]
    return kept


def sum_up(moves: Iterable[Move], rises: Sequence[datetime]) -> Shift | None:
    """Return the days that moves of one date granted for free, None if none.

    Moves later are not free when the price rose between the former change of the date
    and the end of the day of the move. A move back takes back the latest moves first;
    what it takes beyond them has to be made up for before anything is granted again.

    :param moves: in the order of their time
    :param rises: when the price rose
    """
    granted: list[tuple[int, bool, date]] = []
    ahead = 0
    for move in moves:
        days = move.days
        if days > 0:
            made_up = min(days, ahead)
            ahead -= made_up
            if days > made_up:
                paid = _is_paid(move, rises)
                granted.append((days - made_up, paid, move.when.date()))
            continue
        back = -days
        while back and granted:
            latest, paid, day = granted.pop()
            if latest > back:
                granted.append((latest - back, paid, day))
            back -= min(latest, back)
        ahead += back
    free = [(days, day) for days, paid, day in granted if not paid]
    if not free:
        return None
    return Shift(sum(days for days, _day in free), free[-1][1])


def _is_paid(move: Move, rises: Sequence[datetime]) -> bool:
    return any(move.since < rise and rise.date() <= move.when.date() for rise in rises)
