"""What stands still and has stuck, and what only looks so."""

from collections.abc import Callable
from math import pi, sin

import pytest

from kamerplanter_engines.models.telemetry import Reason
from tests.engines.channel_bench import HOUR, SOIL, WATER, Bench


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
