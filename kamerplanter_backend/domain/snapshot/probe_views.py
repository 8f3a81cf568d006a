"""What a screen shows of a probe."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from kamerplanter_backend.domain.consequences.measured_here import newest_here
from kamerplanter_backend.domain.repositories.calibration import (
    CalibrationRepository,
    counting_since,
)
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.solution_hold import SolutionHoldRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.step_views import known_step
from kamerplanter_backend.domain.snapshot.supply_views import (
    SUPPLY_REMEMBERED,
    comparable_since,
    judged_from,
    supplies_of,
)
from kamerplanter_backend.domain.snapshot.trust_views import (
    Disagreeing,
    doubts_of,
    drift_views,
)
from kamerplanter_backend.domain.snapshot.twin_views import Beside, known_twins
from kamerplanter_backend.domain.snapshot.views import ChannelView, ProbeView
from kamerplanter_engines.calibration_age_engine import should_be_calibrated, statuses_of
from kamerplanter_engines.models.base import MICROSECOND
from kamerplanter_engines.models.task import Task
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.raw_mapping_engine import of_present_mapping
from kamerplanter_engines.raw_scale_engine import raw_kinds
from kamerplanter_engines.restart_engine import DOUBTS_REPLAYED, in_order, sent_of
from kamerplanter_engines.stay_engine import here_since
from kamerplanter_engines.stillness_engine import is_coarse_step, is_end_stop, run_began_by
from kamerplanter_engines.tables.channels import CHANNELS

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_DOUBTS_READ = 4 * DOUBTS_REPLAYED
"""So many doubted readings are read, as late ones among them are left out."""
LATEST_ARRIVAL = timedelta(days=90)
"""A reading may come in so long after it was measured."""


def probe_view(
    uow: UnitOfWork,
    probe: Probe,
    tasks: Iterable[Task],
    disagreed: Disagreeing = MappingProxyType({}),
    *,
    latest_arrival: timedelta = LATEST_ARRIVAL,
    beside: Beside | None = None,
    earliest: datetime | None = None,
) -> ProbeView:
    """Return a probe with the last values of its bound channels.

    Args:
        uow: The unit of work.
        probe: The probe.
        tasks: Those by which tanks were filled or dosed lately, see `supply_tasks`.
        disagreed: Where another probe of its place says something else.
        latest_arrival: What was measured so long ago must find the calibration that held then.
        beside: Finds the other probes of its place, whose channels may be twins; none = they do
            not matter.
        earliest: The earliest reading that is to be judged; none = whatever a device may send.
    """
    channels = [channel_view(uow, probe, binding, beside, earliest) for binding in probe.channels]
    recorded = uow.of(CalibrationRepository).of_probe(probe.key)
    counting = of_present_mapping(recorded, probe.channels)
    calibrations = counting_since(counting, uow.context.now - latest_arrival)
    statuses = statuses_of(probe, recorded, uow.context.now)
    since = judged_from(uow.context.now, earliest) - SUPPLY_REMEMBERED
    supplies = supplies_of(uow, probe, tasks, recorded, since=since)
    drifts = drift_views(uow, probe, recorded)
    return ProbeView(
        probe=probe,
        channels=tuple(channels),
        jumps_at=supplies.jumps_at,
        doses_at=supplies.dosed_at,
        comparable_since=comparable_since(probe, recorded),
        calibrations=calibrations,
        raw_kinds=raw_kinds(probe.channels, recorded),
        calibration_statuses=statuses,
        should_be_calibrated=should_be_calibrated(
            probe, statuses, [item.kind for item in drifts if item.drifted]
        ),
        drifts=drifts,
        doubts=doubts_of(probe, drifts, disagreed, statuses),
        gone_since=uow.of(ProbePresenceRepository).gone().get(probe.key),
        solution_holds=uow.of(SolutionHoldRepository).remembered().get(probe.key, ()),
    )


def channel_view(
    uow: UnitOfWork,
    probe: Probe,
    binding: ChannelBinding,
    beside: Beside | None,
    earliest: datetime | None,
    *,
    before: datetime | None = None,
) -> ChannelView:
    """Return what is stored of a bound channel where its probe is now.

    Args:
        uow: The unit of work.
        probe: The probe.
        binding: The channel.
        beside: As for `probe_view`.
        earliest: As for `probe_view`.
        before: Only what was measured before this moment, whenever it was heard; none = as of now,
            and what came late proves nothing.
    """
    kind = binding.kind
    until_at = None if before is None else before - MICROSECOND
    last = newest_here(uow, probe, kind, until_at=until_at)
    if last is None:
        return ChannelView(
            kind=kind,
            last_good=None,
            last=None,
            finest_step=_known_step(uow, probe, kind, until_at),
            twins=known_twins(uow, probe, binding, beside, judged_from=earliest),
        )
    is_good = last.verdict is Verdict.GOOD
    # What comes late leaves the memory of now as it is, so doubt must not end by it after a start.
    only_in_order = before is None
    last_good: Reading | None = last
    if not is_good:
        last_good = newest_here(
            uow, probe, kind, Verdict.GOOD, until_at=until_at, in_order=only_in_order
        )
    doubted, doubted_since = (
        ((), None) if is_good else _doubted(uow, probe, last, last_good, only_in_order)
    )
    if CHANNELS[kind].is_about_device:  # it never sticks, and stands still for days
        return ChannelView(
            kind=kind,
            last_good=last_good,
            last=last,
            doubted=doubted,
            doubted_since=doubted_since,
        )
    began = (probe.replaced_at, here_since(probe, kind, uow.context.now))
    look_from = max(run_began_by(last.at, binding), *(at or _EARLIEST for at in began))
    told = uow.readings.told(last, look_from) if is_end_stop(last) else None
    said = told or last
    since, earlier = uow.readings.run_of(said, look_from)
    others = earlier or _first_said(uow, probe, said)
    step = known_step(uow, probe, said, others)
    # What has stuck needs no witness any more, and a coarse meter may stand still; unless what came
    # before the last reading is still to be judged, or a finer step in a batch with what follows.
    is_settled = Reason.STUCK in last.reasons or (step is not None and is_coarse_step(step))
    is_open = earliest is not None or not is_settled
    return ChannelView(
        kind=kind,
        last_good=last_good,
        last=last,
        unchanged_since=since,
        finest_step=step,
        twins=known_twins(
            uow,
            probe,
            binding,
            beside if is_open else None,
            unchanged_since=_still_since(since, last, binding, earliest),
            judged_from=earliest,
        ),
        doubted=doubted,
        doubted_since=doubted_since,
        told=told,
    )


def _still_since(
    since: datetime, last: Reading, binding: ChannelBinding, earliest: datetime | None
) -> datetime:
    """Return since when a channel may have stood still that is to be judged from a moment on."""
    if earliest is None or earliest >= last.at:
        return since
    # What comes late may end a run that is none any more.
    return min(since, run_began_by(earliest, binding))


def _first_said(uow: UnitOfWork, probe: Probe, last: Reading) -> list[Reading]:
    """Return the first reading of the present device, if it says another number than the last one.

    What has stood still for days has moved all the same, so a coarse meter is known as such.
    """
    from_at = _EARLIEST if probe.replaced_at is None else probe.replaced_at
    found = uow.readings.range(probe.key, last.kind, from_at, last.at, most=1)
    return [item for item in found if sent_of(item) != sent_of(last) and not is_end_stop(item)]


def _known_step(
    uow: UnitOfWork, probe: Probe, kind: ChannelKind, until_at: datetime | None
) -> float | None:
    """Return how finely a device steps that has measured nothing yet where it is now."""
    last = uow.readings.latest(probe.key, kind, until_at=until_at)
    if last is None or (probe.replaced_at is not None and last.at < probe.replaced_at):
        return None
    return known_step(uow, probe, last, _first_said(uow, probe, last))


def _doubted(
    uow: UnitOfWork, probe: Probe, last: Reading, last_good: Reading | None, only_in_order: bool
) -> tuple[tuple[Reading, ...], datetime | None]:
    """Return what its present device measured here that is doubted since the last good reading."""
    since = [] if last_good is None else [last_good.at]
    began = (probe.replaced_at, here_since(probe, last.kind, uow.context.now))
    since += [at - MICROSECOND for at in began if at is not None]
    found, first_at = uow.readings.doubted(last, max(since, default=None), _DOUBTS_READ)
    run = in_order(found) if only_in_order else tuple(reversed(found))
    return run[-DOUBTS_REPLAYED:], first_at
