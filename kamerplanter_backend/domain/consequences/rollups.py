"""Sums up the hours in which readings arrived, and the days that these lie in."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.rollup import (
    Bucket,
    DueHour,
    Figures,
    Point,
    Rollup,
    RollupLevel,
    microseconds,
    rollup_of,
)
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.rollup_engine import HOUR, LONGEST_HOLD, bucket_of, merge, roll_up

RUN = timedelta(days=7)
"""Points are read in parts of this length, so that a long history needs little memory."""

type Hours = dict[int, Rollup]
"""Rollups of hours by their start."""


def refresh(uow: UnitOfWork, *, before: datetime | None = None, limit: int | None = None) -> int:
    """Sum up what is due in this garden; return how many hours it was.

    Args:
        uow: The unit of work; it must be allowed to write `Readings`.
        before: Only hours that begin before this moment; none = all.
        limit: Most hours to look at; none = all.
    """
    due = uow.rollups.due(before=before, limit=limit)
    for (probe_key, kind), hours in groupby(due, key=lambda item: item[:2]):
        settled = list(hours)
        fresh = _fresh_hours(uow, probe_key, kind, settled)
        days = _fresh_days(uow, probe_key, kind, fresh)
        uow.rollups.put([*fresh.values(), *days], settled)
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
    due = [item for item in uow.rollups.due(probe_key) if item.kind is kind]
    if due:
        hours = _fresh_hours(uow, probe_key, kind, due)
        fresh: Iterable[Rollup] = hours.values()
        if level is RollupLevel.DAY:
            fresh = _fresh_days(uow, probe_key, kind, hours)
        low, high = microseconds(from_at), microseconds(until_at)
        found |= {item.starts_us: item for item in fresh if low <= item.starts_us < high}
    return [found[start] for start in sorted(found)]


def _fresh_hours(
    uow: UnitOfWork, probe_key: str, kind: ChannelKind, due: Sequence[DueHour]
) -> Hours:
    fresh: Hours = {}
    for run in _runs(sorted(set(_touched(uow, probe_key, kind, due)))):
        points = uow.rollups.points(
            probe_key, kind, run[0].starts_at - LONGEST_HOLD, run[-1].ends_at
        )
        for bucket, inside, before in _parts(run, points):
            # Where the readings are gone already, what was summed up stays.
            if inside:
                figures = roll_up(inside, bucket, before)
                item = rollup_of(probe_key, kind, RollupLevel.HOUR, bucket, figures)
                fresh[item.starts_us] = item
    return fresh


def _touched(
    uow: UnitOfWork, probe_key: str, kind: ChannelKind, due: Sequence[DueHour]
) -> Iterator[Bucket]:
    """Yield the local hours that new readings lie in or reach into."""
    zone = uow.context.zone
    starts = {item.starts_at for item in due}
    for start in starts:
        bucket = bucket_of(RollupLevel.HOUR, start, zone)
        while bucket.starts_at < start + HOUR:
            yield bucket
            bucket = bucket_of(RollupLevel.HOUR, bucket.ends_at, zone)
        # The last value of the hour reaches as far as the next one.
        if bucket.starts_at not in starts:
            following = uow.rollups.next_good_at(probe_key, kind, bucket.starts_at)
            if following is not None:
                yield bucket_of(RollupLevel.HOUR, following, zone)


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
    run: Sequence[Bucket], points: Sequence[Point]
) -> Iterator[tuple[Bucket, Sequence[Point], Point | None]]:
    """Yield each bucket with its points and the newest good one before it."""
    index, before = 0, None
    for bucket in run:
        start_us, end_us = microseconds(bucket.starts_at), microseconds(bucket.ends_at)
        first = index
        while first < len(points) and points[first][0] < start_us:
            first += 1
        last = first
        while last < len(points) and points[last][0] < end_us:
            last += 1
        earlier = (point for point in reversed(points[index:first]) if point[2])
        before = next(earlier, before)
        yield bucket, points[first:last], before
        index = first


def _fresh_days(
    uow: UnitOfWork, probe_key: str, kind: ChannelKind, hours: Mapping[int, Rollup]
) -> list[Rollup]:
    days = {bucket_of(RollupLevel.DAY, item.starts_at, uow.context.zone) for item in hours.values()}
    made = []
    for day in sorted(days):
        stored = uow.rollups.range(probe_key, kind, RollupLevel.HOUR, *day)
        low, high = microseconds(day.starts_at), microseconds(day.ends_at)
        parts = {item.starts_us: item for item in stored}
        parts |= {start: item for start, item in hours.items() if low <= start < high}
        figures: Figures = merge(item.figures for item in parts.values())
        made.append(rollup_of(probe_key, kind, RollupLevel.DAY, day, figures))
    return made
