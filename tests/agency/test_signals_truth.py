"""The comparison of signals with the truth: its rules, and that ours are ahead."""

from datetime import date, timedelta

import pytest
from benchmarks import signals_truth as truth

from agency.generator import Agency, Client, Order, Pause, Stop, make_agency

START = date(2021, 1, 4)  # a Monday


def _day(number):
    return START + timedelta(number)


def _make_world(numbers, stop=None, back=None, pause=None):
    """Return a world of one client; days count from ``START``."""
    agency = Agency(start=START, end=_day(1827))
    agency.clients.append(Client(1, "Client", "A"))
    agency.orders += [
        Order(place, 1, _day(number), 1.0) for place, number in enumerate(numbers)
    ]
    if stop is not None:
        back = None if back is None else _day(back)
        agency.stops.append(Stop(1, _day(stop), "price", back))
    if pause:
        agency.pauses.append(Pause(1, *map(_day, pause)))
    return truth.World(agency)


def _raise(world, bound, within=180):
    alarms = world.raise_alarms([bound] * len(world.silences), within)
    return [(one.day - START.toordinal(), one.delay) for one in alarms]


def test_mondays():
    monday = date(2025, 1, 6).toordinal()
    found = [truth.get_next_monday(monday + day) - monday for day in (-1, 0, 1, 6)]
    assert found == [0, 7, 7, 7]


def test_alarms_are_raised_on_the_monday_after_the_bound():
    assert _raise(_make_world([1000]), 6) == [(1008, None)]
    assert _raise(_make_world([1000]), 7) == [(1008, None)]
    assert _raise(_make_world([1000]), 8) == [(1015, None)]


def test_an_order_in_time_prevents_the_alarm():
    assert len(_raise(_make_world([1000, 1009]), 7)) == 2
    assert len(_raise(_make_world([1000, 1008]), 7)) == 1


def test_alarms_count_after_the_warm_up():
    assert _raise(_make_world([700]), 20) == []
    assert _raise(_make_world([700]), 30) == [(735, None)]


def test_alarms_are_true_from_the_stop_to_n_days_later():
    for stop, delay in ((1008, 0), (1009, None), (828, 180), (827, None)):
        assert _raise(_make_world([800], stop), 207) == [(1008, delay)]


def test_who_is_back_has_not_stopped():
    assert _raise(_make_world([990], 995, 1009), 17) == [(1008, 13)]
    assert _raise(_make_world([990], 995, 1008), 17) == [(1008, None)]


def test_recall_counts_stops_whose_days_are_over():
    for stop, stops in ((729, 0), (730, 1), (1646, 1), (1647, 0)):
        world = _make_world([600, 650, 700], stop)
        assert world.judge([None] * 3, 180, 3).stops == stops
        assert world.judge([None] * 3, 180, 4).stops == 0


def test_result():
    world = _make_world([1000], 1001)
    found = world.judge([20], 180, 1)
    assert found == (1, 1, 1, 1, (21,))
    assert (found.precision, found.recall, found.delay) == (1, 1, 21)
    found = world.judge([None], 180, 1)
    assert (found.precision, found.recall, found.delay) == (0, 0, 0)
    total = truth.add_up([world.judge([20], 180, 1), found])
    assert total == (1, 1, 1, 2, (21,))


def test_ours_know_pauses_that_were_announced():
    numbers = [0, 100, 200, 300, 400, 500]
    plain = truth.set_factor(_make_world(numbers), 2.5)
    paused = truth.set_factor(_make_world(numbers, pause=(505, 530)), 2.5)
    assert plain[:5] == paused[:5]
    assert paused[5] == plain[5] + 30


def test_as_many_alarms():
    def count(bounds):
        return 100 - int(bounds)

    value, bounds = truth.match(lambda value: value, count, 30, 0.0, 200.0)
    assert value == bounds and count(bounds) == 30


@pytest.fixture(scope="module")
def worlds():
    return [truth.World(make_agency(seed, 300)) for seed in (1, 2)]


def test_week_by_week_it_is_the_same(worlds):
    """Looking each Monday at what is known then finds the alarms of the bounds."""
    world = worlds[0]
    silences = world.silences[:800]
    rhythms = world.find_rhythms(truth.Limits())[:800]
    for silence, final in zip(silences, rhythms, strict=True):
        monday = truth.get_next_monday(silence.days[-1])
        raised = None
        while monday < silence.end and raised is None:
            quiet = {0: date.fromordinal(silence.quiet_until or 1)}
            ((_key, rhythm),) = truth.find_rhythms(
                [(0, silence.days)],
                date.fromordinal(monday),
                truth.Limits(),
                quiet,
                world.clock,
            )
            if rhythm.state == "broken":
                raised = monday
            monday += 7
        expected = None
        if final.bound is not None:
            expected = truth.get_next_monday(silence.days[-1] + final.bound)
            expected = expected if expected < silence.end else None
        assert raised == expected


@pytest.mark.parametrize("signal", truth.SIGNALS, ids=lambda signal: signal.name)
def test_ours_are_ahead(worlds, signal):
    rules = [truth.compare(world, signal, False) for world in worlds]
    total = {
        name: truth.add_up(
            [
                world.judge(found[name][1], signal.within, signal.least)
                for world, found in zip(worlds, rules, strict=True)
            ]
        )
        for name in (truth.OURS, truth.DAYS, truth.TIMES)
    }
    ours = total.pop(truth.OURS)
    assert ours.stops > 50
    for name, naive in total.items():
        assert abs(naive.alarms - ours.alarms) <= 4, name
        assert ours.precision > naive.precision, name
        assert ours.recall > naive.recall, name
