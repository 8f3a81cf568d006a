"""Measurements summed up by hour and day, and which hours have to be summed up again."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from kamerplanter_engines.models.rollup import DueHour, Era, Figures, Point, Rollup, RollupLevel
from kamerplanter_engines.models.telemetry import ChannelKind


class Window(NamedTuple):
    """A span of time of one channel: [from, until)."""

    probe_key: str
    kind: ChannelKind
    from_us: int
    """[µs since 1970, UTC]"""
    until_us: int


class RollupStore(ABC):
    """Rollups by channel, level and start, beside the readings that they come from.

    `SeriesStore.append` marks the hours in which it stored something, in the same transaction.
    """

    @abstractmethod
    def due(
        self,
        probe_keys: Sequence[str] | None = None,
        *,
        from_at: datetime | None = None,
        before: datetime | None = None,
        limit: int | None = None,
    ) -> list[DueHour]:
        """Return the hours with readings that no rollup knows, by channel and time.

        Args:
            probe_keys: The probes to look at; none = all.
            from_at: Only hours that begin at this moment or later; none = all.
            before: Only hours that begin before this moment; none = all.
            limit: Most hours to return; none = all.
        """

    @abstractmethod
    def mark(self, hours: Sequence[DueHour]) -> None:
        """Note that these hours are due."""

    @abstractmethod
    def settle(self, hours: Sequence[DueHour]) -> None:
        """Forget that these hours are due."""

    @abstractmethod
    def hours_with_readings(
        self, probe_key: str, kind: ChannelKind, from_at: datetime
    ) -> list[DueHour]:
        """Return the hours that hold a reading of this moment or later, oldest first."""

    @abstractmethod
    def points(
        self, probe_key: str, kind: ChannelKind, from_at: datetime, until_at: datetime
    ) -> list[Point]:
        """Return the readings within [from, until) as bare points, oldest first."""

    @abstractmethod
    def last_good(
        self, probe_key: str, kind: ChannelKind, from_at: datetime, until_at: datetime
    ) -> Point | None:
        """Return the newest good reading within [from, until)."""

    @abstractmethod
    def points_within(
        self, windows: Iterable[Window], reach_us: int
    ) -> Iterator[tuple[list[Point], list[Point]]]:
        """Yield for each window its readings, and the newest good ones before it, oldest first.

        Args:
            windows: The windows; each is read when its turn comes.
            reach_us: How far before a window they count; two are told at most.
        """

    @abstractmethod
    def next_good_at(
        self,
        probe_key: str,
        kind: ChannelKind,
        from_at: datetime,
        until_at: datetime | None = None,
    ) -> datetime | None:
        """Return when the first good reading within [from, until) was measured; none = no end."""

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
        *,
        most: int | None = None,
    ) -> list[Rollup]:
        """Return the rollups that begin within [from, until), oldest first, `most` at most."""

    @abstractmethod
    def hours_within(self, windows: Iterable[Window]) -> Iterator[dict[int, Figures]]:
        """Yield for each window what the hours that begin in it come to, by start [µs]."""

    @abstractmethod
    def prune(
        self, level: RollupLevel, before: datetime, probe_keys: Sequence[str] | None = None
    ) -> int:
        """Delete rollups that begin before a moment; return how many went."""

    @abstractmethod
    def drop(self, probe_key: str, kind: ChannelKind, from_at: datetime) -> int:
        """Delete the hours and days of a channel that begin at a moment or later.

        Returns:
            How many went.
        """

    @abstractmethod
    def eras(self, probe_keys: Sequence[str]) -> dict[tuple[str, ChannelKind], tuple[Era, ...]]:
        """Return for each channel of some probes which zones its buckets follow, oldest first.

        Empty = not noted.
        """

    @abstractmethod
    def set_eras(self, probe_key: str, kind: ChannelKind, eras: Sequence[Era]) -> None:
        """Note which zones the buckets of a channel follow, in place of what was noted."""
