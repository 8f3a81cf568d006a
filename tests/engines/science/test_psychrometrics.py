"""Water vapour against the tables of FAO 56 and the cases of the specification."""

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.science.psychrometrics import (
    dew_point_c,
    humidity_for_vpd_pct,
    saturation_kpa,
    vpd_kpa,
)


@pytest.mark.parametrize(
    ("temperature_c", "pressure_kpa"),
    # FAO 56, annex 2, table 2.3.
    [(1, 0.657), (10, 1.228), (15, 1.705), (20, 2.338), (25, 3.168), (30, 4.243), (40, 7.376)],
)
def test_saturation_is_that_of_the_table(temperature_c: float, pressure_kpa: float) -> None:
    assert saturation_kpa(temperature_c) == pytest.approx(pressure_kpa, abs=0.001)


@pytest.mark.parametrize(
    ("air_c", "humidity_pct", "leaf_c", "expected_kpa"),
    [
        (25, 60, None, 1.267),
        (25, 60, 23, 0.909),
        (28, 80, 26, 0.34),
        (28, 55, 26, 1.28),
        (20, 100, None, 0),
    ],
)
def test_deficit_of_air_and_leaf(
    air_c: float, humidity_pct: float, leaf_c: float | None, expected_kpa: float
) -> None:
    assert vpd_kpa(air_c, humidity_pct, leaf_c) == pytest.approx(expected_kpa, abs=0.005)


def test_humidity_for_a_deficit() -> None:
    assert humidity_for_vpd_pct(25, 1.0) == pytest.approx(68.4, abs=0.05)
    assert humidity_for_vpd_pct(25, -1) == 100
    assert humidity_for_vpd_pct(25, 10) == 0


@pytest.mark.parametrize(
    ("air_c", "dew_c"),
    # Air that holds what FAO's table gives for the dew point: 1.228, 1.938 and 2.338 kPa.
    [(25, 10), (30, 17), (40, 20)],
)
def test_dew_point_is_where_the_table_has_the_pressure(air_c: float, dew_c: float) -> None:
    table = {10: 1.228, 17: 1.938, 20: 2.338, 25: 3.168, 30: 4.243, 40: 7.376}
    humidity_pct = 100 * table[int(dew_c)] / table[int(air_c)]

    assert dew_point_c(air_c, humidity_pct) == pytest.approx(dew_c, abs=0.02)


@given(st.floats(-20, 50), st.floats(1, 100))
def test_leaf_at_the_dew_point_has_no_deficit(air_c: float, humidity_pct: float) -> None:
    dew_c = dew_point_c(air_c, humidity_pct)

    assert dew_c <= air_c + 1e-9
    assert vpd_kpa(air_c, humidity_pct, dew_c) == pytest.approx(0, abs=1e-9)
