"""Lets hours and days follow the zone of the garden, as far back as their readings are there."""

from collections.abc import Sequence
from datetime import UTC, datetime

from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.rollup import ALWAYS, Era, RollupLevel
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.rollup_engine import LONGEST_HOLD, bucket_within

_END = datetime(9999, 1, 1, tzinfo=UTC)


type Eras = dict[tuple[str, ChannelKind], tuple[Era, ...]]
"""For each channel the zones that its buckets follow, oldest first; at least one."""


def eras_of(uow: UnitOfWork, probe_key: str | None = None) -> Eras:
    """Return which zones the buckets of channels follow; that of the garden if none is noted."""
    present = (Era(ALWAYS, uow.context.zone),)
    return {channel: eras or present for channel, eras in uow.rollups.eras(probe_key).items()}


def follow_zone(uow: UnitOfWork, *, limit: int | None = None) -> Eras:
    """Let the buckets of all channels follow the zone of the garden; return which they follow.

    Buckets whose readings are gone stay as they are. The new zone begins where a day of the old
    one ended, the first after which all readings are there; so the hour and the day that begin at
    that moment are shorter than others, and each reading counts in one hour and one day.

    Args:
        uow: The unit of work; it must be allowed to write `Readings`.
        limit: When so many hours are due no further channel is looked at; none = all are.
    """
    due = 0
    zone = uow.context.zone
    noted = uow.rollups.eras()
    for (probe_key, kind), eras in noted.items():
        if not eras:
            uow.rollups.note_zone(probe_key, kind, Era(ALWAYS, zone))
        elif eras[-1].zone.key != zone.key and (limit is None or due < limit):
            begins_at = _beginning(uow, probe_key, kind, eras)
            due += uow.rollups.begin(probe_key, kind, _with(eras, Era(begins_at, zone)))
    return eras_of(uow) if due or not all(noted.values()) else noted


def _with(eras: Sequence[Era], latest: Era) -> list[Era]:
    """Return the eras with a new one in place of those that begin after it."""
    return [*(era for era in eras if era.from_at < latest.from_at), latest]


def _beginning(uow: UnitOfWork, probe_key: str, kind: ChannelKind, eras: Sequence[Era]) -> datetime:
    """Return since when buckets can be made anew."""
    first = uow.readings.range(probe_key, kind, ALWAYS, _END, most=1)
    if not first:
        days = uow.rollups.range(probe_key, kind, RollupLevel.DAY, ALWAYS, _END)
        return days[-1].bucket.ends_at if days else ALWAYS
    lost_at = _newest_without_readings(uow, probe_key, kind, first[0].at)
    at = first[0].at if lost_at is None else lost_at
    if lost_at is None and not _has_older(uow, probe_key, kind, at, eras):
        return ALWAYS
    # What is left of the oldest hour does not stand for it, nor for what reached into the next.
    return bucket_within(RollupLevel.DAY, at + LONGEST_HOLD, eras).ends_at


def _newest_without_readings(
    uow: UnitOfWork, probe_key: str, kind: ChannelKind, after: datetime
) -> datetime | None:
    """Return when the newest hour ends whose readings are gone though older ones are there.

    That is so where readings are kept for longer since, and one has come late.
    """
    hours = uow.rollups.range(probe_key, kind, RollupLevel.HOUR, after, _END)
    for hour in reversed(hours):
        is_made_of_some = hour.reading_count + hour.suspect_count > 0
        if is_made_of_some and not uow.readings.range(probe_key, kind, *hour.bucket, most=1):
            return hour.bucket.ends_at
    return None


def _has_older(
    uow: UnitOfWork, probe_key: str, kind: ChannelKind, at: datetime, eras: Sequence[Era]
) -> bool:
    """Tell whether something was summed up whose readings are gone, `at` being the oldest left."""
    for level in RollupLevel:
        start = bucket_within(level, at, eras).starts_at
        if uow.rollups.range(probe_key, kind, level, ALWAYS, start, most=1):
            return True
    hour = bucket_within(RollupLevel.HOUR, at, eras)
    known = uow.rollups.range(probe_key, kind, RollupLevel.HOUR, *hour, most=1)
    left = sum(1 for point in uow.rollups.points(probe_key, kind, *hour) if point[2])
    return bool(known) and known[0].reading_count > left
