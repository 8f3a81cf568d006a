"""What the store knows of the channels beside one that stands still."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.supply_views import comparable_since
from kamerplanter_engines.models.telemetry import ChannelBinding, Probe
from kamerplanter_engines.models.twin import KnownTwin
from kamerplanter_engines.stillness_engine import run_began_by, step_of
from kamerplanter_engines.twin_engine import (
    STUCK_TIMES_SEEN,
    are_neighbours,
    counts_from,
    has_twins,
    span_of,
    stuck_time,
)

MOMENT = timedelta(microseconds=1)


def known_twins(
    uow: UnitOfWork,
    probe: Probe,
    binding: ChannelBinding,
    beside: Iterable[Probe],
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
        beside: Other probes of the garden that are not archived; those elsewhere do not count.
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
        for other in beside
        if are_neighbours(probe, other)
        and other.key not in gone
        and (twin := other.binding(binding.kind)) is not None
    )


def _known(uow: UnitOfWork, probe: Probe, binding: ChannelBinding, from_at: datetime) -> KnownTwin:
    span = span_of(stuck_time(binding))
    spans = uow.readings.spans(probe.key, binding.kind, from_at, uow.context.now + MOMENT, span)
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
    return None if before is None else step_of(last, before)
