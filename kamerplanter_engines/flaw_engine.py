"""What is wrong with a number by itself; only an exact 0 asks for what came before it.

Sources: the project's decisions on readings, and the numbers in `tables.channels`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from kamerplanter_engines.models.telemetry import Reason
from kamerplanter_engines.tables.channels import DISCONNECTED_C, STARTUP_C
from kamerplanter_engines.telemetry_state_engine import ChannelRules, Sample

_SIGNATURE_TOLERANCE_C = 0.06
"""-196.6 °F is -127.0 °C up to rounding."""


@dataclass(frozen=True, slots=True)
class Flaws:
    """What is wrong with a number by itself."""

    reasons: tuple[Reason, ...] = ()
    is_bad: bool = False
    is_end: bool = False
    """An exact 0 or full scale."""
    is_doubtful: bool = False
    """It makes a 0 or full scale beside it doubtful."""
    is_below_nothing: bool = False
    """The zero of its circuit may be off; or the device says with it that it measured nothing."""


_NONE = Flaws()
_MISSING = Flaws((Reason.MISSING_FIELD,))


def in_bad_company(flaw: Flaws, all_flaws: Sequence[Flaws], doubtful: int) -> bool:
    """Tell whether the company of a number makes it doubtful, which may be true alone.

    Args:
        flaw: That of the number.
        all_flaws: Those of all numbers that were read of the message.
        doubtful: How many values of the message are doubtful, it among them.
    """
    if flaw.is_bad or not doubtful:
        return False
    if flaw.is_end:
        return doubtful > 1
    if not flaw.is_below_nothing:
        return False
    # A full tank says nothing against the dark.
    return doubtful > 1 or not any(item.is_end for item in all_flaws)


def flaws_of(sample: Sample, rules: ChannelRules, last_good: float | None) -> Flaws:
    """Return what is wrong with one number of a message, without a look at the others.

    Args:
        sample: What the message says of one channel.
        rules: The numbers in force for it.
        last_good: What the channel showed last that was good; none = nothing yet. Canonical unit.
    """
    if sample.problem is Reason.MISSING_FIELD:
        return _MISSING
    no_value = _no_value(sample, rules)
    if no_value is not None:
        return Flaws((no_value,), is_bad=True, is_doubtful=not rules.is_about_device)
    shown = sample.shown
    # A calibration cuts off at 0 what a probe shows in air; that is no more true than its own 0.
    is_zero = rules.zero_counts and (shown == 0 or (sample.raw == 0 and rules.zero_is_suspect))
    is_full = shown in rules.full_scale
    is_below = rules.shown_low is not None and (sample.raw or 0) < rules.shown_low
    if not (
        is_zero
        or is_full
        or is_below
        or sample.out_of_curve
        or sample.uncompensated
        or sample.uncalibrated
        or sample.calibrating
    ):
        return _NONE
    # A temperature that fell to 0 says nothing against 100 % of humidity beside it.
    is_zero = is_zero and not _may_have_reached_zero(rules, last_good)
    reasons: list[Reason] = [Reason.CALIBRATING] if sample.calibrating else []
    if is_zero and rules.zero_is_suspect:
        reasons.append(Reason.EXACT_ZERO)
    if is_full and rules.full_scale_is_suspect:
        reasons.append(Reason.FULL_SCALE)
    if sample.out_of_curve:
        reasons.append(Reason.OUT_OF_CURVE)
    if sample.uncompensated:
        reasons.append(Reason.UNCOMPENSATED)
    if sample.uncalibrated:
        reasons.append(Reason.UNCALIBRATED)
    is_end = is_zero or is_full
    return Flaws(tuple(reasons), is_end=is_end, is_doubtful=is_end, is_below_nothing=is_below)


def _may_have_reached_zero(rules: ChannelRules, last_good: float | None) -> bool:
    reach = rules.zero_reach
    return reach is not None and last_good is not None and abs(last_good) <= reach


def _no_value(sample: Sample, rules: ChannelRules) -> Reason | None:
    """Return why a number cannot be a measurement at all."""
    value = sample.raw
    if sample.problem is not None or value is None:
        return sample.problem or Reason.NOT_A_NUMBER
    if rules.is_temperature:
        if abs(value - STARTUP_C) < _SIGNATURE_TOLERANCE_C:
            return Reason.STARTUP_SIGNATURE
        if abs(value - DISCONNECTED_C) < _SIGNATURE_TOLERANCE_C:
            return Reason.DISCONNECT_SIGNATURE
    if not rules.physical_low <= value <= rules.physical_high:
        if not isfinite(value):
            return Reason.NOT_A_NUMBER
        return Reason.UNCALIBRATED if sample.uncalibrated else Reason.OUTSIDE_PHYSICAL
    return None
