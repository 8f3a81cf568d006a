"""Puts a probe right by what it showed in known solutions, and says when it has to be done again.

Limits: the project's decisions on calibration. Numbers of solutions: `tables.buffers`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import isfinite

from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.base import utc
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationPoint,
    CalibrationState,
    CalibrationStatus,
    CalibrationWarning,
    Fit,
    RawScale,
)
from kamerplanter_engines.models.telemetry import ChannelKind, CurvePoint
from kamerplanter_engines.science.electrochemistry import (
    NEUTRAL_PH,
    REFERENCE_C,
    ec_at_25_ms_cm,
    nernst_slope_mv,
    ph_at_temperature,
)
from kamerplanter_engines.science.piecewise import along, steepness
from kamerplanter_engines.tables.buffers import buffer_ph, standard_ec_ms_cm
from kamerplanter_engines.tables.channels import FAR_BEYOND_CURVE_RATIO, STOCK_EC_HIGH_MS_CM

POINTS: dict[ChannelKind, tuple[int, int]] = {
    ChannelKind.PH: (2, 3),
    ChannelKind.EC: (1, 2),
    ChannelKind.SOIL_EC: (1, 2),
    ChannelKind.SOIL_MOISTURE: (2, 2),
}
"""How many known solutions a calibration takes, least and most; other kinds take none."""

DRIFTING = frozenset({ChannelKind.PH, ChannelKind.EC, ChannelKind.SOIL_EC})
"""Kinds that have to be calibrated again and again."""

PH_SLOPE_RATIO_LOW, PH_SLOPE_RATIO_HIGH = 0.80, 1.05
"""Share of an ideal electrode's slope; outside it is broken, or the buffers were mixed up."""
PH_SLOPE_RATIO_WEAK = 0.90
PH_BUFFER_DISTANCE = 2.0
PH_SHIFT_HIGH = 0.5
"""An electrode that shows pH 7 further off is used up. [pH]"""
EC_FACTOR_LOW, EC_FACTOR_HIGH = 0.80, 1.25
SOIL_SPAN_RATIO = 0.05
"""Dry and wet must differ by this share of the larger raw number."""

SOIL_SPAN_LOW = 1e-3
SOIL_RAW_HIGH = 1e9
"""More than any converter counts to."""


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
    _check_form(fields)
    if fields.kind is ChannelKind.PH:
        return _fit_ph(fields)
    if fields.kind is ChannelKind.SOIL_MOISTURE:
        return _fit_soil(fields)
    return _fit_ec(fields)


def _check_form(fields: CalibrationFields) -> None:
    if fields.kind not in POINTS:
        known = ", ".join(POINTS)
        raise _invalid("kind", fields.kind, f"{fields.kind} takes no calibration; use {known}.")
    least, most = POINTS[fields.kind]
    count = len(fields.points)
    if not least <= count <= most:
        wanted = str(least) if least == most else f"{least} or {most}"
        raise _invalid("points", count, f"{fields.kind} takes {wanted} points, not {count}.")
    if fields.scale is RawScale.MILLIVOLT and fields.kind is not ChannelKind.PH:
        raise _invalid("scale", fields.scale, f"{fields.kind} is not measured in millivolts.")
    for point in fields.points:
        if not (isfinite(point.raw) and isfinite(point.value)):
            raise _invalid("points", point.raw, f"{point.raw} is not a number that can be used.")
    raws = [point.raw for point in fields.points]
    values = [point.value for point in fields.points]
    if len(set(raws)) < count or len(set(values)) < count:
        raise _invalid("points", raws, "Two points are the same; measure two different solutions.")


