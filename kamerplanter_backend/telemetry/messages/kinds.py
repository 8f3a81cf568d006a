"""What screens ask about a kind of value or a binding."""

from datetime import datetime, timedelta
from typing import NamedTuple

from kamerplanter_engines.binding_options_engine import max_age_of
from kamerplanter_engines.models.hand_measurement import HandMeasurement
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from kamerplanter_engines.tables.channels import (
    BATTERY_LOW_PCT,
    BINDING_LIMITS,
    CHANNELS,
    START_GRACE_S,
)


class KindDefaults(NamedTuple):
    """What holds for a binding that says nothing else."""

    max_age_s: float
    """How old a value may be and still be shown. [s]"""
    hold_s: float
    """How long a value has to stay out of its band to be a problem. [s]"""
    rate_per_min: float | None
    """The change that is expected at most [canonical unit/min]; none = any."""


def defaults_of_kind(kind: ChannelKind) -> KindDefaults:
    """Return what holds for a kind of value where its binding is silent."""
    spec = CHANNELS[kind]
    return KindDefaults(spec.max_age_s, spec.hold_s, spec.rate_per_min)


def option_limits(option: str) -> tuple[float, float]:
    """Return the least and the most that a binding may set for an option, by its field."""
    return BINDING_LIMITS[option]


def canonical_unit(kind: ChannelKind) -> str:
    """Return the unit in which a kind of value is kept; empty = it has none."""
    return CHANNELS[kind].unit


def max_age_s(binding: ChannelBinding) -> float:
    """Return how old a value may be and still be shown, in seconds."""
    return max_age_of(binding)


def silent_after_s(binding: ChannelBinding) -> float:
    """Return how long a source may be silent before a person is told of it, in seconds.

    As long as its values live, but never in the quiet time after a start.
    """
    return max(max_age_of(binding), START_GRACE_S)


def by_hand_until(measured: HandMeasurement) -> datetime:
    """Return when a value that was measured by hand becomes too old to be shown."""
    return measured.measured_at + timedelta(seconds=CHANNELS[measured.kind].max_age_s)


def is_battery_low(charge_pct: float) -> bool:
    """Tell whether a battery should be changed or charged."""
    return charge_pct < BATTERY_LOW_PCT
