"""A calibration counts for the numbers that it was made on, and for no others."""

from typing import Any

import pytest

from kamerplanter_engines.calibration_engine import fit
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationPoint,
    RawMapping,
    RawScale,
)
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, CurvePoint
from kamerplanter_engines.raw_mapping_engine import (
    counts_for,
    gives_same_numbers,
    is_same_mapping,
    mapping_of,
    of_present_mapping,
)
from tests.factories import NOW

EC, PH, SOIL = ChannelKind.EC, ChannelKind.PH, ChannelKind.SOIL_MOISTURE
SOIL_EC = ChannelKind.SOIL_EC
POINTS = {
    EC: ((1.35, 1.413),),
    PH: ((7.1, 7.0), (4.1, 4.01)),
    SOIL: ((3000, 0), (1500, 100)),
    SOIL_EC: ((1.35, 1.413),),
}


def bound(kind: ChannelKind = EC, **more: Any) -> ChannelBinding:
    return ChannelBinding(kind=kind, **{"topic": "tank", "path": "value", **more})


def made_on(binding: ChannelBinding, *, noted: bool = True) -> Calibration:
    """Return a calibration of a channel as it is bound; one of an older version notes less."""
    said = CalibrationFields(
        kind=binding.kind,
        points=tuple(
            CalibrationPoint(raw=raw, value=value, temperature_c=25)
            for raw, value in POINTS[binding.kind]
        ),
        compensated=binding.compensated,
    )
    return Calibration(
        **dict(said),
        key=f"calibration-{binding.kind}",
        tenant_key="garden-1",
        probe_key="probe-1",
        done_at=NOW,
        fit=fit(said),
        mapping=mapping_of(binding) if noted else None,
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.mark.parametrize(
    "other",
    [
        bound(unit="µS/cm"),
        bound(factor=1.1),
        bound(path="raw"),
        bound(path=None, topic=None, entity_id="sensor.ec"),
        bound(decimal_comma=True),
        bound(compensated=False),
        bound(curve=(CurvePoint(raw=0, value=0), CurvePoint(raw=1000, value=2))),
        bound(PH),
    ],
)
def test_other_numbers_need_another_calibration(other: ChannelBinding) -> None:
    made = made_on(bound())

    assert counts_for(made, bound())
    assert not counts_for(made, other)


@pytest.mark.parametrize(
    "same",
    [
        bound(unit="mS/cm"),
        bound(unit="dS/m"),
        bound(unit="µS/cm", factor=1000),
        bound(topic="tank/renamed"),
        bound(temperature_coefficient_pct=1.8),
        bound(max_age_s=60, rate_per_min=3, stuck_after_s=600, hold_s=0),
        bound(guard_path="ok", time_path="t"),
    ],
)
def test_what_changes_no_number_keeps_the_calibration(same: ChannelBinding) -> None:
    assert counts_for(made_on(bound()), same)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (bound(unit="mS/cm"), True),
        (bound(max_age_s=60, guard_path="ok"), True),
        (bound(temperature_coefficient_pct=1.8), True),
        (bound(factor=2), False),
        (bound(topic="elsewhere"), False),
        (bound(topic=None, entity_id="sensor.ec"), False),
        (bound(curve=(CurvePoint(raw=0, value=0), CurvePoint(raw=1000, value=2))), False),
        (bound(compensated=False), False),
    ],
)
def test_other_bindings_may_give_the_same_numbers(other: ChannelBinding, *, expected: bool) -> None:
    assert gives_same_numbers(bound(), other) is expected
    assert gives_same_numbers(other, bound()) is expected


def test_another_coefficient_makes_other_numbers_of_what_is_not_compensated() -> None:
    two, less = (bound(compensated=False, temperature_coefficient_pct=pct) for pct in (2.0, 1.8))

    assert not gives_same_numbers(two, less)


def test_soil_ec_without_a_unit_is_microsiemens() -> None:
    unsaid, micro, milli = (bound(SOIL_EC, unit=unit) for unit in (None, "uS/cm", "mS/cm"))

    assert counts_for(made_on(unsaid), micro)
    assert counts_for(made_on(micro), unsaid)
    assert not counts_for(made_on(unsaid), milli)
    assert not counts_for(made_on(milli), unsaid)


