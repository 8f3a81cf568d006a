"""What a person may want to see of the queue."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kamerplanter_backend.client.queue_file import RefusedCommand
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.errors import KamerplanterError


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """The queue at one moment."""

    depth: int
    """Commands that wait."""
    oldest_at: datetime | None
    """When the first of them was called; none = nothing waits."""
    away_since: datetime | None
    """Since when the server cannot be reached or refuses us; none = it answers."""
    trouble: KamerplanterError | None
    """Why; an `UnauthorizedError` means that a new key is needed."""
    refused: tuple[RefusedCommand, ...]
    """What will not be sent any more, oldest first; stays until a person has seen it."""
    dropped_readings_count: int
    """Readings lost since the start, because too many waited or they waited too long."""
    damaged_file: Path | None
    """Where an unreadable queue was put aside at the start; none = all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A snapshot, and whether the server showed it just now."""

    snapshot: GardenSnapshot
    is_fresh: bool
    """False = it is what was seen last, as the server is away."""
