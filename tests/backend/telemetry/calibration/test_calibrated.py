"""Calibrations on the way in: live and in batches, the raw value kept, dead probes still told."""

from datetime import timedelta
from typing import Any

import pytest

from kamerplanter_backend.telemetry.calibration.calibrated import Corrections, calibrated
from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_engines.calibration_engine import fit
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationPoint,
    RawScale,
)
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reason,
    Verdict,
)
from kamerplanter_engines.raw_mapping_engine import counts_for
from kamerplanter_engines.raw_scale_engine import raw_kinds
from kamerplanter_engines.telemetry_engine import ChannelState, Sample
from tests.backend.telemetry.device import HOUR, T0, Device, bind
from tests.factories import NOW

EC, PH, SOIL = ChannelKind.EC, ChannelKind.PH, ChannelKind.SOIL_MOISTURE
WATER = ChannelKind.WATER_TEMPERATURE


def calibration(kind: ChannelKind, *points: tuple[float, ...], **more: Any) -> Calibration:
    """Return a calibration of points (raw, value, temperature) that was made an hour ago."""
    names = ("raw", "value", "temperature_c")
    said = CalibrationFields(
        kind=kind,
        points=tuple(CalibrationPoint(**dict(zip(names, point, strict=False))) for point in points),
        **more,
    )
    done_at = NOW - timedelta(hours=1)
    return Calibration(
        **dict(said),
        key=f"calibration-{kind}",
        tenant_key="garden-1",
        probe_key="probe-1",
        done_at=done_at,
        fit=fit(said),
        created_at=done_at,
        updated_at=done_at,
    )


PH_OFF = calibration(PH, (7.2, 7.0), (4.3, 4.0))
EC_LOW = calibration(EC, (1.4, 1.413), (0.1, 0.084))
SOIL_RAW = calibration(SOIL, (3100, 0), (1400, 100))


def intake(*calibrations: Calibration) -> ProbeIntake:
    channels = tuple(ChannelBinding(kind=kind, topic=f"t/{kind}") for kind in (EC, PH, SOIL, WATER))
    probe = Probe(
        key="probe-1",
        tenant_key="garden-1",
        name="Probe",
        channels=channels,
        created_at=NOW,
        updated_at=NOW,
    )
    made = ProbeIntake(probe, started_at=NOW - timedelta(days=1))
    made.calibrate(calibrations)
    return made


def send(made: ProbeIntake, kind: ChannelKind, payload: str, seconds: float = 0) -> Any:
    at = NOW + timedelta(seconds=seconds)
    [judged] = made.on_message(f"t/{kind}", payload, retained=False, received_at=at)
    return judged


def test_what_a_probe_shows_is_put_right_and_its_raw_value_kept() -> None:
    made = intake(PH_OFF)

    judged = send(made, PH, "6.1")
    [reading] = made.take_readings()

    assert judged.verdict is Verdict.GOOD
    assert (reading.value, reading.raw) == (pytest.approx(5.862, abs=1e-3), 6.1)
    assert made.shown(PH, NOW).value == reading.value


def test_channel_without_a_calibration_stays_as_it_is() -> None:
    made = intake(PH_OFF)

    send(made, EC, "1.85")
    [reading] = made.take_readings()

    assert (reading.value, reading.raw) == (1.85, None)


def test_reading_from_before_the_calibration_is_not_changed() -> None:
    early = Sample(kind=PH, at=NOW - timedelta(hours=2), received_at=NOW, raw=6.1)
    late = early._replace(at=NOW)

    found = calibrated([early, late], Corrections().by([PH_OFF], ()), {}, {})

    assert found[0] == early
    assert (found[1].measured, found[1].raw) == (6.1, pytest.approx(5.862, abs=1e-3))


def test_dead_circuit_is_told_by_what_it_shows() -> None:
    # Put right, the 0 of a cut probe would be 0.02 mS/cm and look like a value.
    low = calibration(EC, (1.3, 1.413), (0.05, 0.084))

    judged = send(intake(low), EC, "0")

    assert judged.value == pytest.approx(0.031, abs=0.001)
    assert (judged.verdict, judged.reasons) == (Verdict.SUSPECT, (Reason.EXACT_ZERO,))


def test_a_zero_that_a_calibration_made_never_heals() -> None:
    # The dry probe showed 0.05, so what it shows in air is cut off at 0 from then on.
    made = intake(calibration(EC, (0.05, 0), (1.36, 1.413)))
    send(made, EC, "1.7")

    in_air = ["0.049", "0.050", "0.048", "0.047"] * 5
    judged = [send(made, EC, text, 60 * (number + 1)) for number, text in enumerate(in_air)]

    assert {item.value for item in judged} == {0.0}
    assert all(Reason.EXACT_ZERO in item.reasons for item in judged)
    assert made.shown(EC, NOW + timedelta(minutes=20)).value == pytest.approx(1.78, abs=0.01)


