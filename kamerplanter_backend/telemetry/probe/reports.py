"""What a device has sent lately, before anybody judged it."""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from kamerplanter_engines.models.telemetry import ChannelKind, Reason
from kamerplanter_engines.telemetry_engine import SAME_READING_S, Sample

REMEMBERED = 11
"""Ten distances are enough to see how often a device reports."""
NO_NUMBER = frozenset({Reason.NOT_A_NUMBER, Reason.MISSING_FIELD})
"""Whatever else is wrong with a sample: the source says something."""
LEAST_DISTANCES = 2
"""From one distance nobody knows whether a message was lost."""


class Reports:
    """Remembers what came from the sources of one probe; nothing that a broker had kept."""

    def __init__(self) -> None:
        self._raw: dict[ChannelKind, tuple[float | None, datetime]] = {}
        self._ready: set[ChannelKind] = set()
        self._arrivals: dict[str, deque[datetime]] = {}
        self._numbers_at: dict[str, datetime] = {}

    def note(self, source: str, at: datetime, samples: Sequence[Sample]) -> None:
        """Take in one live message.

        Args:
            source: The topic or entity that it came from.
            at: When it came, UTC.
            samples: What it says; a missing field says nothing. Of a message of nothing but words
                only that its numbers are gone is remembered: a bridge says `unavailable` for a
                device that is away.
        """
        if not self._note_values(source, at, samples):
            return
        arrivals = self._arrivals.get(source)
        if arrivals is None:
            arrivals = self._arrivals[source] = deque(maxlen=REMEMBERED)
        # A telegram that is sent twice is one report; after a clock set back all begins anew.
        elapsed_s = (at - arrivals[-1]).total_seconds() if arrivals else None
        if elapsed_s is None or elapsed_s >= SAME_READING_S:
            arrivals.append(at)
        elif elapsed_s < 0:
            arrivals.clear()
            arrivals.append(at)

    def _note_values(self, source: str, at: datetime, samples: Iterable[Sample]) -> bool:
        """Take in what each sample says; tell whether any is more than a word."""
        is_more = has_numbers = False
        for sample in samples:
            kind, problem = sample.kind, sample.problem
            if problem is not Reason.NOT_A_NUMBER:
                is_more = True
            if problem is None or problem not in NO_NUMBER:
                has_numbers = True
            if problem is not Reason.MISSING_FIELD:
                self._raw[kind] = (None if problem else sample.sent, at)
                if sample.is_ready:
                    self._ready.add(kind)
                else:
                    self._ready.discard(kind)
        if has_numbers:
            self._numbers_at[source] = at
        return is_more

    def forget(self, kinds: Iterable[ChannelKind], sources: Iterable[str]) -> None:
        """Let go of all but these kinds and sources."""
        kept_kinds, kept_sources = frozenset(kinds), frozenset(sources)
        self._raw = {kind: item for kind, item in self._raw.items() if kind in kept_kinds}
        self._arrivals = {
            source: item for source, item in self._arrivals.items() if source in kept_sources
        }
        self._numbers_at = {
            source: at for source, at in self._numbers_at.items() if source in kept_sources
        }

    def drop(self, kind: ChannelKind) -> None:
        """Let go of what was sent of a kind that comes from elsewhere now."""
        self._raw.pop(kind, None)

    def heard_at(self, source: str) -> datetime | None:
        """Return when something last came from a source, words aside; none = nothing has come."""
        arrivals = self._arrivals.get(source)
        return arrivals[-1] if arrivals else None

    def number_at(self, source: str) -> datetime | None:
        """Return when a number last came from a source; words such as `unavailable` are none."""
        return self._numbers_at.get(source)

    def raw(self, kind: ChannelKind, now: datetime, max_age_s: float) -> float | None:
        """Return the number of the newest message, before calibration and judgement.

        None if it held no number, or if it is as old as `max_age_s` [s]. Canonical unit.
        """
        value, at = self._raw.get(kind, (None, now))
        return None if now - at >= timedelta(seconds=max_age_s) else value

    def sent(self, kind: ChannelKind) -> float | None:
        """Return the number of the newest message, before calibration, however old it is.

        None if it held no number, or if nothing has come yet. Canonical unit.
        """
        return self._raw.get(kind, (None,))[0]

    def is_ready(self, kind: ChannelKind) -> bool:
        """Tell whether the newest message named a unit of the kind."""
        return kind in self._ready

    def interval_s(self) -> float | None:
        """Return how often the device reports: the median distance of its last messages, in s.

        Of several sources the most frequent one counts, as some values are told rarely. None as
        long as no source has been heard often enough.
        """
        medians = [
            median((later - earlier).total_seconds() for earlier, later in pairwise(arrivals))
            for arrivals in self._arrivals.values()
            if len(arrivals) > LEAST_DISTANCES
        ]
        return min(medians, default=None)
