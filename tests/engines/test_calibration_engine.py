"""Calibrations: what follows from known solutions, and what is refused."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from kamerplanter_engines.calibration_engine import (
    corrected,
    fit,
    is_far_beyond,
    step_ratio,
)
from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.calibration import (
    CalibrationFields,
    CalibrationPoint,
    CalibrationWarning,
    RawScale,
)
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.tables.buffers import buffer_ph

PH, EC, SOIL = ChannelKind.PH, ChannelKind.EC, ChannelKind.SOIL_MOISTURE


def fields(
    kind: ChannelKind, *points: tuple[float, float] | tuple[float, float, float], **more: Any
) -> CalibrationFields:
    """Return a calibration of points (raw, value on the bottle, temperature)."""
    made = [
        CalibrationPoint(raw=p[0], value=p[1], temperature_c=p[2] if len(p) > 2 else None)
        for p in points
    ]
    return CalibrationFields(kind=kind, points=tuple(made), **more)


def test_the_case_of_the_specification() -> None:
    calibration = fields(PH, (7.2, 7.0), (4.3, 4.0))

    fitted = fit(calibration)

    assert fitted.factor == pytest.approx(1.0345, abs=1e-4)
    assert fitted.offset == pytest.approx(-0.448, abs=1e-3)
    assert fitted.efficiency_ratio == pytest.approx(2.9 / 3)
    assert fitted.zero_shift == pytest.approx(0.2)
    assert corrected(calibration, fitted, 6.1) == pytest.approx(5.862, abs=1e-3)


def test_buffers_count_at_their_temperature() -> None:
    # At 10 °C the technical buffer 7.00 is 7.06, the one of 4.01 is 4.00.
    calibration = fields(PH, (7.06, 7.0, 10), (4.0, 4.01, 10))

    fitted = fit(calibration)

    assert fitted.efficiency_ratio == pytest.approx(1)
    assert fitted.zero_shift == pytest.approx(0, abs=1e-9)
    assert fitted.warnings == ()


def test_millivolts_have_a_slope_at_their_temperature() -> None:
    # An ideal electrode at 25 °C: 59.16 mV for one pH, 0 mV at pH 7.
    calibration = fields(
        PH, (0, 7.0, 25), (177.48, 4.0, 25), (-178.07, 10.01, 25), scale=RawScale.MILLIVOLT
    )

    fitted = fit(calibration)

    assert fitted.slope_mv_ph == pytest.approx(-59.16, abs=0.01)
    assert fitted.efficiency_ratio == pytest.approx(1, abs=1e-3)
    assert corrected(calibration, fitted, 59.16) == pytest.approx(6.0, abs=1e-3)
    # At 5 °C the same voltage is further from 7: 59.16 / 55.19 = 1.072.
    assert corrected(calibration, fitted, 59.16, 5) == pytest.approx(5.928, abs=1e-3)


def test_three_points_meet_all_their_buffers() -> None:
    calibration = fields(PH, (4.1, 4.01, 25), (7.05, 7.0, 25), (9.7, 10.01, 25))

    fitted = fit(calibration)

    assert [corrected(calibration, fitted, raw) for raw in (4.1, 7.05, 9.7)] == pytest.approx(
        [4.01, 7.0, 10.01]
    )
    # The weaker side tells how good the electrode is.
    assert fitted.efficiency_ratio == pytest.approx(2.65 / 3.01)
    assert fitted.warnings == (CalibrationWarning.SLOPE_WEAK,)


@pytest.mark.parametrize(
    ("points", "warning"),
    [
        (((4.0, 4.01), (7.0, 7.0)), CalibrationWarning.TEMPERATURE_UNKNOWN),
        (((4.65, 4.65, 25), (7.0, 7.0, 25)), CalibrationWarning.SOLUTION_UNKNOWN),
        (((9.93, 10.01, 48), (6.98, 7.0, 48)), CalibrationWarning.SOLUTION_UNKNOWN),
    ],
)
def test_what_is_not_known_of_a_buffer_is_said(
    points: tuple[tuple[float, float], ...], warning: CalibrationWarning
) -> None:
    assert warning in fit(fields(PH, *points)).warnings


def test_conductivity_by_one_standard_goes_through_zero() -> None:
    calibration = fields(EC, (1.35, 1.413, 20))

    fitted = fit(calibration)

    # The device compensates: what stands on the bottle counts, whatever the temperature.
    assert corrected(calibration, fitted, 1.35) == pytest.approx(1.413)
    assert corrected(calibration, fitted, 2.70) == pytest.approx(2.826)
    assert (fitted.offset, fitted.warnings) == (0, ())
    assert step_ratio(fitted, 2.0) == pytest.approx(1.413 / 1.35)


@pytest.mark.parametrize(("shown", "is_weak"), [(1.28, False), (1.27, True), (1.6, False)])
def test_a_probe_that_shows_less_than_nine_tenths_of_its_standard_is_weak(
    shown: float, is_weak: bool
) -> None:
    # 0.9 of 1.413 is 1.2717.
    fitted = fit(fields(EC, (shown, 1.413, 20)))

    assert fitted.warnings == ((CalibrationWarning.SLOPE_WEAK,) if is_weak else ())


def test_conductivity_of_a_probe_without_compensation() -> None:
    calibration = fields(EC, (1.278, 1.413, 20), compensated=False)

    fitted = fit(calibration)

    # 0.01 mol/L of potassium chloride has 1.278 at 20 °C: nothing to correct.
    assert fitted.factor == pytest.approx(1)
    # F-65: 1.60 at 25 °C stays 1.60; at 20 °C it would be 1.60 / 0.9 there.
    assert corrected(calibration, fitted, 1.6, 25) == pytest.approx(1.6)
    assert corrected(calibration, fitted, 1.6, 20) == pytest.approx(1.6 / 0.9)
    assert corrected(calibration, fitted, 1.6) == pytest.approx(1.6)


def test_conductivity_of_another_standard_follows_the_temperature_too() -> None:
    # No table knows 2.76: two percent for each kelvin below 25 °C are 10 %.
    calibration = fields(EC, (2.484, 2.76, 20), compensated=False)

    fitted = fit(calibration)

    assert fitted.factor == pytest.approx(1)
    assert fitted.warnings == (CalibrationWarning.SOLUTION_UNKNOWN,)


def test_conductivity_that_nobody_compensates_needs_the_temperature_of_the_standard() -> None:
    with pytest.raises(InvalidInputError) as caught:
        fit(fields(EC, (1.278, 1.413), compensated=False))
    in_air = fit(fields(EC, (0.02, 0), (1.278, 1.413, 20), compensated=False))

    assert caught.value.field == "temperature_c"
    assert caught.value.placeholders["problem"] == "temperature_needed"
    assert in_air.warnings == ()


def test_conductivity_by_two_standards() -> None:
    calibration = fields(EC, (0.55, 0.5), (12.2, 12.88))

    fitted = fit(calibration)

    assert corrected(calibration, fitted, 0.55) == pytest.approx(0.5)
    assert corrected(calibration, fitted, 12.2) == pytest.approx(12.88)
    assert fitted.factor == pytest.approx(12.38 / 11.65)


@pytest.mark.parametrize(("raw", "value"), [(0.06, 0.01009), (0.05, 0), (0.03, 0), (0, 0)])
def test_conductivity_is_never_below_zero(raw: float, value: float) -> None:
    # In dry air the cell shows 0.05; a raw step of 0.01 is 0.01 x 1.413 / 1.40.
    calibration = fields(EC, (0.05, 0), (1.45, 1.413))

    assert corrected(calibration, fit(calibration), raw) == pytest.approx(value, abs=1e-5)


def test_conductivity_that_the_device_tells_below_zero_stays_impossible() -> None:
    calibration = fields(EC, (1.35, 1.413))

    assert corrected(calibration, fit(calibration), -0.5) < 0


def test_soil_from_dry_to_wet() -> None:
    calibration = fields(SOIL, (3100, 0), (1400, 100))

    fitted = fit(calibration)

    assert corrected(calibration, fitted, 2250) == pytest.approx(50)
    assert corrected(calibration, fitted, 4095) == 0
    assert is_far_beyond(calibration, fitted, 4095)
    assert not is_far_beyond(calibration, fitted, 3200)


@pytest.mark.parametrize(
    ("calibration", "error", "text"),
    [
        pytest.param(fields(ChannelKind.LEVEL, (1, 1)), InvalidInputError, "takes no", id="kind"),
        pytest.param(fields(PH, (7, 7)), InvalidInputError, "2 or 3 points, not 1", id="few"),
        pytest.param(
            fields(EC, (1, 1), (2, 2), (3, 3)), InvalidInputError, "1 or 2 points", id="many"
        ),
        pytest.param(
            fields(PH, (7, 7), (7, 4)), InvalidInputError, "Two points are the same", id="raw"
        ),
        pytest.param(
            fields(PH, (7, 7), (6, 7)), InvalidInputError, "Two points are the same", id="value"
        ),
        pytest.param(
            fields(PH, (4, 7), (7, 4)), InvalidInputError, "wrong order", id="swapped buffers"
        ),
        pytest.param(
            fields(PH, (0, 4), (177, 7), scale=RawScale.MILLIVOLT),
            InvalidInputError,
            "wrong order",
            id="swapped voltage",
        ),
        pytest.param(
            fields(PH, (6, 6), (7, 7)), OutOfRangeError, "at least 2 pH apart", id="too close"
        ),
        pytest.param(
            fields(PH, (4.9, 4.0), (7.0, 7.0)), OutOfRangeError, "70% of an ideal", id="flat"
        ),
        pytest.param(
            fields(PH, (3.5, 4.0), (7.0, 7.0)), OutOfRangeError, "117% of an ideal", id="steep"
        ),
        pytest.param(
            fields(PH, (4.6, 4.0), (7.6, 7.0)), OutOfRangeError, r"off by \+0.60", id="shift"
        ),
        pytest.param(
            fields(PH, (35, 7), (212, 4), scale=RawScale.MILLIVOLT),
            OutOfRangeError,
            "off by -0.59",
            id="shifted voltage",
        ),
        pytest.param(fields(PH, (7, 7), (4, 40)), OutOfRangeError, "40 is no pH", id="no buffer"),
        pytest.param(fields(EC, (1.0, 1.413)), OutOfRangeError, "by 1.41", id="factor"),
        pytest.param(fields(EC, (0, 1.413)), OutOfRangeError, "above 0", id="nothing shown"),
        pytest.param(fields(EC, (1.413, 1413)), OutOfRangeError, "1413 is no EC", id="other unit"),
        pytest.param(
            fields(EC, (12.88, 1.413), (1.413, 12.88)), InvalidInputError, "order", id="swapped"
        ),
        pytest.param(
            fields(EC, (1.4, 1.413), (9, 12.88)), OutOfRangeError, "by 1.51", id="crooked"
        ),
        pytest.param(
            fields(EC, (1.413 / 1.2504, 1.413)),
            OutOfRangeError,
            "by 1.2504; possible are 0.8 to 1.25",
            id="just beyond",
        ),
        pytest.param(
            fields(EC, (1, 1.0), scale=RawScale.MILLIVOLT),
            InvalidInputError,
            "millivolts",
            id="voltage of EC",
        ),
        pytest.param(
            fields(SOIL, (1400, 100), (3100, 0)), InvalidInputError, "dry first", id="wet first"
        ),
        pytest.param(
            fields(SOIL, (3100, 0), (3000, 100)), OutOfRangeError, "too close", id="blind probe"
        ),
        pytest.param(fields(SOIL, (0, 0), (1e-300, 100)), OutOfRangeError, "close", id="tiny"),
        pytest.param(fields(SOIL, (-1e308, 0), (1e308, 9)), OutOfRangeError, "no raw", id="huge"),
        pytest.param(fields(EC, (1e-320, 1.413)), OutOfRangeError, "by inf", id="next to nothing"),
    ],
)
def test_impossible_calibration_is_refused(
    calibration: CalibrationFields, error: type[InvalidInputError], text: str
) -> None:
    with pytest.raises(error, match=text) as caught:
        fit(calibration)

    assert caught.value.field in {"kind", "points", "scale", "value", "raw"}


electrode = st.tuples(st.floats(0.81, 1.04), st.floats(-0.45, 0.45))


@given(
    electrode,
    st.lists(st.sampled_from([4.01, 6.86, 9.18]), min_size=2, unique=True),
    st.floats(0, 50),
    st.floats(3, 10),
)
def test_round_trip_of_an_electrode(
    true: tuple[float, float], buffers: list[float], temperature_c: float, ph: float
) -> None:
    """An electrode with an error that is a line is put right everywhere by any buffers."""
    slope, shift = true

    def shown(value: float) -> float:
        return 7 + shift + slope * (value - 7)

    points = []
    for name in buffers:
        value = buffer_ph(name, temperature_c)
        assert value is not None
        points.append((shown(value), name, temperature_c))
    calibration = fields(PH, *points)
    assume(
        all(
            b - a >= 2
            for a, b in pairwise(sorted(buffer_ph(n, temperature_c) or 0 for n in buffers))
        )
    )

    fitted = fit(calibration)

    assert corrected(calibration, fitted, shown(ph)) == pytest.approx(ph, abs=1e-6)
    assert fitted.efficiency_ratio == pytest.approx(slope, rel=1e-6)
    assert fitted.zero_shift == pytest.approx(shift, abs=1e-6)


@given(st.floats(0.8001, 1.2499), st.floats(0, 15))
def test_round_trip_of_a_conductivity_cell(factor: float, ec: float) -> None:
    calibration = fields(EC, (1.413 / factor, 1.413))

    assert corrected(calibration, fit(calibration), ec / factor) == pytest.approx(ec)