def test_a_zero_that_a_calibration_made_is_real_in_plain_water() -> None:
    made = intake(calibration(EC, (0.05, 0), (1.36, 1.413)))
    made.update(made.probe, plain_water=True)

    assert send(made, EC, "0.049").verdict is Verdict.GOOD


def test_value_that_is_impossible_when_put_right_is_no_value() -> None:
    judged = send(intake(EC_LOW), EC, "15")

    assert (judged.value, judged.reasons) == (None, (Reason.OUTSIDE_PHYSICAL,))


@pytest.mark.parametrize(
    ("payload", "value", "verdict"),
    [
        ("2250", 50, Verdict.GOOD),
        ("1400", 100, Verdict.GOOD),
        ("3200", 0, Verdict.GOOD),
        ("4095", 0, Verdict.SUSPECT),
    ],
)
def test_raw_soil_values_become_moisture(payload: str, value: float, verdict: Verdict) -> None:
    judged = send(intake(SOIL_RAW), SOIL, payload)

    assert (judged.value, judged.verdict) == (value, verdict)
    assert judged.measured == float(payload)


def test_zero_millivolts_are_no_dead_circuit() -> None:
    electrode = calibration(PH, (0, 7.0), (177.48, 4.0), scale=RawScale.MILLIVOLT)

    judged = send(intake(electrode), PH, "0")

    assert (judged.value, judged.verdict) == (pytest.approx(7.0), Verdict.GOOD)


def test_conductivity_is_compensated_by_the_probe_s_own_thermometer() -> None:
    cell = calibration(EC, (1.413, 1.413, 25), compensated=False)
    sample = Sample(kind=EC, at=NOW, received_at=NOW, raw=1.6)
    cold = {WATER: ChannelState(good_value=20.0, good_at=NOW - timedelta(hours=3))}
    old = {WATER: ChannelState(good_value=20.0, good_at=NOW - timedelta(hours=5))}

    corrections = Corrections().by([cell], ())
    found = [calibrated([sample], corrections, states, {})[0] for states in (cold, old, {})]

    # Two percent for each kelvin below 25 °C; a thermometer that is silent for hours tells nothing.
    assert [item.raw for item in found] == pytest.approx([1.6 / 0.9, 1.6, 1.6])
    assert [item.uncompensated for item in found] == [False, True, True]


@pytest.mark.parametrize("payload", ["nan", "inf", "-inf", "1e400", "unknown"])
@pytest.mark.parametrize("kind", [PH, SOIL])
def test_what_is_no_value_stays_so(kind: ChannelKind, payload: str) -> None:
    judged = send(intake(PH_OFF, SOIL_RAW), kind, payload)

    assert (judged.value, judged.reasons) == (None, (Reason.NOT_A_NUMBER,))


def test_step_of_the_last_digit_grows_with_the_slope() -> None:
    sample = Sample(kind=PH, at=NOW, received_at=NOW, raw=6.1, step=0.1)

    [found] = calibrated([sample], Corrections().by([PH_OFF], ()), {}, {})

    assert found.step == pytest.approx(0.1 * 3 / 2.9)


def test_steady_entity_is_confirmed_with_the_calibration_that_counts_now() -> None:
    device = Device(bind(EC, entity_id="sensor.ec"), bind(WATER, entity_id="sensor.water"))
    device.report("sensor.ec", "1.3", 0, "mS/cm")
    device.report("sensor.ec", "1.4", 120, "mS/cm")
    device.report("sensor.water", "20.1", 120, "°C")
    device.intake.calibrate([calibration(EC, (1.4, 1.54))])

    device.report("sensor.water", "20.3", 2 * HOUR, "°C")

    assert device.shown(EC, 2 * HOUR) == pytest.approx(1.54)
    *_, echo = (item for item in device.intake.take_readings() if item.kind is EC)
    assert (echo.raw, echo.value) == (1.4, pytest.approx(1.54))


def test_steady_entity_that_was_calibrated_is_not_put_right_twice() -> None:
    device = Device(bind(EC, entity_id="sensor.ec"), bind(WATER, entity_id="sensor.water"))
    device.intake.calibrate([calibration(EC, (1.4, 1.54))])
    device.report("sensor.ec", "1.3", 0, "mS/cm")
    device.report("sensor.ec", "1.4", 120, "mS/cm")

    for hour in range(1, 9):
        device.report("sensor.water", str(20 + hour / 10), hour * HOUR, "°C")

    assert device.shown(EC, 8 * HOUR) == pytest.approx(1.54)


PH_MILLIVOLT = calibration(PH, (0, 7.0), (177, 4.0), scale=RawScale.MILLIVOLT)
SOIL_VOLTS = calibration(SOIL, (2.8, 0), (1.2, 100))
SOIL_PERCENT = calibration(SOIL, (20, 0), (80, 100))
SOIL_NARROW = calibration(SOIL, (30, 0), (65, 100))


