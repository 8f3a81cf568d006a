"""Sums readings up by hour and day of the site; always from what is stored, never by adding on.

A bucket depends on its readings and on the good one before it alone, so it comes out the same in
whatever parts and order they arrived.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from math import fsum
from statistics import median_low

from kamerplanter_engines.models.base import utc
from kamerplanter_engines.models.rollup import (
    Bucket,
    Figures,
    Point,
    RollupLevel,
    microseconds,
)

HOUR = timedelta(hours=1)
LONGEST_HOLD = timedelta(hours=2)
"""No value speaks for longer, however rarely a probe reports."""
HOLD_INTERVALS = 2
"""A value speaks for so many of the usual intervals between readings."""

_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)
_US_PER_S = 1_000_000
_LONGEST_HOLD_US = LONGEST_HOLD // _MICROSECOND


def bucket_of(level: RollupLevel, at: datetime, zone: tzinfo) -> Bucket:
    """Return the bucket that a moment lies in.

    Args:
        level: Hour or day.
        at: The moment, aware.
        zone: Zone of the site.

    Raises:
        NaiveTimeError: The time has no zone.

    Source: own rule. Where clocks change within an hour, one bucket ends and one begins there.
    """
    moment = utc(at)
    return _hour(moment, zone) if level is RollupLevel.HOUR else _day(moment, zone)


def _hour(moment: datetime, zone: tzinfo) -> Bucket:
    local = moment.astimezone(zone)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    starts_at = moment - into
    ends_at = starts_at + HOUR
    offset = local.utcoffset()
    if starts_at.astimezone(zone).utcoffset() != offset:
        starts_at = _change(starts_at, moment, zone)
    if (ends_at - _MICROSECOND).astimezone(zone).utcoffset() != offset:
        ends_at = _change(moment, ends_at, zone)
    return Bucket(starts_at, ends_at)


def _day(moment: datetime, zone: tzinfo) -> Bucket:
    day = moment.astimezone(zone).date()
    return Bucket(_first_of(day, zone), _first_of(day + timedelta(days=1), zone))


def _first_of(day: date, zone: tzinfo) -> datetime:
    # In a gap at midnight the first reading of 0:00 is the moment of the change.
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _change(early: datetime, late: datetime, zone: tzinfo) -> datetime:
    """Return when clocks change between two moments, to the second."""
    before = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + (late - early) / 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)


def roll_up(points: Sequence[Point], bucket: Bucket, before: Point | None = None) -> Figures:
    """Sum up the readings of a bucket.

    A good value speaks for the time until the next good one, at most for twice the median
    interval of the bucket and never for more than two hours. So a hole stays a hole.

    Args:
        points: The readings within the bucket, by rising time.
        bucket: The span.
        before: The newest good reading before it, which may reach into it; none = there is none.
            One that is more than two hours older than the bucket counts as none.

    Source: the project's decisions on rollups; two hours is our own limit.
    """
    start_us, end_us = microseconds(bucket.starts_at), microseconds(bucket.ends_at)
    good = [(at_us, value) for at_us, value, is_good in points if is_good]
    suspect_count = len(points) - len(good)
    if not good:
        return Figures(suspect_count=suspect_count)
    values = [value for _, value in good]
    held = good
    if before is not None and start_us - before[0] <= _LONGEST_HOLD_US:
        held = [(before[0], before[1]), *good]
    covered_us, parts = _held(held, start_us, end_us)
    return Figures(
        reading_count=len(values),
        total=fsum(values),
        covered_s=covered_us / _US_PER_S,
        integral=fsum(parts),
        low=min(values),
        high=max(values),
        suspect_count=suspect_count,
    )


def _held(held: Sequence[tuple[int, float]], start_us: int, end_us: int) -> tuple[int, list[float]]:
    """Return the time that is covered [µs], and value x time [s] of each reading."""
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(held)]
    if not gaps:
        # One reading alone does not say how often a probe reports.
        return 0, []
    hold_us = min(HOLD_INTERVALS * median_low(gaps), _LONGEST_HOLD_US)
    gaps.append(end_us - held[-1][0])
    covered_us, parts = 0, []
    for (at_us, value), gap_us in zip(held, gaps, strict=True):
        span_us = min(gap_us, hold_us)
        if at_us < start_us:
            span_us -= start_us - at_us
        if span_us > 0:
            covered_us += span_us
            parts.append(value * (span_us / _US_PER_S))
    return covered_us, parts


def merge(parts: Iterable[Figures]) -> Figures:
    """Return the figures of a span from those of its parts, which do not overlap.

    Source: own rule; all figures are sums or extremes.
    """
    items = list(parts)
    lows = [item.low for item in items if item.low is not None]
    highs = [item.high for item in items if item.high is not None]
    return Figures(
        reading_count=sum(item.reading_count for item in items),
        total=fsum(item.total for item in items),
        covered_s=fsum(item.covered_s for item in items),
        integral=fsum(item.integral for item in items),
        low=min(lows, default=None),
        high=max(highs, default=None),
        suspect_count=sum(item.suspect_count for item in items),
    )
