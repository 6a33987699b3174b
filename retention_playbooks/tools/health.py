"""The health of a client, in named parts: pure computation on plain data.

Each part is red, amber, green or grey. The total is that of the worst part: nothing
that is red hides behind an average. Grey parts, of which nothing is known, do not
count; with grey parts only the total is grey, not green.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

#: Levels, the worst first.
LEVELS = RED, AMBER, GREEN, GREY = ("red", "amber", "green", "grey")
#: Level of a part for which there is a reason to act of a severity.
BY_SEVERITY = {"1": AMBER, "2": AMBER, "3": RED}


def get_total(levels: Iterable[str]) -> str:
    """Return the level of a client whose parts have these levels.

    :raise ValueError: one is no level
    """
    return min(levels, key=LEVELS.index, default=GREY)


def get_level(severities: Iterable[str], is_known: bool) -> str:
    """Return the level of a part.

    :param severities: of the reasons to act that concern it
    :param is_known: whether there are records that would show a reason
    :raise KeyError: a severity is unknown
    """
    found = get_total(BY_SEVERITY[severity] for severity in severities)
    return GREEN if found == GREY and is_known else found


class Change(NamedTuple):
    """What is to be written about the parts of a client.

    :param opened: parts that have a level now which they had not before
    :param updated: parts with the same level for another reason
    :param closed: parts the last level of which is over
    """

    opened: set
    updated: set
    closed: set


def compare(before: dict, after: dict) -> Change:
    """Return what has changed.

    :param before: {part: (level, reason)}, as they were told last; reasons are compared
        only
    :param after: the same, as they are now; empty if the client is none any more
    """
    return Change(
        opened={
            part
            for part, (level, _reason) in after.items()
            if part not in before or before[part][0] != level
        },
        updated={
            part
            for part, told in after.items()
            if part in before and before[part][0] == told[0] and before[part] != told
        },
        closed={
            part
            for part, (level, _reason) in before.items()
            if part not in after or after[part][0] != level
        },
    )
