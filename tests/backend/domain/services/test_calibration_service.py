"""Calibrations: checked, on record, and as old as they are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_engines.errors import (
    FutureTimeError,
    InvalidInputError,
    KamerplanterError,
    OutOfRangeError,
)
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationPoint,
    CalibrationState,
    RawScale,
)
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    CurvePoint,
    Probe,
    ProbeFields,
)
from tests.backend.garden import Garden

SECOND = timedelta(seconds=1)
EC, PH, SOIL = ChannelKind.EC, ChannelKind.PH, ChannelKind.SOIL_MOISTURE


def ec(raw: float = 1.35, **more: Any) -> CalibrationFields:
    return CalibrationFields(kind=EC, points=(CalibrationPoint(raw=raw, value=1.413),), **more)


def calibrate(garden: Garden, probe: Probe, fields: CalibrationFields) -> Calibration:
    return garden.services.calibration.calibrate(garden.context(), probe.key, fields)


def test_calibration_is_stored_with_what_follows_and_put_on_record(garden: Garden) -> None:
    probe = garden.probe(EC, PH)

    made = calibrate(garden, probe, ec())

    assert (made.done_at, made.probe_key, made.created_by) == (garden.now, probe.key, "test")
    assert made.fit.factor == pytest.approx(1.413 / 1.35)
    history = garden.services.calibration.list_of_probe(garden.context(), probe.key)
    assert history.calibrations == (made,)
    with open_unit(garden.store, garden.context()) as uow:
        [entry] = uow.of(AuditRepository).find()
    assert (entry.action, entry.subject) == (AuditAction.CALIBRATED, probe.key)
    assert entry.details["factor"] == made.fit.factor


def test_history_is_newest_first_and_the_newest_counts(garden: Garden) -> None:
    probe = garden.probe(EC, PH)
    first = calibrate(garden, probe, ec())
    garden.wait(days=20)
    second = calibrate(garden, probe, ec(1.40))
    garden.wait(days=13)

    history = garden.services.calibration.list_of_probe(garden.context(), probe.key)

    assert history.calibrations == (second, first)
    assert [(item.kind, item.state) for item in history.statuses] == [
        (EC, CalibrationState.VALID),
        (PH, CalibrationState.NEVER),
    ]


def test_due_and_stop_are_the_probe_s_own(garden: Garden) -> None:
    probe = garden.probe(EC, calibration_due_d=7, calibration_stop_d=10)
    calibrate(garden, probe, ec())

    states = []
    for _ in range(2):
        garden.wait(days=8)
        history = garden.services.calibration.list_of_probe(garden.context(), probe.key)
        states.append((history.statuses[0].state, history.statuses[0].may_dose))

    assert states == [(CalibrationState.DUE, True), (CalibrationState.EXPIRED, False)]
    with pytest.raises(ValueError, match="must not be below"):
        ProbeFields(name="P", calibration_due_d=20, calibration_stop_d=10)


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        (ec(2.0), OutOfRangeError, "0.71"),
        (CalibrationFields(kind=PH, points=ec().points), InvalidInputError, "channels: ec, soil"),
        (
            CalibrationFields(
                kind=SOIL,
                points=(CalibrationPoint(raw=3000, value=0), CalibrationPoint(raw=1500, value=100)),
            ),
            InvalidInputError,
            "has a curve",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    garden: Garden, fields: CalibrationFields, error: type[KamerplanterError], text: str
) -> None:
    curve = (CurvePoint(raw=3100, value=0), CurvePoint(raw=1400, value=100))
    channels = (ChannelBinding(kind=EC), ChannelBinding(kind=SOIL, curve=curve))
    probe = garden.probe(channels=channels)

    with pytest.raises(error, match=text):
        calibrate(garden, probe, fields)

    with open_unit(garden.store, garden.context()) as uow:
        assert uow.of(CalibrationRepository).count() == uow.of(AuditRepository).count() == 0


def test_future_and_foreign_things_are_refused(garden: Garden) -> None:
    probe = garden.probe(EC)
    with pytest.raises(FutureTimeError):
        calibrate(garden, probe, ec(at=garden.now + timedelta(minutes=3)))
    with pytest.raises(InvalidInputError, match="too old to count"):
        calibrate(garden, probe, ec(at=datetime(2, 1, 1, tzinfo=UTC)))

    with pytest.raises(NotFoundError):
        garden.services.calibration.calibrate(garden.context(tenant_key="other"), probe.key, ec())
    garden.services.probe.archive(garden.context(), probe.key)
    with pytest.raises(NotFoundError, match="archived"):
        calibrate(garden, probe, ec())


def test_screens_get_what_still_counts_and_expect_a_jump(garden: Garden) -> None:
    probe = garden.probe(EC)
    calibrate(garden, probe, ec())
    garden.wait(days=50)
    in_force = calibrate(garden, probe, ec(1.38))
    garden.wait(days=100)
    newest = calibrate(garden, probe, ec(1.40, at=garden.now - timedelta(hours=2)))

    [view] = garden.snapshot().probes

    assert view.calibrations == (newest, in_force)
    assert view.jumps_at[-1] == garden.now


def test_points_in_another_scale_than_the_newest_reading_are_refused(garden: Garden) -> None:
    probe = garden.probe(PH)
    voltage = CalibrationFields(
        kind=PH,
        points=(CalibrationPoint(raw=10, value=7.0), CalibrationPoint(raw=180, value=4.01)),
        scale=RawScale.MILLIVOLT,
    )
    garden.wait(minutes=1)
    garden.measure(probe, PH, 6.0)
    garden.measure(
        probe, PH, 5.2, at=garden.now + SECOND, verdict="suspect", reasons=("calibrating",)
    )

    with pytest.raises(InvalidInputError) as caught:
        calibrate(garden, probe, voltage)

    assert caught.value.placeholders["problem"] == "not_millivolt"
    assert caught.value.placeholders["shown"] == "6"
    known = garden.services.calibration.list_of_probe(garden.context(), probe.key)
    assert known.calibrations == ()
    # Whoever has seen the device knows better, and from then on its readings say so.
    garden.services.calibration.calibrate(garden.context(), probe.key, voltage, scale_is_sure=True)
    garden.wait(minutes=1)
    garden.measure(probe, PH, 7.05, raw=7.0)
    calibrate(garden, probe, voltage)


def test_what_was_read_before_the_channel_was_changed_says_nothing_of_its_scale(
    garden: Garden,
) -> None:
    probe = garden.probe(SOIL)
    garden.measure(probe, SOIL, 41)
    counts = CalibrationFields(
        kind=SOIL,
        points=(CalibrationPoint(raw=3100, value=0), CalibrationPoint(raw=1400, value=100)),
    )
    garden.wait(minutes=1)
    with pytest.raises(InvalidInputError, match="not of the scale"):
        calibrate(garden, probe, counts)

    patch: dict[str, JsonValue] = {"channels": [{"kind": "soil_moisture", "topic": "other"}]}
    garden.services.probe.update(garden.context(), probe.key, patch)

    assert calibrate(garden, probe, counts).points == counts.points


def test_a_channel_in_volts_is_calibrated_in_millivolts(garden: Garden) -> None:
    channel = ChannelBinding(kind=PH, topic="tank/ph", unit="mV")
    probe = garden.probe(channels=(channel,))
    points = (CalibrationPoint(raw=3, value=7.0), CalibrationPoint(raw=178, value=4.01))
    garden.wait(minutes=1)
    garden.measure(probe, PH, 3.0, verdict="suspect", reasons=("uncalibrated",))

    with pytest.raises(InvalidInputError, match="in millivolts") as caught:
        calibrate(garden, probe, CalibrationFields(kind=PH, points=points))
    assert (caught.value.field, caught.value.placeholders["allowed"]) == ("scale", "millivolt")

    never = garden.services.calibration.list_of_probe(garden.context(), probe.key).statuses[0]
    calibrate(garden, probe, CalibrationFields(kind=PH, points=points, scale=RawScale.MILLIVOLT))
    now = garden.services.calibration.list_of_probe(garden.context(), probe.key).statuses[0]

    assert (never.state, now.state) == (CalibrationState.NEVER, CalibrationState.VALID)
