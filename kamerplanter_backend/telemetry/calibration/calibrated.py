"""Samples as a calibration puts them right, before they are judged."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from math import isfinite
from types import MappingProxyType
from typing import NamedTuple, Protocol, Self

from kamerplanter_engines.calibration_engine import (
    corrected,
    is_far_beyond,
    step_ratio,
)
from kamerplanter_engines.calibration_in_force_engine import in_force
from kamerplanter_engines.evidence_engine import is_recent
from kamerplanter_engines.models.calibration import Calibration, RawScale
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reason, Verdict
from kamerplanter_engines.raw_mapping_engine import CONDUCTIVITIES
from kamerplanter_engines.raw_scale_engine import is_for_bare_numbers
from kamerplanter_engines.science.electrochemistry import ec_at_25_ms_cm
from kamerplanter_engines.tables.channels import CHANNELS
from kamerplanter_engines.telemetry_engine import (
    ChannelRules,
    ChannelState,
    Judged,
    Sample,
    judge_message,
)
from kamerplanter_engines.warmth_engine import THERMOMETERS, is_doubted, uncompensated

_DIGITS_KEPT = 9
"""Hides what binary fractions add."""

COEFFICIENT_PCT = 2.0
"""Change of conductivity per kelvin where a binding says no other one [% of that at 25 °C]."""


class Warmth(Protocol):
    """Tells how warm the liquid was that conductivity was measured in. [°C]; none = unknown."""

    def __call__(
        self, kind: ChannelKind, at: datetime, *, is_own_doubted: bool = False
    ) -> float | None:
        """Return it as of a moment, without the own thermometer where that is doubted."""


def _unknown_warmth(
    kind: ChannelKind,  # noqa: ARG001 (nobody knows, whatever is asked)
    at: datetime,  # noqa: ARG001
    *,
    is_own_doubted: bool = False,  # noqa: ARG001
) -> None:
    return None


class Corrections(NamedTuple):
    """What is known of a probe that changes what it shows."""

    calibrations: Mapping[ChannelKind, Sequence[Calibration]] = MappingProxyType({})
    """Those of the probe, by kind."""
    coefficients_pct: Mapping[ChannelKind, float] = MappingProxyType({})
    """Of the channels that the device does not compensate, see `uncompensated`."""
    raw_kinds: Collection[ChannelKind] = ()
    """Of which a number means nothing where no calibration is in force."""

    def of_channels(self, channels: Iterable[ChannelBinding]) -> Self:
        """Return the same for channels as they are bound now."""
        return self._replace(coefficients_pct=uncompensated(channels))

    def by(self, made: Iterable[Calibration], raw_kinds: Collection[ChannelKind]) -> Self:
        """Return the same with other calibrations."""
        return self._replace(calibrations=by_kind(made), raw_kinds=raw_kinds)

    def as_before(self, earlier: Corrections, kinds: Collection[ChannelKind]) -> Self:
        """Return the same with the calibrations of an earlier moment for some kinds."""
        made = {**self.calibrations, **{k: earlier.calibrations.get(k, ()) for k in kinds}}
        raw = {kind for kind in self.raw_kinds if kind not in kinds}
        return self._replace(
            calibrations=made, raw_kinds=raw | {k for k in earlier.raw_kinds if k in kinds}
        )


def calibrated(
    samples: Sequence[Sample],
    corrections: Corrections,
    states: Mapping[ChannelKind, ChannelState],
    rules: Mapping[ChannelKind, ChannelRules],
    jumps_at: Sequence[datetime] = (),
    *,
    warmth: Warmth = _unknown_warmth,
) -> tuple[Sample, ...]:
    """Return samples with what each should have been; without a reason to change, as they are.

    Conductivity that the device does not compensate is brought to 25 °C, once; where nobody knows
    the temperature, or it is too cold for the coefficient, it is marked so. So is a raw number
    without a calibration. A value that names a unit of its kind is ready: a calibration of volts or
    counts is not for it.

    Args:
        samples: Of one message, as the probe showed them.
        corrections: What is known of the probe.
        states: The memory of all channels, which knows the temperature.
        rules: The numbers in force for them, by which a thermometer beside them is judged.
        jumps_at: As for `judge_message`.
        warmth: What other thermometers of the place tell, and those of the probe before its newest
            reading; asked for conductivity of which the probe itself tells nothing.
    """
    calibrations, coefficients_pct, raw_kinds = corrections
    if not (calibrations or coefficients_pct or raw_kinds):
        return tuple(samples)
    found: list[Sample] = []
    for sample in samples:
        if not _can_be_put_right(sample):
            found.append(sample)
            continue
        kind = sample.kind
        calibration = in_force(calibrations.get(kind, ()), kind, sample.at)
        if calibration is not None and not _is_for(calibration, sample):
            calibration = None
        coefficient_pct = coefficients_pct.get(kind)
        temperature_c = None
        if coefficient_pct is not None or _asks_for_temperature(calibration):
            own = _own_in_message(sample, samples, states, rules, jumps_at)
            if own is None or (own.verdict is not Verdict.GOOD and kind not in CONDUCTIVITIES):
                temperature_c = _remembered_c(sample, states)
            elif own.verdict is Verdict.GOOD:
                temperature_c = own.value
            if temperature_c is None and kind in CONDUCTIVITIES:
                temperature_c = warmth(kind, sample.at, is_own_doubted=own is not None)
        if calibration is None and kind in raw_kinds and not sample.is_canonical:
            found.append(sample._replace(uncalibrated=True))
        else:
            found.append(_put_right(sample, calibration, temperature_c, coefficient_pct))
    return tuple(found)


def by_kind(calibrations: Iterable[Calibration]) -> dict[ChannelKind, list[Calibration]]:
    """Return calibrations by what they put right."""
    found: dict[ChannelKind, list[Calibration]] = {}
    for item in calibrations:
        found.setdefault(item.kind, []).append(item)
    return found


def _asks_for_temperature(calibration: Calibration | None) -> bool:
    return calibration is not None and (
        calibration.scale is RawScale.MILLIVOLT
        or (calibration.kind in CONDUCTIVITIES and not calibration.compensated)
    )


def _is_for(calibration: Calibration, sample: Sample) -> bool:
    """Tell whether a calibration was made on numbers such as this one."""
    if sample.uncalibrated:
        return calibration.scale is RawScale.MILLIVOLT
    return not (sample.is_ready and is_for_bare_numbers(calibration))


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
    # A huge number that a calibration stretched beyond all numbers is judged as it is.
    if is_as_in_solution and temperature_c is not None and isfinite(value):
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
        uncalibrated=sample.uncalibrated and calibration is None,
    )


def _own_in_message(
    sample: Sample,
    message: Sequence[Sample],
    states: Mapping[ChannelKind, ChannelState],
    rules: Mapping[ChannelKind, ChannelRules],
    jumps_at: Sequence[datetime],
) -> Judged | None:
    """Return the temperature of the liquid that the same message tells.

    It counts before the one that is remembered: the water may be another since, and a message
    that comes late has its own. Where it is not good, the thermometer tells no conductivity.
    """
    thermometer = THERMOMETERS.get(sample.kind)
    if thermometer is None:
        return None
    max_age_s = CHANNELS[thermometer].max_age_s
    for other in message:
        if other.kind is thermometer and is_recent(other.at, now=sample.at, max_age_s=max_age_s):
            # It is judged once more with the others, which is when its memory moves on.
            verdicts, _ = judge_message((other,), states, rules, jumps_at=jumps_at)
            if verdicts and Reason.NOT_A_NUMBER not in verdicts[0].reasons:
                return verdicts[0]
    return None


def _remembered_c(sample: Sample, states: Mapping[ChannelKind, ChannelState]) -> float | None:
    """Return the last good temperature of the same probe, if it is not too old [°C].

    Conductivity moves by 2 % with each kelvin, so it goes by none that is doubted since.
    """
    thermometer = THERMOMETERS.get(sample.kind)
    state = None if thermometer is None else states.get(thermometer)
    if thermometer is None or state is None or state.good_at is None or state.good_is_retained:
        return None
    if sample.kind in CONDUCTIVITIES and is_doubted(state):
        return None
    max_age_s = CHANNELS[thermometer].max_age_s
    is_fresh = is_recent(state.good_at, now=sample.at, max_age_s=max_age_s)
    return state.good_value if is_fresh else None
