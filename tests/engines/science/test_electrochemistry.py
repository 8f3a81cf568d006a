"""Slopes and compensation against known values, and the tables of solutions."""

from math import sqrt

import pytest

from kamerplanter_engines.science.electrochemistry import ec_at_25_ms_cm, nernst_slope_mv
from kamerplanter_engines.tables.buffers import EC_STANDARDS, buffer_ph, standard_ec_ms_cm


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


def test_a_line_that_has_come_to_nothing_tells_no_conductivity() -> None:
    # The coldest that a person may enter still counts, at the usual coefficient.
    assert ec_at_25_ms_cm(0.4, -5) == pytest.approx(1.0)
    assert ec_at_25_ms_cm(1.0, 5, 5) is None
    assert ec_at_25_ms_cm(1.0, 5.1, 5) is None
    assert ec_at_25_ms_cm(1.0, -5, 3) is None


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


@pytest.mark.parametrize("temperature_c", [5, 10, 15, 20, 30, 35])
def test_all_standards_are_one_salt_and_rise_alike(temperature_c: float) -> None:
    rises = [
        standard / name
        for name in EC_STANDARDS
        if (standard := standard_ec_ms_cm(name, temperature_c)) is not None
    ]

    assert len(rises) == len(EC_STANDARDS)
    assert max(rises) / min(rises) < 1.015


@pytest.mark.parametrize("temperature_c", [5, 10, 15, 20, 30, 35])
def test_a_standard_rises_as_its_ions_do(temperature_c: float) -> None:
    # Potassium and chloride, 0.01 mol/L: [McCleskey2012] by the project's decisions.
    ions = (
        ((0.003046, 1.261, 40.70), (0.00535, 0.9316, 22.59)),
        ((0.003817, 1.337, 40.99), (0.00613, 0.9469, 22.01)),
    )
    strength = sqrt(0.01)

    def at(degrees: float) -> float:
        free, drag = (
            sum(a * degrees**2 + b * degrees + c for a, b, c in column)
            for column in zip(*ions, strict=True)
        )
        return free - drag * strength / (1 + 1.5 * strength)

    expected = 1.413 * at(temperature_c) / at(25)
    assert standard_ec_ms_cm(1.413, temperature_c) == pytest.approx(expected, rel=0.005)
