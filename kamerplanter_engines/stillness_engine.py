"""How finely a channel steps, how long it has not moved, and whether it has stuck.

Source: the project's decisions on judging readings.  A value that stands still proves nothing by
itself; beside a twin that moves, across a dose, or with its whole device, it does.
"""

from collections.abc import Collection, Mapping, Sequence
from copy import replace
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf
from typing import NamedTuple

from kamerplanter_engines.binding_options_engine import stuck_after_of
from kamerplanter_engines.models.telemetry import (
    AIR_KINDS,
    ChannelBinding,
    ChannelKind,
    Reading,
    Reason,
)
from kamerplanter_engines.tables.channels import (
    CHANNELS,
    DEVICE_STUCK_S,
    JUMP_EXPECTED_S,
    TWIN_STUCK_S,
)
from kamerplanter_engines.telemetry_state_engine import ChannelRules, ChannelState, Sample
from kamerplanter_engines.twin_engine import Twin, is_left_behind

COARSE_STEP = 0.1
"""A channel that never showed a finer step may repeat itself honestly. Canonical unit."""
FINE_STEP = 0.01
"""What a channel steps by that is only known to have shown finer steps. Canonical unit."""
END_STOPS = frozenset(
    {Reason.EXACT_ZERO, Reason.FULL_SCALE, Reason.OUT_OF_CURVE, Reason.BAD_COMPANY}
)
"""Where a circuit falls to whatever it measures: what says so has neither moved nor stood still."""
MOVED_BY_SUPPLY = frozenset({ChannelKind.EC, ChannelKind.PH})
"""What a fill or dose always moves; a level may stay, as soil moisture may."""
_ROUNDING = 1e-9


class Around(NamedTuple):
    """What a value is compared with that stands still."""

    device: Mapping[ChannelKind, ChannelState]
    """The memory of all channels of the device."""
    dosed_at: Sequence[datetime] = ()
    """When water or feed was given where it stands, in any order."""
    twins: Sequence[Twin] = ()
    """Channels of its kind of other devices in its place."""


def noted(
    sample: Sample,
    state: ChannelState,
    rules: ChannelRules,
    *,
    reasons: Collection[Reason],
    around: Around,
) -> ChannelState:
    """Remember the value, how fine its steps are and how long it has not moved.

    Args:
        sample: What came.
        state: The memory of the channel.
        rules: The numbers in force for it.
        reasons: Why the number is doubtful by itself.
        around: What it is compared with.
    """
    if not END_STOPS.isdisjoint(reasons):
        # A frozen probe that falls to 0 now and then has not moved.
        since = state.unchanged_since or sample.at
        return replace(state, value=sample.raw, at=sample.at, unchanged_since=since)
    if sample.sent != state.sent:
        return replace(
            state,
            value=sample.raw,
            sent=sample.sent,
            at=sample.at,
            unchanged_since=sample.at,
            is_stuck=False,
            # What is not put right shows nothing of the probe's resolution.
            finest_step=state.finest_step if reasons else finest_step(sample, state),
            has_moved=state.has_moved or (state.sent is not None and not reasons),
        )
    state = replace(state, value=sample.raw, at=sample.at)
    if not state.is_stuck and (
        _slept_through_a_dose(state, rules, around.dosed_at, sample.at)
        or _has_stuck(state, rules, around.device, sample.at)
        or _is_left_behind(sample, state, rules, around.twins)
    ):
        return replace(state, is_stuck=True)
    return state


def _is_left_behind(
    sample: Sample, state: ChannelState, rules: ChannelRules, twins: Sequence[Twin]
) -> bool:
    """Tell whether a meter fine enough to see it stands still while another one moves."""
    if not twins or is_coarse(state):
        return False
    step = finest_step(sample, state)
    return is_left_behind(state, rules, twins, step=step, at=sample.at)


def finest_step(sample: Sample, state: ChannelState) -> float:
    """Return the finest step of a channel that has moved, the sample included. Canonical unit."""
    step, finest = sample.step, state.finest_step
    if step is None or not 0 < step < inf:
        step = digits_step(sample.raw)
    return step if finest is None or step < finest else finest


def digits_step(value: float | None) -> float:
    """Return what one more in the last digit of a number is."""
    digits = f"{value:.6f}".rstrip("0").partition(".")[2]
    return float(10 ** -len(digits))


