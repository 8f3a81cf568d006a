"""A thermometer that has stuck, jumps or tells what cannot be tells no conductivity its warmth."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.telemetry.batches.reading_desk import ReadingDesk, SentReading
from kamerplanter_engines.models.telemetry import ChannelBinding, Verdict
from tests.backend.garden import Garden
from tests.backend.telemetry.roads import (
    GOOD,
    Make,
    Road,
    Said,
    Story,
    Worker,
    hear,
    late,
    on_time,
    over_http,
)
from tests.backend.telemetry.warm_meter import (
    EC,
    MINUTE,
    ROADS,
    UNKNOWN,
    WATER,
    add,
    meter_beside_thermometer,
    stories,
)

UNBROKEN = {name: road for name, road in ROADS.items() if "restarts" not in name}


def verdicts(road: Road, said: list[Said]) -> dict[int, Any]:
    seen = road(meter_beside_thermometer(said))
    return {minute: verdict for (minute, key), verdict in seen.items() if key == "left"}


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
@pytest.mark.parametrize("doubted_c", [3.0, 34.0], ids=["implausible", "jumped"])
def test_one_that_is_doubted_is_silent_until_it_is_good_again(road: Road, doubted_c: float) -> None:
    said: list[Said] = [
        (0, "right", 20.0),
        (1, "left", 1.6),
        (2, "right", doubted_c),
        (3, "left", 1.61),
        (4, "right", doubted_c),
        (5, "left", 1.6),
        (6, "right", 20.1),
        (7, "left", 1.61),
    ]

    assert verdicts(road, said) == {1: GOOD, 3: UNKNOWN, 5: UNKNOWN, 7: GOOD}


@pytest.mark.parametrize("road", UNBROKEN.values(), ids=UNBROKEN)
def test_one_that_tells_what_cannot_be_is_silent(road: Road) -> None:
    said: list[Said] = [(0, "right", 20.0), (1, "left", 1.6), (2, "right", 80.0)]
    said += [(3, "left", 1.61), (4, "left", 1.6), (6, "right", 20.1), (7, "left", 1.61)]

    assert verdicts(road, said) == {1: GOOD, 3: UNKNOWN, 4: UNKNOWN, 7: GOOD}


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
def test_a_doubt_of_the_same_moment_came_too_late(road: Road) -> None:
    for same in ([(5, "right", 3.0), (5, "left", 1.6)], [(5, "left", 1.6), (5, "right", 3.0)]):
        assert verdicts(road, [(0, "right", 20.0), *same]) == {5: GOOD}


@settings(max_examples=8, deadline=None)
@given(story=stories([3.0, 18.0, 18.5, 24.0, 33.0, 80.0]), size=st.integers(1, 12))
def test_no_verdict_depends_on_the_road_or_on_where_batches_end(story: Story, size: int) -> None:
    expected = on_time(Worker)(story)

    assert over_http(size, timedelta(hours=1))(story) == expected
    assert late(Worker, timedelta(hours=1))(story) == expected


def add_two_thermometers_and_a_meter(garden: Garden) -> None:
    tank = garden.tank()
    for key, kind in (("old", WATER), ("new", WATER), ("meter", EC)):
        add(garden, key, kind, tank_key=tank.key)


@pytest.mark.parametrize("is_restarted", [False, True])
def test_one_that_froze_gives_way_to_the_next_good_one(
    garden: Garden, make: Make, *, is_restarted: bool
) -> None:
    add_two_thermometers_and_a_meter(garden)
    intakes = make(garden, garden.now).sync()
    frozen: Any = None
    verdict: Any = None
    for number in range(90):
        garden.now += 5 * MINUTE
        # The old one stands to the digit, after one move, while the water becomes warmer.
        frozen = hear(garden, intakes["old"], garden.now, 20.03 if number else 20.1)
        hear(garden, intakes["new"], garden.now, round(20 + number * 0.07, 2))
        garden.now += MINUTE
        if is_restarted and number == 88:
            intakes = make(garden, garden.now).sync()
        verdict = hear(garden, intakes["meter"], garden.now, 1.6 + number % 2 / 1000)

    assert frozen == (Verdict.SUSPECT, ("stuck",))
    assert verdict == GOOD
    # Two percent for each kelvin above 25 °C, which the other one tells.
    expected = 1.601 / (1 + 0.02 * (20 + 89 * 0.07 - 25))
    shown = intakes["meter"].shown(EC, garden.now).value
    assert shown == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("is_restarted", [False, True])
def test_where_only_a_frozen_one_is_left_nobody_knows(
    garden: Garden, make: Make, *, is_restarted: bool
) -> None:
    add_two_thermometers_and_a_meter(garden)
    intakes = make(garden, garden.now).sync()
    for number in range(90):
        garden.now += 5 * MINUTE
        hear(garden, intakes["old"], garden.now, 20.03 if number else 20.1)
        hear(garden, intakes["new"], garden.now, round(20 + number * 0.07, 2))
    garden.now += MINUTE
    hear(garden, intakes["new"], garden.now, 3.0)
    garden.now += MINUTE
    if is_restarted:
        intakes = make(garden, garden.now).sync()

    assert hear(garden, intakes["meter"], garden.now, 1.6) == UNKNOWN


@pytest.mark.parametrize("order", ["abc", "acb"])
@pytest.mark.parametrize("at_once", [False, True])
def test_a_good_temperature_that_comes_late_brings_no_warmth_back(
    garden: Garden, order: str, at_once: bool
) -> None:
    """What was refused was measured after it."""
    channels = (
        ChannelBinding(kind=EC, topic="ec", unit="mS/cm", compensated=False),
        ChannelBinding(kind=WATER, topic="water"),
    )
    probe = garden.probe(tank_key=garden.tank().key, channels=channels)
    begin = garden.now
    garden.wait(minutes=30)
    said = {
        "a": (WATER, 15.0, 0),
        "b": (WATER, 15.3, 5),
        "c": (WATER, 85.0, 10),
        "e": (EC, 1.6, 11),
    }
    sent = [
        SentReading(probe_key=probe.key, kind=kind, value=value, at=begin + minute * MINUTE)
        for kind, value, minute in (said[name] for name in f"{order}e")
    ]
    desk = ReadingDesk(garden.services.telemetry)

    batches = [sent] if at_once else [[item] for item in sent]
    answers = [item for batch in batches for item in desk.take(garden.context(), batch)]

    assert (answers[-1].verdict, answers[-1].reasons) == UNKNOWN
