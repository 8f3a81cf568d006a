"""Says which channels tell raw numbers: volts or counts, which mean nothing uncalibrated."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from kamerplanter_engines.calibration_in_force_engine import in_force
from kamerplanter_engines.calibration_point_engine import (
    PH_SHOWN_HIGH,
    PH_SHOWN_LOW,
    invalid_points,
)
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationProblem,
    RawScale,
)
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    CurvePoint,
    ProbeFields,
)
from kamerplanter_engines.tables.channels import CHANNELS
from kamerplanter_engines.units import is_raw_unit

SAME_SCALE_FACTOR_LOW, SAME_SCALE_FACTOR_HIGH = 0.5, 2.0
"""A soil probe that tells percent is not put right by more than this (ours)."""
NAMED_SCALE_FACTOR_HIGH = 5.0
"""Nor is one that says percent itself by more than this (ours)."""
FAR_OUTSIDE_SPANS = 0.5
"""A raw number of soil that lies further outside of dry and wet, in their distance, is of another
scale (ours): soil is hardly drier than air or wetter than water."""


def is_of_raw_scale(calibration: Calibration) -> bool:
    """Tell whether a calibration turns another scale into the shown one.

    A pH electrode in millivolts does, and so does a soil probe, unless what it showed in dry and
    wet was nearly a moisture in percent already.

    Source: own rule.
    """
    if calibration.kind is not ChannelKind.SOIL_MOISTURE:
        return calibration.scale is RawScale.MILLIVOLT
    raws = [point.raw for point in calibration.points]
    return _is_other_scale(calibration.kind, raws, calibration.fit.factor)


def is_of_other_scale(kind: ChannelKind, curve: Sequence[CurvePoint]) -> bool:
    """Tell whether a curve turns volts or counts into a value, or puts right what is one already.

    Args:
        kind: What the channel measures.
        curve: At least two points with different raw values, in any order.

    Source: own rule, the same as for calibrations.
    """
    points = sorted(curve, key=lambda point: point.raw)
    first, last = points[0], points[-1]
    factor = (last.value - first.value) / (last.raw - first.raw)
    return _is_other_scale(kind, [first.raw, last.raw], factor)


def _is_other_scale(kind: ChannelKind, raws: Iterable[float], factor: float) -> bool:
    spec = CHANNELS[kind]
    is_possible = all(spec.physical_low <= raw <= spec.physical_high for raw in raws)
    return not (is_possible and SAME_SCALE_FACTOR_LOW <= factor <= SAME_SCALE_FACTOR_HIGH)


def is_for_bare_numbers(calibration: Calibration) -> bool:
    """Tell whether a value that names a unit of its kind is ready without a calibration.

    A calibration of another scale is not for it: that a device says pH 6.1 is no voltage. But one
    that says percent and was put right in dry and wet shows a rising part of its scale there, as
    60 points for all of it, and is to be put right though it says percent.

    Source: own rule; as for curves, yet with a wider limit, as here a person looked at the device.
    """
    if not is_of_raw_scale(calibration) or calibration.kind is not ChannelKind.SOIL_MOISTURE:
        return is_of_raw_scale(calibration)
    spec, factor = CHANNELS[calibration.kind], calibration.fit.factor
    is_percent = all(
        spec.physical_low <= point.raw <= spec.physical_high for point in calibration.points
    )
    return not (is_percent and 0 < factor <= NAMED_SCALE_FACTOR_HIGH)


def raw_kinds(
    channels: Iterable[ChannelBinding], calibrations: Iterable[Calibration]
) -> tuple[ChannelKind, ...]:
    """Return the kinds of which a number is to be doubted where no calibration is in force.

    What the last calibration was made on tells the scale, also when it counts no more: withdrawn,
    of another device or of another mapping. So does a channel that is bound in volts.

    Args:
        channels: Of one probe as they are bound now; a curve is a calibration already.
        calibrations: All of this probe on record, in any order.

    Source: own rule.
    """
    last: dict[ChannelKind, Calibration] = {}
    for item in calibrations:
        known = last.get(item.kind)
        if known is None or (known.done_at, known.created_at) < (item.done_at, item.created_at):
            last[item.kind] = item
    return tuple(
        binding.kind
        for binding in channels
        if not binding.curve
        and (
            is_raw_unit(binding.kind, binding.unit)
            or (binding.kind in last and is_of_raw_scale(last[binding.kind]))
        )
    )


def scale_known(
    probe: ProbeFields, calibrations: Iterable[Calibration], kind: ChannelKind, at: datetime
) -> RawScale | None:
    """Return what the numbers of a channel are; none = nothing says so.

    A channel that is bound in volts says it, else the calibration in force does.

    Args:
        probe: Whose channel it is.
        calibrations: Those of the probe, in any order.
        kind: What is measured.
        at: The moment, aware.
    """
    binding = probe.binding(kind)
    if binding is not None and is_raw_unit(kind, binding.unit):
        return RawScale.MILLIVOLT
    current = in_force(calibrations, kind, at)
    return None if current is None else current.scale


def usual_scale(shown: float | None, known: RawScale | None) -> RawScale:
    """Return what the numbers of a pH electrode most likely are.

    Args:
        shown: The newest one, without any calibration; none = nothing has come.
        known: What they are by the calibration in force; none = there is none.

    Source: own rule. An electrode that tells millivolts shows more than 16 of them, unless it is
    within a third of pH 7.
    """
    if shown is not None and not PH_SHOWN_LOW <= shown <= PH_SHOWN_HIGH:
        return RawScale.MILLIVOLT
    return RawScale.VALUE if known is None else known


def check_scale(fields: CalibrationFields, shown: float, known: RawScale | None = None) -> None:
    """Make sure that a channel tells numbers of the scale that it was calibrated in.

    Args:
        fields: The calibration that is to be made; its form is right.
        shown: The newest number of the channel, without any calibration. As the points.
        known: What the numbers of a pH electrode are by the calibration in force; none = there is
            none.

    Raises:
        InvalidInputError: It tells another one: each value from then on would be wrong.

    Source: own rule.
    """
    if fields.kind is ChannelKind.PH:
        check_ph_scale(fields.scale, shown, known)
    elif fields.kind is ChannelKind.SOIL_MOISTURE and _is_of_other_soil(fields, shown):
        raws = [point.raw for point in fields.points]
        raise invalid_points(
            "raw",
            f"{shown:g}",
            f"The probe shows {shown:g}, which is not of the scale of {min(raws):g} to "
            f"{max(raws):g}; say what it shows itself in dry and wet.",
            problem=CalibrationProblem.OTHER_SCALE,
            shown=f"{shown:g}",
            limit=f"{min(raws):g} – {max(raws):g}",
        )


def check_ph_scale(scale: RawScale, shown: float, known: RawScale | None = None) -> None:
    """Make sure that an electrode tells numbers of a scale, see `check_scale`.

    Raises:
        InvalidInputError: It tells another one.
    """
    if scale is RawScale.VALUE and not PH_SHOWN_LOW <= shown <= PH_SHOWN_HIGH:
        raise invalid_points(
            "scale",
            scale,
            f"The probe shows {shown:g}, which is no pH; most likely it tells millivolts.",
            problem=CalibrationProblem.NOT_PH,
            shown=f"{shown:g}",
        )
    if scale is RawScale.MILLIVOLT and usual_scale(shown, known) is RawScale.VALUE:
        raise invalid_points(
            "scale",
            scale,
            f"The probe shows {shown:g}, which is a pH and no voltage of an electrode. One that "
            "does tell millivolts shows more than 16 in any buffer but that of pH 7.",
            problem=CalibrationProblem.NOT_MILLIVOLT,
            shown=f"{shown:g}",
        )


def _is_of_other_soil(fields: CalibrationFields, shown: float) -> bool:
    dry, wet = sorted(fields.points, key=lambda point: point.raw)
    span = wet.raw - dry.raw
    spec = CHANNELS[fields.kind]
    is_percent = spec.physical_low <= shown <= spec.physical_high
    factor = (wet.value - dry.value) / span
    if is_percent and not _is_other_scale(fields.kind, [dry.raw, wet.raw], factor):
        return False
    reach = FAR_OUTSIDE_SPANS * span
    return not dry.raw - reach <= shown <= wet.raw + reach
