"""The measurements of one garden, summed up."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from kamerplanter_backend.domain.interfaces.document_store import Query, Transaction, Where
from kamerplanter_backend.domain.interfaces.rollup_store import Window
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_engines.models.base import MICROSECOND
from kamerplanter_engines.models.rollup import DueHour, Era, Figures, Point, Rollup, RollupLevel
from kamerplanter_engines.models.telemetry import ChannelKind


class Rollups:
    """What the probes of one garden measured, by hour and day; written with `Readings`.

    Args:
        transaction: The transaction.
        tenant_key: The garden.
        check: Raises `NotFoundError` for probes of another garden.
    """

    def __init__(
        self,
        transaction: Transaction,
        tenant_key: str,
        check: Callable[[set[str]], None],
    ) -> None:
        self._transaction = transaction
        self._tenant_key = tenant_key
        self._check = check
        self._own: set[str] = set()
        self._all: list[str] = []

    def due(
        self,
        probe_key: str | None = None,
        *,
        from_at: datetime | None = None,
        before: datetime | None = None,
        limit: int | None = None,
    ) -> list[DueHour]:
        """Return the hours that have to be summed up, of one probe or of all of the garden."""
        return self._transaction.rollups.due(
            self._keys(probe_key), from_at=from_at, before=before, limit=limit
        )

    def points(
        self, probe_key: str, kind: ChannelKind, from_at: datetime, until_at: datetime
    ) -> list[Point]:
        """Return the readings of a channel within [from, until) as bare points, oldest first."""
        self._ask({probe_key})
        return self._transaction.rollups.points(probe_key, kind, from_at, until_at)

    def last_good(
        self, probe_key: str, kind: ChannelKind, from_at: datetime, until_at: datetime
    ) -> Point | None:
        """Return the newest good reading within [from, until)."""
        self._ask({probe_key})
        return self._transaction.rollups.last_good(probe_key, kind, from_at, until_at)

    def points_within(
        self, windows: Sequence[Window], reach: timedelta
    ) -> Iterator[tuple[list[Point], list[Point]]]:
        """Yield for each window its points, and the two newest good ones that reach so far."""
        self._ask({window.probe_key for window in windows})
        return self._transaction.rollups.points_within(windows, reach // MICROSECOND)

    def hours_within(self, windows: Sequence[Window]) -> Iterator[dict[int, Figures]]:
        """Yield for each window what the stored hours that begin in it come to, by start [µs]."""
        self._ask({window.probe_key for window in windows})
        return self._transaction.rollups.hours_within(windows)

    def next_good_at(
        self,
        probe_key: str,
        kind: ChannelKind,
        from_at: datetime,
        until_at: datetime | None = None,
    ) -> datetime | None:
        """Return when the first good reading within [from, until) was measured."""
        self._ask({probe_key})
        return self._transaction.rollups.next_good_at(probe_key, kind, from_at, until_at)

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
        """Return the stored rollups that begin within [from, until), oldest first."""
        self._ask({probe_key})
        return self._transaction.rollups.range(probe_key, kind, level, from_at, until_at, most=most)

    def put(
        self,
        rollups: Sequence[Rollup],
        settled: Sequence[DueHour],
        next_due: Sequence[DueHour] = (),
    ) -> None:
        """Store rollups, forget that these hours were due, and note which will be."""
        self._ask({item.probe_key for item in rollups} | {item.probe_key for item in settled})
        self._transaction.rollups.put(rollups)
        self._transaction.rollups.settle(settled)
        self._transaction.rollups.mark(next_due)

    def prune(self, level: RollupLevel, before: datetime) -> int:
        """Delete rollups that begin before a moment; return how many went."""
        return self._transaction.rollups.prune(level, before, self._keys())

    def eras(self, probe_key: str | None = None) -> dict[tuple[str, ChannelKind], tuple[Era, ...]]:
        """Return for each channel of one probe or of all which zones its buckets follow.

        Oldest first; empty = not noted.
        """
        return self._transaction.rollups.eras(self._keys(probe_key))

    def begin(self, probe_key: str, kind: ChannelKind, eras: Sequence[Era]) -> int:
        """Let the buckets of a channel follow other zones, the newest of which begins anew.

        Rollups that begin in its time are deleted, and its hours that hold readings are due.

        Returns:
            How many hours are due.
        """
        self._ask({probe_key})
        store = self._transaction.rollups
        store.set_eras(probe_key, kind, eras)
        store.drop(probe_key, kind, eras[-1].from_at)
        hours = store.hours_with_readings(probe_key, kind, eras[-1].from_at)
        store.mark(hours)
        return len(hours)

    def note_zone(self, probe_key: str, kind: ChannelKind, era: Era) -> None:
        """Note which zone all buckets of a channel follow."""
        self._ask({probe_key})
        self._transaction.rollups.set_eras(probe_key, kind, [era])

    def _keys(self, probe_key: str | None = None) -> list[str]:
        """Return one probe that must be of this garden, or all that are."""
        if probe_key is not None:
            self._ask({probe_key})
            return [probe_key]
        probes = ProbeRepository.collection.name
        if self._all and not self._transaction.has_written(probes, self._tenant_key):
            return self._all
        own = Query(where=(Where("tenant_key", "==", self._tenant_key),))
        # The documents as they are: checking them takes far longer than what they are needed for.
        self._all = [str(document["key"]) for document in self._transaction.find(probes, own)]
        self._own.update(self._all)
        return self._all

    def _ask(self, probe_keys: set[str]) -> None:
        if not probe_keys <= self._own:
            self._check(probe_keys)
