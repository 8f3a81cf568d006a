"""Moments as whole numbers, as they stand in the file."""

from datetime import UTC, datetime

from kamerplanter_engines.models.base import MICROSECOND, utc

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_US = 3_600_000_000
FOREVER_US = 2**63 - 1


def microseconds(moment: datetime) -> int:
    """Return an aware moment as microseconds since 1970 in UTC.

    Raises:
        NaiveTimeError: The moment has no zone.
    """
    return (utc(moment) - EPOCH) // MICROSECOND
