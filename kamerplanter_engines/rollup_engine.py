"""Sums readings up by hour and day of the site; always from what is stored, never by adding on.

A bucket depends on its readings and on the good ones just before it alone, so it comes out the same
in whatever parts and order they arrived.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import takewhile
from math import fsum, isfinite, nan
from operator import mul, sub
from statistics import median_low

from kamerplanter_engines.checks import finite
from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.base import MICROSECOND, utc
from kamerplanter_engines.models.rollup import (
    Bucket,
    Era,
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
_US_PER_S = 1_000_000
_LONGEST_HOLD_US = LONGEST_HOLD // MICROSECOND


def bucket_of(level: RollupLevel, at: datetime, zone: tzinfo) -> Bucket:
    """Return the bucket that a moment lies in.

    Args:
        level: Hour or day.
        at: The moment, aware.
        zone: Zone of the site.

    Raises:
        NaiveTimeError: The time has no zone.
        OutOfRangeError: The calendar ends within the bucket.

    Source: own rule. Where clocks change within an hour, one bucket ends and one begins there.
    """
    moment = utc(at)
    try:
        return _hour(moment, zone) if level is RollupLevel.HOUR else _day(moment, zone)
    except OverflowError as error:
        raise OutOfRangeError(
            f"Time {at.isoformat()} is at an end of the calendar; give one of the years 2 to 9998.",
            field="at",
            value=at.isoformat(),
        ) from error


def bucket_within(level: RollupLevel, at: datetime, eras: Sequence[Era]) -> Bucket:
    """Return the bucket that a moment lies in, of a channel whose site has changed its zone.

    A bucket ends where another zone begins to hold, and one begins there, so that all of them
    together are the time, and nothing counts twice.

    Args:
        level: Hour or day.
        at: The moment, aware.
        eras: The zones that hold, oldest first; at least one. The first one holds before, too.

    Raises:
        NaiveTimeError: The time has no zone.

    Source: own rule; as where clocks change within an hour.
    """
    later = [number for number, era in enumerate(eras) if number and era.from_at <= at]
    number = later[-1] if later else 0
    found = bucket_of(level, at, eras[number].zone)
    if number:
        found = found._replace(starts_at=max(found.starts_at, eras[number].from_at))
    if number + 1 < len(eras):
        found = found._replace(ends_at=min(found.ends_at, eras[number + 1].from_at))
    return found


# All channels of a site have the same buckets.
@lru_cache(maxsize=4096)
def _hour(moment: datetime, zone: tzinfo) -> Bucket:
    local = moment.astimezone(zone)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    starts_at = moment - into
    ends_at = starts_at + HOUR
    offset = local.utcoffset()
    if starts_at.astimezone(zone).utcoffset() != offset:
        starts_at = _change(starts_at, moment, zone)
    if (ends_at - MICROSECOND).astimezone(zone).utcoffset() != offset:
        ends_at = _change(moment, ends_at, zone)
    return Bucket(starts_at, ends_at)


@lru_cache(maxsize=4096)
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


def roll_up(points: Sequence[Point], bucket: Bucket, before: Sequence[Point] = ()) -> Figures:
    """Sum up the readings of a bucket.

    A good value speaks for the time until the next good one, at most for twice the median
    interval of the bucket and never for more than two hours. So a hole stays a hole. Where no
    reading of the bucket is good, the newest one before it may still speak, by the interval
    before that.

    Args:
        points: The readings within the bucket, by rising time.
        bucket: The span.
        before: The newest good readings before it, by rising time; two are enough. One that is
            more than two hours older than the bucket, or than the one after it, counts as none.

    Raises:
        InvalidInputError: Readings do not rise in time, or lie after the bucket.
        OutOfRangeError: A good one is infinite or not a number.

    Source: the project's decisions on rollups; two hours is our own limit.
    """
    good = [point for point in points if point[2]]
    start_us = microseconds(bucket.starts_at)
    held = [*_reaching(before, start_us, 1 if good else 2), *good]
    values = [value for _, value, _ in good]
    covered_us = 0
    try:
        covered_us, integral = _held(held, start_us, microseconds(bucket.ends_at))
        total = fsum(values)
    except ValueError, OverflowError:  # what `fsum` says of infinite numbers of both signs
        total = integral = nan
    # The sums tell it of all numbers at once, and each bucket of each channel comes by here.
    if not (isfinite(total) and isfinite(integral)):
        for _, value, _ in held:
            finite("value", value)
        finite("total", total + integral)
    return Figures(
        reading_count=len(values),
        total=total,
        covered_s=covered_us / _US_PER_S,
        integral=integral,
        low=min(values, default=None),
        high=max(values, default=None),
        suspect_count=len(points) - len(values),
    )


def _reaching(before: Sequence[Point], start_us: int, most: int) -> list[Point]:
    """Return the newest of earlier readings, as far as each is near enough to the next."""
    found: list[Point] = []
    for point in reversed(before[-most:]):
        if start_us - point[0] > _LONGEST_HOLD_US:
            break
        found.insert(0, point)
        start_us = point[0]
    return found


def _held(held: Sequence[Point], start_us: int, end_us: int) -> tuple[int, float]:
    """Return the time that is covered [µs], and value x time [unit x s] over it."""
    if len(held) <= 1:
        # One reading alone does not say how often a probe reports.
        return 0, 0.0
    times, values, _ = zip(*held, strict=True)
    gaps = list(map(sub, times[1:], times, strict=False))
    hold_us = min(HOLD_INTERVALS * median_low(gaps), _LONGEST_HOLD_US)
    gaps.append(end_us - times[-1])
    if min(gaps) < 0:
        raise InvalidInputError(
            f"The {len(held)} readings do not rise in time, or lie after the bucket; "
            "sort them, and leave out what is not of it.",
            field="points",
            value=len(held),
        )
    spans = gaps if max(gaps) <= hold_us else [min(gap, hold_us) for gap in gaps]
    # What lies before the bucket is not covered, though it says how often the probe reports.
    for number, at_us in enumerate(takewhile(start_us.__gt__, times)):
        spans[number] = max(0, at_us + spans[number] - start_us)
    return sum(spans), fsum(map(mul, values, spans, strict=True)) / _US_PER_S


def merge(parts: Iterable[Figures]) -> Figures:
    """Return the figures of a span from those of its parts, which do not overlap.

    Raises:
        OutOfRangeError: A sum is infinite or not a number.

    Source: own rule; all figures are sums or extremes.
    """
    items = list(parts)
    if not items:
        return Figures()
    counts, totals, covered, integrals, lows, highs, suspects = zip(*items, strict=True)
    return Figures(
        reading_count=sum(counts),
        total=_sum("total", totals),
        covered_s=_sum("covered_s", covered),
        integral=_sum("integral", integrals),
        low=min((low for low in lows if low is not None), default=None),
        high=max((high for high in highs if high is not None), default=None),
        suspect_count=sum(suspects),
    )


def _sum(field: str, parts: Sequence[float]) -> float:
    try:
        total = fsum(parts)
    except ValueError, OverflowError:
        total = nan
    if not isfinite(total):
        for part in parts:
            finite(field, part)
    return finite(field, total)
