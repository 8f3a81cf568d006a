"""Readings summed up by hour and by day of the site.

What is made for each bucket of each channel is a named tuple, which costs a third of a dataclass.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from kamerplanter_engines.models.base import MICROSECOND, utc
from kamerplanter_engines.models.telemetry import ChannelKind


class RollupLevel(StrEnum):
    """How long a bucket is."""

    HOUR = "hour"
    """From full hour to full hour of the local clock."""
    DAY = "day"
    """A local date: 23, 24 or 25 hours."""


type Point = tuple[int, float, bool]
"""Time of measurement [µs since 1970, UTC], value, and whether it is good (else suspect)."""


class Bucket(NamedTuple):
    """A span of time; the start belongs to it, the end does not."""

    starts_at: datetime
    ends_at: datetime

    @property
    def length_s(self) -> float:
        """How long it is [s]."""
        return (self.ends_at - self.starts_at).total_seconds()


class Era(NamedTuple):
    """A zone that the buckets of a channel follow, from a moment until the next one begins."""

    from_at: datetime
    """`ALWAYS`, or where a day of the zone before ended."""
    zone: ZoneInfo


class Figures(NamedTuple):
    """What the good readings of a bucket come to; values in the canonical unit."""

    reading_count: int = 0
    total: float = 0.0
    covered_s: float = 0.0
    """How much of the bucket the values speak for [s]."""
    integral: float = 0.0
    """Value x time over what is covered [canonical unit x s]."""
    low: float | None = None
    """None where no reading was good."""
    high: float | None = None
    suspect_count: int = 0

    @property
    def mean(self) -> float | None:
        """The mean over time; that of the readings where no time is covered."""
        if self.covered_s > 0:
            return self.integral / self.covered_s
        return self.count_mean

    @property
    def count_mean(self) -> float | None:
        """The plain mean of the readings, however they lie in time."""
        return self.total / self.reading_count if self.reading_count else None


class Rollup(NamedTuple):
    """The figures of one bucket of one channel; flat, because stores make them by the thousand."""

    probe_key: str
    kind: ChannelKind
    level: RollupLevel
    starts_us: int
    """Start of the bucket [µs since 1970, UTC]."""
    length_s: float
    """How long the bucket is [s]."""
    reading_count: int
    total: float
    covered_s: float
    integral: float
    low: float | None
    high: float | None
    suspect_count: int

    @property
    def starts_at(self) -> datetime:
        """When the bucket begins, in UTC."""
        return moment_of(self.starts_us)

    @property
    def bucket(self) -> Bucket:
        """The span that the figures are about."""
        return Bucket(self.starts_at, self.starts_at + timedelta(seconds=self.length_s))

    @property
    def figures(self) -> Figures:
        """What the readings come to."""
        return Figures(*self[5:])

    @property
    def mean(self) -> float | None:
        """The mean over time; that of the readings where no time is covered."""
        return self.figures.mean

    @property
    def coverage_ratio(self) -> float:
        """Share of the bucket that is covered, 0 to 1."""
        return min(1.0, self.covered_s / self.length_s)


def rollup_of(
    probe_key: str, kind: ChannelKind, level: RollupLevel, bucket: Bucket, figures: Figures
) -> Rollup:
    """Return the rollup of a bucket."""
    starts_us = microseconds(bucket.starts_at)
    return Rollup(probe_key, kind, level, starts_us, bucket.length_s, *figures)


class DueHour(NamedTuple):
    """An hour of a channel in which readings arrived since it was last summed up."""

    probe_key: str
    kind: ChannelKind
    starts_at: datetime
    """A full hour in UTC, whatever the site's zone."""


ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when the first zone of a channel holds."""

_EPOCH = ALWAYS


def microseconds(moment: datetime) -> int:
    """Return an aware moment as microseconds since 1970 in UTC.

    Raises:
        NaiveTimeError: The time has no zone.
    """
    try:
        return (moment - _EPOCH) // MICROSECOND
    except TypeError:
        # Each row that is stored asks, so nobody looks before.
        return (utc(moment) - _EPOCH) // MICROSECOND


def moment_of(at_us: int) -> datetime:
    """Return the moment of a number of microseconds since 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=at_us)
