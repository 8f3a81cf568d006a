"""What the judgement of readings works on: samples, the numbers in force, and memory.

The memory of a channel is a value that goes in and comes out of `telemetry_engine`.  What is made
anew for each value of each message is a named tuple, which costs a third of a frozen dataclass.
"""

from collections.abc import Sequence
from copy import replace
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import NamedTuple

from kamerplanter_engines.binding_options_engine import (
    hold_of,
    max_age_of,
    rate_of,
    stuck_after_of,
)
from kamerplanter_engines.models.base import CLOCK_TOLERANCE, is_ahead
from kamerplanter_engines.models.tank import Side
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Hint,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.tables.channels import (
    CHANNELS,
    DEVICE_STUCK_S,
    STOCK_EC_HIGH_MS_CM,
    STOCK_EC_RATE_PER_MIN,
    TWIN_STUCK_S,
)

SAME_READING_S = 1.0
"""An equal value of a channel that is less than this away is the same reading. [s]

At this distance it is another one: what is measured each second is measured each second."""
RATE_FLOOR_S = 60.0
"""Two readings closer than this are compared as if so far apart. [s]"""
_ROUNDING = 1e-9


class Sample(NamedTuple):
    """What one message says about one channel, before it is judged."""

    kind: ChannelKind
    at: datetime
    """When it was measured; the time of receipt where the device does not know."""
    received_at: datetime
    raw: float | None = None
    """The number in the canonical unit; none = no value, see `problem`."""
    problem: Reason | None = None
    """Why there is no number."""
    hint: Hint | None = None
    has_device_time: bool = False
    """`at` comes from the device and is believed."""
    out_of_curve: bool = False
    """The raw number lies far beyond the ends of its curve."""
    step: float | None = None
    """What one more on the last digit sent would be; none = taken from `raw`. Canonical unit."""
    measured: float | None = None
    """What the probe showed before its calibration; none = there is no calibration."""
    has_ends: bool = True
    """What the probe showed is the quantity itself, so its 0 and full scale are end stops."""
    uncompensated: bool = False
    """It should have been brought to 25 °C, and nobody knows how: its temperature, or by what."""
    is_canonical: bool = False
    """It was told in a unit of its kind, so it needs no calibration to mean something."""
    uncalibrated: bool = False
    """A raw number that no calibration in force turns into what it means."""
    calibrating: bool = False
    """Its device is just being calibrated, so it lies in a solution and not where it belongs."""
    is_ready: bool = False
    """The message itself names a unit of its kind, so it is no raw number."""
    clock_stands_still: bool = False
    """The device told the time of another number again, so the time of receipt counts."""

    @property
    def sent(self) -> float | None:
        """The number as the device says it; only this tells whether it stands still."""
        return self.raw if self.measured is None else self.measured

    @property
    def shown(self) -> float | None:
        """The number by which a dead circuit is told; none = no number tells."""
        if self.measured is None:
            return self.raw
        return self.measured if self.has_ends else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRules:
    """The numbers in force for one channel; made by `rules_for`."""

    kind: ChannelKind
    physical_low: float
    physical_high: float
    plausible_low: float
    plausible_high: float
    rate_per_s: float | None
    """Change that is just believed: twice the fastest true one. [canonical unit/s]; none = any."""
    max_age_s: float
    hold_s: float
    twin_stuck_s: float
    device_stuck_s: float
    zero_is_suspect: bool
    zero_reach: float | None
    """An exact 0 is true where the last good value was no further from it; none = it never is."""
    zero_counts: bool
    """An exact 0 is doubtful in bad company."""
    full_scale: tuple[float, ...]
    full_scale_is_suspect: bool
    repeats_are_natural: bool
    shown_low: float | None
    shown_high: float | None
    is_temperature: bool
    is_about_device: bool
    """It speaks neither for nor against the other values of a message."""

    def allowed(self, elapsed_s: float) -> float:
        """Return how far a value may move in a time [s] and still be believed. Canonical unit."""
        if self.rate_per_s is None:
            return inf
        return self.rate_per_s * max(elapsed_s, RATE_FLOOR_S) + _ROUNDING

    def implausible_side(self, value: float) -> Side | None:
        """Return on which side of the plausible range a value lies; none = within it."""
        if value < self.plausible_low:
            return Side.LOW
        return Side.HIGH if value > self.plausible_high else None


