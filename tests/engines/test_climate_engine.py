"""Climate: leaf rules, daily light, degree days, and how much of a day was measured."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from kamerplanter_engines.climate_engine import (
    ClimateReason,
    air_state,
    daily_light,
    degree_days,
    leaf_offset_k,
)
from kamerplanter_engines.errors import NaiveTimeError, OutOfRangeError
from kamerplanter_engines.models.rollup import Bucket, Figures, Point, microseconds

START = datetime(2026, 4, 30, 22, tzinfo=UTC)
DAY = Bucket(START, START + timedelta(hours=24))


@pytest.mark.parametrize(
    ("ppfd", "offset"),
    [
        (None, -2),
        (0, 0),
        (4.9, 0),
        (5, -1),
        (199.9, -1),
        (200, -2),
        (800, -2),
        (800.1, 1),
        (2500, 1),
    ],
)
def test_leaf_follows_the_light(ppfd: float | None, offset: float) -> None:
    assert leaf_offset_k(ppfd) == offset


def test_air_and_leaf() -> None:
    assumed = air_state(25, 60)
    measured = air_state(25, 60, leaf_c=25, ppfd_umol=500)

    assert assumed.leaf_c == 23
    assert assumed.air_vpd_kpa == pytest.approx(1.267, abs=0.001)
    assert assumed.leaf_vpd_kpa == pytest.approx(0.909, abs=0.001)
    assert assumed.reasons == (ClimateReason.LEAF_ASSUMED,)
    assert measured.leaf_vpd_kpa == measured.air_vpd_kpa
    assert measured.reasons == ()


def test_wet_leaf_is_not_hidden() -> None:
    state = air_state(20, 98)

    assert state.leaf_vpd_kpa < 0
    assert state.dew_point_c == pytest.approx(19.7, abs=0.05)
    assert ClimateReason.CONDENSING in state.reasons
    assert air_state(20, 0).dew_point_c is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"temperature_c": math.nan}, "temperature_c"),
        ({"temperature_c": 71.0}, "temperature_c"),
        ({"humidity_pct": 100.1}, "humidity_pct"),
        ({"leaf_c": math.inf}, "leaf_c"),
        ({"ppfd_umol": -1.0}, "ppfd_umol"),
    ],
)
def test_impossible_air_is_refused(changes: dict[str, float], field: str) -> None:
    with pytest.raises(OutOfRangeError) as caught:
        air_state(**({"temperature_c": 25.0, "humidity_pct": 60.0} | changes))

    assert caught.value.field == field


def light(from_h: float, until_h: float, ppfd: float, *, step_min: int = 10) -> list[Point]:
    count = round((until_h - from_h) * 60 / step_min)
    first = START + timedelta(hours=from_h)
    return [
        (microseconds(first + n * timedelta(minutes=step_min)), ppfd, True) for n in range(count)
    ]


def test_daily_light_is_flux_by_time() -> None:
    # 400 for 18 hours is 25.92, as 600 for 12.
    long = daily_light(light(0, 18, 400) + light(18, 24, 0), DAY)
    short = daily_light(light(0, 6, 0) + light(6, 18, 600) + light(18, 24, 0), DAY)

    assert long.value == pytest.approx(25.92)
    assert short.value == pytest.approx(25.92)
    assert (long.coverage_ratio, long.may_decide, long.reasons) == (1, True, ())


def test_half_a_day_of_light_decides_nothing() -> None:
    found = daily_light(light(6, 18, 600), DAY)

    # The last value speaks for two intervals.
    assert found.value == pytest.approx(600 * (12 * 3600 + 600) / 1e6)
    assert found.coverage_ratio == pytest.approx((12 * 60 + 10) / 1440)
    assert (found.may_decide, found.reasons) == (False, (ClimateReason.COVERAGE_LOW,))


def test_day_without_light_readings() -> None:
    found = daily_light([], DAY)

    assert (found.value, found.coverage_ratio, found.reasons) == (None, 0, (ClimateReason.NO_DATA,))


def figures(low: float, high: float, hours: float = 24) -> Figures:
    return Figures(reading_count=2, total=low + high, covered_s=hours * 3600, low=low, high=high)


@pytest.mark.parametrize(
    ("low", "high", "base", "upper", "expected"),
    [
        (10, 20, 10, None, 5),
        (2, 16, 10, None, 0),
        (14, 36, 10, None, 15),
        (14, 36, 10, 30, 12),
        (32, 36, 10, 30, 20),
        (-5, 25, 0, None, 10),
    ],
)
def test_degree_days(
    low: float, high: float, base: float, upper: float | None, expected: float
) -> None:
    found = degree_days(figures(low, high), DAY, base, upper_c=upper)

    assert found.value == pytest.approx(expected)
    assert found.may_decide


def test_degree_days_say_what_they_stand_on() -> None:
    enough = degree_days(figures(10, 20, 19.2), DAY, 10)
    little = degree_days(figures(10, 20, 19.1), DAY, 10)
    none = degree_days(Figures(), DAY, 10)

    assert (enough.may_decide, little.may_decide, none.may_decide) == (True, False, False)
    assert little.reasons == (ClimateReason.COVERAGE_LOW,)
    assert none.value is None
    # A day of 23 hours is whole with 23.
    spring = Bucket(START, START + timedelta(hours=23))
    assert degree_days(figures(10, 20, 23), spring, 10).coverage_ratio == 1


@pytest.mark.parametrize(("base", "upper"), [(math.nan, None), (41, None), (10, 9), (10, math.inf)])
def test_impossible_limits_are_refused(base: float, upper: float | None) -> None:
    with pytest.raises(OutOfRangeError):
        degree_days(figures(10, 20), DAY, base, upper_c=upper)


# Saturation from [FAO56], annex 2, table 2.3: 10 °C 1.228, 20 °C 2.338, 30 °C 4.243 kPa.
@pytest.mark.parametrize(
    ("air_c", "humidity_pct", "vpd_kpa", "dew_point_c"),
    [
        (20, 50, 2.338 / 2, 9.3),
        (30, 40, 4.243 * 0.6, 14.9),
        (10, 100, 0, 10),
        (24.5, 68, 3.075 * 0.32, 18.2),
        (-5, 80, 0.4211 * 0.2, -7.9),
    ],
)
def test_air_by_the_tables_of_the_fao(
    air_c: float, humidity_pct: float, vpd_kpa: float, dew_point_c: float
) -> None:
    state = air_state(air_c, humidity_pct)

    assert state.air_vpd_kpa == pytest.approx(vpd_kpa, abs=0.002)
    assert state.dew_point_c == pytest.approx(dew_point_c, abs=0.1)


def test_light_of_days_that_clocks_change_on() -> None:
    # 500 for 12 hours, measured all day long, is 21.6 however long the day is.
    for hours in (23, 24, 25):
        day = Bucket(START, START + timedelta(hours=hours))
        found = daily_light(light(0, 6, 0) + light(6, 18, 500) + light(18, hours, 0), day)

        assert found.value == pytest.approx(21.6)
        assert found.coverage_ratio == 1


def test_hole_in_the_light_is_not_filled() -> None:
    # The lamp burns for 12 hours, and nobody hears of it from hour 9 to hour 15.
    found = daily_light(
        light(0, 6, 0) + light(6, 9, 500) + light(15, 18, 500) + light(18, 24, 0), DAY
    )

    # The value at 8:50 speaks until 9:10.
    assert found.value == pytest.approx(500 * (6 * 3600 + 600) / 1e6)
    assert found.coverage_ratio == pytest.approx((18 * 60 + 10) / 1440)
    assert not found.may_decide


@pytest.mark.parametrize("ppfd", [math.nan, math.inf, -1.0, 4000.1])
def test_impossible_light_is_refused(ppfd: float) -> None:
    points = [*light(0, 1, 400), (microseconds(START + timedelta(hours=2)), ppfd, True)]

    with pytest.raises(OutOfRangeError) as caught:
        daily_light(points, DAY)

    assert caught.value.field == "ppfd_umol"
    assert caught.value.placeholders["value"] == str(ppfd)


def test_what_is_suspect_counts_for_nothing() -> None:
    flash = (microseconds(START + timedelta(hours=2)), 9000.0, False)

    assert daily_light([flash], DAY).value is None


@pytest.mark.parametrize(
    ("low", "high", "field"),
    [(math.nan, 20, "low_c"), (10, math.inf, "high_c"), (-51, 20, "low_c"), (20, 10, "high_c")],
)
def test_impossible_temperatures_are_refused(low: float, high: float, field: str) -> None:
    with pytest.raises(OutOfRangeError) as caught:
        degree_days(figures(low, high), DAY, 10)

    assert caught.value.field == field


def test_days_have_a_zone() -> None:
    start = datetime(2026, 5, 1)  # noqa: DTZ001
    day = Bucket(start, start + timedelta(days=1))

    with pytest.raises(NaiveTimeError):
        daily_light([], day)
    with pytest.raises(NaiveTimeError):
        degree_days(figures(10, 20), day, 10)
