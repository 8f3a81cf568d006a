"""Oxygen and redox potential of a tank, and what a probe says about itself."""

import pytest

from kamerplanter_engines import units
from kamerplanter_engines.errors import UnknownUnitError
from kamerplanter_engines.models.telemetry import DEVICE_KINDS, ChannelKind, Reason
from kamerplanter_engines.tables.channels import CHANNELS
from tests.engines.channel_bench import BAD, GOOD, HOUR, SUSPECT, Bench

BATTERY, SIGNAL = ChannelKind.BATTERY, ChannelKind.SIGNAL
OXYGEN, ORP = ChannelKind.DISSOLVED_OXYGEN, ChannelKind.ORP


@pytest.mark.parametrize(
    ("kind", "value", "verdict"),
    [
        (OXYGEN, 0, GOOD),  # rotting water has none; only pH, EC and temperature are never 0
        (OXYGEN, 8.2, GOOD),
        (OXYGEN, 20, SUSPECT),  # full scale
        (OXYGEN, 20.1, BAD),
        (OXYGEN, -0.1, BAD),
        (ORP, -500, GOOD),
        (ORP, 1000, GOOD),
        (ORP, -501, SUSPECT),
        (ORP, 1001, SUSPECT),
        (ORP, 1020, BAD),
        (BATTERY, 0, GOOD),
        (BATTERY, 100, GOOD),
        (BATTERY, 101, BAD),
        (BATTERY, 255, BAD),
        (SIGNAL, -91, GOOD),
        (SIGNAL, 0, GOOD),
        (SIGNAL, -151, BAD),
        (SIGNAL, 255, BAD),
    ],
)
def test_the_first_value_is_judged_by_the_range(
    kind: ChannelKind, value: float, verdict: str
) -> None:
    assert Bench(kind).one(0, value).verdict == verdict


@pytest.mark.parametrize(("kind", "hours"), [(OXYGEN, 4), (ORP, 6), (BATTERY, 48), (SIGNAL, 6)])
def test_a_value_ages(kind: ChannelKind, hours: int) -> None:
    assert CHANNELS[kind].max_age_s == hours * HOUR


@pytest.mark.parametrize(
    ("kind", "value", "unit", "expected"),
    [
        (OXYGEN, 7.9, "mg/l", 7.9),
        (OXYGEN, 7.9, "ppm", 7.9),
        (ORP, 0.258, "V", 258),
        (ORP, 258, "mV", 258),
        (BATTERY, 0.889, "fraction", 88.9),
        (BATTERY, 88.9, "%", 88.9),
        (SIGNAL, -91, "dBm", -91),
    ],
)
def test_units_become_canonical_and_come_back(
    kind: ChannelKind, value: float, unit: str, expected: float
) -> None:
    assert units.to_canonical(kind, value, unit) == pytest.approx(expected)
    assert units.from_canonical(kind, expected, unit) == pytest.approx(value)


@pytest.mark.parametrize(
    ("kind", "unit"), [(BATTERY, "V"), (BATTERY, "mV"), (OXYGEN, "%"), (SIGNAL, "%"), (ORP, "%")]
)
def test_other_quantities_are_refused(kind: ChannelKind, unit: str) -> None:
    with pytest.raises(UnknownUnitError):
        units.to_canonical(kind, 1, unit)


@pytest.mark.parametrize("kind", DEVICE_KINDS)
@pytest.mark.parametrize("value", [0, 3000, Reason.NOT_A_NUMBER])
def test_what_a_device_says_of_itself_casts_no_doubt(
    kind: ChannelKind, value: float | Reason
) -> None:
    judged = Bench(kind, ChannelKind.SOIL_MOISTURE).message(0, soil_moisture=0, **{kind: value})

    assert judged["soil_moisture"].verdict == GOOD


def test_an_empty_battery_is_not_doubted_beside_bad_neighbours() -> None:
    judged = Bench(BATTERY, ChannelKind.SOIL_MOISTURE, ChannelKind.SOIL_EC).message(
        0, battery=0, soil_moisture=0, soil_ec=0
    )

    assert judged["battery"].verdict == GOOD
    assert judged["soil_moisture"].verdict == SUSPECT


def test_a_radio_that_lives_does_not_make_a_frozen_probe_alive() -> None:
    """A bridge repeats the same values for days, and its own signal moves."""
    bench = Bench(ChannelKind.EC, ChannelKind.PH, SIGNAL)
    judged = {}
    for step in range(26):
        judged = bench.message(step * HOUR, ec=1.5, ph=5.8, signal=-60 - step % 7)

    assert judged["ec"].reasons == (Reason.STUCK,)
    assert judged["ph"].reasons == (Reason.STUCK,)
    assert judged["signal"].verdict == GOOD


def test_a_battery_stays_as_it_is_for_weeks() -> None:
    bench = Bench(BATTERY, ChannelKind.LEVEL)
    judged = {}
    for day in range(15):
        judged = bench.message(day * 24 * HOUR, battery=97, level=80)

    assert judged["battery"].verdict == GOOD