class ChannelState(NamedTuple):
    """The memory of one channel; without arguments: nothing known."""

    good_value: float | None = None
    good_at: datetime | None = None
    good_received_at: datetime | None = None
    good_is_retained: bool = False
    """The broker had kept it: shown with its age, never fresh."""
    verdict: Verdict | None = None
    """Of the newest message."""
    reasons: tuple[Reason, ...] = ()
    hint: Hint | None = None
    value: float | None = None
    """Of the newest good or suspect reading."""
    sent: float | None = None
    """As the device said it, before calibration and compensation, which move with time and
    temperature although the device stands still; of the newest one that is no end stop."""
    at: datetime | None = None
    unchanged_since: datetime | None = None
    is_stuck: bool = False
    finest_step: float | None = None
    has_moved: bool = False
    """It has shown at least two different values."""
    doubted_value: float | None = None
    """Newest value of a run of readings outside range or rate; none = no such run."""
    doubted_sent: float | None = None
    """The same as the device said it."""
    doubted_at: datetime | None = None
    doubted_jump: float | None = None
    """How far from the last good value the run might have begun; none = not known."""
    agreeing: int = 0
    agreeing_differ: bool = False
    proved_side: Side | None = None
    """On which side of the plausible range its last good value lies, having proved itself."""
    refused_at: datetime | None = None
    """When the newest number was measured that cannot be true; it is not stored."""


UNKNOWN_CHANNEL = ChannelState()


class Judged(NamedTuple):
    """A reading with its verdict."""

    kind: ChannelKind
    value: float | None
    """None where the verdict is bad. Canonical unit."""
    verdict: Verdict
    at: datetime
    received_at: datetime
    reasons: tuple[Reason, ...] = ()
    hint: Hint | None = None
    is_repeat: bool = False
    """The same value again within a second: one reading."""
    measured: float | None = None
    """What the probe showed before its calibration; none = there is no calibration."""


def rules_for(
    binding: ChannelBinding,
    *,
    plain_water: bool = False,
    stock_solution: bool = False,
) -> ChannelRules:
    """Return the numbers in force for a channel: its own options, else the defaults of its kind.

    Args:
        binding: The channel with its options.
        plain_water: The tank holds water where an EC of 0 is a real value.
        stock_solution: The tank holds a concentrate, up to 250 mS/cm.
    """
    spec = CHANNELS[binding.kind]
    is_stock = stock_solution and binding.kind is ChannelKind.EC
    physical_high = STOCK_EC_HIGH_MS_CM if is_stock else spec.physical_high
    plausible_high = physical_high if is_stock else spec.plausible_high
    usual_rate_per_min = STOCK_EC_RATE_PER_MIN if is_stock else spec.rate_per_min
    own_rate_per_min = rate_of(binding)
    rate_per_min = usual_rate_per_min if own_rate_per_min is None else own_rate_per_min
    zero_is_real = plain_water and binding.kind is ChannelKind.EC
    # The ends of a curve are where it was measured, not end stops of a circuit.
    has_curve = bool(binding.curve)
    return ChannelRules(
        kind=binding.kind,
        physical_low=spec.physical_low,
        physical_high=physical_high,
        plausible_low=spec.physical_low if spec.plausible_low is None else spec.plausible_low,
        plausible_high=physical_high if plausible_high is None else plausible_high,
        rate_per_s=None if rate_per_min is None else 2 * rate_per_min / 60,
        max_age_s=max_age_of(binding),
        hold_s=hold_of(binding),
        twin_stuck_s=stuck_after_of(binding, TWIN_STUCK_S),
        device_stuck_s=stuck_after_of(binding, DEVICE_STUCK_S),
        zero_is_suspect=spec.zero_is_suspect and not zero_is_real,
        zero_reach=spec.zero_reach,
        zero_counts=not (zero_is_real or has_curve or spec.zero_is_natural or spec.is_about_device),
        full_scale=() if has_curve else (physical_high,) if is_stock else spec.full_scale,
        full_scale_is_suspect=spec.full_scale_is_suspect,
        repeats_are_natural=spec.repeats_are_natural,
        shown_low=spec.shown_low,
        shown_high=spec.shown_high,
        is_temperature=spec.is_temperature,
        is_about_device=spec.is_about_device,
    )


