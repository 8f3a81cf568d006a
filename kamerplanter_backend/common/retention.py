"""How long measurements are kept, in three steps that become coarser."""

from dataclasses import dataclass
from datetime import timedelta

SHORTEST_RAW = timedelta(days=14)
"""Single readings are never kept for less: a device may tell times of the last 7 days, and a queue
before a server that is away may hold what was heard for as long again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long readings, hours and days are kept; each at least as long as the one before.

    Source: the project's decisions on rollups.
    """

    raw: timedelta = timedelta(days=90)
    """Single readings; at least `SHORTEST_RAW`. What was measured before is refused as too old."""
    hourly: timedelta = timedelta(days=2 * 365)
    """The hours that they come to."""
    daily: timedelta = timedelta(days=5 * 365)
    """The days that these come to."""
