"""Which bindings of a probe can ever give a value."""

from collections.abc import Iterable
from unicodedata import category

from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError, UnknownUnitError
from kamerplanter_engines.models.telemetry import (
    MAX_TEMPERATURE_COEFFICIENT_PCT,
    ChannelBinding,
    ChannelKind,
    CurvePoint,
    ProbeFields,
)
from kamerplanter_engines.tables.channels import BINDING_LIMITS, CHANNELS, RAW_HIGH
from kamerplanter_engines.units import reading_conversion

MAX_TOPIC_BYTES = 65_535
"""MQTT writes the length of a topic in two bytes."""
_OPTIONS = {
    "max_age_s": "the greatest age in seconds",
    "rate_per_min": "a rate per minute",
    "stuck_after_s": "the time without a change in seconds",
    "hold_s": "the time out of band in seconds",
}


def can_be_sent(text: str) -> bool:
    """Tell whether a broker takes a text as a topic or filter, whatever wildcards are in it.

    Control characters and those that Unicode reserves for nothing are a reason for it to end the
    connection, with all the other topics.

    Source: [MQTT5] 1.5.4.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return False
    return 0 < size <= MAX_TOPIC_BYTES and not any(map(_is_never_sent, text))


_PLANE_END = 0xFFFE
"""The last two of each 65,536 characters are none."""


def _is_never_sent(character: str) -> bool:
    is_no_character = "\ufdd0" <= character <= "\ufdef" or ord(character) & _PLANE_END == _PLANE_END
    return is_no_character or category(character) == "Cc"


def is_topic(text: str) -> bool:
    """Tell whether a text names one topic of a broker, without wildcards.

    Source: [MQTT5] 1.5.4 and 4.7.
    """
    return can_be_sent(text) and not set(text) & {"#", "+"}


def curve_range(kind: ChannelKind) -> tuple[float, float]:
    """Return the lowest and highest value that a point of a curve can mean, in canonical units."""
    spec = CHANNELS[kind]
    return (
        spec.physical_low if spec.shown_low is None else spec.shown_low,
        spec.physical_high if spec.shown_high is None else spec.shown_high,
    )


def is_possible_curve(kind: ChannelKind, curve: Iterable[CurvePoint]) -> bool:
    """Tell whether each point of a curve has a raw number and a value that can be."""
    low, high = curve_range(kind)
    return all(-RAW_HIGH <= point.raw <= RAW_HIGH and low <= point.value <= high for point in curve)


def check_bindings(probe: ProbeFields, before: ProbeFields | None = None) -> None:
    """Refuse bindings that could never give a value, before anybody waits for one.

    What is stored already is not looked at again: a name must stay changeable whatever an older
    version took in beside it.

    Args:
        probe: The probe as it is to be.
        before: The probe as it is stored; none = it is new.

    Raises:
        UnknownUnitError: A unit does not belong to its kind.
        OutOfRangeError: A point of a curve means a value that the kind cannot have or is no number
            of a converter, no solution changes as much with the temperature, or an age, time or
            rate is outside `BINDING_LIMITS`.
        InvalidInputError: A topic has wildcards, cannot be sent, or is too long.
    """
    known = () if before is None else before.channels
    for number, binding in enumerate(probe.channels):
        if binding not in known:
            _check_binding(binding, f"channels.{number}")
    there = probe.availability
    if there is not None and (before is None or there != before.availability):
        _check_topic(there.topic, "availability.topic")


def _check_binding(binding: ChannelBinding, place: str) -> None:
    if binding.topic is not None:
        _check_topic(binding.topic, f"{place}.topic")
    try:
        reading_conversion(binding.kind, binding.unit)
    except UnknownUnitError as error:
        raise UnknownUnitError(
            error.message, field=f"{place}.unit", **error.placeholders
        ) from error
    change, most = binding.temperature_coefficient_pct, MAX_TEMPERATURE_COEFFICIENT_PCT
    _check_within(change, (0, most), f"{place}.temperature_coefficient_pct", "a change per kelvin")
    for option, within in BINDING_LIMITS.items():
        value = getattr(binding, option)
        if value is not None:
            _check_within(value, within, f"{place}.{option}", _OPTIONS[option])
    limits = curve_range(binding.kind)
    for number, point in enumerate(binding.curve):
        field = f"{place}.curve.{number}.raw"
        _check_within(point.raw, (-RAW_HIGH, RAW_HIGH), field, "a raw number")
        _check_within(point.value, limits, f"{place}.curve.{number}.value", binding.kind)


def _check_within(value: float, limits: tuple[float, float], field: str, what: str) -> None:
    low, high = limits
    if not low <= value <= high:
        raise OutOfRangeError(
            f"{field} is {value:.12g}; {what} lies within {low:.12g} to {high:.12g}.",
            field=field,
            value=value,
            allowed=f"{low:.12g} – {high:.12g}",
            low=low,
            high=high,
        )


def _check_topic(topic: str, field: str) -> None:
    if not is_topic(topic):
        shown = topic[:200].encode("ascii", "backslashreplace").decode()
        raise InvalidInputError(
            f"{field} {shown!r} names no single topic; leave out the wildcards + and # and "
            f"control characters, and use at most {MAX_TOPIC_BYTES} bytes.",
            field=field,
            value=shown,
        )
