"""Samples as a calibration puts them right, before they are judged."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from types import MappingProxyType

from kamerplanter_engines.calibration_engine import (
    corrected,
    in_force,
    is_far_beyond,
    step_ratio,
)
from kamerplanter_engines.evidence_engine import is_recent
from kamerplanter_engines.models.calibration import Calibration, RawScale
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from kamerplanter_engines.raw_mapping_engine import CONDUCTIVITIES
from kamerplanter_engines.science.electrochemistry import ec_at_25_ms_cm
from kamerplanter_engines.tables.channels import CHANNELS
from kamerplanter_engines.telemetry_engine import ChannelState, Sample

_DIGITS_KEPT = 9
"""Hides what binary fractions add."""

COEFFICIENT_PCT = 2.0
"""Change of conductivity per kelvin where a binding says no other one [% of that at 25 °C]."""

THERMOMETERS = {
    ChannelKind.PH: ChannelKind.WATER_TEMPERATURE,
    ChannelKind.EC: ChannelKind.WATER_TEMPERATURE,
    ChannelKind.SOIL_EC: ChannelKind.SOIL_TEMPERATURE,
}
"""Which channel of the same probe tells the temperature of the liquid."""


def calibrated(
    samples: Sequence[Sample],
    calibrations: Mapping[ChannelKind, Sequence[Calibration]],
    states: Mapping[ChannelKind, ChannelState],
    coefficients_pct: Mapping[ChannelKind, float] = MappingProxyType({}),
) -> tuple[Sample, ...]:
    """Return samples with what each should have been; without a reason to change, as they are.

    Conductivity that the device does not compensate is brought to 25 °C, once; where nobody knows
    the temperature, or it is too cold for the coefficient, it is marked so.

    Args:
        samples: Of one message, as the probe showed them.
        calibrations: Those of the probe, by kind.
        states: The memory of all channels, which knows the temperature.
        coefficients_pct: Of the channels that the device does not compensate, see `uncompensated`.
    """
    if not (calibrations or coefficients_pct):
        return tuple(samples)
    return tuple(
        _put_right(
            sample,
            in_force(calibrations.get(sample.kind, ()), sample.kind, sample.at),
            _temperature(sample, samples, states),
            coefficients_pct.get(sample.kind),
        )
        if _can_be_put_right(sample)
        else sample
        for sample in samples
    )


def uncompensated(channels: Iterable[ChannelBinding]) -> dict[ChannelKind, float]:
    """Return the change per kelvin of each conductivity that its device does not compensate [%]."""
    return {
        item.kind: item.temperature_coefficient_pct
        for item in channels
        if item.kind in CONDUCTIVITIES and not item.compensated
    }


def by_kind(calibrations: Iterable[Calibration]) -> dict[ChannelKind, list[Calibration]]:
    """Return calibrations by what they put right."""
    found: dict[ChannelKind, list[Calibration]] = {}
    for item in calibrations:
        found.setdefault(item.kind, []).append(item)
    return found


def _can_be_put_right(sample: Sample) -> bool:
    return sample.raw is not None and sample.problem is None and isfinite(sample.raw)


def _put_right(
    sample: Sample,
    calibration: Calibration | None,
    temperature_c: float | None,
    coefficient_pct: float | None,
) -> Sample:
    shown = sample.raw
    if (calibration is None and coefficient_pct is None) or shown is None:
        return sample
    value, step, is_quantity, is_far = shown, sample.step, sample.has_ends, sample.out_of_curve
    is_as_in_solution = coefficient_pct is not None
    if calibration is not None:
        at_solution = sample.kind in CONDUCTIVITIES and not calibration.compensated
        is_as_in_solution |= at_solution
        # What has to be compensated is, below, with the coefficient of this probe.
        value = corrected(
            calibration, calibration.fit, shown, None if at_solution else temperature_c
        )
        step = None if step is None else step * step_ratio(calibration.fit, shown)
        is_far = is_far_beyond(calibration, calibration.fit, shown)
        is_quantity = (
            calibration.scale is RawScale.VALUE and sample.kind is not ChannelKind.SOIL_MOISTURE
        )
    at_25: float | None = None
    if is_as_in_solution and temperature_c is not None:
        at_25 = ec_at_25_ms_cm(
            value, temperature_c, COEFFICIENT_PCT if coefficient_pct is None else coefficient_pct
        )
    return sample._replace(
        raw=round(value if at_25 is None else at_25, _DIGITS_KEPT),
        measured=shown,
        has_ends=is_quantity,
        hint=None if calibration is not None else sample.hint,
        out_of_curve=is_far,
        step=step,
        uncompensated=is_as_in_solution and at_25 is None,
    )


def _temperature(
    sample: Sample, message: Sequence[Sample], states: Mapping[ChannelKind, ChannelState]
) -> float | None:
    """Return the temperature of the liquid, if the same probe has measured it lately.

    Before its thermometer was ever judged, the one in the same message counts, if it is plausible.
    """
    thermometer = THERMOMETERS.get(sample.kind)
    if thermometer is None:
        return None
    state, spec = states.get(thermometer), CHANNELS[thermometer]
    if state is not None and state.good_at is not None and not state.good_is_retained:
        is_fresh = is_recent(state.good_at, now=sample.at, max_age_s=spec.max_age_s)
        return state.good_value if is_fresh else None
    if state is not None and state.verdict is not None:
        return None
    low = spec.physical_low if spec.plausible_low is None else spec.plausible_low
    high = spec.physical_high if spec.plausible_high is None else spec.plausible_high
    shown = next((other.raw for other in message if other.kind is thermometer), None)
    # An exact 0 is what a dead circuit says.
    return shown if shown is not None and shown != 0 and low <= shown <= high else None
