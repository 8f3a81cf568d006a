"""Sums up the hours in which readings arrived, and the days that these lie in."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from kamerplanter_backend.common.retention import SHORTEST_RAW
from kamerplanter_backend.domain.consequences.rollup_zones import eras_of, follow_zone
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.rollup import (
    Bucket,
    DueHour,
    Era,
    Figures,
    Point,
    Rollup,
    RollupLevel,
    microseconds,
    rollup_of,
)
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.rollup_engine import (
    HOUR,
    LONGEST_HOLD,
    bucket_within,
    merge,
    roll_up,
)

RUN = timedelta(days=7)
"""Points are read in parts of this length, so that a long history needs little memory."""

REACH = HOUR + LONGEST_HOLD + HOUR
"""A reading counts in buckets that begin so long after its hour, and not later."""

DAY_AT_MOST = timedelta(hours=26)

type Hours = dict[int, Rollup]
"""Rollups of hours by their start."""


@dataclass(frozen=True, slots=True)
class _Channel:
    """One channel, with the zones that its buckets follow."""

    probe_key: str
    kind: ChannelKind
    eras: Sequence[Era]

    def bucket(self, level: RollupLevel, at: datetime) -> Bucket:
        return bucket_within(level, at, self.eras)


def refresh(uow: UnitOfWork, *, before: datetime | None = None, limit: int | None = None) -> int:
    """Sum up what is due in this garden; return how many hours it was.

    Where the garden has another zone than before, the hours whose readings are there become due
    again first.

    Args:
        uow: The unit of work; it must be allowed to write `Readings`.
        before: Only hours that begin before this moment, in UTC; none = all.
        limit: Most hours to look at; none = all.
    """
    eras = follow_zone(uow, limit=limit)
    due = uow.rollups.due(before=before, limit=limit)
    later = frozenset(uow.rollups.due(from_at=before) if before is not None and due else ())
    made: list[Rollup] = []
    for (probe_key, kind), hours in groupby(due, key=itemgetter(0, 1)):
        channel = _Channel(probe_key, kind, eras[probe_key, kind])
        fresh = _fresh_hours(uow, channel, list(hours), later)
        made += fresh.values()
        made += _fresh_days(uow, channel, fresh)
    uow.rollups.put(made, due)
    return len(due)


def rollups_within(  # noqa: PLR0917 - the key of a rollup, and a window
    uow: UnitOfWork,
    probe_key: str,
    kind: ChannelKind,
    level: RollupLevel,
    from_at: datetime,
    until_at: datetime,
) -> list[Rollup]:
    """Return the rollups that begin within [from, until), oldest first, up to the last reading.

    What is due is summed up on the way, without being stored.

    Raises:
        NotFoundError: The probe is not of this garden.
    """
    found = {
        item.starts_us: item
        for item in uow.rollups.range(probe_key, kind, level, from_at, until_at)
    }
    near = uow.rollups.due(probe_key, from_at=from_at - REACH, before=until_at + DAY_AT_MOST)
    if due := [item for item in near if item.kind is kind]:
        channel = _Channel(probe_key, kind, eras_of(uow, probe_key)[probe_key, kind])
        hours = _fresh_hours(uow, channel, due)
        fresh: Iterable[Rollup] = hours.values()
        if level is RollupLevel.DAY:
            fresh = _fresh_days(uow, channel, hours)
        low, high = microseconds(from_at), microseconds(until_at)
        found |= {item.starts_us: item for item in fresh if low <= item.starts_us < high}
    return [found[start] for start in sorted(found)]


def _fresh_hours(
    uow: UnitOfWork,
    channel: _Channel,
    due: Sequence[DueHour],
    later: frozenset[DueHour] = frozenset(),
) -> Hours:
    fresh: Hours = {}
    for run in _runs(sorted(set(_touched(uow, channel, due, later)))):
        name, start = (channel.probe_key, channel.kind), run[0].starts_at
        points = uow.rollups.points(*name, start, run[-1].ends_at)
        last = uow.rollups.last_good(*name, start - LONGEST_HOLD, start)
        summed_up = _summed_up(uow, channel, run)
        for bucket, inside, earlier in _parts(run, points, last):
            # Where readings are gone already, what was summed up stays.
            if inside and len(inside) >= summed_up.get(microseconds(bucket.starts_at), 0):
                figures = roll_up(inside, bucket, earlier)
                item = rollup_of(channel.probe_key, channel.kind, RollupLevel.HOUR, bucket, figures)
                fresh[item.starts_us] = item
    return fresh


def _summed_up(uow: UnitOfWork, channel: _Channel, run: Sequence[Bucket]) -> dict[int, int]:
    """Return of how many readings the stored hours consist, by their start.

    Readings may be gone from hours that are old enough, even if they were kept now: somebody has
    set another retention since.
    """
    start = run[0].starts_at
    if start >= uow.context.now - SHORTEST_RAW:
        return {}
    stored = uow.rollups.range(
        channel.probe_key, channel.kind, RollupLevel.HOUR, start, run[-1].ends_at
    )
    return {item.starts_us: item.reading_count + item.suspect_count for item in stored}


def _touched(
    uow: UnitOfWork, channel: _Channel, due: Sequence[DueHour], later: frozenset[DueHour]
) -> Iterator[Bucket]:
    """Yield the local hours that new readings lie in or reach into.

    Args:
        uow: The unit of work.
        channel: The channel.
        due: Hours in which readings arrived.
        later: Hours that are due as well and have their turn another time.
    """
    starts = {item.starts_at for item in due}
    for start in starts:
        bucket = channel.bucket(RollupLevel.HOUR, start)
        while bucket.starts_at < start + HOUR:
            yield bucket
            bucket = channel.bucket(RollupLevel.HOUR, bucket.ends_at)
        # The last value of the hour reaches as far as the next one.
        if bucket.starts_at not in starts:
            following = uow.rollups.next_good_at(
                channel.probe_key, channel.kind, bucket.starts_at, start + REACH
            )
            if following is None:
                continue
            hour = following.replace(minute=0, second=0, microsecond=0)
            if DueHour(channel.probe_key, channel.kind, hour) not in later:
                yield channel.bucket(RollupLevel.HOUR, following)


def _runs(buckets: Sequence[Bucket]) -> Iterator[list[Bucket]]:
    """Yield neighbours together, so that their readings can be read at once."""
    run: list[Bucket] = []
    for bucket in buckets:
        if run and (bucket.starts_at != run[-1].ends_at or bucket.ends_at > run[0].starts_at + RUN):
            yield run
            run = []
        run.append(bucket)
    if run:
        yield run


def _parts(
    run: Sequence[Bucket], points: Sequence[Point], before: Point | None
) -> Iterator[tuple[Bucket, Sequence[Point], Point | None]]:
    """Yield each bucket with its points and the newest good one before it.

    Args:
        run: Neighbours.
        points: All within them.
        before: The newest good one before all of them.
    """
    seen = 0
    for bucket in run:
        # A time alone comes before a point of that time.
        first = bisect_left(points, (microseconds(bucket.starts_at),), seen)
        last = bisect_left(points, (microseconds(bucket.ends_at),), first)
        earlier = (points[number] for number in range(first - 1, seen - 1, -1))
        before = next((point for point in earlier if point[2]), before)
        yield bucket, points[first:last], before
        seen = first


def _fresh_days(uow: UnitOfWork, channel: _Channel, hours: Mapping[int, Rollup]) -> list[Rollup]:
    days = {channel.bucket(RollupLevel.DAY, item.starts_at) for item in hours.values()}
    made = []
    for day in sorted(days):
        stored = uow.rollups.range(channel.probe_key, channel.kind, RollupLevel.HOUR, *day)
        low, high = microseconds(day.starts_at), microseconds(day.ends_at)
        parts = {item.starts_us: item for item in stored}
        parts |= {start: item for start, item in hours.items() if low <= start < high}
        figures = merge(Figures._make(item[5:]) for item in parts.values())
        made.append(rollup_of(channel.probe_key, channel.kind, RollupLevel.DAY, day, figures))
    return made
