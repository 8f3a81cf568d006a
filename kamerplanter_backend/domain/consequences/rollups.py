"""Sums up the hours in which readings arrived, and the days that these lie in."""

from bisect import bisect_left
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice
from operator import itemgetter

from kamerplanter_backend.common.retention import SHORTEST_RAW
from kamerplanter_backend.domain.consequences.rollup_zones import eras_of, follow_zone
from kamerplanter_backend.domain.interfaces.rollup_store import Window
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.rollup import (
    Bucket,
    DueHour,
    Era,
    Point,
    Rollup,
    RollupLevel,
    microseconds,
    moment_of,
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

type _Part = tuple[Bucket, Sequence[Point], Sequence[Point]]
"""An hour, its readings, and the good ones just before it."""


@dataclass(frozen=True, slots=True)
class _Channel:
    """One channel, with the zones that its buckets follow."""

    probe_key: str
    kind: ChannelKind
    eras: Sequence[Era]

    @property
    def name(self) -> tuple[str, ChannelKind]:
        """How the store calls it."""
        return self.probe_key, self.kind

    def bucket(self, level: RollupLevel, at: datetime) -> Bucket:
        return bucket_within(level, at, self.eras)

    def window(self, from_at: datetime, until_at: datetime) -> Window:
        return Window(*self.name, microseconds(from_at), microseconds(until_at))


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
    touched = []
    for (probe_key, kind), hours in groupby(due, key=itemgetter(0, 1)):
        channel = _Channel(probe_key, kind, eras[probe_key, kind])
        touched.append((channel, set(_touched(uow, channel, hours, later))))
    made: list[Rollup] = []
    next_due: list[DueHour] = []
    fresh = _fresh_hours(uow, touched)
    for channel, of_channel in fresh:
        next_due += (_due_hour(channel, item.starts_at) for item in _take_ahead(uow, of_channel))
        made += of_channel.values()
    made += _fresh_days(uow, fresh)
    uow.rollups.put(made, due, next_due)
    return len(due)


def rollups_within(  # noqa: PLR0917 - the key of a rollup, and a window
    uow: UnitOfWork,
    probe_key: str,
    kind: ChannelKind,
    level: RollupLevel,
    from_at: datetime,
    until_at: datetime,
) -> list[Rollup]:
    """Return the rollups that begin within [from, until), oldest first, up to the present one.

    What is due is summed up on the way, without being stored. The last value speaks for a while,
    so an hour may be covered without a reading of its own.

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
        [(_, hours)] = _fresh_hours(uow, [(channel, set(_touched(uow, channel, due)))])
        _take_ahead(uow, hours)
        fresh: Iterable[Rollup] = hours.values()
        if level is RollupLevel.DAY:
            fresh = _fresh_days(uow, [(channel, hours)])
        low, high = microseconds(from_at), microseconds(until_at)
        found |= {item.starts_us: item for item in fresh if low <= item.starts_us < high}
    return [item for _, item in sorted(found.items()) if _counted(item) > 0 or item.covered_s > 0]


def _take_ahead(uow: UnitOfWork, hours: Hours) -> list[Rollup]:
    """Take out hours that have not begun, and that a value will speak for; return them.

    Until then nothing is known of them.
    """
    now_us = microseconds(uow.context.now)
    ahead = [start for start, item in hours.items() if start > now_us and _counted(item) == 0]
    return [hours.pop(start) for start in ahead]


def _fresh_hours(
    uow: UnitOfWork, touched: Sequence[tuple[_Channel, Collection[Bucket]]]
) -> list[tuple[_Channel, Hours]]:
    """Sum up the hours of each channel that were touched; return those that are news."""
    fresh: list[tuple[_Channel, Hours]] = [(channel, {}) for channel, _ in touched]
    runs = [
        (channel, hours, run)
        for (channel, hours), (_, buckets) in zip(fresh, touched, strict=True)
        for run in _runs(sorted(buckets))
    ]
    windows = [channel.window(run[0].starts_at, run[-1].ends_at) for channel, _, run in runs]
    found = uow.rollups.points_within(windows, 2 * LONGEST_HOLD)
    for (channel, hours, run), (points, before) in zip(runs, found, strict=True):
        parts = list(_parts(run, points, before))
        stored = _stored(uow, channel, run, parts)
        for bucket, inside, earlier in parts:
            figures = roll_up(inside, bucket, earlier)
            item = rollup_of(*channel.name, RollupLevel.HOUR, bucket, figures)
            if _is_news(item, stored.get(item.starts_us), uow.context.now):
                hours[item.starts_us] = item
    return fresh


def good_before(
    uow: UnitOfWork, probe_key: str, kind: ChannelKind, first: Bucket, points: Sequence[Point]
) -> list[Point]:
    """Return the newest good readings before a span, as many as its own leave open.

    Args:
        uow: The unit of work.
        probe_key: The probe.
        kind: Which of its channels.
        first: The span, an hour or a part of one.
        points: The readings within it, and perhaps later ones.
    """
    found: list[Point] = []
    until_at = first.starts_at
    end_us = microseconds(first.ends_at)
    for _ in range(2):
        point = uow.rollups.last_good(probe_key, kind, until_at - LONGEST_HOLD, until_at)
        if point is None:
            break
        found.insert(0, point)
        if any(is_good for at_us, _, is_good in points if at_us < end_us):
            break
        until_at = moment_of(point[0])
    return found


def _stored(
    uow: UnitOfWork, channel: _Channel, run: Sequence[Bucket], parts: Iterable[_Part]
) -> Hours:
    """Return the hours as they are stored, by their start, where that matters."""
    start = run[0].starts_at
    if start >= uow.context.now - SHORTEST_RAW and all(inside for _, inside, _ in parts):
        return {}
    found = uow.rollups.range(*channel.name, RollupLevel.HOUR, start, run[-1].ends_at)
    return {item.starts_us: item for item in found}


def _is_news(item: Rollup, stored: Rollup | None, now: datetime) -> bool:
    """Tell whether an hour is to be stored as it was summed up now.

    Readings may be gone from hours that are old enough, or from those before them, even if they
    were kept now: somebody has set another retention since. Then what was summed up stays.
    """
    if stored is None:
        return _counted(item) > 0 or item.covered_s > 0
    is_old = item.starts_at < now - SHORTEST_RAW
    if _counted(item) == 0:
        return _counted(stored) == 0 and not is_old
    return not is_old or _counted(item) >= _counted(stored)


def _counted(item: Rollup) -> int:
    return item.reading_count + item.suspect_count


def _touched(
    uow: UnitOfWork,
    channel: _Channel,
    due: Iterable[DueHour],
    later: frozenset[DueHour] = frozenset(),
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
        if start + HOUR in starts or DueHour(*channel.name, start + HOUR) in later:
            continue
        # The last value of the hour reaches as far as the next one.
        following = yield from _reached(uow, channel, bucket, start + REACH)
        if following is None or _due_hour(channel, following) in later:
            continue
        bucket = channel.bucket(RollupLevel.HOUR, following)
        yield bucket
        # Where that one stands alone, its interval says how long it speaks.
        after = channel.bucket(RollupLevel.HOUR, bucket.ends_at)
        yield from _reached(uow, channel, after, bucket.starts_at + REACH)


def _reached(
    uow: UnitOfWork, channel: _Channel, bucket: Bucket, until_at: datetime
) -> Generator[Bucket, None, datetime | None]:
    """Yield the hours from one on until the next good reading; return when that was measured."""
    following = uow.rollups.next_good_at(*channel.name, bucket.starts_at, until_at)
    end = until_at if following is None else following
    while bucket.ends_at <= end:
        yield bucket
        bucket = channel.bucket(RollupLevel.HOUR, bucket.ends_at)
    return following


def _due_hour(channel: _Channel, at: datetime) -> DueHour:
    return DueHour(*channel.name, at.replace(minute=0, second=0, microsecond=0))


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
    run: Sequence[Bucket], points: Sequence[Point], before: Sequence[Point]
) -> Iterator[_Part]:
    """Yield each bucket with its points and the two newest good ones before it.

    Args:
        run: Neighbours.
        points: All within them.
        before: The newest good ones before all of them.
    """
    seen = 0
    for bucket in run:
        # A time alone comes before a point of that time.
        first = bisect_left(points, (microseconds(bucket.starts_at),), seen)
        last = bisect_left(points, (microseconds(bucket.ends_at),), first)
        earlier = (points[number] for number in range(first - 1, seen - 1, -1))
        newest = list(islice((point for point in earlier if point[2]), 2))
        before = [*before, *reversed(newest)][-2:]
        yield bucket, points[first:last], before
        seen = first


def _fresh_days(
    uow: UnitOfWork, fresh: Sequence[tuple[_Channel, Mapping[int, Rollup]]]
) -> list[Rollup]:
    days = [
        (channel, hours, day)
        for channel, hours in fresh
        for day in sorted(
            {channel.bucket(RollupLevel.DAY, item.starts_at) for item in hours.values()}
        )
    ]
    windows = [channel.window(*day) for channel, _, day in days]
    made = []
    for (channel, hours, day), window, parts in zip(
        days, windows, uow.rollups.hours_within(windows), strict=True
    ):
        parts |= {
            start: item.figures
            for start, item in hours.items()
            if window.from_us <= start < window.until_us
        }
        made.append(rollup_of(*channel.name, RollupLevel.DAY, day, merge(parts.values())))
    return made
