"""Whether a reading may decide something: raise a problem, end it, make a task."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from kamerplanter_engines.models.base import CLOCK_TOLERANCE, is_ahead, utc
from kamerplanter_engines.models.telemetry import Reading, Verdict


def is_recent(at: datetime, *, now: datetime, max_age_s: float) -> bool:
    """Tell whether something that was measured then is not too old.

    What lies ahead of now is of unknown age.

    Args:
        at: The moment of measurement.
        now: The present moment.
        max_age_s: The oldest that counts. [s], above 0.

    Raises:
        NaiveTimeError: A time has no zone.
    """
    moment, present = utc(at), utc(now)
    return not is_ahead(moment, present) and present - moment <= timedelta(seconds=max_age_s)


def listening_since(started_at: datetime, now: datetime) -> datetime:
    """Return when listening began, on a clock that may have been set back since.

    A start that lies ahead is none: without this nothing would count as heard since then until
    the clock has caught up. What was heard a moment ago counts.

    Args:
        started_at: When listening began, as the clock said then; aware.
        now: The present moment, aware.
    """
    return now - CLOCK_TOLERANCE if is_ahead(started_at, now) else started_at


def decides(
    reading: Reading, *, now: datetime, started_at: datetime | None, max_age_s: float
) -> bool:
    """Tell whether a reading is good, not too old, and heard since the start.

    What was heard before the start is a memory: it is shown, yet nothing follows from it.

    Args:
        reading: A reading of any verdict.
        now: The present moment.
        started_at: When this process began to listen; none = no such rule.
        max_age_s: The oldest that counts. [s], above 0.

    Raises:
        NaiveTimeError: A time has no zone.

    Source: own rule.
    """
    return (
        reading.verdict is Verdict.GOOD
        and is_recent(reading.at, now=now, max_age_s=max_age_s)
        and not is_ahead(reading.received_at, utc(now))
        and (started_at is None or reading.received_at >= utc(started_at))
    )


def until_the_next(
    readings: Sequence[Reading | None], now: datetime
) -> Iterator[tuple[Reading | None, datetime]]:
    """Give each reading the moment until which it was the newest.

    Readings that come late, many at a time, say what they would have said one by one: how long
    something has lasted counts until the next reading, and to now only after the last one.

    Args:
        readings: Oldest first; a none = look at the clock only, as of now.
        now: The present moment, aware.
    """
    for number, reading in enumerate(readings):
        following = readings[number + 1] if number + 1 < len(readings) else None
        yield reading, now if following is None else min(following.at, now)
