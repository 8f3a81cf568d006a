"""Slopes and compensation against known values, and the tables of solutions."""

import pytest

from kamerplanter_engines.science.electrochemistry import ec_at_25_ms_cm, nernst_slope_mv
from kamerplanter_engines.tables.buffers import buffer_ph, standard_ec_ms_cm


@pytest.mark.parametrize(
    ("temperature_c", "slope_mv"), [(0, 54.20), (20, 58.17), (25, 59.16), (37, 61.54)]
)
def test_ideal_slope(temperature_c: float, slope_mv: float) -> None:
    assert nernst_slope_mv(temperature_c) == pytest.approx(slope_mv, abs=0.005)


def test_conductivity_is_compensated_to_25_degrees() -> None:
    # F-65: 77 °F are 25 °C; taken as degrees Celsius it would be 0.78.
    assert ec_at_25_ms_cm(1.60, 25) == 1.60
    assert ec_at_25_ms_cm(1.60, 77) == pytest.approx(0.784, abs=0.001)
    assert ec_at_25_ms_cm(1.60, 15, 1.9) == pytest.approx(1.975, abs=0.001)


@pytest.mark.parametrize(
    ("nominal", "temperature_c", "expected"),
    [
        (4.01, 40, 4.03),
        # 4.00 and 4.01 are one recipe.
        (4.00, 40, 4.02),
        (7.00, 10, 7.06),
        (7.00, 12.5, 7.05),
        (10.01, 20, 10.06),
        (10.01, 40, None),
        (5.00, 25, None),
        (7.00, 51, None),
    ],
)
def test_buffer_at_a_temperature(
    nominal: float, temperature_c: float, expected: float | None
) -> None:
    assert buffer_ph(nominal, temperature_c) == (
        None if expected is None else pytest.approx(expected)
    )


@pytest.mark.parametrize(
    ("nominal", "temperature_c", "expected"),
    # Values of KCl 0.01 mol/L as the project's decisions give them.
    [
        (1.413, 5, 0.896),
        (1.413, 10, 1.020),
        (1.413, 20, 1.278),
        (1.413, 30, 1.552),
        (12.88, 20, 11.67),
        (2.0, 25, None),
        (1.413, 4, None),
    ],
)
def test_standard_at_a_temperature(
    nominal: float, temperature_c: float, expected: float | None
) -> None:
    assert standard_ec_ms_cm(nominal, temperature_c) == (
        None if expected is None else pytest.approx(expected)
    )
