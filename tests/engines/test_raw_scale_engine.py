"""Which numbers mean nothing without a calibration: the last one tells, whatever became of it."""

from datetime import timedelta
from typing import Any

import pytest

from kamerplanter_engines.calibration_engine import fit
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationPoint,
    RawScale,
)
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, CurvePoint
from kamerplanter_engines.raw_scale_engine import is_of_other_scale, raw_kinds
from tests.factories import NOW

EC, PH, SOIL = ChannelKind.EC, ChannelKind.PH, ChannelKind.SOIL_MOISTURE


def made(kind: ChannelKind, *points: tuple[float, float], **more: Any) -> Calibration:
    said = CalibrationFields(
        kind=kind,
        points=tuple(CalibrationPoint(raw=raw, value=value) for raw, value in points),
        scale=more.pop("scale", RawScale.VALUE),
    )
    return Calibration.model_validate(
        {
            **dict(said),
            "key": "c",
            "tenant_key": "garden-1",
            "probe_key": "probe-1",
            "done_at": NOW,
            "fit": fit(said),
            "created_at": NOW,
            "updated_at": NOW,
            **more,
        }
    )


VOLTS = made(SOIL, (2.8, 0), (1.2, 100))
ELECTRODE = made(PH, (0, 7.0), (177.48, 4.0), scale=RawScale.MILLIVOLT)


def kinds(*calibrations: Calibration, **binding: Any) -> tuple[ChannelKind, ...]:
    channels = [ChannelBinding(kind=kind, topic="t", **binding) for kind in (EC, PH, SOIL)]
    return raw_kinds(channels, calibrations)


@pytest.mark.parametrize(
    ("calibration", "expected"),
    [
        (VOLTS, (SOIL,)),
        (made(SOIL, (0.8, 0), (2.2, 100)), (SOIL,)),
        (made(SOIL, (3100, 0), (1400, 100)), (SOIL,)),
        (made(SOIL, (90, 0), (210, 100)), (SOIL,)),
        (ELECTRODE, (PH,)),
        # Percent and pH that are put right are percent and pH without it, too.
        (made(SOIL, (12, 0), (88, 100)), ()),
        (made(PH, (7.2, 7.0), (4.3, 4.0)), ()),
        (made(EC, (1.4, 1.413)), ()),
    ],
)
def test_volts_and_counts_are_raw(
    calibration: Calibration, expected: tuple[ChannelKind, ...]
) -> None:
    assert kinds(calibration) == expected


@pytest.mark.parametrize("lost", ["withdrawn_at", "replaced_at"])
def test_they_are_so_too_where_it_counts_no_more(lost: str) -> None:
    assert kinds(VOLTS.model_copy(update={lost: NOW + timedelta(hours=1)})) == (SOIL,)


def test_the_last_one_tells() -> None:
    later = made(SOIL, (12, 0), (88, 100), done_at=NOW + timedelta(days=1))

    assert kinds(later, VOLTS) == ()
    assert kinds(VOLTS.model_copy(update={"done_at": NOW + timedelta(days=2)}), later) == (SOIL,)


@pytest.mark.parametrize(
    ("kind", "points", "expected"),
    [
        (SOIL, ((1.2, 100), (2.8, 0)), True),
        (SOIL, ((1400, 100), (3100, 0)), True),
        (SOIL, ((0.5, 0), (1.0, 20), (2.5, 100)), True),
        (SOIL, ((10, 0), (80, 100)), False),
        (SOIL, ((80, 100), (10, 0)), False),
        (PH, ((0, 7), (177.48, 4)), True),
    ],
)
def test_a_curve_for_another_scale_is_told_from_one_that_puts_right(
    kind: ChannelKind, points: tuple[tuple[float, float], ...], *, expected: bool
) -> None:
    curve = tuple(CurvePoint(raw=raw, value=value) for raw, value in points)

    assert is_of_other_scale(kind, curve) is expected


def test_a_curve_is_a_calibration_already() -> None:
    curve = (CurvePoint(raw=1.2, value=100), CurvePoint(raw=2.8, value=0))

    assert kinds(VOLTS, curve=curve) == ()
