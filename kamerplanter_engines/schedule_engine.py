"""Which period of a job is open at a moment, whatever the clocks do."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import utc
from kamerplanter_engines.models.schedule import Daily, Every, Schedule, Weekly

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
# The local date can be behind what was reached before (clocks set back over midnight), and a
# week can lack its day (a zone that jumped over the date line): look this far.
_DAYS_AHEAD = 16
_DAYS_BACK = 16


def period(schedule: Schedule, now: datetime, zone: tzinfo) -> str:
    """Return the name of the open period: the one that began last.

    The names of local days are dates (`2026-05-01`), those of spans their first moment in UTC.
    Each local day has one period, also when clocks change: a local time that does not exist is the
    first moment after the gap, one that comes twice is the first of the two.

    Args:
        schedule: When the job is due.
        now: The present moment.
        zone: Zone of the site.

    Raises:
        NaiveTimeError: The time has no zone.
        InvalidInputError: The interval is not above 0, or the weekday not 0 to 6.

    Source: own rule.
    """
    moment = utc(now)
    if isinstance(schedule, Every):
        return _span_start(schedule, moment).isoformat()
    begun = max(
        (opening, day) for opening, day in _openings(schedule, moment, zone) if opening <= moment
    )
    return begun[1].isoformat()


def next_opening(schedule: Schedule, now: datetime, zone: tzinfo) -> datetime:
    """Return when the next period begins, in UTC.

    Args:
        schedule: When the job is due.
        now: The present moment.
        zone: Zone of the site.

    Raises:
        NaiveTimeError: The time has no zone.
        InvalidInputError: The interval is not above 0, or the weekday not 0 to 6.

    Source: own rule.
    """
    moment = utc(now)
    if isinstance(schedule, Every):
        return _span_start(schedule, moment) + schedule.interval
    return min(opening for opening, _ in _openings(schedule, moment, zone) if opening > moment)


def _span_start(schedule: Every, now: datetime) -> datetime:
    if schedule.interval <= timedelta(0):
        raise InvalidInputError(
            f"Interval {schedule.interval} is not above 0; give a positive one.",
            field="interval",
            value=schedule.interval,
        )
    return EPOCH + (now - EPOCH) // schedule.interval * schedule.interval


def _openings(
    schedule: Daily | Weekly, now: datetime, zone: tzinfo
) -> Iterator[tuple[datetime, date]]:
    """Yield when the periods around a moment begin, with the local day that each is for."""
    if isinstance(schedule, Weekly) and not 0 <= schedule.weekday <= 6:  # noqa: PLR2004
        raise InvalidInputError(
            f"Weekday {schedule.weekday} does not exist; give 0 (Monday) to 6 (Sunday).",
            field="weekday",
            value=schedule.weekday,
        )
    today = now.astimezone(zone).date()
    for offset in range(-_DAYS_BACK, _DAYS_AHEAD + 1):
        day = today + offset * _DAY
        if isinstance(schedule, Weekly) and day.weekday() != schedule.weekday:
            continue
        if _first_moment(day, time(), zone).astimezone(zone).date() == day:
            yield _first_moment(day, schedule.at, zone), day


def _first_moment(day: date, at: time, zone: tzinfo) -> datetime:
    """Return the first moment of a local time; in a gap the first moment after it."""
    local = datetime.combine(day, at.replace(tzinfo=None), tzinfo=zone)
    early, late = (local.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    if early >= late:
        return late
    # In a gap the two readings of the time stand before and after the change: narrow it down.
    early, late = early.replace(microsecond=0), late.replace(microsecond=0)
    before = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late
