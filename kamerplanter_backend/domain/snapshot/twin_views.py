"""What the store knows of the channels beside one that stands still."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache

from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.step_views import finest_step
from kamerplanter_backend.domain.snapshot.supply_views import comparable_since
from kamerplanter_engines.models.base import MICROSECOND
from kamerplanter_engines.models.telemetry import ChannelBinding, Probe
from kamerplanter_engines.models.twin import KnownTwin
from kamerplanter_engines.stillness_engine import run_began_by
from kamerplanter_engines.twin_engine import (
    STUCK_TIMES_SEEN,
    Place,
    by_place,
    counts_from,
    has_twins,
    neighbours_of,
    span_of,
    stuck_time,
)

MOST_SPANS = 10_000
"""Quarters of an hour of more than the 90 days for which single readings are kept."""


type Beside = Callable[[Probe], Iterable[Probe]]
"""Returns the other probes of the same tank or pot that are not archived."""


def among(probes: Iterable[Probe]) -> Beside:
    """Find the others of a place among these, which are all of the garden that are not archived."""
    placed = by_place(probes, _itself)
    return lambda probe: neighbours_of(probe, lambda place: placed.get(place, ()), _itself)


def looked_up(uow: UnitOfWork) -> Beside:
    """Find the others of a place in the store, when somebody asks for them."""

    @cache
    def placed(place: Place) -> tuple[Probe, ...]:
        field, key = place
        of_place = (Where(field, "==", key), Where("archived_at", "is_null", True))
        return tuple(uow.of(ProbeRepository).find(*of_place))

    return lambda probe: neighbours_of(probe, placed, _itself)


def nobody(_probe: Probe) -> tuple[Probe, ...]:
    """Find nobody, where twins do not matter."""
    return ()


def _itself(probe: Probe) -> Probe:
    return probe


def known_twins(
    uow: UnitOfWork,
    probe: Probe,
    binding: ChannelBinding,
    beside: Beside,
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
        beside: Finds the others of its place.
        unchanged_since: Since when the channel says the same number; none = it never said one.
        judged_from: The earliest reading that is still to be judged; none = those of now.
    """
    if not has_twins(binding.kind):
        return ()
    now, stuck = uow.context.now, stuck_time(binding)
    earliest = now if judged_from is None else judged_from
    since = earliest if unchanged_since is None else min(unchanged_since, earliest)
    from_at = max(counts_from(since, stuck), earliest - STUCK_TIMES_SEEN * stuck)
    if from_at >= now:
        return ()
    gone = uow.of(ProbePresenceRepository).gone()
    return tuple(
        _known(uow, other, twin, from_at)
        for other in beside(probe)
        if other.key not in gone and (twin := other.binding(binding.kind)) is not None
    )


def _known(uow: UnitOfWork, probe: Probe, binding: ChannelBinding, from_at: datetime) -> KnownTwin:
    span = span_of(stuck_time(binding))
    # Its own stuck time may be far shorter, and its spans that many more.
    from_at = max(from_at, uow.context.now - MOST_SPANS * span)
    spans = uow.readings.spans(
        probe.key, binding.kind, from_at, uow.context.now + MICROSECOND, span
    )
    recorded = uow.of(CalibrationRepository).of_probe(probe.key)
    return KnownTwin(
        probe_key=probe.key,
        since=comparable_since(probe, recorded),
        finest_step=_finest_step(uow, probe, binding) if spans else None,
        span_s=span.total_seconds(),
        spans=tuple(spans),
    )


def _finest_step(uow: UnitOfWork, probe: Probe, binding: ChannelBinding) -> float | None:
    last = uow.readings.latest(probe.key, binding.kind)
    if last is None:
        return None
    _, before = uow.readings.run_of(last, run_began_by(last.at, binding))
    return finest_step(uow, probe, last, *before) if before else None
