"""Measurements by hand: one unit, one verdict, and an error that names field, value and range."""

from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError, UnknownUnitError
from kamerplanter_engines.hand_measurement_engine import compare, judge_hand_value
from kamerplanter_engines.models.hand_measurement import HandMeasurementFields
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.tables.channels import CHANNELS
from tests.factories import example

PH, EC, WATER = ChannelKind.PH, ChannelKind.EC, ChannelKind.WATER_TEMPERATURE
MOISTURE = ChannelKind.SOIL_MOISTURE


def fields(kind: ChannelKind, value: float, unit: str | None = None, **more: Any) -> Any:
    return HandMeasurementFields(tank_key="tank-1", kind=kind, value=value, unit=unit, **more)


@pytest.mark.parametrize(
    ("kind", "value", "unit", "expected"),
    [
        (EC, 1850, "µS/cm", 1.85),
        (EC, 1850, "uS/cm", 1.85),
        (EC, 900, "ppm500", 1.8),
        (EC, 1.4, None, 1.4),
        (WATER, 68, "°F", 20),
        (WATER, 294.15, "K", 21),
        (PH, 5.9, None, 5.9),
    ],
)
def test_any_unit_becomes_the_canonical_one(
    kind: ChannelKind, value: float, unit: str | None, expected: float
) -> None:
    found = judge_hand_value(fields(kind, value, unit))

    assert found.value == pytest.approx(expected, abs=1e-6)
    assert (found.verdict, found.reasons) == (Verdict.GOOD, ())


@pytest.mark.parametrize("unit", ["ppm", "bananas", "°C"])
def test_an_unknown_unit_is_refused(unit: str) -> None:
    with pytest.raises(UnknownUnitError) as refused:
        judge_hand_value(fields(EC, 1.8, unit))

    assert refused.value.field == "unit"
    assert refused.value.placeholders["value"] == unit


@pytest.mark.parametrize(
    ("kind", "value", "unit", "message"),
    [
        (PH, 14.1, None, r"value 14\.1 is no ph; possible are 0 to 14\."),
        (PH, -0.1, None, r"value -0\.1 is no ph; possible are 0 to 14\."),
        (EC, 20_000, "µS/cm", r"value 20000 µS/cm is no ec; possible are 0 to 15000 µS/cm\."),
        (WATER, 130, "°F", r"possible are 32 to 122 °F"),
    ],
)
def test_what_is_impossible_is_refused_in_the_unit_that_was_given(
    kind: ChannelKind, value: float, unit: str | None, message: str
) -> None:
    with pytest.raises(OutOfRangeError, match=message) as refused:
        judge_hand_value(fields(kind, value, unit))

    assert refused.value.field == "value"


@pytest.mark.parametrize(("kind", "value"), [(PH, 2.8), (PH, 10.1), (WATER, 36), (EC, 6)])
def test_what_is_unlikely_is_kept_and_doubted(kind: ChannelKind, value: float) -> None:
    found = judge_hand_value(fields(kind, value))

    assert (found.value, found.verdict) == (value, Verdict.SUSPECT)
    assert found.reasons == (Reason.OUTSIDE_PLAUSIBLE,)


def test_a_concentrate_may_conduct_more() -> None:
    assert judge_hand_value(fields(EC, 120), stock_solution=True).verdict is Verdict.GOOD
    with pytest.raises(OutOfRangeError):
        judge_hand_value(fields(EC, 120))


def test_conductivity_that_the_meter_does_not_compensate() -> None:
    # 1.44 at 20 °C: 1.44 / (1 - 5 x 2 %) = 1.6.
    known = judge_hand_value(fields(EC, 1.44, temperature_c=20, compensated=False))
    unknown = judge_hand_value(fields(EC, 1.44, compensated=False))

    assert known.value == pytest.approx(1.6)
    assert known.verdict is Verdict.GOOD
    assert (unknown.value, unknown.verdict) == (1.44, Verdict.SUSPECT)
    assert unknown.reasons == (Reason.UNCOMPENSATED,)


def test_no_conductivity_at_all_is_doubted_except_in_plain_water() -> None:
    dry, traces = judge_hand_value(fields(EC, 0, "µS/cm")), judge_hand_value(fields(EC, 0.01))
    uncompensated = judge_hand_value(fields(EC, 0, compensated=False, temperature_c=20))
    water = judge_hand_value(fields(EC, 0), plain_water=True)

    for found in (dry, uncompensated):
        assert (found.value, found.verdict) == (0, Verdict.SUSPECT)
        assert found.reasons == (Reason.EXACT_ZERO,)
    assert traces.verdict is Verdict.GOOD
    assert (water.value, water.verdict, water.reasons) == (0, Verdict.GOOD, ())


@pytest.mark.parametrize(
    ("places", "kind"),
    [
        ({}, PH),
        ({"tank_key": "tank-1", "plant_key": "plant-1"}, PH),
        ({"tank_key": "tank-1"}, MOISTURE),
        ({"plant_key": "plant-1"}, ChannelKind.LEVEL),
        ({"tank_key": "tank-1"}, ChannelKind.BATTERY),
    ],
)
def test_one_place_and_what_is_measured_there(places: dict[str, Any], kind: ChannelKind) -> None:
    with pytest.raises(InvalidInputError):
        judge_hand_value(HandMeasurementFields(kind=kind, value=5, **places))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_never_gets_in(value: float) -> None:
    with pytest.raises(ValidationError, match="value"):
        fields(PH, value)


def test_a_time_without_a_zone_never_gets_in() -> None:
    with pytest.raises(ValidationError, match="at"):
        HandMeasurementFields.model_validate(
            {"tank_key": "t", "kind": "ph", "value": 6, "at": "2026-05-01T08:00:00"}
        )


def test_beside_two_probes() -> None:
    left, right = (ChannelBinding(kind=PH, topic=topic) for topic in ("left", "right"))
    shown = [
        (example(Reading, probe_key="b", kind=PH, value=5.7), right),
        (example(Reading, probe_key="a", kind=PH, value=6.1), left),
    ]

    found = compare(6.0, shown)

    assert [(item.probe_key, item.value, item.difference, item.channel) for item in found] == [
        ("a", 6.1, -0.1, left),
        ("b", 5.7, 0.3, right),
    ]


@given(st.sampled_from([PH, EC, WATER, ChannelKind.LEVEL]), st.floats(-50, 200))
def test_what_gets_in_is_physically_possible(kind: ChannelKind, value: float) -> None:
    spec = CHANNELS[kind]
    try:
        found = judge_hand_value(fields(kind, value))
    except OutOfRangeError:
        assert not spec.physical_low <= round(value, 9) <= spec.physical_high
    else:
        assert spec.physical_low <= found.value <= spec.physical_high
