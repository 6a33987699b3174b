"""The made-up agency is what it says to be."""

from collections import Counter, defaultdict
from datetime import date

import pytest

from agency.generator import DAYS, KINDS, make_agency


@pytest.fixture(scope="module")
def agency():
    return make_agency(3, 400)


def _by_client(rows):
    found = defaultdict(list)
    for row in rows:
        found[row.client].append(row)
    return found


def test_the_seed_decides(agency):
    assert make_agency(3, 400) == agency
    assert make_agency(4, 400).orders != agency.orders


def test_more_clients_do_not_change_the_first_ones(agency):
    few = make_agency(3, 50)
    assert few.clients == agency.clients[:50]
    assert few.orders == agency.orders[: len(few.orders)]
    assert few.stops == agency.stops[: len(few.stops)]
    assert few.invoices == agency.invoices[: len(few.invoices)]


def test_five_years_from_any_day():
    agency = make_agency(1, 50, start=date(2020, 6, 1))
    assert (agency.end - agency.start).days == DAYS
    for rows in (agency.orders, agency.invoices, agency.complaints):
        assert all(agency.start <= row.day < agency.end for row in rows)
    assert min(order.day for order in agency.orders).year == 2020


def test_every_kind_is_there(agency):
    found = Counter(agency.kinds.values())
    assert set(found) == set(KINDS)
    assert set(agency.kinds) == {client.id for client in agency.clients}
    for kind, percent in KINDS.items():
        assert abs(found[kind] - 4 * percent) < 35, kind


def test_orders_are_sorted_and_numbered(agency):
    keys = [(order.client, order.day) for order in agency.orders]
    assert keys == sorted(keys)
    assert [order.id for order in agency.orders] == list(
        range(1, len(agency.orders) + 1)
    )
    assert all(order.amount > 0 for order in agency.orders)
    assert set(_by_client(agency.orders)) == set(agency.kinds)


def test_who_has_stopped_orders_no_more_until_back(agency):
    orders = _by_client(agency.orders)
    stopped_for_good = returned = 0
    for stop in agency.stops:
        days = [order.day for order in orders[stop.client]]
        if stop.back is None:
            assert all(day < stop.day for day in days), stop
            stopped_for_good += 1
        else:
            assert not [day for day in days if stop.day <= day < stop.back], stop
            returned += 1
    assert stopped_for_good > 100 and returned > 10


def test_pauses_are_kept(agency):
    orders = _by_client(agency.orders)
    assert len(agency.pauses) > 5
    for pause in agency.pauses:
        assert pause.told < pause.until
        days = [order.day for order in orders[pause.client]]
        assert not [day for day in days if pause.told <= day < pause.until]


def test_rhythms_are_those_of_the_kinds(agency):
    orders = _by_client(agency.orders)
    stopped = {stop.client for stop in agency.stops}
    rates = defaultdict(list)
    for client, kind in agency.kinds.items():
        days = sorted({order.day for order in orders[client]})
        span = (days[-1] - days[0]).days
        if client not in stopped and span > 400:
            rates[kind].append(span / (len(days) - 1))
    typical = {kind: sorted(found)[len(found) // 2] for kind, found in rates.items()}
    assert 20 < typical["monthly"] < 36
    assert 60 < typical["quarterly"] < 102
    assert 250 < typical["yearly"] < 380
    assert all(
        len({order.day for order in orders[client]}) <= 3
        for client, kind in agency.kinds.items()
        if kind == "one_time"
    )


def test_nobody_orders_at_weekends_and_few_at_christmas(agency):
    assert all(order.day.weekday() < 5 for order in agency.orders)
    christmas = [
        order
        for order in agency.orders
        if (order.day.month, order.day.day) >= (12, 20)
        or (order.day.month, order.day.day) <= (1, 6)
    ]
    # 18 days are 5 % of a year.
    assert 0 < len(christmas) < 0.02 * len(agency.orders)


def test_invoices_belong_to_orders(agency):
    orders = {order.id: order for order in agency.orders}
    refunds = 0
    for invoice in agency.invoices:
        order = orders[invoice.order]
        assert invoice.client == order.client
        assert invoice.day > order.day
        if invoice.amount < 0:
            refunds += 1
            assert -invoice.amount <= order.amount
        else:
            assert invoice.amount == order.amount
    assert refunds > 20


def test_people_and_complaints(agency):
    contacts = _by_client(agency.contacts)
    assert set(contacts) == set(agency.kinds)
    assert max(len(found) for found in contacts.values()) > 1
    assert {complaint.settled for complaint in agency.complaints} == {True, False}
    reasons = Counter(stop.reason for stop in agency.stops)
    assert {"price", "service", "new_manager", "one_time"} <= set(reasons)
