"""Samples as a calibration puts them right, before they are judged."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import isfinite

from kamerplanter_engines.calibration_engine import (
    corrected,
    in_force,
    is_far_beyond,
    step_ratio,
)
from kamerplanter_engines.evidence_engine import is_recent
from kamerplanter_engines.models.calibration import Calibration, RawScale
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.tables.channels import CHANNELS
from kamerplanter_engines.telemetry_engine import ChannelState, Sample

_DIGITS_KEPT = 9
"""Hides what binary fractions add."""

_THERMOMETERS = {
    ChannelKind.PH: ChannelKind.WATER_TEMPERATURE,
    ChannelKind.EC: ChannelKind.WATER_TEMPERATURE,
    ChannelKind.SOIL_EC: ChannelKind.SOIL_TEMPERATURE,
}


def calibrated(
    samples: Sequence[Sample],
    calibrations: Mapping[ChannelKind, Sequence[Calibration]],
    states: Mapping[ChannelKind, ChannelState],
) -> tuple[Sample, ...]:
    """Return samples with what each should have been; without a calibration as they are.

    Args:
        samples: Of one message, as the probe showed them.
        calibrations: Those of the probe, by kind.
        states: The memory of all channels, which knows the temperature.
    """
    if not calibrations:
        return tuple(samples)
    return tuple(
        _put_right(sample, calibrations.get(sample.kind, ()), states) for sample in samples
    )


def by_kind(calibrations: Iterable[Calibration]) -> dict[ChannelKind, list[Calibration]]:
    """Return calibrations by what they put right."""
    found: dict[ChannelKind, list[Calibration]] = {}
    for item in calibrations:
        found.setdefault(item.kind, []).append(item)
    return found


def _put_right(
    sample: Sample,
    calibrations: Sequence[Calibration],
    states: Mapping[ChannelKind, ChannelState],
) -> Sample:
    shown = sample.raw
    if shown is None or sample.problem is not None or not isfinite(shown):
        return sample
    calibration = in_force(calibrations, sample.kind, sample.at)
    if calibration is None:
        return sample
    temperature_c = _temperature(sample.kind, sample.at, states)
    value = corrected(calibration, calibration.fit, shown, temperature_c)
    step = None if sample.step is None else sample.step * step_ratio(calibration.fit, shown)
    is_quantity = (
        calibration.scale is RawScale.VALUE and sample.kind is not ChannelKind.SOIL_MOISTURE
    )
    return sample._replace(
        raw=round(value, _DIGITS_KEPT),
        measured=shown,
        has_ends=is_quantity,
        hint=None,
        out_of_curve=is_far_beyond(calibration, calibration.fit, shown),
        step=step,
    )


def _temperature(
    kind: ChannelKind, at: datetime, states: Mapping[ChannelKind, ChannelState]
) -> float | None:
    """Return the temperature of the liquid, if the same probe has measured it lately."""
    thermometer = _THERMOMETERS.get(kind)
    state = None if thermometer is None else states.get(thermometer)
    if thermometer is None or state is None or state.good_at is None or state.good_is_retained:
        return None
    max_age_s = CHANNELS[thermometer].max_age_s
    return state.good_value if is_recent(state.good_at, now=at, max_age_s=max_age_s) else None
