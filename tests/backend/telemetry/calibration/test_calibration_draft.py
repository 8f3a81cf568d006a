"""Which channel a person is led to first."""

from datetime import timedelta

import pytest

from kamerplanter_backend.telemetry.calibration.draft import most_urgent
from kamerplanter_engines.models.calibration import CalibrationState, CalibrationStatus
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Probe
from tests.factories import NOW

EC, PH, SOIL = ChannelKind.EC, ChannelKind.PH, ChannelKind.SOIL_MOISTURE
PROBE = Probe(
    key="probe-1",
    tenant_key="garden-1",
    name="Probe",
    channels=tuple(
        ChannelBinding(kind=kind) for kind in (ChannelKind.WATER_TEMPERATURE, EC, PH, SOIL)
    ),
    created_at=NOW,
    updated_at=NOW,
)


def status(kind: ChannelKind, state: CalibrationState, due_d: float | None) -> CalibrationStatus:
    due_at = None if due_d is None else NOW + timedelta(days=due_d)
    return CalibrationStatus(kind=kind, state=state, may_dose=True, due_at=due_at)


@pytest.mark.parametrize(
    ("statuses", "drifted", "first"),
    [
        ([], [], EC),
        ([(PH, CalibrationState.VALID, 3)], [], PH),
        ([(EC, CalibrationState.VALID, 3), (PH, CalibrationState.DUE, -1)], [], PH),
        ([(EC, CalibrationState.NEVER, None), (PH, CalibrationState.EXPIRED, -9)], [EC], EC),
        ([(SOIL, CalibrationState.REMAPPED, None), (PH, CalibrationState.EXPIRED, -9)], [EC], SOIL),
        ([(PH, CalibrationState.REPLACED, None), (EC, CalibrationState.DUE, -1)], [], PH),
    ],
)
def test_what_lost_its_calibration_comes_first_then_what_drifted_then_the_oldest(
    statuses: list[tuple[ChannelKind, CalibrationState, float | None]],
    drifted: list[ChannelKind],
    first: ChannelKind,
) -> None:
    assert most_urgent(PROBE, [status(*item) for item in statuses], drifted) is first
