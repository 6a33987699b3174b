"""Where in a day a meeting finds its place: pure computation on plain data.

Times are whole minutes from midnight; intervals are (start, end), the end not included.
"""

from __future__ import annotations

from collections.abc import Iterable

#: Meetings begin at full quarters of an hour.
STEP = 15
#: People who work on that day find it easiest to meet from here on.
PREFERRED = 10 * 60

Interval = tuple[int, int]


def find_time(
    work: Iterable[Interval],
    busy: Iterable[Interval],
    minutes: int,
    preferred: int = PREFERRED,
) -> tuple[int, bool]:
    """Return when a meeting begins, and whether that time is free.

    It is the free time of the working hours nearest to the preferred one, of two the
    later. Where no free time is long enough: the working time that is nearest; where
    none is long enough: the beginning of the longest one; on a day off: the preferred
    time.

    :param minutes: how long it takes
    :raise ValueError: it takes no time, or longer than a day
    """
    if not 0 < minutes <= 24 * 60:
        raise ValueError(f"{minutes} minutes is no time for a meeting")
    work = _merge(work)
    starts = [
        start
        for begin, end in work
        for start in range(-(-begin // STEP) * STEP, end - minutes + 1, STEP)
    ]
    taken = _merge(busy)
    free = [
        start
        for start in starts
        if all(end <= start or start + minutes <= begin for begin, end in taken)
    ]
    if free or starts:
        return min(free or starts, key=lambda at: (abs(at - preferred), -at)), bool(
            free
        )
    if work:
        begin, _end = max(work, key=lambda one: (one[1] - one[0], -one[0]))
        return begin, False
    return preferred, False


def intersect(one: Iterable[Interval], other: Iterable[Interval]) -> list[Interval]:
    """Return the time that is in both."""
    one, other = _merge(one), _merge(other)
    return [
        (max(start, begin), min(stop, end))
        for start, stop in one
        for begin, end in other
        if max(start, begin) < min(stop, end)
    ]


def _merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the intervals in order, those that touch as one."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
