"""What a channel measured within days, also within one that goes on, and of whatever zone."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime

from kamerplanter_backend.domain.consequences.rollups import (
    DAY_AT_MOST,
    REACH,
    good_before,
    rollups_within,
)
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.base import MICROSECOND
from kamerplanter_engines.models.rollup import (
    Bucket,
    Figures,
    Point,
    Rollup,
    RollupLevel,
    microseconds,
)
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.rollup_engine import HOUR, bucket_of, merge, roll_up

type _Channel = tuple[str, ChannelKind]


def figures_of_days(
    uow: UnitOfWork,
    probe_key: str,
    kind: ChannelKind,
    days: Sequence[Bucket],
    until_at: datetime | None,
) -> list[Figures]:
    """Return what the good readings of days come to, as far as these are over.

    Days of the garden are taken as they were summed up. Those of another zone, and one that goes
    on or of which only a part counts, are put together from hours, and from single readings where
    an hour does not lie wholly within it; so no value speaks for what is still to come.

    It is asked for with each snapshot, so what is summed up already is read and not made again.

    Args:
        uow: The unit of work.
        probe_key: The probe.
        kind: Which of its channels.
        days: Days or parts of days, in UTC, oldest first.
        until_at: A day that goes on counts up to this moment, at most up to now; none = it does
            not count.

    Raises:
        NotFoundError: The probe is not of this garden.
    """
    if not days:
        return []
    channel, now = (probe_key, kind), uow.context.now
    due = [
        item.starts_at
        for item in uow.rollups.due(probe_key, from_at=days[0].starts_at - REACH, before=now)
        if item.kind is kind
    ]
    closed = [day for day in days if day.ends_at <= now]
    found = _of_closed_days(uow, channel, closed, due) if closed else []
    for day in days[len(closed) :]:
        over = day._replace(ends_at=min(day.ends_at, now if until_at is None else until_at))
        is_measured = until_at is not None and over.ends_at > over.starts_at
        found.append(_of_open_day(uow, channel, over, due) if is_measured else Figures())
    return found


def _of_closed_days(
    uow: UnitOfWork, channel: _Channel, days: Sequence[Bucket], due: Sequence[datetime]
) -> list[Figures]:
    window = days[0].starts_at - DAY_AT_MOST, days[-1].ends_at
    is_settled = all(starts_at >= days[-1].ends_at for starts_at in due)
    read = uow.rollups.range if is_settled else lambda *asked: rollups_within(uow, *asked)
    summed_up = {item.bucket: item.figures for item in read(*channel, RollupLevel.DAY, *window)}
    spans, found = list(summed_up), []
    for day in days:
        figures = summed_up.get(day)
        if figures is None:
            figures = _by_hours(uow, channel, day) if _are_near(spans, day) else Figures()
        found.append(figures)
    return found


def _are_near(spans: Sequence[Bucket], day: Bucket) -> bool:
    """Tell whether anything was measured in any of these days, oldest first, that meets a day."""
    first = bisect_right(spans, day.starts_at, key=lambda span: span.ends_at)
    return first < len(spans) and spans[first].starts_at < day.ends_at


def _of_open_day(
    uow: UnitOfWork, channel: _Channel, over: Bucket, due: Sequence[datetime]
) -> Figures:
    """Return what came of a day so far: hours that are settled, and what is left by its readings.

    Args:
        uow: The unit of work.
        channel: Probe and kind.
        over: What is over of the day.
        due: Hours of this channel that have to be summed up.
    """
    zone = uow.context.zone
    if bucket_of(RollupLevel.HOUR, over.starts_at, zone).starts_at != over.starts_at:
        return _by_hours(uow, channel, over)
    first = min((at for at in due if at > over.starts_at - REACH), default=over.ends_at)
    open_at = bucket_of(RollupLevel.HOUR, min(first, over.ends_at - MICROSECOND), zone).starts_at
    rest = over._replace(starts_at=max(open_at, over.starts_at))
    known = uow.rollups.range(*channel, RollupLevel.HOUR, over.starts_at, rest.starts_at)
    settled = [item.figures for item in known if item.bucket.ends_at <= rest.starts_at]
    return merge([*settled, *_rolled_up(uow, channel, rest)])


def _rolled_up(uow: UnitOfWork, channel: _Channel, rest: Bucket) -> Iterator[Figures]:
    """Yield what each hour of a span comes to by its readings; the last one may be cut short."""
    # What has just been measured counts, though it speaks for no time yet.
    points = uow.rollups.points(*channel, rest.starts_at, rest.ends_at + MICROSECOND)
    hour = _hour_within(uow, rest.starts_at, rest)
    good: list[Point] = good_before(uow, *channel, hour, points)
    seen = 0
    while True:
        is_last = hour.ends_at >= rest.ends_at
        end = None if is_last else bisect_left(points, (microseconds(hour.ends_at),), seen)
        inside = points[seen:end]
        yield roll_up(inside, hour, good[-2:])
        if end is None:
            return
        good += [point for point in inside if point[2]]
        seen = end
        hour = _hour_within(uow, hour.ends_at, rest)


def _hour_within(uow: UnitOfWork, at: datetime, span: Bucket) -> Bucket:
    hour = bucket_of(RollupLevel.HOUR, at, uow.context.zone)
    return Bucket(max(hour.starts_at, span.starts_at), min(hour.ends_at, span.ends_at))


def _by_hours(uow: UnitOfWork, channel: _Channel, day: Bucket) -> Figures:
    """Return what came of a day or a part of one whose ends are not those of hours."""
    hours = rollups_within(uow, *channel, RollupLevel.HOUR, day.starts_at - HOUR, day.ends_at)
    return merge(_within(uow, channel, hour, day) for hour in hours)


def _within(uow: UnitOfWork, channel: _Channel, hour: Rollup, span: Bucket) -> Figures:
    """Return what an hour comes to within a span."""
    part = Bucket(max(hour.starts_at, span.starts_at), min(hour.bucket.ends_at, span.ends_at))
    if part.ends_at <= part.starts_at:
        return Figures()
    if part == hour.bucket:
        return hour.figures
    points = uow.rollups.points(*channel, *part)
    return roll_up(points, part, good_before(uow, *channel, part, points))
