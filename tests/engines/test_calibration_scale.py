"""A channel is calibrated in the numbers that it tells, and in no other scale."""

import pytest

from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.calibration import (
    CalibrationFields,
    CalibrationPoint,
    CalibrationProblem,
    RawScale,
)
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.raw_scale_engine import check_scale, usual_scale

PH, SOIL, EC = ChannelKind.PH, ChannelKind.SOIL_MOISTURE, ChannelKind.EC
MILLIVOLT, VALUE = RawScale.MILLIVOLT, RawScale.VALUE


def fields(
    kind: ChannelKind, *points: tuple[float, float], scale: RawScale = VALUE
) -> CalibrationFields:
    return CalibrationFields(
        kind=kind,
        points=tuple(CalibrationPoint(raw=raw, value=value) for raw, value in points),
        scale=scale,
    )


VOLTAGE = fields(PH, (10, 7.0), (180, 4.01), scale=MILLIVOLT)
BUFFERS = fields(PH, (7.1, 7.0), (4.2, 4.01))
COUNTS = fields(SOIL, (3100, 0), (1400, 100))
VOLTS = fields(SOIL, (2.9, 0), (1.2, 100))
PERCENT = fields(SOIL, (5, 0), (60, 100))


@pytest.mark.parametrize(
    ("made", "shown", "known", "problem"),
    [
        (VOLTAGE, 6.0, None, CalibrationProblem.NOT_MILLIVOLT),
        (VOLTAGE, 6.0, VALUE, CalibrationProblem.NOT_MILLIVOLT),
        (BUFFERS, 177.0, None, CalibrationProblem.NOT_PH),
        (BUFFERS, -59.0, MILLIVOLT, CalibrationProblem.NOT_PH),
        (COUNTS, 41.0, None, CalibrationProblem.OTHER_SCALE),
        (VOLTS, 41.0, None, CalibrationProblem.OTHER_SCALE),
        (PERCENT, 2100.0, None, CalibrationProblem.OTHER_SCALE),
        (COUNTS, 1.9, None, CalibrationProblem.OTHER_SCALE),
    ],
)
def test_another_scale_than_that_of_the_device_is_refused(
    made: CalibrationFields,
    shown: float,
    known: RawScale | None,
    problem: CalibrationProblem,
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_scale(made, shown, known)

    assert caught.value.placeholders["problem"] == problem
    assert caught.value.placeholders["shown"] == f"{shown:g}"


@pytest.mark.parametrize(
    ("made", "shown", "known"),
    [
        (VOLTAGE, 170.0, None),
        (VOLTAGE, -120.0, VALUE),
        # In the buffer of pH 7, of an electrode that is known to tell millivolts.
        (VOLTAGE, 6.0, MILLIVOLT),
        (BUFFERS, 6.0, None),
        (BUFFERS, 14.6, None),
        # Whoever has set the device up anew, so that it tells pH now.
        (BUFFERS, 6.0, MILLIVOLT),
        (COUNTS, 2100.0, None),
        (COUNTS, 3300.0, None),
        (VOLTS, 2.0, None),
        # Wetter than the wettest soil so far is percent all the same.
        (PERCENT, 95.0, None),
        (fields(EC, (1.35, 1.413)), 6.0, None),
    ],
)
def test_what_the_device_tells_is_taken(
    made: CalibrationFields, shown: float, known: RawScale | None
) -> None:
    check_scale(made, shown, known)


@pytest.mark.parametrize(
    ("shown", "known", "expected"),
    [
        (None, None, VALUE),
        (6.0, None, VALUE),
        (177.0, None, MILLIVOLT),
        (177.0, VALUE, MILLIVOLT),
        (6.0, MILLIVOLT, MILLIVOLT),
        (None, MILLIVOLT, MILLIVOLT),
    ],
)
def test_what_the_numbers_of_an_electrode_most_likely_are(
    shown: float | None, known: RawScale | None, expected: RawScale
) -> None:
    assert usual_scale(shown, known) is expected
