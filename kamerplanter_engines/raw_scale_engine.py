"""Says which channels tell raw numbers: volts or counts, which mean nothing uncalibrated."""

from collections.abc import Iterable

from kamerplanter_engines.models.calibration import Calibration, RawScale
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from kamerplanter_engines.tables.channels import CHANNELS

SAME_SCALE_FACTOR_LOW, SAME_SCALE_FACTOR_HIGH = 0.5, 2.0
"""A soil probe that tells percent is not put right by more than this (ours)."""


def is_of_raw_scale(calibration: Calibration) -> bool:
    """Tell whether a calibration turns another scale into the shown one.

    A pH electrode in millivolts does, and so does a soil probe, unless what it showed in dry and
    wet was nearly a moisture in percent already.

    Source: own rule.
    """
    if calibration.kind is not ChannelKind.SOIL_MOISTURE:
        return calibration.scale is RawScale.MILLIVOLT
    spec = CHANNELS[calibration.kind]
    is_share = all(
        spec.physical_low <= point.raw <= spec.physical_high for point in calibration.points
    )
    factor = calibration.fit.factor
    return not (is_share and SAME_SCALE_FACTOR_LOW <= factor <= SAME_SCALE_FACTOR_HIGH)


def raw_kinds(
    channels: Iterable[ChannelBinding], calibrations: Iterable[Calibration]
) -> tuple[ChannelKind, ...]:
    """Return the kinds of which a number is to be doubted where no calibration is in force.

    What the last calibration was made on tells the scale, also when it counts no more: withdrawn,
    of another device or of another mapping.

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
        if not binding.curve and binding.kind in last and is_of_raw_scale(last[binding.kind])
    )
