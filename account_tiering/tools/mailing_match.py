"""Which touchpoints mailings fulfil: pure computation on plain data.

A mailing that has reached a client counts for one touchpoint of the client at most, and
each touchpoint is fulfilled by one mailing. Mailings come in the order of their days.
A mailing counts

* for nothing, where somebody has said already that the client was written to on about
  that day;
* else for the touchpoint that it was prepared for;
* else for the nearest one that is due not too far away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from datetime import date
from typing import NamedTuple


class Sent(NamedTuple):
    """A mailing that has reached a client.

    :param mailing: key of the mailing; keys can be sorted
    :param slot: what it was prepared for; None for any other mailing
    """

    mailing: int
    client: Hashable
    day: date
    slot: Hashable | None = None


class Owed(NamedTuple):
    """A touchpoint of a client that is open.

    :param key: identifies it; keys can be sorted
    :param slot: which one of which cadence it is
    :param reach: days between its due date and a mailing that counts for it, at most
    """

    key: int
    client: Hashable
    slot: Hashable
    due: date
    reach: int


class Noted(NamedTuple):
    """A touchpoint that was marked as held by hand."""

    key: int
    client: Hashable
    day: date


def match(
    sent: Iterable[Sent],
    owed: Iterable[Owed],
    noted: Iterable[Noted] = (),
    same_days: int = 0,
) -> dict[int, Sent]:
    """Return {key of a touchpoint: the mailing that fulfils it}.

    :param same_days: days between a mailing and a touchpoint that was marked as held by
        hand because of it, at most
    """
    pools, hands = defaultdict(list), defaultdict(list)
    for one in owed:
        pools[one.client].append(one)
    for one in noted:
        hands[one.client].append(one)
    found, used = {}, set()
    for mail in sorted(sent, key=lambda one: (one.day, one.mailing)):
        if (mail.mailing, mail.client) in used:
            continue
        used.add((mail.mailing, mail.client))
        hand = _find_noted(hands[mail.client], mail, same_days)
        if hand:
            hands[mail.client].remove(hand)
            continue
        best = _find_owed(pools[mail.client], mail)
        if best:
            pools[mail.client].remove(best)
            found[best.key] = mail
    return found


def _find_noted(candidates: list[Noted], mail: Sent, same_days: int) -> Noted | None:
    rated = (
        (abs((one.day - mail.day).days), one.key, one)
        for one in candidates
        if abs((one.day - mail.day).days) <= same_days
    )
    return min(rated, default=(None,))[-1]


def _find_owed(candidates: list[Owed], mail: Sent) -> Owed | None:
    rated = []
    for one in candidates:
        apart = abs((one.due - mail.day).days)
        is_own = mail.slot is not None and one.slot == mail.slot
        if is_own or apart <= one.reach:
            rated.append((not is_own, apart, one.key, one))
    return min(rated, default=(None,))[-1]
