"""What the points of a calibration have to be, each and all together, before anything is fitted."""

from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.calibration import (
    CalibrationFields,
    CalibrationPoint,
    CalibrationProblem,
    RawScale,
)
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.tables.channels import RAW_HIGH, STOCK_EC_HIGH_MS_CM

POINTS: dict[ChannelKind, tuple[int, int]] = {
    ChannelKind.PH: (2, 3),
    ChannelKind.EC: (1, 2),
    ChannelKind.SOIL_EC: (1, 2),
    ChannelKind.SOIL_MOISTURE: (2, 2),
}
"""How many known solutions a calibration takes, least and most; other kinds take none."""
PH_SHOWN_LOW, PH_SHOWN_HIGH = -2.0, 16.0
"""What an electrode may show that is off by far and still tells a pH (ours)."""


def check_form(fields: CalibrationFields) -> None:
    """Make sure that a calibration has the points that its kind takes, each of them possible.

    Args:
        fields: What was measured.

    Raises:
        InvalidInputError: The kind takes no calibration, the number of points is wrong, two
            points are equal, or the scale does not fit.
        OutOfRangeError: A number is impossible.
    """
    if fields.kind not in POINTS:
        known = ", ".join(POINTS)
        raise invalid_points(
            "kind", fields.kind, f"{fields.kind} takes no calibration; use {known}.", allowed=known
        )
    least, most = POINTS[fields.kind]
    count = len(fields.points)
    if not least <= count <= most:
        counts = sorted({least, most})
        wanted = " or ".join(map(str, counts))
        raise invalid_points(
            "points",
            count,
            f"{fields.kind} takes {wanted} points, not {count}.",
            allowed=", ".join(map(str, counts)),
        )
    if fields.scale is RawScale.MILLIVOLT and fields.kind is not ChannelKind.PH:
        raise invalid_points(
            "scale",
            fields.scale,
            f"{fields.kind} is not measured in millivolts.",
            allowed=RawScale.VALUE,
        )
    for point in fields.points:
        check_point(fields.kind, fields.scale, point)
    raws = [point.raw for point in fields.points]
    values = [point.value for point in fields.points]
    if len(set(raws)) < count or len(set(values)) < count:
        raise invalid_points(
            "points",
            raws,
            "Two points are the same; measure two different solutions.",
            problem=CalibrationProblem.SAME_POINTS,
        )


def check_point(kind: ChannelKind, scale: RawScale, point: CalibrationPoint) -> None:
    """Make sure that the numbers of one point are possible, before the others are measured.

    Args:
        kind: What is measured; one of `POINTS`.
        scale: What the raw number is.
        point: What the probe showed in one solution.

    Raises:
        OutOfRangeError: A number is impossible; `field` is `value` or `raw`.
    """
    if kind is ChannelKind.PH:
        _within("value", point.value, 0, 14, "pH of a buffer")
        is_voltage = scale is RawScale.MILLIVOLT
        low, high = (-600.0, 600.0) if is_voltage else (PH_SHOWN_LOW, PH_SHOWN_HIGH)
        _within("raw", point.raw, low, high, "mV" if is_voltage else "pH shown by the probe")
    elif kind is ChannelKind.SOIL_MOISTURE:
        _within("value", point.value, 0, 100, "moisture in percent")
        _within("raw", point.raw, -RAW_HIGH, RAW_HIGH, "raw number of a soil probe")
    else:
        _within("value", point.value, 0, STOCK_EC_HIGH_MS_CM, "EC of a standard in mS/cm")
        _within("raw", point.raw, 0, 2 * STOCK_EC_HIGH_MS_CM, "EC shown by the probe in mS/cm")


def _within(field: str, value: float, low: float, high: float, what: str) -> None:
    if not low <= value <= high:
        raise unlikely_points(
            field,
            value,
            f"{value:g} is no {what}; possible are {low:g} to {high:g}.",
            allowed=f"{low:g} – {high:g}",
        )


def invalid_points(field: str, value: object, message: str, **more: object) -> InvalidInputError:
    """Return the error of what makes no calibration."""
    return InvalidInputError(message, field=field, value=value, **more)


def unlikely_points(field: str, value: object, message: str, **more: object) -> OutOfRangeError:
    """Return the error of what makes a calibration that cannot be true."""
    return OutOfRangeError(message, field=field, value=value, **more)
