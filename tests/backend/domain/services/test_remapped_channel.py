"""A channel whose numbers are read in another way is not put right by its old calibration."""

from typing import Any

import pytest
from pydantic import JsonValue

from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.snapshot.views import ProbeView
from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationPoint,
    CalibrationState,
    RawMapping,
)
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    CurvePoint,
    Probe,
    Reason,
    Verdict,
)
from tests.backend.garden import Garden

EC = ChannelKind.EC
STANDARD = CalibrationFields(
    kind=EC, points=(CalibrationPoint(raw=1.35, value=1.413, temperature_c=25),)
)
THERMOMETER = ChannelBinding(kind=ChannelKind.WATER_TEMPERATURE, topic="t")


def channel(**more: Any) -> ChannelBinding:
    return ChannelBinding(kind=EC, topic="ec", **more)


def probe_of(garden: Garden, binding: ChannelBinding) -> Probe:
    return garden.probe(channels=(binding, THERMOMETER))


def calibrate(garden: Garden, probe: Probe, fields: CalibrationFields = STANDARD) -> Calibration:
    return garden.services.calibration.calibrate(garden.context(), probe.key, fields)


def bind(garden: Garden, probe: Probe, binding: ChannelBinding) -> None:
    channels: JsonValue = [item.model_dump(mode="json") for item in (binding, THERMOMETER)]
    garden.services.probe.update(garden.context(), probe.key, {"channels": channels})


def view_of(garden: Garden, probe: Probe) -> ProbeView:
    view = garden.snapshot().probe(probe.key)
    assert view is not None
    return view


def shown(garden: Garden, probe: Probe, *, temperature: str, ec: str) -> float | None:
    """Return what the live side makes of two messages."""
    view = view_of(garden, probe)
    intake = ProbeIntake(view.probe, started_at=garden.now)
    intake.calibrate(view.calibrations)
    intake.on_message("t", temperature, retained=False, received_at=garden.now)
    [judged] = intake.on_message("ec", ec, retained=False, received_at=garden.now)
    assert judged.verdict is Verdict.GOOD
    return judged.value


def test_a_device_that_compensates_now_is_not_compensated_twice(garden: Garden) -> None:
    probe = probe_of(garden, channel(compensated=False))
    calibrate(garden, probe)
    garden.wait(hours=1)

    bind(garden, probe, channel())

    # At 20 °C the old calibration would make it 1.80 x 1.047 / 0.9 = 2.09.
    assert shown(garden, probe, temperature="20", ec="1.80") == 1.8


@pytest.mark.parametrize(
    ("other", "sent", "value"),
    [
        (channel(unit="ppm500"), "900", 1.8),
        (channel(factor=0.5), "3.6", 1.8),
        (channel(curve=(CurvePoint(raw=0, value=0), CurvePoint(raw=1000, value=2))), "900", 1.8),
    ],
)
def test_another_unit_factor_or_curve_is_not_put_right_by_it(
    garden: Garden, other: ChannelBinding, sent: str, value: float
) -> None:
    probe = probe_of(garden, channel())
    calibrate(garden, probe)
    garden.wait(hours=1)

    bind(garden, probe, other)

    assert shown(garden, probe, temperature="20", ec=sent) == pytest.approx(value)


def test_it_is_said_lowers_the_quality_and_ends_with_the_next_calibration(garden: Garden) -> None:
    probe = probe_of(garden, channel())
    old = calibrate(garden, probe)
    garden.wait(hours=1)
    bind(garden, probe, channel(factor=2))

    view = view_of(garden, probe)

    assert view.calibrations == ()
    assert view.calibration_statuses[0].state is CalibrationState.REMAPPED
    assert not view.calibration_statuses[0].may_dose
    assert view.should_be_calibrated
    assert [(item.kind, item.reasons) for item in view.doubts] == [(EC, (Reason.REMAPPED,))]
    history = garden.services.calibration.list_of_probe(garden.context(), probe.key)
    assert history.calibrations == (old,)
    assert history.statuses == view.calibration_statuses
    new = calibrate(garden, probe)
    after = view_of(garden, probe)
    assert (after.calibrations, after.doubts, after.should_be_calibrated) == ((new,), (), False)


def test_it_counts_again_where_the_change_is_taken_back(garden: Garden) -> None:
    probe = probe_of(garden, channel())
    old = calibrate(garden, probe)
    bind(garden, probe, channel(unit="µS/cm"))
    bind(garden, probe, channel(unit="mS/cm"))

    assert view_of(garden, probe).calibrations == (old,)


def test_a_renamed_topic_keeps_it(garden: Garden) -> None:
    probe = probe_of(garden, channel())
    old = calibrate(garden, probe)
    bind(garden, probe, ChannelBinding(kind=EC, topic="new/name"))

    assert view_of(garden, probe).calibrations == (old,)


def test_one_that_does_not_tell_its_mapping_is_taken_to_be_of_the_one_before(
    garden: Garden,
) -> None:
    probe = probe_of(garden, channel())
    made = calibrate(garden, probe)
    with open_unit(garden.store, garden.context(), (CalibrationRepository,)) as uow:
        uow.of(CalibrationRepository).change(made, mapping=None)
    assert [item.key for item in view_of(garden, probe).calibrations] == [made.key]

    bind(garden, probe, channel(factor=2))
    assert view_of(garden, probe).calibrations == ()
    bind(garden, probe, channel())

    assert [item.key for item in view_of(garden, probe).calibrations] == [made.key]


def test_a_note_of_an_older_version_is_made_whole_before_the_unit_changes(garden: Garden) -> None:
    soil_ec, points = ChannelKind.SOIL_EC, (CalibrationPoint(raw=1.35, value=1.413),)
    probe = garden.probe(channels=(ChannelBinding(kind=soil_ec, topic="ec"), THERMOMETER))
    made = calibrate(garden, probe, CalibrationFields(kind=soil_ec, points=points))
    with open_unit(garden.store, garden.context(), (CalibrationRepository,)) as uow:
        uow.of(CalibrationRepository).change(made, mapping=RawMapping(factor=1.0, offset=0))

    found = []
    for unit in ("mS/cm", "µS/cm", "mS/cm", None):
        bind(garden, probe, ChannelBinding(kind=soil_ec, topic="ec", unit=unit))
        view = view_of(garden, probe)
        found.append(([item.key for item in view.calibrations], view.should_be_calibrated))

    lost, kept = ([], True), ([made.key], False)
    assert found == [lost, kept, lost, kept]


def test_a_calibration_cannot_say_something_else_of_compensation_than_its_channel(
    garden: Garden,
) -> None:
    probe = probe_of(garden, channel())

    with pytest.raises(InvalidInputError) as refused:
        calibrate(garden, probe, STANDARD.model_copy(update={"compensated": False}))

    assert refused.value.field == "compensated"
    assert view_of(garden, probe).calibrations == ()
