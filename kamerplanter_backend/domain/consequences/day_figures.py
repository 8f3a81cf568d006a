"""What a channel measured within days, also within one that goes on, and of whatever zone."""

from bisect import bisect_right
from collections.abc import Sequence

from kamerplanter_backend.domain.consequences.rollups import (
    DAY_AT_MOST,
    good_before,
    rollups_within,
)
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.rollup import Bucket, Figures, Rollup, RollupLevel
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.rollup_engine import HOUR, merge, roll_up


def figures_of_days(
    uow: UnitOfWork, probe_key: str, kind: ChannelKind, days: Sequence[Bucket]
) -> list[Figures]:
    """Return what the good readings of days come to, as far as these are over.

    Days of the garden are taken as they were summed up. Those of another zone, and one that goes
    on or of which only a part counts, are put together from hours, and from single readings where
    an hour does not lie wholly within it; so no value speaks for what is still to come.

    Args:
        uow: The unit of work.
        probe_key: The probe.
        kind: Which of its channels.
        days: Days or parts of days, in UTC, oldest first.

    Raises:
        NotFoundError: The probe is not of this garden.
    """
    if not days:
        return []
    channel = (probe_key, kind)
    known = rollups_within(
        uow, *channel, RollupLevel.DAY, days[0].starts_at - DAY_AT_MOST, days[-1].ends_at
    )
    summed_up = {item.bucket: item.figures for item in known}
    spans = list(summed_up)
    found: list[Figures] = []
    for day in days:
        exact = summed_up.get(day)
        if exact is not None and day.ends_at <= uow.context.now:
            found.append(exact)
        elif _are_near(spans, day):
            found.append(_by_hours(uow, channel, day))
        else:
            found.append(Figures())
    return found


def _are_near(spans: Sequence[Bucket], day: Bucket) -> bool:
    """Tell whether anything was measured in any of these days, oldest first, that meets a day."""
    first = bisect_right(spans, day.starts_at, key=lambda span: span.ends_at)
    return first < len(spans) and spans[first].starts_at < day.ends_at


def _by_hours(uow: UnitOfWork, channel: tuple[str, ChannelKind], day: Bucket) -> Figures:
    over = Bucket(day.starts_at, min(day.ends_at, uow.context.now))
    hours = rollups_within(uow, *channel, RollupLevel.HOUR, over.starts_at - HOUR, over.ends_at)
    return merge(_within(uow, channel, hour, over) for hour in hours)


def _within(
    uow: UnitOfWork, channel: tuple[str, ChannelKind], hour: Rollup, span: Bucket
) -> Figures:
    """Return what an hour comes to within a span."""
    part = _overlap(hour.bucket, span)
    if part is None:
        return Figures()
    if part == hour.bucket:
        return hour.figures
    points = uow.rollups.points(*channel, *part)
    return roll_up(points, part, good_before(uow, *channel, part, points))


def _overlap(one: Bucket, other: Bucket) -> Bucket | None:
    """Return the time that two spans have in common."""
    both = Bucket(max(one.starts_at, other.starts_at), min(one.ends_at, other.ends_at))
    return both if both.starts_at < both.ends_at else None
