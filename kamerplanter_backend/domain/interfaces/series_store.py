"""Measurements over time."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta

from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from kamerplanter_engines.models.twin import Span


class SeriesStore(ABC):
    """Readings by channel (probe and kind) and time."""

    @abstractmethod
    def append(self, readings: Sequence[Reading]) -> int:
        """Store readings; return how many were new.

        A channel has one reading per moment, the first one stays; an equal value on a channel
        within less than a second is the same reading. The hours in which something was stored
        are marked to be summed up (`RollupStore.due`).
        """

    @abstractmethod
    def revise(self, readings: Sequence[Reading]) -> int:
        """Replace value and judgement of stored readings; return how many were found.

        Args:
            readings: As they are to be; channel and moment tell which they are.
        """

    @abstractmethod
    def range(
        self,
        probe_key: str,
        kind: ChannelKind,
        from_at: datetime,
        until_at: datetime,
        *,
        most: int | None = None,
    ) -> list[Reading]:
        """Return the readings within [from, until), oldest first.

        Args:
            probe_key: The probe.
            kind: What it measures.
            from_at: The first moment.
            until_at: The moment after the last.
            most: So many at most, the oldest ones; none = all.
        """

    @abstractmethod
    def latest(
        self,
        probe_key: str,
        kind: ChannelKind,
        verdict: Verdict | None = None,
        *,
        until_at: datetime | None = None,
        in_order: bool = False,
    ) -> Reading | None:
        """Return the newest reading by its time of measurement.

        Args:
            probe_key: The probe.
            kind: What it measures.
            verdict: Only readings of this verdict; none = of any.
            until_at: Only readings of this moment or before; none = the last of all.
            in_order: Only one that was no late one: of a good one, none that was measured after it
                had been heard before.
        """

    @abstractmethod
    def fine_at(self, probe_key: str, kind: ChannelKind) -> datetime | None:
        """Return when a channel last said a number finer than `COARSE_STEP`; none = never.

        The number counts as the device sent it, before calibration. It is known whatever came
        since, and also when that reading has been deleted.
        """

    @abstractmethod
    def run_of(self, last: Reading, from_at: datetime) -> tuple[datetime, list[Reading]]:
        """Return since when a device says the number of a reading, and what it said before that.

        The number counts as the device sent it, before calibration, to the digit. What lies at an
        end stop neither ends a run nor is another number.

        Args:
            last: A stored reading, the end of the run.
            from_at: Look back no further; the run may be longer than that.

        Returns:
            When the first reading of the run was measured, and the newest ones before it that say
            another number, newest first: at most four, as far as there are any.
        """

    @abstractmethod
    def told(self, last: Reading, from_at: datetime) -> Reading | None:
        """Return the newest reading before another one that does not lie at an end stop.

        Args:
            last: A stored reading; it does not count itself.
            from_at: Look back no further.
        """

    @abstractmethod
    def doubted(
        self, last: Reading, after: datetime | None, most: int
    ) -> tuple[list[Reading], datetime | None]:
        """Return readings that further ones may make true: for range or rate and nothing harder.

        Args:
            last: A stored reading; it counts, what was measured after it does not.
            after: Only what was measured after this moment counts; none = all.
            most: So many at most, the newest ones.

        Returns:
            The readings, newest first, and when the first one of all was measured, if that is
            found: a store need not look through all that a dead probe has said for months.
        """

    @abstractmethod
    def spans(
        self,
        probe_key: str,
        kind: ChannelKind,
        from_at: datetime,
        until_at: datetime,
        span: timedelta,
    ) -> list[Span]:
        """Return between which values good readings lay, span by span, oldest first.

        Args:
            probe_key: The probe.
            kind: What it measures.
            from_at: Readings of this moment and later ones count.
            until_at: Readings before this moment count.
            span: How long each span is; they begin as `twin_engine.span_start` says.
        """

    @abstractmethod
    def prune(self, before: datetime, probe_keys: Sequence[str] | None = None) -> int:
        """Delete what was measured before a moment; return how many readings went.

        Args:
            before: Readings of this moment and later ones stay.
            probe_keys: The probes to look at; none = all.
        """

    @abstractmethod
    def remove_probe(self, probe_key: str) -> int:
        """Delete all readings of a probe, and their rollups; return how many readings went."""