def without_future(state: ChannelState, now: datetime) -> ChannelState:
    """Return the memory of a channel without what lies ahead of now.

    After the clock of the host went back nobody knows how old such a thing is. What spoke for a
    value is forgotten, what spoke against it (doubt, standing still) stays and begins now.

    Args:
        state: The memory so far.
        now: The present moment, aware.

    Returns:
        The same object if nothing lies ahead.
    """
    latest = now + CLOCK_TOLERANCE
    if (
        (state.good_at is None or state.good_at <= latest)
        and (state.good_received_at is None or state.good_received_at <= latest)
        and (state.at is None or state.at <= latest)
        and (state.refused_at is None or state.refused_at <= latest)
        and (state.unchanged_since is None or state.unchanged_since <= latest)
        and (state.doubted_at is None or state.doubted_at <= latest)
    ):
        return state
    if state.good_at is not None and is_ahead(state.good_at, now):
        state = replace(
            state,
            good_value=None,
            good_at=None,
            good_received_at=None,
            good_is_retained=False,
            verdict=None,
            reasons=(Reason.CLOCK_WAS_AHEAD,),
        )
    elif state.good_received_at is not None and is_ahead(state.good_received_at, now):
        # The device knew the time when the host did not: it was heard then at the earliest.
        state = replace(state, good_received_at=state.good_at)
    if state.at is not None and is_ahead(state.at, now):
        state = replace(state, at=None)
    if state.refused_at is not None and is_ahead(state.refused_at, now):
        state = replace(state, refused_at=now)
    if state.unchanged_since is not None and is_ahead(state.unchanged_since, now):
        state = replace(state, unchanged_since=now)
    if state.doubted_at is not None and is_ahead(state.doubted_at, now):
        state = replace(state, doubted_at=now)
    return state


class Known(NamedTuple):
    """What the store knows of a channel."""

    last_good: Reading | None = None
    """The newest good reading."""
    last: Reading | None = None
    """The newest reading of any verdict."""
    unchanged_since: datetime | None = None
    """Since when the device has said the number of the last reading; none = since that reading."""
    finest_step: float | None = None
    """The finest step that its device ever showed; none = only one number is known. Canonical."""
    doubted: Sequence[Reading] = ()
    """The newest readings since the last good one that further ones may make true, oldest first."""
    doubted_since: datetime | None = None
    """When the first of these was measured; none = it is the first of `doubted`."""
    told: Reading | None = None
    """Where the last reading lies at an end stop: the newest one before that does not."""


def of_new_device(state: ChannelState) -> ChannelState:
    """Return the memory of a channel whose device was exchanged.

    The last good value stays on the screen; what was learnt of the old device is forgotten.
    """
    return ChannelState(
        good_value=state.good_value,
        good_at=state.good_at,
        good_received_at=state.good_received_at,
        good_is_retained=state.good_is_retained,
        verdict=state.verdict,
        reasons=state.reasons,
    )


def of_new_place(state: ChannelState, since: datetime) -> ChannelState:
    """Return the memory of a channel whose probe was moved to another place.

    How finely its device steps stays known, and what it measured there already. What is heard
    later and was measured before is late: it is judged by its range alone and shown by nobody.

    Args:
        state: The memory so far.
        since: When it came to where it is, aware.
    """
    after = ChannelState(at=since, finest_step=state.finest_step, has_moved=state.has_moved)
    if state.good_at is None or state.good_at < since:
        return after
    return replace(
        after,
        good_value=state.good_value,
        good_at=state.good_at,
        good_received_at=state.good_received_at,
        good_is_retained=state.good_is_retained,
        verdict=state.verdict,
        reasons=state.reasons,
        at=max(since, state.at or since),
    )