def test_what_an_older_version_noted_counts_as_long_as_nothing_changes() -> None:
    # It took soil EC without a unit for mS/cm when it noted, though not when it read.
    said = bound(SOIL_EC, factor=2)
    older = {"path": "value", "factor": 2.0, "offset": 0.0}
    made = made_on(said).model_copy(update={"mapping": RawMapping.model_validate(older)})

    assert counts_for(made, said)
    assert not counts_for(made, bound(SOIL_EC, factor=3))
    micro = made.model_copy(update={"mapping": RawMapping(path="value", factor=2e-3, offset=0)})
    assert counts_for(micro, said)


def test_what_an_older_version_noted_counts_for_no_unit_that_it_may_have_been_without() -> None:
    # The same note stands for thousandths, as the channel named no unit, and for whole ones.
    note = RawMapping(path="value", factor=1.0, offset=0)
    made = made_on(bound(SOIL_EC)).model_copy(update={"mapping": note})

    assert counts_for(made, bound(SOIL_EC))
    assert not counts_for(made, bound(SOIL_EC, unit="mS/cm"))
    assert not counts_for(made, bound(SOIL_EC, unit="dS/m"))
    # Of the others the usual unit is the canonical one, so both are the same.
    assert counts_for(made_on(bound()).model_copy(update={"mapping": note}), bound(unit="mS/cm"))
    # A note in thousandths was made for a channel that named them.
    micro = made.model_copy(update={"mapping": RawMapping(path="value", factor=1e-3, offset=0)})
    assert counts_for(micro, bound(SOIL_EC, unit="µS/cm"))


def test_compensation_is_nothing_to_a_ph_value() -> None:
    assert counts_for(made_on(bound(PH)), bound(PH, compensated=False))


def test_one_of_an_older_version_says_at_least_whether_it_was_compensated() -> None:
    old = made_on(bound(compensated=False), noted=False)

    assert counts_for(old, bound(compensated=False, factor=2))
    assert not counts_for(old, bound())
    assert counts_for(made_on(bound(PH), noted=False), bound(PH, compensated=False))


def test_mapping_says_how_the_number_comes_from_what_is_sent() -> None:
    # 1413 µS/cm that a device sends as tens of them: 141.3 x 10 x 0.001 = 1.413 mS/cm.
    found = mapping_of(bound(unit="uS/cm", factor=10))

    assert 141.3 * found.factor + found.offset == pytest.approx(1.413)
    water = mapping_of(bound(ChannelKind.WATER_TEMPERATURE, unit="°F"))
    assert 68 * water.factor + water.offset == pytest.approx(20)


def test_offsets_that_differ_are_other_numbers() -> None:
    kelvin, celsius = RawMapping(factor=1, offset=-273.15), RawMapping(factor=1, offset=0)

    assert not is_same_mapping(kelvin, celsius)
    assert is_same_mapping(kelvin, RawMapping(factor=1 + 1e-12, offset=-273.15))


def test_unit_that_belongs_to_no_channel_changes_nothing() -> None:
    assert mapping_of(bound(unit="bar")) == mapping_of(bound())


def test_those_of_channels_that_are_not_bound_are_left_out_and_the_order_stays() -> None:
    ph, ec, soil = made_on(bound(PH)), made_on(bound()), made_on(bound(SOIL))

    assert of_present_mapping([ph, soil, ec], [bound(), bound(PH)]) == (ph, ec)


def in_millivolts(binding: ChannelBinding) -> Calibration:
    said = CalibrationFields(
        kind=PH,
        scale=RawScale.MILLIVOLT,
        points=(CalibrationPoint(raw=0, value=7), CalibrationPoint(raw=177, value=4)),
    )
    return made_on(binding).model_copy(update={**dict(said), "fit": fit(said)})


@pytest.mark.parametrize(
    ("then", "now", "as_value", "as_voltage"),
    [
        (None, None, True, True),
        (None, "pH", True, False),
        (None, "mV", False, True),
        (None, "V", False, False),
        ("pH", "pH", True, True),
        ("pH", None, True, True),
        ("mV", "mV", False, True),
        ("mV", None, True, True),
        ("mV", "pH", True, False),
        ("V", "V", False, True),
        ("V", "mV", False, False),
    ],
)
def test_a_voltage_and_a_ph_are_calibrated_each_for_itself(
    then: str | None, now: str | None, as_value: bool, as_voltage: bool
) -> None:
    made, bound_now = bound(PH, unit=then), bound(PH, unit=now)

    assert counts_for(made_on(made), bound_now) is as_value
    assert counts_for(in_millivolts(made), bound_now) is as_voltage
