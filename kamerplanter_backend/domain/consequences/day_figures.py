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

type Hours = list[tuple[datetime, Figures]]
"""When an hour begins, or the part of it that counts, and what it comes to."""

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
    due = _due(uow, channel, days[0].starts_at)
    closed = [day for day in days if day.ends_at <= now]
    found = _of_closed_days(uow, channel, closed, due) if closed else []
    for day in days[len(closed) :]:
        over = day._replace(ends_at=min(day.ends_at, now if until_at is None else until_at))
        is_measured = until_at is not None and over.ends_at > over.starts_at
        hours = _open_hours(uow, channel, over, due) if is_measured else []
        found.append(merge(figures for _, figures in hours))
    return found


def hours_of_days(
    uow: UnitOfWork, probe_key: str, kind: ChannelKind, parts: Sequence[Bucket]
) -> list[Hours]:
    """Return what each hour of days that are over comes to.

    Args:
        uow: The unit of work.
        probe_key: The probe.
        kind: Which of its channels.
        parts: Days or parts of days, in UTC, oldest first.

    Raises:
        NotFoundError: The probe is not of this garden.
    """
    if not parts:
        return []
    from_at, until_at = parts[0].starts_at - HOUR, parts[-1].ends_at
    due = _due(uow, (probe_key, kind), from_at)
    # What arrived later than all of it changes nothing of it.
    is_settled = all(at >= until_at for at in due)
    read = uow.rollups.range if is_settled else lambda *asked: rollups_within(uow, *asked)
    hours = read(probe_key, kind, RollupLevel.HOUR, from_at, until_at)
    return [_hours_within(uow, (probe_key, kind), hours, part) for part in parts]


def hours_so_far(uow: UnitOfWork, probe_key: str, kind: ChannelKind, over: Bucket) -> Hours:
    """Return what each hour comes to of a part of a day that goes on, as far as it is over.

    Raises:
        NotFoundError: The probe is not of this garden.
    """
    if over.ends_at <= over.starts_at:
        return []
    return _open_hours(uow, (probe_key, kind), over, _due(uow, (probe_key, kind), over.starts_at))


def _due(uow: UnitOfWork, channel: _Channel, from_at: datetime) -> list[datetime]:
    """Return the hours that have to be summed up and may reach beyond a moment."""
    near = uow.rollups.due(channel[0], from_at=from_at - REACH, before=uow.context.now)
    return [item.starts_at for item in near if item.kind is channel[1]]


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


def _open_hours(uow: UnitOfWork, channel: _Channel, over: Bucket, due: Sequence[datetime]) -> Hours:
    """Return what came of a day so far: hours that are settled, and what is left by its readings.

    Args:
        uow: The unit of work.
        channel: Probe and kind.
        over: What is over of the day.
        due: Hours of this channel that have to be summed up.
    """
    zone = uow.context.zone
    if bucket_of(RollupLevel.HOUR, over.starts_at, zone).starts_at != over.starts_at:
        window = over.starts_at - HOUR, over.ends_at
        hours = rollups_within(uow, *channel, RollupLevel.HOUR, *window)
        return _hours_within(uow, channel, hours, over, goes_on=True)
    first = min((at for at in due if at > over.starts_at - REACH), default=over.ends_at)
    open_at = bucket_of(RollupLevel.HOUR, min(first, over.ends_at - MICROSECOND), zone).starts_at
    rest = over._replace(starts_at=max(open_at, over.starts_at))
    known = uow.rollups.range(*channel, RollupLevel.HOUR, over.starts_at, rest.starts_at)
    settled = [item for item in known if item.bucket.ends_at <= rest.starts_at]
    parts = [(item.starts_at, item.figures) for item in settled]
    return [*parts, *_rolled_up(uow, channel, rest)]


def _rolled_up(
    uow: UnitOfWork, channel: _Channel, rest: Bucket
) -> Iterator[tuple[datetime, Figures]]:
    """Yield what each hour of a span comes to by its readings; the last one may be cut short."""
    # What has just been measured counts, though it speaks for no time yet.
    points = uow.rollups.points(*channel, rest.starts_at, rest.ends_at + MICROSECOND)
    hour = hour_within(uow, rest.starts_at, rest)
    good: list[Point] = good_before(uow, *channel, hour, points)
    seen = 0
    while True:
        is_last = hour.ends_at >= rest.ends_at
        end = None if is_last else bisect_left(points, (microseconds(hour.ends_at),), seen)
        inside = points[seen:end]
        yield hour.starts_at, roll_up(inside, hour, good[-2:])
        if end is None:
            return
        good += [point for point in inside if point[2]]
        seen = end
        hour = hour_within(uow, hour.ends_at, rest)


def hour_within(uow: UnitOfWork, at: datetime, span: Bucket) -> Bucket:
    """Return the hour of the garden that a moment lies in, or as much of it as a span holds."""
    hour = bucket_of(RollupLevel.HOUR, at, uow.context.zone)
    return Bucket(max(hour.starts_at, span.starts_at), min(hour.ends_at, span.ends_at))


def _by_hours(uow: UnitOfWork, channel: _Channel, day: Bucket) -> Figures:
    """Return what came of a day or a part of one whose ends are not those of hours."""
    [hours] = hours_of_days(uow, *channel, [day])
    return merge(figures for _, figures in hours)


def _hours_within(
    uow: UnitOfWork,
    channel: _Channel,
    hours: Sequence[Rollup],
    span: Bucket,
    *,
    goes_on: bool = False,
) -> Hours:
    """Return what hours come to within a span, given all that may meet it, oldest first.

    One that goes on ends with what has just been measured, which counts.
    """
    first = bisect_left(hours, span.starts_at - HOUR, key=lambda item: item.starts_at)
    last = bisect_left(hours, span.ends_at, first, key=lambda item: item.starts_at)
    # One that ends before the span comes to nothing.
    return [
        (
            max(item.starts_at, span.starts_at),
            _within(
                uow, channel, item, span, with_end=goes_on and item.bucket.ends_at >= span.ends_at
            ),
        )
        for item in hours[first:last]
    ]


def _within(
    uow: UnitOfWork, channel: _Channel, hour: Rollup, span: Bucket, *, with_end: bool
) -> Figures:
    """Return what an hour comes to within a span, what was measured at its end included or not."""
    whole = hour.bucket
    if not with_end and span.starts_at <= whole.starts_at and whole.ends_at <= span.ends_at:
        return hour.figures
    part = Bucket(max(whole.starts_at, span.starts_at), min(whole.ends_at, span.ends_at))
    if part.ends_at <= part.starts_at:
        return Figures()
    until = part.ends_at + MICROSECOND if with_end else part.ends_at
    points = uow.rollups.points(*channel, part.starts_at, until)
    return roll_up(points, part, good_before(uow, *channel, part, points))
