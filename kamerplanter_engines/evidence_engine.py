"""Whether a reading may decide something: raise a problem, end it, make a task."""

from datetime import datetime, timedelta

from kamerplanter_engines.models.base import utc
from kamerplanter_engines.models.telemetry import Reading, Verdict


def is_recent(at: datetime, *, now: datetime, max_age_s: float) -> bool:
    """Tell whether something that was measured then is not too old.

    Args:
        at: The moment of measurement.
        now: The present moment.
        max_age_s: The oldest that counts. [s], above 0.

    Raises:
        NaiveTimeError: A time has no zone.
    """
    return utc(now) - utc(at) <= timedelta(seconds=max_age_s)


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
        and (started_at is None or reading.received_at >= utc(started_at))
    )
