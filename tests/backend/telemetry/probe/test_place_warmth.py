"""Conductivity that no device compensates goes by another thermometer of its tank or pot."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.telemetry.batches.reading_desk import Outcome, ReadingDesk, SentReading
from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.presence import ProbePresenceFields
from kamerplanter_engines.models.telemetry import (
    ChannelKind,
    Reason,
    Verdict,
)
from tests.backend.garden import Garden
from tests.backend.telemetry.roads import (
    GOOD,
    House,
    Make,
    Road,
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
    SOIL,
    SOIL_EC,
    UNKNOWN,
    WATER,
    add,
    meter_beside_thermometer,
    stories,
)


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
def test_another_thermometer_of_the_tank_tells_how_warm_it_is(road: Road) -> None:
    story = meter_beside_thermometer(
        [
            (0, "left", 1.6),  # nobody knows yet how warm it is
            (5, "right", 20.0),
            (10, "left", 1.61),
            (200, "left", 1.6),
            (5 + 4 * 60, "left", 1.61),
            (20 + 4 * 60, "left", 1.6),  # more than four hours old: it may be any temperature now
            (300, "right", 21.0),
            (301, "left", 1.61),
        ]
    )

    seen = road(story)

    found = {minute: verdict for (minute, key), verdict in seen.items() if key == "left"}
    good, unknown = [10, 200, 245, 301], [0, 260]
    assert found == dict.fromkeys(good, GOOD) | dict.fromkeys(unknown, UNKNOWN)


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
def test_the_water_is_not_warmer_for_what_was_measured_at_the_same_time(road: Road) -> None:
    story = meter_beside_thermometer([(0, "left", 1.6), (0, "right", 20.0), (1, "left", 1.61)])

    assert road(story) == {(0, "left"): UNKNOWN, (0, "right"): GOOD, (1, "left"): GOOD}


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
def test_a_doubtful_temperature_tells_nothing(road: Road) -> None:
    story = meter_beside_thermometer([(0, "right", 3.0), (1, "left", 1.6)])

    assert road(story)[1, "left"] == UNKNOWN


@settings(max_examples=8, deadline=None)
@given(story=stories([3.0, 18.0, 18.5, 24.0]), size=st.integers(1, 12))
def test_no_verdict_depends_on_the_road_or_on_where_batches_end(story: Story, size: int) -> None:
    expected = on_time(Worker)(story)

    assert over_http(size, timedelta(hours=1))(story) == expected
    assert late(House, timedelta(hours=1))(story) == expected


def test_conductivity_is_brought_to_25_degrees_by_it(garden: Garden, make: Make) -> None:
    tank = garden.tank()
    add(garden, "meter", EC, tank_key=tank.key)
    add(garden, "warm", WATER, tank_key=tank.key)
    intakes = make(garden, garden.now).sync()
    hear(garden, intakes["warm"], garden.now, 20.0)
    garden.now += MINUTE

    hear(garden, intakes["meter"], garden.now, 1.6)

    shown = intakes["meter"].shown(EC, garden.now).value
    # Two percent for each kelvin below 25 °C.
    assert shown == pytest.approx(1.6 / 0.9)


def test_the_oldest_thermometer_that_speaks_is_asked(garden: Garden, make: Make) -> None:
    tank = garden.tank()
    add(garden, "old", WATER, tank_key=tank.key)
    add(garden, "meter", EC, tank_key=tank.key)
    add(garden, "new", WATER, tank_key=tank.key)
    intakes = make(garden, garden.now).sync()
    meter = intakes["meter"]

    def next_ec() -> float | None:
        garden.now += MINUTE
        assert hear(garden, meter, garden.now, 1.5) == GOOD
        return meter.shown(EC, garden.now).value

    hear(garden, intakes["new"], garden.now, 25.0)
    assert next_ec() == pytest.approx(1.5)
    garden.now += MINUTE
    hear(garden, intakes["old"], garden.now, 24.0)
    hear(garden, intakes["new"], garden.now, 25.0)
    assert next_ec() == pytest.approx(1.5 / 0.98)
    # What said goodbye speaks no more, as if it were too old.
    intakes["old"].on_message("old/state", "offline", retained=False, received_at=garden.now)
    assert next_ec() == pytest.approx(1.5)


def test_its_own_thermometer_goes_first(garden: Garden, make: Make) -> None:
    tank = garden.tank()
    add(garden, "warm", WATER, tank_key=tank.key)
    add(garden, "meter", EC, WATER, tank_key=tank.key)
    intakes = make(garden, garden.now).sync()
    meter = intakes["meter"]
    hear(garden, intakes["warm"], garden.now, 20.0)

    def say(kind: ChannelKind, value: str) -> None:
        garden.now += MINUTE
        meter.on_message(
            f"meter/{kind}", f'{{"v": {value}}}', retained=False, received_at=garden.now
        )

    say(EC, "1.6")
    assert meter.shown(EC, garden.now).value == pytest.approx(1.6 / 0.9)
    say(WATER, "25")
    say(EC, "1.61")
    assert meter.shown(EC, garden.now).value == pytest.approx(1.61)


def test_soil_goes_by_its_own_pot_and_water_by_its_own_tank(garden: Garden, make: Make) -> None:
    tank, plant, other = garden.tank(), garden.plant(), garden.plant(name="Other")
    add(garden, "other-pot", SOIL, WATER, tank_key=tank.key, plant_key=other.key)
    add(garden, "meter", SOIL_EC, tank_key=tank.key, plant_key=plant.key)
    intakes = make(garden, garden.now).sync()
    for kind in (SOIL, WATER):
        intakes["other-pot"].on_message(
            f"other-pot/{kind}", '{"v": 20}', retained=False, received_at=garden.now
        )
    garden.now += MINUTE
    assert hear(garden, intakes["meter"], garden.now, 1.2) == UNKNOWN

    add(garden, "warm", SOIL, plant_key=plant.key)
    intakes = make(garden, garden.now).sync()
    hear(garden, intakes["warm"], garden.now, 20.0)
    garden.now += MINUTE
    assert hear(garden, intakes["meter"], garden.now, 1.2) == GOOD
    assert intakes["meter"].shown(SOIL_EC, garden.now).value == pytest.approx(1.2 / 0.9)


def test_a_thermometer_elsewhere_tells_nothing(garden: Garden, make: Make) -> None:
    add(garden, "meter", EC, tank_key=garden.tank().key)
    add(garden, "warm", WATER, tank_key=garden.tank(name="Other").key)
    add(garden, "loose", WATER)
    intakes = make(garden, garden.now).sync()
    hear(garden, intakes["warm"], garden.now, 20.0)
    hear(garden, intakes["loose"], garden.now, 20.0)
    garden.now += MINUTE

    assert hear(garden, intakes["meter"], garden.now, 1.2) == UNKNOWN


def test_one_that_was_moved_here_has_to_measure_first(garden: Garden, make: Make) -> None:
    tank = garden.tank()
    add(garden, "meter", EC, tank_key=tank.key)
    add(garden, "warm", WATER, tank_key=garden.tank(name="Other").key)
    listener = make(garden, garden.now)
    hear(garden, listener.sync()["warm"], garden.now, 18.5)
    garden.now += MINUTE

    garden.services.probe.update(garden.context(), "warm", {"tank_key": tank.key})

    garden.now += MINUTE
    for intakes in (listener.sync(), make(garden, garden.now).sync()):
        garden.now += MINUTE
        assert hear(garden, intakes["meter"], garden.now, 1.2) == UNKNOWN
    hear(garden, intakes["warm"], garden.now, 20.0)
    garden.now += MINUTE
    assert hear(garden, intakes["meter"], garden.now, 1.21) == GOOD


def test_a_late_reading_gets_the_temperature_that_held_then(garden: Garden, make: Make) -> None:
    tank = garden.tank()
    add(garden, "meter", EC, tank_key=tank.key)
    add(garden, "warm", WATER, tank_key=tank.key)
    intakes = make(garden, garden.now).sync()
    start = garden.now
    for number in range(12):
        hear(garden, intakes["warm"], garden.now, 20.0 + number / 10)
        garden.now += 10 * MINUTE

    hear(garden, intakes["meter"], start + 35 * MINUTE, 1.2)

    # 20.3 °C at minute 30.
    expected = 1.2 / (1 - 0.02 * 4.7)
    assert intakes["meter"].shown(EC, garden.now).value == pytest.approx(expected)
    # Before anything was measured nobody knows.
    assert hear(garden, intakes["meter"], start - MINUTE, 1.2) == UNKNOWN


def sent(key: str, kind: ChannelKind, value: float, at: Any = None) -> SentReading:
    return SentReading(probe_key=key, kind=kind, value=value, at=at)


def test_history_that_one_script_sends_for_each_probe(garden: Garden) -> None:
    tank = garden.tank()
    add(garden, "meter", EC, tank_key=tank.key)
    add(garden, "warm", WATER, tank_key=tank.key)
    start = garden.now - timedelta(days=20)
    times = [start + number * 10 * MINUTE for number in range(20)]
    warm = [sent("warm", WATER, 20 + number / 10, at) for number, at in enumerate(times)]
    meter = [sent("meter", EC, 1.2, at + MINUTE) for at in times]
    desk = ReadingDesk(garden.services.telemetry)

    desk.take(garden.context(), warm)
    found = desk.take(garden.context(), meter)

    assert {item.verdict for item in found} == {Verdict.GOOD}
    expected = [1.2 / (1 - 0.02 * (5 - number / 10)) for number in range(20)]
    assert [item.value for item in found] == pytest.approx(expected)
    # The same again adds nothing.
    again = desk.take(garden.context(), meter)
    assert {item.outcome for item in again} == {Outcome.KNOWN}


def test_history_of_a_probe_with_its_own_thermometer_in_any_order(garden: Garden) -> None:
    add(garden, "meter", EC, WATER, tank_key=garden.tank().key)
    start = garden.now - timedelta(days=2)
    desk = ReadingDesk(garden.services.telemetry)
    desk.take(
        garden.context(),
        [sent("meter", WATER, 20 + number / 10, start + number * MINUTE) for number in range(9)],
    )

    [found] = desk.take(garden.context(), [sent("meter", EC, 1.2, start + 3.5 * MINUTE)])

    assert found.value == pytest.approx(1.2 / (1 - 0.02 * 4.7))


def test_a_script_and_a_device_that_said_goodbye(garden: Garden) -> None:
    tank = garden.tank()
    add(garden, "warm", WATER, tank_key=tank.key)
    add(garden, "meter", EC, tank_key=tank.key)
    desk = ReadingDesk(garden.services.telemetry)
    desk.take(garden.context(), [sent("warm", WATER, 20)])
    garden.now += MINUTE
    said = ProbePresenceFields(probe_key="warm", is_online=False, since=garden.now)
    garden.services.presence.report(garden.context(), [said])

    [found] = desk.take(garden.context(), [sent("meter", EC, 1.2)])

    assert found.reasons == (Reason.UNCOMPENSATED.value,)


def test_after_a_calibration_it_goes_by_the_tank_s_thermometer_still(
    garden: Garden, make: Make
) -> None:
    tank = garden.tank()
    add(garden, "meter", EC, tank_key=tank.key)
    add(garden, "warm", WATER, tank_key=tank.key)
    listener = make(garden, garden.now)
    # The bottle says 1.413 at 25 °C; its own temperature was measured with another meter.
    points = (CalibrationPoint(raw=1.2, value=1.413, temperature_c=25),)
    fields = CalibrationFields(kind=EC, points=points, compensated=False)
    garden.services.calibration.calibrate(garden.context(), "meter", fields)
    intakes = listener.sync()
    hear(garden, intakes["warm"], garden.now, 20.0)
    garden.now += MINUTE

    assert hear(garden, intakes["meter"], garden.now, 1.2) == GOOD

    assert intakes["meter"].shown(EC, garden.now).value == pytest.approx(1.413 / 0.9)