@pytest.mark.parametrize(
    ("made", "kind", "payload", "value", "raw"),
    [
        pytest.param(PH_MILLIVOLT, PH, "6.1 pH", 6.1, None, id="a pH is no voltage"),
        pytest.param(PH_MILLIVOLT, PH, "60", 5.983, 60, id="bare millivolts"),
        pytest.param(PH_MILLIVOLT, PH, "60 pH", 5.983, 60, id="what can be no pH is named wrongly"),
        pytest.param(PH_OFF, PH, "6.1 pH", 5.862, 6.1, id="a pH that is off"),
        pytest.param(SOIL_VOLTS, SOIL, "2.0 %", 2, None, id="percent are no volts"),
        pytest.param(SOIL_VOLTS, SOIL, "2.0", 50, 2, id="bare volts"),
        pytest.param(SOIL_RAW, SOIL, "41 %", 41, None, id="percent are no counts"),
        pytest.param(SOIL_RAW, SOIL, "2250 %", 50, 2250, id="counts that are named percent"),
        pytest.param(SOIL_PERCENT, SOIL, "50 %", 50, 50, id="percent that are put right"),
        pytest.param(SOIL_NARROW, SOIL, "40 %", 28.571, 40, id="percent of a narrow probe"),
    ],
)
def test_a_value_that_names_its_unit_is_no_raw_number(
    made: Calibration, kind: ChannelKind, payload: str, value: float, raw: float | None
) -> None:
    taken = intake(made)

    judged = send(taken, kind, payload)
    [reading] = taken.take_readings()

    assert judged.verdict is Verdict.GOOD
    assert (reading.value, reading.raw) == (pytest.approx(value, abs=1e-3), raw)


def test_a_steady_entity_that_names_its_unit_stays_ready_when_its_device_confirms_it() -> None:
    device = Device(
        bind(SOIL, entity_id="sensor.moisture"), bind(WATER, entity_id="sensor.temperature")
    )
    made = SOIL_VOLTS.model_copy(update={"done_at": T0 - timedelta(hours=1)})
    device.intake.calibrate([made], [SOIL])

    device.report("sensor.moisture", "41", 0, "%")
    device.report("sensor.temperature", "20.1", 4 * HOUR, "°C")

    shown = device.intake.shown(SOIL, T0 + timedelta(hours=4))
    assert (shown.value, shown.verdict, shown.age_s) == (41, Verdict.GOOD, 0)


def electrode(*calibrations: Calibration, unit: str | None = None) -> Device:
    device = Device(bind(PH, unit=unit))
    device.intake.calibrate(
        [
            item.model_copy(update={"done_at": T0 - timedelta(hours=1)})
            for item in calibrations
            if counts_for(item, bind(PH, unit=unit))
        ],
        raw_kinds([bind(PH, unit=unit)], calibrations),
    )
    return device


@pytest.mark.parametrize(
    ("payload", "unit", "raw"),
    [
        ("60 mV", None, 60),
        ("0.06 V", None, 60),
        ("60", "mV", 60),
        ("0.06", "V", 60),
        ("5.9 mV", None, 5.9),
        ("5.9", "mV", 5.9),
    ],
)
class TestVoltageOfAnElectrode:
    def test_means_nothing_until_it_is_calibrated(
        self, payload: str, unit: str | None, raw: float
    ) -> None:
        for known in ((), (PH_OFF,)):
            device = electrode(*known, unit=unit)
            [judged] = device.send(payload, 1)

            assert judged.verdict in (Verdict.BAD, Verdict.SUSPECT)
            assert Reason.UNCALIBRATED in judged.reasons
            assert device.shown(PH, 1) is None
            assert device.intake.reports.sent(PH) == pytest.approx(raw), "what a dialog shows"

    def test_is_a_value_by_its_calibration(
        self, payload: str, unit: str | None, raw: float
    ) -> None:
        device = electrode(PH_MILLIVOLT, unit=unit)

        [judged] = device.send(payload, 1)

        assert judged.verdict is Verdict.GOOD
        assert judged.value == pytest.approx(7 - raw * 3 / 177, abs=1e-6)
        assert judged.measured == pytest.approx(raw)


def test_a_pH_from_a_channel_in_millivolts_is_ready() -> None:  # noqa: N802
    device = electrode(PH_MILLIVOLT, unit="mV")

    [judged] = device.send("6.1 pH", 1)

    assert (judged.value, judged.verdict, judged.measured) == (6.1, Verdict.GOOD, None)


@pytest.mark.parametrize("unit", ["°C", "ppm", "A"])
def test_no_other_unit_is_a_voltage(unit: str) -> None:
    device = electrode(PH_MILLIVOLT)

    [judged] = device.send(f"60 {unit}", 1)

    assert judged.reasons == (Reason.UNKNOWN_UNIT,)
