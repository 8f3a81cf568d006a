"""What the store knows of the channels beside one that stands still."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache
from math import inf

from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.step_views import finest_step
from kamerplanter_backend.domain.snapshot.supply_views import comparable_since
from kamerplanter_engines.models.base import MICROSECOND
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Probe
from kamerplanter_engines.models.twin import KnownTwin
from kamerplanter_engines.stillness_engine import run_began_by
from kamerplanter_engines.tables.trust import MOVED_STEPS
from kamerplanter_engines.twin_engine import (
    STUCK_TIMES_SEEN,
    Place,
    Track,
    by_place,
    counts_from,
    has_twins,
    neighbours_of,
    span_of,
    span_start,
    stuck_time,
    telling,
    way_of,
)

MOST_SPANS = 10_000
"""Quarters of an hour of more than the 90 days for which single readings are kept."""
MOST_TWINS = 4
"""So many are told of: one that moved is enough, and what others do from now on is heard."""


class Beside:
    """The other probes of a place, and what they have shown: read once in a unit of work.

    However many stand still in one place, the store is asked for each quarter of an hour of each
    of them once.

    Args:
        uow: The unit of work; it only reads.
        placed: Returns the probes of a tank or pot that are not archived.
    """

    def __init__(self, uow: UnitOfWork, placed: Callable[[Place], Iterable[Probe]]) -> None:
        self._uow = uow
        self._placed = placed
        self._read: dict[tuple[str, ChannelKind], tuple[datetime, Track]] = {}
        self._known: dict[tuple[str, ChannelKind, datetime, bool], KnownTwin] = {}
        self._steps: dict[tuple[str, ChannelKind], float | None] = {}

    def twins(
        self, probe: Probe, kind: ChannelKind, from_at: datetime, *, is_of_now: bool
    ) -> tuple[KnownTwin, ...]:
        """Return what the others have shown since a moment, if they showed anything.

        Args:
            probe: The one whose neighbours are meant.
            kind: What they measure.
            from_at: The moment.
            is_of_now: Only what is measured from now on is to be judged: then the spans that may
                tell something are enough, and those that have moved most.
        """
        gone = self._uow.of(ProbePresenceRepository).gone()
        found = [
            self._twin(other, twin, from_at, is_of_now=is_of_now)
            for other in neighbours_of(probe, self._placed, _itself)
            if other.key not in gone and (twin := other.binding(kind)) is not None
        ]
        found = [item for item in found if item.spans]
        if is_of_now:
            found = sorted(found, key=_movement, reverse=True)[:MOST_TWINS]
        return tuple(found)

    def _twin(
        self, probe: Probe, binding: ChannelBinding, from_at: datetime, *, is_of_now: bool
    ) -> KnownTwin:
        span = span_of(stuck_time(binding))
        # Its own stuck time may be far shorter, and its spans that many more.
        from_at = span_start(max(from_at, self._uow.context.now - MOST_SPANS * span), span)
        key = probe.key, binding.kind, from_at, is_of_now
        if (known := self._known.get(key)) is not None:
            return known
        spans = self._spans(probe, binding, from_at, span)
        recorded = self._uow.of(CalibrationRepository).of_probe(probe.key)
        known = self._known[key] = KnownTwin(
            probe_key=probe.key,
            since=comparable_since(probe, recorded),
            finest_step=self._step(probe, binding) if spans else None,
            span_s=span.total_seconds(),
            spans=telling(spans) if is_of_now else spans,
        )
        return known

    def _spans(
        self, probe: Probe, binding: ChannelBinding, from_at: datetime, span: timedelta
    ) -> Track:
        """Return what a channel showed since the start of a span."""
        key = probe.key, binding.kind
        since, track = self._read.get(key, (self._uow.context.now + MICROSECOND, ()))
        if from_at < since:
            earlier = self._uow.readings.spans(probe.key, binding.kind, from_at, since, span)
            track = (*earlier, *track)
            self._read[key] = from_at, track
        return track[bisect_left(track, from_at, key=lambda item: item.from_at) :]

    def _step(self, probe: Probe, binding: ChannelBinding) -> float | None:
        key = probe.key, binding.kind
        if key not in self._steps:
            self._steps[key] = _finest_step(self._uow, probe, binding)
        return self._steps[key]


def among(uow: UnitOfWork, probes: Iterable[Probe]) -> Beside:
    """Find the others of a place among these, which are all of the garden that are not archived."""
    placed = by_place(probes, _itself)
    return Beside(uow, lambda place: placed.get(place, ()))


def looked_up(uow: UnitOfWork) -> Beside:
    """Find the others of a place in the store, when somebody asks for them."""

    @cache
    def placed(place: Place) -> tuple[Probe, ...]:
        field, key = place
        of_place = (Where(field, "==", key), Where("archived_at", "is_null", True))
        return tuple(uow.of(ProbeRepository).find(*of_place))

    return Beside(uow, placed)


def _itself(probe: Probe) -> Probe:
    return probe


def known_twins(
    uow: UnitOfWork,
    probe: Probe,
    binding: ChannelBinding,
    beside: Beside | None,
    *,
    unchanged_since: datetime | None = None,
    judged_from: datetime | None = None,
) -> tuple[KnownTwin, ...]:
    """Return what the twins of a channel have shown, as far as it speaks against the channel.

    Nothing while the channel moves: what counts is the later half of its stuck time.

    Args:
        uow: The unit of work.
        probe: The probe of the channel.
        binding: The channel.
        beside: Finds the others of its place; none = they do not matter.
        unchanged_since: Since when the channel says the same number; none = it never said one.
        judged_from: The earliest reading that is still to be judged; none = those of now.
    """
    if beside is None or not has_twins(binding.kind):
        return ()
    now, stuck = uow.context.now, stuck_time(binding)
    earliest = now if judged_from is None else judged_from
    since = earliest if unchanged_since is None else min(unchanged_since, earliest)
    from_at = max(counts_from(since, stuck), earliest - STUCK_TIMES_SEEN * stuck)
    if from_at >= now:
        return ()
    return beside.twins(probe, binding.kind, from_at, is_of_now=judged_from is None)


def _movement(twin: KnownTwin) -> float:
    """Return how far a twin moved beyond what its steps are; it says nothing without a step."""
    return -inf if twin.finest_step is None else way_of(twin.spans) - MOVED_STEPS * twin.finest_step


def _finest_step(uow: UnitOfWork, probe: Probe, binding: ChannelBinding) -> float | None:
    last = uow.readings.latest(probe.key, binding.kind)
    if last is None:
        return None
    _, before = uow.readings.run_of(last, run_began_by(last.at, binding))
    return finest_step(uow, probe, last, *before) if before else None
