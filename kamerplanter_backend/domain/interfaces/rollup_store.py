"""Measurements summed up by hour and day, and which hours have to be summed up again."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from kamerplanter_engines.models.rollup import DueHour, Point, Rollup, RollupLevel
from kamerplanter_engines.models.telemetry import ChannelKind


class RollupStore(ABC):
    """Rollups by channel, level and start, beside the readings that they come from.

    `SeriesStore.append` marks the hours in which it stored something, in the same transaction.
    """

    @abstractmethod
    def due(
        self,
        probe_keys: Sequence[str] | None = None,
        *,
        before: datetime | None = None,
        limit: int | None = None,
    ) -> list[DueHour]:
        """Return the hours with readings that no rollup knows, by channel and time.

        Args:
            probe_keys: The probes to look at; none = all.
            before: Only hours that begin before this moment; none = all.
            limit: Most hours to return; none = all.
        """

    @abstractmethod
    def settle(self, hours: Sequence[DueHour]) -> None:
        """Forget that these hours are due."""

    @abstractmethod
    def points(
        self, probe_key: str, kind: ChannelKind, from_at: datetime, until_at: datetime
    ) -> list[Point]:
        """Return the readings within [from, until) as bare points, oldest first."""

    @abstractmethod
    def next_good_at(self, probe_key: str, kind: ChannelKind, from_at: datetime) -> datetime | None:
        """Return when the first good reading of this moment or later was measured."""

    @abstractmethod
    def put(self, rollups: Sequence[Rollup]) -> None:
        """Store rollups in place of those with the same channel, level and start."""

    @abstractmethod
    def range(
        self,
        probe_key: str,
        kind: ChannelKind,
        level: RollupLevel,
        from_at: datetime,
        until_at: datetime,
    ) -> list[Rollup]:
        """Return the rollups that begin within [from, until), oldest first."""

    @abstractmethod
    def prune(
        self, level: RollupLevel, before: datetime, probe_keys: Sequence[str] | None = None
    ) -> int:
        """Delete rollups that begin before a moment; return how many went."""
