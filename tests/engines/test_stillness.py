"""What stands still and has stuck, and what only looks so."""

from collections.abc import Callable
from math import pi, sin

import pytest

from kamerplanter_engines.models.telemetry import Reason
from tests.engines.channel_bench import EC, GOOD, HOUR, PH, SOIL, SUSPECT, WATER, Bench, reading


def moving(hour: float) -> float:
    """Return what the thermometer in the soil says by day and night."""
    return round(20 + 3 * sin(hour / 24 * 2 * pi), 1)


def first_stuck(bench: Bench, water_c: Callable[[float], float], hours: int) -> float | None:
    """Return after how many hours the water thermometer is called stuck beside the soil's."""
    for sixth in range(hours * 6):
        hour = sixth / 6
        judged = bench.message(
            hour * HOUR, water_temperature=water_c(hour), soil_temperature=moving(hour)
        )
        if Reason.STUCK in judged["water_temperature"].reasons:
            return hour
    return None


@pytest.mark.parametrize(
    "water_c",
    [
        pytest.param(lambda hour: 21.0 if hour < 2 else 20.0, id="whole degrees"),
        pytest.param(lambda hour: 20.1 if hour < 2 else 20.0, id="tenths"),
        pytest.param(lambda hour: 20.5 if hour < 2 else 20.0, id="halves"),
    ],
)
def test_a_coarse_thermometer_in_an_even_reservoir_has_not_stuck(
    water_c: Callable[[float], float],
) -> None:
    assert first_stuck(Bench(WATER, SOIL), water_c, 30) is None


@pytest.mark.parametrize(
    "water_c",
    [
        pytest.param(lambda _: 21.375, id="never moved"),
        pytest.param(lambda _: 21.0, id="never moved, so nobody knows how fine it is"),
        pytest.param(lambda hour: 21.31 if hour < 0.2 else 21.3, id="moved finely once"),
    ],
)
def test_a_fine_one_beside_it_has(water_c: Callable[[float], float]) -> None:
    found = first_stuck(Bench(WATER, SOIL), water_c, 8)

    assert found is not None
    assert 6 <= found < 6.5


@pytest.mark.parametrize("every_h", [5, 2, 0.5])
def test_an_end_stop_now_and_then_is_no_movement(every_h: float) -> None:
    def frozen(hour: float) -> float:
        return 0.0 if hour and hour % every_h == 0 else 21.375

    found = first_stuck(Bench(WATER, SOIL), frozen, 8)

    assert found is not None
    assert 6 <= found < 6.5


def test_what_has_stuck_is_stuck_beyond_an_end_stop() -> None:
    bench = Bench(WATER, SOIL)
    assert first_stuck(bench, lambda _: 21.375, 7) is not None

    zero = bench.message(8 * HOUR, water_temperature=0.0, soil_temperature=21.0)
    frozen = bench.message(8.1 * HOUR, water_temperature=21.375, soil_temperature=21.1)
    moved = bench.message(8.2 * HOUR, water_temperature=21.4, soil_temperature=21.0)

    assert zero["water_temperature"].reasons[:2] == (Reason.EXACT_ZERO, Reason.STUCK)
    assert frozen["water_temperature"].reasons == (Reason.STUCK,)
    assert moved["water_temperature"].verdict is GOOD


def test_a_device_that_is_frozen_as_a_whole_is_found_through_end_stops() -> None:
    bench = Bench(PH, EC)
    for hour in range(26):
        judged = bench.message(hour * HOUR, ph=0.0 if hour % 7 == 3 else 6.01, ec=1.413)

    assert Reason.STUCK in judged["ph"].reasons
    assert Reason.STUCK in judged["ec"].reasons


def test_an_end_stop_of_the_twin_is_no_movement_either() -> None:
    bench = Bench(WATER, SOIL)
    for hour in range(9):
        judged = bench.message(
            hour * HOUR, water_temperature=21.31, soil_temperature=0.0 if hour == 6 else 20.12
        )

    assert judged["water_temperature"].verdict is GOOD


def test_the_first_zeros_of_a_probe_are_no_number_that_it_moved_from() -> None:
    bench = Bench(WATER, SOIL)
    bench.message(0, water_temperature=0.0, soil_temperature=20.0)

    found = first_stuck(bench, lambda hour: 21.5 if hour else 0.0, 8)

    assert found is not None


def test_how_long_it_has_stood_still_goes_on_when_a_start_follows_an_end_stop() -> None:
    bench = Bench(WATER, SOIL)
    frozen = reading(WATER, 7 * HOUR, 21.375)
    zero = reading(WATER, 7.5 * HOUR, 0.0, SUSPECT, (Reason.EXACT_ZERO,))
    moved = reading(SOIL, 7 * HOUR, 20.1)
    bench.restore(frozen, zero, unchanged_since_s=0, finest_step=0.001, told=frozen)
    bench.restore(moved, moved, finest_step=0.1)

    judged = bench.message(8 * HOUR, water_temperature=21.375, soil_temperature=20.2)

    assert judged["water_temperature"].reasons == (Reason.STUCK,)


def test_a_probe_of_which_only_end_stops_are_known_moves_with_the_first_number() -> None:
    bench = Bench(WATER, SOIL)
    zero = reading(WATER, 7.5 * HOUR, 0.0, SUSPECT, (Reason.EXACT_ZERO,))
    moved = reading(SOIL, 7 * HOUR, 20.1)
    bench.restore(None, zero, unchanged_since_s=0)
    bench.restore(moved, moved, finest_step=0.1)

    judged = bench.message(8 * HOUR, water_temperature=21.375, soil_temperature=20.2)

    assert judged["water_temperature"].verdict is GOOD
