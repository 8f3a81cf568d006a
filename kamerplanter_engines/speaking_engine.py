"""Whose values a place goes by where several probes measure the same in it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kamerplanter_engines.models.rollup import Figures
from kamerplanter_engines.rollup_engine import merge
from kamerplanter_engines.tables.climate import COVERAGE_RATIO_LOW


class Hour(NamedTuple):
    """What the probes of a place measured in an hour, or in as much of it as lies in a day."""

    length_s: float
    over_s: float
    """How much of it has been told of; less than its length while it goes on. [s]"""
    figures: Sequence[Figures]
    """Of each probe, the oldest probe first."""


def speaking(figures: Sequence[Figures], over_s: float) -> Figures | None:
    """Return whose figures of an hour a place goes by; none = nobody measures this there.

    One speaks for all, as two meters in one place are not twice the light. It is the oldest one
    that measured enough of what is over of the hour, so that two that differ a little do not take
    turns; where none did, the one that measured most.

    Args:
        figures: Of each probe, the oldest probe first.
        over_s: How much of the hour is over. [s]

    Source: own rule.
    """
    enough = (item for item in figures if item.covered_s > 0 and is_enough(item, over_s))
    most = max(figures, key=lambda item: (item.covered_s, item.reading_count), default=None)
    return next(enough, most)


def figures_of_place(hours: Iterable[Hour], *, is_sum: bool) -> Figures:
    """Return what a day comes to in a place: who speaks for it is decided hour by hour.

    A probe that was silent for some hours takes away no more than these from what the others
    measured. Which one speaks for the hour that goes on is only known when it is over. What is
    summed up counts the least of those that still may, so it does not become smaller by that.

    Args:
        hours: Those of the day, one after the other.
        is_sum: Whether the day is the sum of what was measured, as with light, and a lower limit.

    Source: own rule.
    """
    said = []
    for hour in hours:
        figures = speaking(hour.figures, hour.over_s)
        if figures is None:
            continue
        if is_sum and hour.over_s < hour.length_s:
            least = min(item.integral for item in _may_speak(hour))
            figures = figures._replace(integral=least)
        said.append(figures)
    return merge(said)


def _may_speak(hour: Hour) -> list[Figures]:
    """Return who may speak for an hour when it will be over."""
    left_s = hour.length_s - hour.over_s
    most_s = max(item.covered_s for item in hour.figures)
    needed_s = min(most_s, COVERAGE_RATIO_LOW * hour.length_s)
    able = []
    for item in hour.figures:
        if item.covered_s + left_s >= needed_s:
            able.append(item)
        if is_enough(item, hour.length_s):
            break
    return able


def is_enough(figures: Figures, length_s: float) -> bool:
    """Tell whether a probe measured enough of an hour to speak for its place.

    Args:
        figures: Of the probe.
        length_s: How long the hour is, or how much of it counts. [s]

    Source: own rule.
    """
    return figures.covered_s >= COVERAGE_RATIO_LOW * length_s
