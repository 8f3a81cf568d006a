"""Which thermometer of a place tells how warm the liquid of a probe is.

Conductivity that a device does not compensate is brought to 25 °C by it.  A probe goes by its own
thermometer.  Where it has none, or that one says nothing, it goes by the one that speaks for its
place: the oldest probe whose newest reading is good and not too old.  One that has stuck or is
doubted says nothing until it is good again.  What counts is what was measured before the reading
that is put right, whenever it was heard, so a late reading gets the temperature that held then, and
the order within one moment does not matter.

Source: own rule (the project's decision on calibrations); who speaks for a place: that on the
trusted reading.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from kamerplanter_engines.models.base import is_ahead
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Probe
from kamerplanter_engines.raw_mapping_engine import CONDUCTIVITIES
from kamerplanter_engines.telemetry_state_engine import ChannelState

THERMOMETERS = {
    ChannelKind.PH: ChannelKind.WATER_TEMPERATURE,
    ChannelKind.EC: ChannelKind.WATER_TEMPERATURE,
    ChannelKind.SOIL_EC: ChannelKind.SOIL_TEMPERATURE,
}
"""Which channel tells the temperature of the liquid that another one measures."""

MOST_REMEMBERED = 500
"""Readings of one thermometer: 40 hours of one each five minutes."""


class Warmth(NamedTuple):
    """A reading of a thermometer."""

    at: datetime
    value_c: float | None
    """None = it is doubted or refused, so it tells nothing, nor does what was told before it."""


class Told(NamedTuple):
    """What a thermometer said last before some moment."""

    probe_key: str
    since: datetime
    """When its probe was last bound, moved, exchanged or renamed."""
    max_age_s: float
    """An older reading says nothing. [s]"""
    last: Warmth | None
    """None = nothing is known."""


def _at(warmth: Warmth) -> datetime:
    return warmth.at


def uncompensated(channels: Iterable[ChannelBinding]) -> dict[ChannelKind, float]:
    """Return the change per kelvin of each conductivity that its device does not compensate [%]."""
    return {
        item.kind: item.temperature_coefficient_pct
        for item in channels
        if item.kind in CONDUCTIVITIES and not item.compensated
    }


def witnesses[P](
    probe: Probe, kind: ChannelKind, others: Iterable[P], probe_of: Callable[[P], Probe]
) -> list[P]:
    """Return what stands for the probes whose thermometers may tell, in the order of who speaks.

    First the probe itself, then the oldest. Water is that of the tank, soil that of the pot, where
    a probe is in both.

    Args:
        probe: The probe that measures conductivity.
        kind: What it measures; one of `THERMOMETERS`.
        others: What stands for the probes of its places, it may be among them.
        probe_of: Returns the probe that one stands for.
    """
    fields = ("tank_key", "plant_key")
    if kind is ChannelKind.SOIL_EC:
        fields = ("plant_key", "tank_key")
    place = next((field for field in fields if getattr(probe, field) is not None), None)

    def may_tell(other: Probe) -> bool:
        is_here = other.key == probe.key or (
            place is not None and getattr(other, place) == getattr(probe, place)
        )
        return is_here and other.binding(THERMOMETERS[kind]) is not None

    def rank(item: P) -> tuple[bool, datetime, str]:
        other = probe_of(item)
        return other.key != probe.key, other.created_at, other.key

    return sorted((item for item in others if may_tell(probe_of(item))), key=rank)


def held_at(at: datetime, told: Iterable[Told], since: datetime) -> float | None:
    """Return the temperature that held when something was measured. [°C]; none = not known.

    What was measured before one of the two probes was changed does not count after it: it may have
    been moved from another tank.

    Args:
        at: When it was measured.
        told: What the thermometers said before it, in the order of who speaks.
        since: When the probe that measured it was last changed.
    """
    for item in told:
        last = item.last
        if (
            last is not None
            and last.value_c is not None
            and last.at < at
            and at - last.at <= timedelta(seconds=item.max_age_s)
            and not any(last.at < changed_at <= at for changed_at in (item.since, since))
        ):
            return last.value_c
    return None


def remember(course: list[Warmth], at: datetime, value_c: float | None, now: datetime) -> None:
    """Note a reading; the order in which they come does not matter, the newest ones stay.

    What lies ahead of now was noted by a clock that has been set back since, and is forgotten.
    """
    while course and is_ahead(course[-1].at, now):
        del course[-1]
    place = bisect_left(course, at, key=_at)
    if place < len(course) and course[place].at == at:
        course[place] = Warmth(at, value_c)
        return
    course.insert(place, Warmth(at, value_c))
    del course[:-MOST_REMEMBERED]


def last_before(course: list[Warmth], at: datetime) -> Warmth | None:
    """Return the newest that was measured before a moment."""
    place = bisect_left(course, at, key=_at)
    return course[place - 1] if place else None


def is_doubted(state: ChannelState) -> bool:
    """Tell whether the newest reading that a channel remembers is none to go by."""
    good_at = state.good_at
    newest = (state.at, state.refused_at)
    return any(at is not None and (good_at is None or at > good_at) for at in newest)


def remembered_before(state: ChannelState, at: datetime) -> list[Warmth]:
    """Return what the memory of a thermometer knows of the readings before a moment.

    What the broker had kept is of unknown age and tells nothing.
    """
    found: list[Warmth] = []
    if state.good_at is not None and state.good_value is not None and not state.good_is_retained:
        found.append(Warmth(state.good_at, state.good_value))
    if state.at is not None and (state.good_at is None or state.at > state.good_at):
        found.append(Warmth(state.at, None))
    if state.refused_at is not None:
        found.append(Warmth(state.refused_at, None))
    return [item for item in found if item.at < at]


def hides_doubt(state: ChannelState, at: datetime) -> bool:
    """Tell whether a reading may have been doubted between the last good one and a moment.

    Of a run of doubted readings a channel remembers the newest only.
    """
    return (
        state.good_at is not None and state.good_at < at and state.at is not None and state.at > at
    )
