"""The measurements of one garden, summed up."""

from collections.abc import Callable, Sequence
from datetime import datetime

from kamerplanter_backend.domain.interfaces.document_store import Transaction
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_engines.models.rollup import DueHour, Point, Rollup, RollupLevel
from kamerplanter_engines.models.telemetry import ChannelKind


class Rollups:
    """What the probes of one garden measured, by hour and day; written with `Readings`.

    Args:
        transaction: The transaction.
        probes: The probes of the garden.
        check: Raises `NotFoundError` for probes of another garden.
    """

    def __init__(
        self,
        transaction: Transaction,
        probes: ProbeRepository,
        check: Callable[[set[str]], None],
    ) -> None:
        self._transaction = transaction
        self._probes = probes
        self._check = check

    def due(
        self,
        probe_key: str | None = None,
        *,
        before: datetime | None = None,
        limit: int | None = None,
    ) -> list[DueHour]:
        """Return the hours that have to be summed up, of one probe or of all of the garden."""
        keys = [probe.key for probe in self._probes.find()] if probe_key is None else [probe_key]
        self._check(set(keys))
        return self._transaction.rollups.due(keys, before=before, limit=limit)

    def points(
        self, probe_key: str, kind: ChannelKind, from_at: datetime, until_at: datetime
    ) -> list[Point]:
        """Return the readings of a channel within [from, until) as bare points, oldest first."""
        self._check({probe_key})
        return self._transaction.rollups.points(probe_key, kind, from_at, until_at)

    def next_good_at(self, probe_key: str, kind: ChannelKind, from_at: datetime) -> datetime | None:
        """Return when the first good reading of this moment or later was measured."""
        self._check({probe_key})
        return self._transaction.rollups.next_good_at(probe_key, kind, from_at)

    def range(
        self,
        probe_key: str,
        kind: ChannelKind,
        level: RollupLevel,
        from_at: datetime,
        until_at: datetime,
    ) -> list[Rollup]:
        """Return the stored rollups that begin within [from, until), oldest first."""
        self._check({probe_key})
        return self._transaction.rollups.range(probe_key, kind, level, from_at, until_at)

    def put(self, rollups: Sequence[Rollup], settled: Sequence[DueHour]) -> None:
        """Store rollups, and forget that these hours were due."""
        self._check({item.probe_key for item in rollups} | {item.probe_key for item in settled})
        self._transaction.rollups.put(rollups)
        self._transaction.rollups.settle(settled)

    def prune(self, level: RollupLevel, before: datetime) -> int:
        """Delete rollups that begin before a moment; return how many went."""
        keys = [probe.key for probe in self._probes.find()]
        return self._transaction.rollups.prune(level, before, keys)
