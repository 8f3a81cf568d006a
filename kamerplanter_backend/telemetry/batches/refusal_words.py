"""Says in words why a reading of a batch is no value: the field, what it was, what is possible."""

from math import isfinite

from kamerplanter_backend.telemetry.batches.sent_readings import SentReading, UnusedTime
from kamerplanter_engines.errors import UnknownUnitError
from kamerplanter_engines.hand_measurement_engine import shown_unit
from kamerplanter_engines.models.telemetry import ChannelBinding, Probe
from kamerplanter_engines.telemetry_engine import ChannelRules
from kamerplanter_engines.units import conversion

_WHY = {
    UnusedTime.AHEAD: "lies more than 2 minutes ahead; set the clock of the device",
    UnusedTime.TOO_OLD: "is older than single readings are kept",
}


def no_probe(sent: SentReading) -> str:
    """Say that a reading is of no probe."""
    key = sent.probe_key
    return f"probe_key {key!r} is no probe of this garden, or an archived one; give another one."


def no_channel(sent: SentReading, probe: Probe) -> str:
    """Say that a probe has no such channel, and which it has."""
    known = ", ".join(channel.kind for channel in probe.channels) or "none"
    return f"kind {sent.kind} is not measured by probe {probe.name}; its channels: {known}."


def not_of_now(sent: SentReading, unused: UnusedTime) -> str:
    """Say why the time of a reading does not count, where another one is the one of now."""
    at = "none" if sent.at is None else sent.at.isoformat()
    return f"at {at} {_WHY[unused]}; another reading of this channel is taken for the one of now."


def no_value(sent: SentReading, binding: ChannelBinding, rules: ChannelRules) -> str | None:
    """Say what a value can be, in the unit in which it was sent; none = it could be one.

    Where a curve makes it a value the number says nothing by itself, nor by a factor that is next
    to nothing.
    """
    unit = sent.unit or binding.unit
    try:
        per_unit, offset = conversion(sent.kind, unit)
    except UnknownUnitError:
        return None
    factor = per_unit * binding.factor
    value = sent.value * factor + offset
    is_possible = rules.physical_low <= value <= rules.physical_high
    if binding.curve or is_possible or factor == 0:
        return None
    low, high = ((limit - offset) / factor for limit in (rules.physical_low, rules.physical_high))
    if not (isfinite(low) and isfinite(high)):
        return None
    behind = shown_unit(sent.kind, unit)
    return (
        f"value {sent.value:g}{behind} is no {sent.kind}; possible are {low:g} to {high:g}{behind}."
    )