def run_began_by(last_at: datetime, binding: ChannelBinding) -> datetime:
    """Return how far one has to look back to see that a channel has stuck.

    Args:
        last_at: When it was last measured.
        binding: The channel with its options.
    """
    spec = CHANNELS[binding.kind]
    stuck_s = max(stuck_after_of(binding, DEVICE_STUCK_S), TWIN_STUCK_S)
    # The reading that began the run may lie as far before that as readings lie apart.
    return last_at - timedelta(seconds=stuck_s + spec.max_age_s)


def step_of(*readings: Reading, is_scaled: bool = True) -> float:
    """Return the finest step that readings of one channel show. Canonical unit.

    Millivolts and counts step by their own digits; what a step means is how far the value went.

    Args:
        readings: At least one.
        is_scaled: Whether value and number of the device differ by a scale only; else, as where
            the temperature is in the value too, the digits of the device alone count.
    """
    steps = [digits_step(item.value if item.raw is None else item.raw) for item in readings]
    for item, other in pairwise(readings):
        if not is_scaled:
            break
        if item.raw is not None and other.raw is not None and item.raw != other.raw:
            ratio = abs((item.value - other.value) / (item.raw - other.raw))
            steps += [min(steps) * ratio] if ratio > 0 else []
    return min(steps)


def is_end_stop(reading: Reading) -> bool:
    """Tell whether a reading says nothing of movement, as it lies at an end stop."""
    return not END_STOPS.isdisjoint(reading.reasons)


def is_coarse(state: ChannelState) -> bool:
    """Tell whether a channel steps so coarsely that it may repeat itself honestly."""
    return state.has_moved and state.finest_step is not None and is_coarse_step(state.finest_step)


def is_coarse_step(step: float) -> bool:
    """Tell whether a finest step [canonical unit] is so coarse that equal numbers are natural."""
    return step >= COARSE_STEP - _ROUNDING


def _slept_through_a_dose(
    state: ChannelState, rules: ChannelRules, dosed_at: Sequence[datetime], now: datetime
) -> bool:
    """Tell whether a value stayed the same to the digit for hours in which it had to move.

    Water and feed need their time to mix, and what was given a day ago says nothing any more. A
    coarse meter may not see a small dose.
    """
    since = state.unchanged_since
    if since is None or not dosed_at or rules.kind not in MOVED_BY_SUPPLY:
        return False
    mixed_by = now - timedelta(seconds=JUMP_EXPECTED_S)
    remembered = now - timedelta(seconds=DEVICE_STUCK_S)
    return (
        any(since < at <= mixed_by and at >= remembered for at in dosed_at)
        and (now - since).total_seconds() >= rules.twin_stuck_s
        and not is_coarse(state)
    )


def _has_stuck(
    state: ChannelState,
    rules: ChannelRules,
    device: Mapping[ChannelKind, ChannelState],
    now: datetime,
) -> bool:
    since = state.unchanged_since
    if since is None or rules.is_about_device:
        return False
    flat_s = (now - since).total_seconds()
    # A coarse thermometer in an even reservoir does not see what the other one does.
    if rules.is_temperature and flat_s >= rules.twin_stuck_s and not is_coarse(state):
        for kind, twin in device.items():
            if kind is rules.kind or not _go_together(kind, rules.kind):
                continue
            moved = twin.unchanged_since
            # It still moved in the later half of the time, so the place is not just even.
            if moved is not None and (now - moved).total_seconds() < rules.twin_stuck_s / 2:
                return True
    if flat_s < rules.device_stuck_s:
        return False
    others = [
        other
        for kind, other in device.items()
        if kind is not rules.kind
        and not CHANNELS[kind].is_about_device
        and other.at is not None
        and other.unchanged_since is not None
        and (now - other.at).total_seconds() < rules.device_stuck_s
    ]
    return bool(others) and all(
        (now - other.unchanged_since).total_seconds() >= rules.device_stuck_s
        for other in others
        if other.unchanged_since is not None
    )


def _go_together(kind: ChannelKind, other: ChannelKind) -> bool:
    """Tell whether two temperatures of one device are of one thing.

    Air moves by the minute, and a leaf with the light, where water and soil keep still for hours.
    """
    return (
        CHANNELS[kind].is_temperature
        and CHANNELS[other].is_temperature
        and not {kind, other} & set(AIR_KINDS)
    )
