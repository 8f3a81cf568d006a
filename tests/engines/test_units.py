"""Units are converted once, and back without loss."""

import math

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines import units
from kamerplanter_engines.errors import UnknownUnitError
from kamerplanter_engines.models.telemetry import ChannelKind


@pytest.mark.parametrize(
    ("kind", "value", "unit", "expected"),
    [
        (ChannelKind.EC, 1413, "µS/cm", 1.413),
        (ChannelKind.EC, 1413, "μS/cm", 1.413),
        (ChannelKind.EC, 1413, "uS/cm", 1.413),
        (ChannelKind.EC, 1.5, "mS/cm", 1.5),
        (ChannelKind.EC, 1.5, "dS/m", 1.5),
        (ChannelKind.EC, 0.15, "S/m", 1.5),
        (ChannelKind.EC, 0.0015, "S/cm", 1.5),
        (ChannelKind.EC, 15, "CF", 1.5),
        (ChannelKind.EC, 150, "mS/m", 1.5),
        (ChannelKind.EC, 750, "ppm500", 1.5),
        (ChannelKind.EC, 960, "ppm 640", 1.5),
        (ChannelKind.EC, 1050, "ppm (700)", 1.5),
        (ChannelKind.SOIL_EC, 640, "μS/cm", 0.64),
        (ChannelKind.PH, 6.1, "", 6.1),
        (ChannelKind.PH, 6.1, "pH", 6.1),
        (ChannelKind.WATER_TEMPERATURE, 77, "°F", 25),
        (ChannelKind.WATER_TEMPERATURE, 298.15, "K", 25),
        (ChannelKind.WATER_TEMPERATURE, 25, "℃", 25),
        (ChannelKind.SOIL_TEMPERATURE, -196.6, "F", -127),
        (ChannelKind.SOIL_MOISTURE, 41, "%", 41),
        (ChannelKind.LEVEL, 41, None, 41),
    ],
)
def test_device_unit_becomes_canonical(
    kind: ChannelKind, value: float, unit: str | None, expected: float
) -> None:
    assert units.to_canonical(kind, value, unit) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        (ChannelKind.EC, "ppm"),
        (ChannelKind.EC, "V"),
        (ChannelKind.EC, "%"),
        (ChannelKind.PH, "mV"),
        (ChannelKind.WATER_TEMPERATURE, "%"),
        (ChannelKind.SOIL_MOISTURE, "kPa"),
    ],
)
def test_unit_of_another_quantity_is_refused_with_what_is_allowed(
    kind: ChannelKind, unit: str
) -> None:
    with pytest.raises(UnknownUnitError) as caught:
        units.to_canonical(kind, 1, unit)

    assert caught.value.field == "unit"
    assert caught.value.placeholders["value"] == unit
    assert caught.value.placeholders["allowed"]


def test_every_kind_names_its_canonical_unit_first() -> None:
    assert set(units.KNOWN_UNITS) == set(ChannelKind)
    for kind, names in units.KNOWN_UNITS.items():
        assert units.conversion(kind, names[0]) == (1, 0)


def test_a_known_unit_is_spelled_in_one_way() -> None:
    assert units.normalise_unit(" US/CM ") == "µS/cm"
    assert units.normalise_unit("degF") == "°F"
    assert units.normalise_unit(" furlong ") == "furlong"


@given(
    pair=st.sampled_from(
        [(kind, unit) for kind, names in units.KNOWN_UNITS.items() for unit in names]
    ),
    value=st.floats(-1e6, 1e6),
)
def test_there_and_back_is_the_same_value(pair: tuple[str, str], value: float) -> None:
    kind, unit = pair

    back = units.to_canonical(kind, units.from_canonical(kind, value, unit), unit)

    assert math.isclose(back, value, rel_tol=1e-9, abs_tol=1e-9)


@given(value=st.floats(-1e6, 1e6))
def test_volumes_and_temperatures_come_back(value: float) -> None:
    for there, back in (
        (units.us_gallons_to_litres, units.litres_to_us_gallons),
        (units.us_fluid_ounces_to_millilitres, units.millilitres_to_us_fluid_ounces),
        (units.fahrenheit_to_celsius, units.celsius_to_fahrenheit),
    ):
        assert math.isclose(back(there(value)), value, rel_tol=1e-9, abs_tol=1e-9)


def test_a_gallon_has_128_fluid_ounces() -> None:
    gallon_ml = 1000 * units.us_gallons_to_litres(1)

    assert gallon_ml == pytest.approx(3785.411784)
    assert units.us_fluid_ounces_to_millilitres(128) == pytest.approx(gallon_ml)


def test_a_bare_electrode_may_tell_volts_that_are_no_ph() -> None:
    assert units.READING_UNITS["ph"] == ("", "pH", "mV", "V")
    assert units.reading_conversion("ph", "mv") == (1, 0)
    assert units.reading_conversion("ph", "V") == (1000, 0)
    assert units.reading_conversion("ph", None) == units.reading_conversion("ph", "pH") == (1, 0)
    assert units.is_raw_unit("ph", "MV")
    assert not units.is_raw_unit("ph", "pH")
    assert not units.is_raw_unit("orp", "mV"), "which is its value"
    assert units.unit_fault("ph", "mV") is not None, "for what a person measures"
    for kind in units.KNOWN_UNITS.keys() - {"ph"}:
        assert units.READING_UNITS[kind] == units.KNOWN_UNITS[kind]
    with pytest.raises(UnknownUnitError, match="pH, mV, V"):
        units.reading_conversion("ph", "A")
