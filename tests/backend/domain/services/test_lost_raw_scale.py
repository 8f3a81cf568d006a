"""Volts are no moisture and no pH once their calibration is lost: doubted, and nothing follows."""

from typing import Any

import pytest
from pydantic import JsonValue

from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationPoint,
    RawScale,
)
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    CurvePoint,
    Probe,
    Reason,
    Verdict,
)
from kamerplanter_engines.telemetry_engine import Judged
from tests.backend.garden import Garden

PH, SOIL = ChannelKind.PH, ChannelKind.SOIL_MOISTURE


def points(*pairs: tuple[float, float]) -> tuple[CalibrationPoint, ...]:
    return tuple(CalibrationPoint(raw=raw, value=value) for raw, value in pairs)


FIELDS = {
    SOIL: CalibrationFields(kind=SOIL, points=points((2.8, 0), (1.2, 100))),
    PH: CalibrationFields(
        kind=PH, points=points((0, 7.0), (177.48, 4.0)), scale=RawScale.MILLIVOLT
    ),
}


def calibrated_probe(garden: Garden, kind: ChannelKind) -> tuple[Probe, Calibration]:
    probe = garden.probe(channels=(ChannelBinding(kind=kind, topic="t"),))
    made = garden.services.calibration.calibrate(garden.context(), probe.key, FIELDS[kind])
    garden.wait(hours=1)
    return probe, made


def bind(garden: Garden, probe: Probe, binding: ChannelBinding) -> None:
    channels: JsonValue = [binding.model_dump(mode="json")]
    garden.services.probe.update(garden.context(), probe.key, {"channels": channels})


def judged(garden: Garden, probe: Probe, payload: str) -> Judged:
    """Return what the live side makes of a message."""
    view = garden.snapshot().probe(probe.key)
    assert view is not None
    intake = ProbeIntake(view.probe, started_at=garden.now)
    intake.calibrate(view.calibrations, view.raw_kinds)
    [found] = intake.on_message("t", payload, retained=False, received_at=garden.now)
    return found


def lose(garden: Garden, probe: Probe, made: Calibration, how: str) -> None:
    if how == "replaced":
        garden.services.probe.replace_device(garden.context(), probe.key)
    elif how == "withdrawn":
        garden.services.calibration.withdraw(garden.context(), made.key, "Wrong buffers")
    else:
        bind(garden, probe, ChannelBinding(kind=made.kind, topic="t", decimal_comma=True))


@pytest.mark.parametrize("how", ["replaced", "withdrawn", "remapped"])
@pytest.mark.parametrize(("kind", "payload"), [(SOIL, "1.8"), (PH, "5.9")])
def test_a_lost_calibration_leaves_no_good_number(
    garden: Garden, kind: ChannelKind, payload: str, how: str
) -> None:
    probe, made = calibrated_probe(garden, kind)
    assert judged(garden, probe, payload).verdict is Verdict.GOOD

    lose(garden, probe, made, how)

    found = judged(garden, probe, payload)
    assert (found.verdict, found.reasons) == (Verdict.SUSPECT, (Reason.UNCALIBRATED,))


def test_millivolts_that_are_no_ph_say_why(garden: Garden) -> None:
    probe, made = calibrated_probe(garden, PH)
    lose(garden, probe, made, "replaced")

    found = judged(garden, probe, "59")

    assert (found.value, found.reasons) == (None, (Reason.UNCALIBRATED,))


@pytest.mark.parametrize(
    ("binding", "payload", "value"),
    [
        ({"unit": "%"}, "41", 41),
        ({}, "41 %", 41),
        ({"curve": (CurvePoint(raw=1.2, value=100), CurvePoint(raw=2.8, value=0))}, "2.0", 50),
    ],
)
def test_a_device_that_tells_percent_is_believed(
    garden: Garden, binding: dict[str, Any], payload: str, value: float
) -> None:
    probe, made = calibrated_probe(garden, SOIL)
    lose(garden, probe, made, "replaced")
    bind(garden, probe, ChannelBinding(kind=SOIL, topic="t", **binding))

    found = judged(garden, probe, payload)

    assert (found.value, found.verdict) == (pytest.approx(value), Verdict.GOOD)


def test_a_new_calibration_ends_it(garden: Garden) -> None:
    probe, made = calibrated_probe(garden, SOIL)
    lose(garden, probe, made, "replaced")
    garden.wait(hours=1)
    garden.services.calibration.calibrate(garden.context(), probe.key, FIELDS[SOIL])

    found = judged(garden, probe, "2.0")

    assert (found.value, found.verdict) == (pytest.approx(50), Verdict.GOOD)
