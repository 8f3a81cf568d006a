"""What is wrong with the points of a calibration is said by a code and by numbers."""

import pytest

from kamerplanter_engines.calibration_engine import fit
from kamerplanter_engines.calibration_point_engine import check_point
from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.calibration import (
    CalibrationFields,
    CalibrationPoint,
    RawScale,
)
from kamerplanter_engines.models.telemetry import ChannelKind

PH, EC, SOIL = ChannelKind.PH, ChannelKind.EC, ChannelKind.SOIL_MOISTURE


@pytest.mark.parametrize(
    ("kind", "points", "said"),
    [
        (PH, ((7, 7), (7, 4.01)), {"problem": "same_points"}),
        (PH, ((4, 7), (7, 4.01)), {"problem": "wrong_order"}),
        (PH, ((7, 7), (5.5, 5.5)), {"problem": "too_close", "limit": "2"}),
        # (7 - 5) / 2.99 = 66.9 %
        (PH, ((7, 7), (5, 4.01)), {"problem": "slope", "shown": "67", "limit": "80 – 105"}),
        (PH, ((7.7, 7), (4.7, 4)), {"problem": "offset", "shown": "+0.70", "limit": "0.5"}),
        (EC, ((1.0, 1.413),), {"problem": "factor", "shown": "1.41", "limit": "0.8 – 1.25"}),
        (EC, ((0, 1.413),), {"problem": "zero_alone"}),
        (EC, ((12.88, 1.413), (1.413, 12.88)), {"problem": "wrong_order"}),
        (SOIL, ((1400, 100), (3100, 0)), {"problem": "wrong_order"}),
        (SOIL, ((3100, 0), (3000, 100)), {"problem": "no_contrast"}),
        (EC, ((1, 1), (2, 2), (3, 3)), {"value": "3", "allowed": "1, 2"}),
        (ChannelKind.LEVEL, ((1, 1),), {"allowed": "ph, ec, soil_ec, soil_moisture"}),
    ],
)
def test_the_problem_has_a_code_and_its_numbers(
    kind: ChannelKind, points: tuple[tuple[float, float], ...], said: dict[str, str]
) -> None:
    fields = CalibrationFields(
        kind=kind, points=tuple(CalibrationPoint(raw=raw, value=value) for raw, value in points)
    )

    with pytest.raises(InvalidInputError) as caught:
        fit(fields)

    assert said.items() <= caught.value.placeholders.items()


@pytest.mark.parametrize(
    ("kind", "scale", "point", "field", "allowed"),
    [
        (PH, RawScale.VALUE, (7, 14.1), "value", "0 – 14"),
        (PH, RawScale.VALUE, (-2.1, 7), "raw", "-2 – 16"),
        (PH, RawScale.MILLIVOLT, (601, 7), "raw", "-600 – 600"),
        (EC, RawScale.VALUE, (1, 1413), "value", "0 – 250"),
        (SOIL, RawScale.VALUE, (1, 101), "value", "0 – 100"),
    ],
)
def test_an_impossible_number_names_its_field(
    kind: ChannelKind, scale: RawScale, point: tuple[float, float], field: str, allowed: str
) -> None:
    with pytest.raises(OutOfRangeError) as caught:
        check_point(kind, scale, CalibrationPoint(raw=point[0], value=point[1]))

    assert caught.value.field == field
    assert caught.value.placeholders["allowed"] == allowed


def test_possible_numbers_pass() -> None:
    check_point(PH, RawScale.MILLIVOLT, CalibrationPoint(raw=-177, value=10))
    check_point(ChannelKind.SOIL_EC, RawScale.VALUE, CalibrationPoint(raw=0, value=0))
    check_point(SOIL, RawScale.VALUE, CalibrationPoint(raw=3100, value=0))
