"""Puts a probe right by what it showed in known solutions.

Limits: the project's decisions on calibration. Numbers of solutions: `tables.buffers`.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from kamerplanter_engines.calibration_point_engine import (
    check_form,
    invalid_points,
    unlikely_points,
)
from kamerplanter_engines.checks import finite
from kamerplanter_engines.models.calibration import (
    CalibrationFields,
    CalibrationPoint,
    CalibrationProblem,
    CalibrationWarning,
    Fit,
    RawScale,
)
from kamerplanter_engines.models.telemetry import ChannelKind, CurvePoint
from kamerplanter_engines.raw_mapping_engine import CONDUCTIVITIES
from kamerplanter_engines.science.electrochemistry import (
    NEUTRAL_PH,
    REFERENCE_C,
    ec_at_25_ms_cm,
    ec_at_temperature_ms_cm,
    nernst_slope_mv,
    ph_at_temperature,
)
from kamerplanter_engines.science.piecewise import along, steepness
from kamerplanter_engines.tables.buffers import buffer_ph, standard_ec_ms_cm
from kamerplanter_engines.tables.calibration import (
    EC_FACTOR_HIGH,
    EC_FACTOR_LOW,
    EFFICIENCY_RATIO_WEAK,
    PH_BUFFER_DISTANCE,
    PH_SHIFT_HIGH,
    PH_SLOPE_RATIO_HIGH,
    PH_SLOPE_RATIO_LOW,
    SOIL_SPAN_LOW,
    SOIL_SPAN_RATIO,
)
from kamerplanter_engines.tables.channels import FAR_BEYOND_CURVE_RATIO

_ROUNDING = 1e-9


def fit(fields: CalibrationFields) -> Fit:
    """Return what follows from a calibration.

    Args:
        fields: What was measured.

    Raises:
        InvalidInputError: The kind takes no calibration, the number of points is wrong, two
            points are equal or in the wrong order.
        OutOfRangeError: A number is impossible, or slope, factor or offset are not plausible.

    Source: own rule; limits by the project's decisions.
    """
    check_form(fields)
    if fields.kind is ChannelKind.PH:
        return _fit_ph(fields)
    if fields.kind is ChannelKind.SOIL_MOISTURE:
        return _fit_soil(fields)
    return _fit_ec(fields)


def _fit_ph(fields: CalibrationFields) -> Fit:
    is_voltage = fields.scale is RawScale.MILLIVOLT
    known = [_buffer(point) for point in fields.points]
    values = sorted(value for value, _ in known)
    if any(high - low < PH_BUFFER_DISTANCE - _ROUNDING for low, high in pairwise(values)):
        raise unlikely_points(
            "points",
            values,
            f"Buffers must be at least {PH_BUFFER_DISTANCE:g} pH apart.",
            problem=CalibrationProblem.TOO_CLOSE,
            limit=f"{PH_BUFFER_DISTANCE:g}",
        )
    temperature_c = _mean_temperature(fields.points)
    ideal = -nernst_slope_mv(_or_reference(temperature_c)) if is_voltage else 1.0
    pairs = sorted(
        (point.raw, value) for point, (value, _) in zip(fields.points, known, strict=True)
    )
    slopes = [(r1 - r0) / (v1 - v0) for (r0, v0), (r1, v1) in pairwise(pairs)]
    _check_slopes([slope / ideal for slope in slopes])
    weakest = min(slopes, key=abs)
    shift = _zero_shift(pairs, ideal if is_voltage else None)
    if abs(shift) > PH_SHIFT_HIGH + _ROUNDING:
        raise unlikely_points(
            "points",
            round(shift, 3),
            f"The probe shows pH 7 off by {shift:+.2f}, more than {PH_SHIFT_HIGH:g}; "
            "use fresh buffers, clean the probe or replace it.",
            problem=CalibrationProblem.OFFSET,
            shown=f"{shift:+.2f}",
            limit=f"{PH_SHIFT_HIGH:g}",
        )
    ratio = weakest / ideal
    warnings = {warning for _, warning in known if warning is not None}
    if ratio < EFFICIENCY_RATIO_WEAK:
        warnings.add(CalibrationWarning.SLOPE_WEAK)
    return _made(
        pairs,
        warnings,
        zero_shift=shift,
        efficiency_ratio=ratio,
        slope_mv_ph=weakest if is_voltage else None,
        temperature_c=temperature_c if is_voltage else None,
    )


def _check_slopes(ratios: Sequence[float]) -> None:
    for ratio in ratios:
        if ratio <= 0:
            raise invalid_points(
                "points",
                round(ratio, 3),
                "The points are in the wrong order; swap the buffers.",
                problem=CalibrationProblem.WRONG_ORDER,
            )
        if not PH_SLOPE_RATIO_LOW - _ROUNDING <= ratio <= PH_SLOPE_RATIO_HIGH + _ROUNDING:
            raise unlikely_points(
                "points",
                round(ratio, 3),
                f"The slope is {ratio:.0%} of an ideal electrode; possible are "
                f"{PH_SLOPE_RATIO_LOW:.0%} to {PH_SLOPE_RATIO_HIGH:.0%}. Use fresh buffers, clean "
                "the probe or replace it.",
                problem=CalibrationProblem.SLOPE,
                shown=f"{100 * ratio:.0f}",
                limit=f"{100 * PH_SLOPE_RATIO_LOW:.0f} – {100 * PH_SLOPE_RATIO_HIGH:.0f}",
            )


def _zero_shift(pairs: Sequence[tuple[float, float]], ideal_mv: float | None) -> float:
    """Return how much too high the probe shows pH 7 [pH]."""
    by_value = sorted((value, raw) for raw, value in pairs)
    shown = along(by_value, NEUTRAL_PH)
    return shown / ideal_mv if ideal_mv is not None else shown - NEUTRAL_PH


def _buffer(point: CalibrationPoint) -> tuple[float, CalibrationWarning | None]:
    if point.temperature_c is None:
        return point.value, CalibrationWarning.TEMPERATURE_UNKNOWN
    value = buffer_ph(point.value, point.temperature_c)
    if value is None:
        return point.value, CalibrationWarning.SOLUTION_UNKNOWN
    return value, None


def _fit_ec(fields: CalibrationFields) -> Fit:
    known = [_standard(point, compensated=fields.compensated) for point in fields.points]
    pairs = sorted(
        (point.raw, value) for point, (value, _) in zip(fields.points, known, strict=True)
    )
    if len(pairs) == 1:
        if pairs[0][0] <= 0 or pairs[0][1] <= 0:
            raise unlikely_points(
                "points",
                pairs[0][0],
                "One point alone must be above 0; use a standard solution.",
                problem=CalibrationProblem.ZERO_ALONE,
            )
        pairs.insert(0, (0.0, 0.0))
    (low_raw, low), (high_raw, high) = pairs
    if high <= low:
        raise invalid_points(
            "points",
            high,
            "The points are in the wrong order; swap the standard solutions.",
            problem=CalibrationProblem.WRONG_ORDER,
        )
    for factor in ((high - low) / (high_raw - low_raw), high / high_raw):
        if not EC_FACTOR_LOW - _ROUNDING <= factor <= EC_FACTOR_HIGH + _ROUNDING:
            raise unlikely_points(
                "points",
                round(factor, 3),
                f"The probe would have to be multiplied by {_spelled(factor)}; possible are "
                f"{EC_FACTOR_LOW:g} to {EC_FACTOR_HIGH:g}. Check the standard and its unit, clean "
                "the probe or replace it.",
                problem=CalibrationProblem.FACTOR,
                shown=_spelled(factor),
                limit=f"{EC_FACTOR_LOW:g} – {EC_FACTOR_HIGH:g}",
            )
    ratio = (high_raw - low_raw) / (high - low)
    warnings = {warning for _, warning in known if warning is not None}
    if ratio < EFFICIENCY_RATIO_WEAK - _ROUNDING:
        warnings.add(CalibrationWarning.SLOPE_WEAK)
    return _made(pairs, warnings, efficiency_ratio=ratio)


def _spelled(factor: float) -> str:
    """Return a factor that is refused with as many digits as it takes to see why."""
    short = f"{factor:.2f}"
    return f"{factor:.4f}" if EC_FACTOR_LOW <= float(short) <= EC_FACTOR_HIGH else short


def needs_temperature(kind: ChannelKind, value: float, *, compensated: bool) -> bool:
    """Tell whether a point counts only with the temperature of its solution.

    So it is with conductivity that the device does not compensate; air has none.

    Args:
        kind: What is calibrated.
        value: What stands on the bottle.
        compensated: Whether the device brings its values to 25 °C.
    """
    return kind in CONDUCTIVITIES and not compensated and value != 0


def _standard(
    point: CalibrationPoint, *, compensated: bool
) -> tuple[float, CalibrationWarning | None]:
    if not needs_temperature(ChannelKind.EC, point.value, compensated=compensated):
        # The device tells what the solution would have at 25 °C, which is what the bottle says.
        return point.value, None
    if point.temperature_c is None:
        # Readings are brought to 25 °C afterwards: with the value of the bottle that would count
        # twice.
        raise invalid_points(
            "temperature_c",
            point.value,
            "The device does not compensate, so the temperature of the standard solution is "
            "needed.",
            problem=CalibrationProblem.TEMPERATURE_NEEDED,
        )
    value = standard_ec_ms_cm(point.value, point.temperature_c)
    if value is None:
        at_temperature = ec_at_temperature_ms_cm(point.value, point.temperature_c)
        return at_temperature or point.value, CalibrationWarning.SOLUTION_UNKNOWN
    return value, None


def _fit_soil(fields: CalibrationFields) -> Fit:
    dry, wet = fields.points
    if wet.value <= dry.value:
        raise invalid_points(
            "points",
            wet.value,
            "The points are in the wrong order; give dry first, then wet.",
            problem=CalibrationProblem.WRONG_ORDER,
        )
    largest = max(abs(dry.raw), abs(wet.raw))
    if abs(wet.raw - dry.raw) < max(SOIL_SPAN_RATIO * largest, SOIL_SPAN_LOW):
        raise unlikely_points(
            "points",
            wet.raw - dry.raw,
            f"Dry ({dry.raw:g}) and wet ({wet.raw:g}) are too close; the probe does not see water.",
            problem=CalibrationProblem.NO_CONTRAST,
        )
    return _made(sorted((point.raw, point.value) for point in fields.points), set())


def _made(
    pairs: Sequence[tuple[float, float]],
    warnings: Iterable[CalibrationWarning],
    *,
    zero_shift: float | None = None,
    efficiency_ratio: float | None = None,
    slope_mv_ph: float | None = None,
    temperature_c: float | None = None,
) -> Fit:
    (first_raw, first), (last_raw, last) = pairs[0], pairs[-1]
    factor = (last - first) / (last_raw - first_raw)
    return Fit(
        curve=tuple(CurvePoint(raw=raw, value=value) for raw, value in pairs),
        factor=factor,
        offset=first - factor * first_raw,
        zero_shift=zero_shift,
        efficiency_ratio=efficiency_ratio,
        slope_mv_ph=slope_mv_ph,
        temperature_c=temperature_c,
        warnings=tuple(sorted(warnings)),
    )


def _mean_temperature(points: Sequence[CalibrationPoint]) -> float | None:
    known = [point.temperature_c for point in points if point.temperature_c is not None]
    return sum(known) / len(known) if known else None


def _or_reference(temperature_c: float | None) -> float:
    return REFERENCE_C if temperature_c is None else temperature_c


def corrected(
    calibration: CalibrationFields, fitted: Fit, raw: float, temperature_c: float | None = None
) -> float:
    """Return what a probe should have shown.

    Args:
        calibration: What was measured.
        fitted: What follows from it.
        raw: What the probe showed; in the scale of the calibration.
        temperature_c: Of the liquid; none = as in the calibration, and 25 for conductivity that
            the device does not compensate. [°C]

    Returns:
        The value in the canonical unit; it is judged afterwards like any other one.

    Raises:
        OutOfRangeError: A number is infinite or none.

    Source: own rule; [IUPAC2002] and [ISO7888] for the temperature.
    """
    finite("raw", raw)
    if temperature_c is not None:
        finite("temperature_c", temperature_c)
    points = [(point.raw, point.value) for point in fitted.curve]
    value = along(points, raw)
    if calibration.kind is ChannelKind.SOIL_MOISTURE:
        return min(max(value, 0.0), 100.0)
    is_ec = calibration.kind in CONDUCTIVITIES
    if is_ec and raw >= 0:
        # A cell that showed a trace in dry air shows less than nothing in pure water.
        value = max(value, 0.0)
    if temperature_c is None:
        return value
    if calibration.scale is RawScale.MILLIVOLT:
        return ph_at_temperature(value, _or_reference(fitted.temperature_c), temperature_c)
    if is_ec and not calibration.compensated:
        at_25 = ec_at_25_ms_cm(value, temperature_c)
        return value if at_25 is None else at_25
    return value


def is_far_beyond(calibration: CalibrationFields, fitted: Fit, raw: float) -> bool:
    """Tell whether a raw soil value lies far outside of dry and wet, so that it is doubtful."""
    if calibration.kind is not ChannelKind.SOIL_MOISTURE:
        return False
    low, high = fitted.curve[0].raw, fitted.curve[-1].raw
    return max(low - raw, raw - high) > FAR_BEYOND_CURVE_RATIO * (high - low)


def step_ratio(fitted: Fit, raw: float) -> float:
    """Return by how much a small step of the raw number is stretched."""
    return abs(steepness([(point.raw, point.value) for point in fitted.curve], raw))
