"""Takes in what a person measured by hand: one unit, one verdict, and what the probes showed."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.hand_measurement import (
    Comparison,
    HandMeasurement,
    HandMeasurementFields,
)
from kamerplanter_engines.models.telemetry import (
    SOIL_KINDS,
    TANK_KINDS,
    ChannelBinding,
    ChannelKind,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.raw_mapping_engine import CONDUCTIVITIES
from kamerplanter_engines.science.electrochemistry import ec_at_25_ms_cm
from kamerplanter_engines.tables.channels import CHANNELS
from kamerplanter_engines.telemetry_state_engine import rules_for
from kamerplanter_engines.units import conversion, normalise_unit

HAND = "manual"
"""The source of a value that a person measured; stands where a probe's key would."""

_DIGITS_KEPT = 9
"""Hides what binary fractions add."""


class HandValue(NamedTuple):
    """A value by hand in the canonical unit of its kind, with its verdict."""

    value: float
    verdict: Verdict
    reasons: tuple[Reason, ...]


def judge_hand_value(
    fields: HandMeasurementFields, *, plain_water: bool = False, stock_solution: bool = False
) -> HandValue:
    """Return what a person measured in the canonical unit, and whether it may decide something.

    A value outside the plausible range is kept and doubted: a person may have read a pH of 2.8, and
    may have slipped. So is an exact 0 where it means that nothing was measured. Nothing follows
    from either until it is measured again.

    Args:
        fields: What the person says.
        plain_water: The tank holds water where an EC of 0 is a real value.
        stock_solution: The tank holds a concentrate.

    Raises:
        InvalidInputError: It names not exactly one place, or the kind is not measured there.
        UnknownUnitError: The unit does not belong to the kind.
        OutOfRangeError: The value is physically impossible; names the range in the given unit.

    Source: own rule; ranges by `tables.channels`.
    """
    check_place(fields)
    factor, offset = conversion(fields.kind, fields.unit)
    value = fields.value * factor + offset
    reasons: list[Reason] = []
    if fields.kind in CONDUCTIVITIES and not fields.compensated:
        celsius = fields.temperature_c
        at_25 = None if celsius is None else ec_at_25_ms_cm(value, celsius)
        if at_25 is None:
            reasons.append(Reason.UNCOMPENSATED)
        else:
            value = at_25
    value = round(value, _DIGITS_KEPT)
    rules = rules_for(
        ChannelBinding(kind=fields.kind), plain_water=plain_water, stock_solution=stock_solution
    )
    low, high = rules.physical_low, rules.physical_high
    if not low <= value <= high:
        shown_low, shown_high = ((limit - offset) / factor for limit in (low, high))
        unit = shown_unit(fields.kind, fields.unit)
        raise OutOfRangeError(
            f"value {fields.value:g}{unit} is no {fields.kind}; possible are {shown_low:g} to "
            f"{shown_high:g}{unit}.",
            field="value",
            value=fields.value,
            allowed=f"{shown_low:g} – {shown_high:g}{unit}",
            low=round(shown_low, _DIGITS_KEPT),
            high=round(shown_high, _DIGITS_KEPT),
        )
    if value == 0 and rules.zero_is_suspect:
        # A dry cell shows it, or a meter that was not immersed.
        reasons.append(Reason.EXACT_ZERO)
    if not rules.plausible_low <= value <= rules.plausible_high:
        reasons.append(Reason.OUTSIDE_PLAUSIBLE)
    if rules.shown_high is not None:
        value = min(value, rules.shown_high)
    return HandValue(value, Verdict.SUSPECT if reasons else Verdict.GOOD, tuple(reasons))


def check_one_place(tank_key: str | None, plant_key: str | None) -> None:
    """Refuse what names no place, or two.

    Raises:
        InvalidInputError: Not exactly one of the keys is given.
    """
    if (tank_key is None) == (plant_key is None):
        raise InvalidInputError(
            "Give either tank_key or plant_key: a measurement belongs to one place.",
            field="tank_key",
            value=tank_key,
        )


def check_place(fields: HandMeasurementFields) -> None:
    """Refuse a measurement that belongs to no place, to two, or to one of another kind.

    Raises:
        InvalidInputError: It names not exactly one place, or the kind is not measured there.
    """
    check_one_place(fields.tank_key, fields.plant_key)
    kinds = TANK_KINDS if fields.plant_key is None else SOIL_KINDS
    if fields.kind not in kinds:
        place = "tank" if fields.plant_key is None else "plant"
        raise InvalidInputError(
            f"kind {fields.kind} is not measured by hand at a {place}; use {', '.join(kinds)}.",
            field="kind",
            value=fields.kind,
            allowed=", ".join(kinds),
        )


def shown_unit(kind: ChannelKind, unit: str | None) -> str:
    """Return a unit as it stands behind a number: with a space, or nothing for pH."""
    spelled = CHANNELS[kind].unit if unit is None else normalise_unit(unit)
    return f" {spelled}" if spelled and kind is not ChannelKind.PH else ""


def canonical_unit(kind: ChannelKind) -> str | None:
    """Return the unit that a stored value of a kind is in; none = it has none."""
    return CHANNELS[kind].unit or None


def compare(
    value: float, shown: Iterable[tuple[Reading, ChannelBinding]]
) -> tuple[Comparison, ...]:
    """Return how a value by hand differs from what probes showed at that moment.

    Args:
        value: By hand, canonical unit.
        shown: One good reading of each probe of the place that was not too old then, with the
            channel as it is bound since before that.
    """
    return tuple(
        Comparison(
            probe_key=reading.probe_key,
            value=reading.value,
            difference=round(value - reading.value, _DIGITS_KEPT),
            channel=channel,
        )
        for reading, channel in sorted(shown, key=lambda item: item[0].probe_key)
    )


def as_reading(measurement: HandMeasurement, now: datetime) -> Reading:
    """Return a value by hand as the reading that a place goes by.

    Somebody wrote it down, so a restart of ours makes it no memory: it counts as heard now, and
    its age by when it was measured.

    Args:
        measurement: A good one.
        now: The present moment, aware.
    """
    return Reading(
        probe_key=HAND,
        kind=measurement.kind,
        at=measurement.measured_at,
        received_at=max(measurement.measured_at, now),
        value=measurement.value,
        verdict=measurement.verdict,
        reasons=measurement.reasons,
    )