def _fit_ph(fields: CalibrationFields) -> Fit:
    is_voltage = fields.scale is RawScale.MILLIVOLT
    for point in fields.points:
        _within("value", point.value, 0, 14, "pH of a buffer")
        low, high = (-600.0, 600.0) if is_voltage else (-2.0, 16.0)
        _within("raw", point.raw, low, high, "mV" if is_voltage else "pH shown by the probe")
    known = [_buffer(point) for point in fields.points]
    values = sorted(value for value, _ in known)
    if any(high - low < PH_BUFFER_DISTANCE - _ROUNDING for low, high in pairwise(values)):
        raise _out_of_range(
            "points", values, f"Buffers must be at least {PH_BUFFER_DISTANCE:g} pH apart."
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
        raise _out_of_range(
            "points",
            round(shift, 3),
            f"The probe shows pH 7 off by {shift:+.2f}, more than {PH_SHIFT_HIGH:g}; "
            "use fresh buffers, clean the probe or replace it.",
        )
    ratio = weakest / ideal
    warnings = {warning for _, warning in known if warning is not None}
    if ratio < PH_SLOPE_RATIO_WEAK:
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
            raise _invalid(
                "points", round(ratio, 3), "The points are in the wrong order; swap the buffers."
            )
        if not PH_SLOPE_RATIO_LOW - _ROUNDING <= ratio <= PH_SLOPE_RATIO_HIGH + _ROUNDING:
            raise _out_of_range(
                "points",
                round(ratio, 3),
                f"The slope is {ratio:.0%} of an ideal electrode; possible are "
                f"{PH_SLOPE_RATIO_LOW:.0%} to {PH_SLOPE_RATIO_HIGH:.0%}. Use fresh buffers, clean "
                "the probe or replace it.",
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
    for point in fields.points:
        _within("value", point.value, 0, STOCK_EC_HIGH_MS_CM, "EC of a standard in mS/cm")
        _within("raw", point.raw, 0, 2 * STOCK_EC_HIGH_MS_CM, "EC shown by the probe in mS/cm")
    known = [_standard(point, compensated=fields.compensated) for point in fields.points]
    pairs = sorted(
        (point.raw, value) for point, (value, _) in zip(fields.points, known, strict=True)
    )
    if len(pairs) == 1:
        if pairs[0][0] <= 0 or pairs[0][1] <= 0:
            raise _out_of_range(
                "points", pairs[0][0], "One point alone must be above 0; use a standard solution."
            )
        pairs.insert(0, (0.0, 0.0))
    (low_raw, low), (high_raw, high) = pairs
    if high <= low:
        raise _invalid(
            "points", high, "The points are in the wrong order; swap the standard solutions."
        )
    for factor in ((high - low) / (high_raw - low_raw), high / high_raw):
        if not EC_FACTOR_LOW - _ROUNDING <= factor <= EC_FACTOR_HIGH + _ROUNDING:
            raise _out_of_range(
                "points",
                round(factor, 3),
                f"The probe would have to be multiplied by {factor:.2f}; possible are "
                f"{EC_FACTOR_LOW:g} to {EC_FACTOR_HIGH:g}. Check the standard and its unit, clean "
                "the probe or replace it.",
            )
    warnings = {warning for _, warning in known if warning is not None}
    return _made(pairs, warnings, efficiency_ratio=(high_raw - low_raw) / (high - low))


def _standard(
    point: CalibrationPoint, *, compensated: bool
) -> tuple[float, CalibrationWarning | None]:
    if compensated or point.value == 0:
        # The device tells what the solution would have at 25 °C, which is what the bottle says.
        return point.value, None
    if point.temperature_c is None:
        return point.value, CalibrationWarning.TEMPERATURE_UNKNOWN
    value = standard_ec_ms_cm(point.value, point.temperature_c)
    if value is None:
        return point.value, CalibrationWarning.SOLUTION_UNKNOWN
    return value, None


def _fit_soil(fields: CalibrationFields) -> Fit:
    for point in fields.points:
        _within("value", point.value, 0, 100, "moisture in percent")
        _within("raw", point.raw, -SOIL_RAW_HIGH, SOIL_RAW_HIGH, "raw number of a soil probe")
    dry, wet = fields.points
    if wet.value <= dry.value:
        raise _invalid(
            "points", wet.value, "The points are in the wrong order; give dry first, then wet."
        )
    largest = max(abs(dry.raw), abs(wet.raw))
    if abs(wet.raw - dry.raw) < max(SOIL_SPAN_RATIO * largest, SOIL_SPAN_LOW):
        raise _out_of_range(
            "points",
            wet.raw - dry.raw,
            f"Dry ({dry.raw:g}) and wet ({wet.raw:g}) are too close; the probe does not see water.",
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


def _within(field: str, value: float, low: float, high: float, what: str) -> None:
    if not low <= value <= high:
        raise _out_of_range(
            field, value, f"{value:g} is no {what}; possible are {low:g} to {high:g}."
        )


def _invalid(field: str, value: object, message: str) -> InvalidInputError:
    return InvalidInputError(message, field=field, value=value)


def _out_of_range(field: str, value: object, message: str) -> OutOfRangeError:
    return OutOfRangeError(message, field=field, value=value)


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

    Source: own rule; [IUPAC2002] and [ISO7888] for the temperature.
    """
    points = [(point.raw, point.value) for point in fitted.curve]
    value = along(points, raw)
    if calibration.kind is ChannelKind.SOIL_MOISTURE:
        return min(max(value, 0.0), 100.0)
    if temperature_c is None:
        return value
    if calibration.scale is RawScale.MILLIVOLT:
        return ph_at_temperature(value, _or_reference(fitted.temperature_c), temperature_c)
    is_ec = calibration.kind in {ChannelKind.EC, ChannelKind.SOIL_EC}
    if is_ec and not calibration.compensated:
        return ec_at_25_ms_cm(value, temperature_c)
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


def in_force(
    calibrations: Iterable[Calibration], kind: ChannelKind, at: datetime
) -> Calibration | None:
    """Return the calibration of a kind that counts for what was measured at a moment.

    Args:
        calibrations: Those of one probe, in any order.
        kind: What is measured.
        at: The moment of measurement, aware.

    Raises:
        NaiveTimeError: The time has no zone.
    """
    moment = utc(at)
    known = [item for item in calibrations if item.kind is kind and item.done_at <= moment]
    return max(known, key=lambda item: (item.done_at, item.created_at, item.key), default=None)


def status(
    kind: ChannelKind, done_at: datetime | None, *, now: datetime, warn_d: float, stop_d: float
) -> CalibrationStatus:
    """Return what the age of a calibration means.

    Args:
        kind: What the channel measures.
        done_at: When it was last calibrated; none = never.
        now: The present moment.
        warn_d: Older than this it is due. [d]
        stop_d: Older than this automatic dosing stops. [d], not below `warn_d`.

    Raises:
        NaiveTimeError: A time has no zone.

    Source: the project's decisions (14 and 28 days, adjustable per probe).
    """
    if kind not in DRIFTING:
        return CalibrationStatus(kind=kind, state=CalibrationState.NOT_NEEDED, may_dose=True)
    if done_at is None:
        return CalibrationStatus(kind=kind, state=CalibrationState.NEVER, may_dose=False)
    done, present = utc(done_at), utc(now)
    due_at, expires_at = done + timedelta(days=warn_d), done + timedelta(days=stop_d)
    state = CalibrationState.VALID
    if present > expires_at:
        state = CalibrationState.EXPIRED
    elif present > due_at:
        state = CalibrationState.DUE
    return CalibrationStatus(
        kind=kind,
        state=state,
        may_dose=state is not CalibrationState.EXPIRED,
        done_at=done,
        due_at=due_at,
        expires_at=expires_at,
    )
