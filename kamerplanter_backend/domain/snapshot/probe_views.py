"""What a screen shows of a probe."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from kamerplanter_backend.domain.repositories.calibration import (
    CalibrationRepository,
    counting_since,
)
from kamerplanter_backend.domain.repositories.irrigation import IrrigationRepository
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.trust_views import (
    Disagreeing,
    doubts_of,
    drift_views,
)
from kamerplanter_backend.domain.snapshot.views import ChannelView, ProbeView
from kamerplanter_engines.calibration_age_engine import should_be_calibrated, statuses_of
from kamerplanter_engines.models.calibration import Calibration
from kamerplanter_engines.models.task import Task, TaskKind, TaskState
from kamerplanter_engines.models.telemetry import ChannelBinding, Probe, Verdict
from kamerplanter_engines.raw_mapping_engine import of_present_mapping
from kamerplanter_engines.raw_scale_engine import raw_kinds
from kamerplanter_engines.stillness_engine import run_began_by, step_of
from kamerplanter_engines.tables.channels import CHANNELS

SUPPLY_TASKS = frozenset({TaskKind.TANK_EC, TaskKind.TANK_PH, TaskKind.TANK_LEVEL})
"""Whoever completes one of these has filled or dosed the tank."""

LATEST_ARRIVAL = timedelta(days=90)
"""A reading may come in so long after it was measured."""


def probe_view(
    uow: UnitOfWork,
    probe: Probe,
    tasks: Iterable[Task],
    disagreed: Disagreeing = MappingProxyType({}),
    *,
    latest_arrival: timedelta = LATEST_ARRIVAL,
) -> ProbeView:
    """Return a probe with the last values of its bound channels.

    Args:
        uow: The unit of work.
        probe: The probe.
        tasks: The tasks of the garden, those closed today among them.
        disagreed: Where another probe of its place says something else.
        latest_arrival: What was measured so long ago must find the calibration that held then.
    """
    channels = [_channel_view(uow, probe, binding) for binding in probe.channels]
    recorded = uow.of(CalibrationRepository).of_probe(probe.key)
    counting = of_present_mapping(recorded, probe.channels)
    calibrations = counting_since(counting, uow.context.now - latest_arrival)
    statuses = statuses_of(probe, recorded, uow.context.now)
    dosed_at = _dosed_at(uow, probe, tasks)
    jumps = _put_right_at(probe, recorded, calibrations)
    jumps += [] if dosed_at is None else [dosed_at]
    drifts = drift_views(uow, probe, recorded)
    return ProbeView(
        probe=probe,
        channels=tuple(channels),
        supplied_at=max(jumps, default=None),
        dosed_at=dosed_at,
        calibrations=calibrations,
        raw_kinds=raw_kinds(probe.channels, recorded),
        calibration_statuses=statuses,
        should_be_calibrated=should_be_calibrated(
            probe, statuses, [item.kind for item in drifts if item.drifted]
        ),
        drifts=drifts,
        doubts=doubts_of(probe, drifts, disagreed, statuses),
        gone_since=uow.of(ProbePresenceRepository).gone().get(probe.key),
    )


def _channel_view(uow: UnitOfWork, probe: Probe, binding: ChannelBinding) -> ChannelView:
    kind = binding.kind
    last = uow.readings.latest(probe.key, kind)
    if last is None:
        return ChannelView(kind=kind, last_good=None, last=None)
    is_good = last.verdict is Verdict.GOOD
    last_good = last if is_good else uow.readings.latest(probe.key, kind, Verdict.GOOD)
    if CHANNELS[kind].is_about_device:  # it never sticks, and stands still for days
        return ChannelView(kind=kind, last_good=last_good, last=last)
    look_from = run_began_by(last.at, binding)
    since, before = uow.readings.run_of(last, max(look_from, probe.replaced_at or look_from))
    return ChannelView(
        kind=kind,
        last_good=last_good,
        last=last,
        unchanged_since=since,
        finest_step=None if before is None else step_of(last, before),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """What was done since some moment that moves what a probe measures; oldest first."""

    jumps_at: tuple[datetime, ...]
    """When water or feed was given where it stands, it was calibrated, or its device exchanged."""
    dosed_at: tuple[datetime, ...]
    """When water or feed was given there."""


def supplies_of(
    uow: UnitOfWork, probe: Probe, tasks: Iterable[Task], *, since: datetime
) -> Supplies:
    """Return what moves the values of a probe that were measured long ago as well as now.

    Args:
        uow: The unit of work.
        probe: The probe.
        tasks: Those of its tank that were closed since.
        since: What was done before does not count.
    """
    recorded = uow.of(CalibrationRepository).of_probe(probe.key)
    dosed = _tasks_done_at(probe, tasks)
    if probe.plant_key is not None:
        given = uow.of(IrrigationRepository).of_plant_since(probe.plant_key, since)
        dosed += [item.at for item in given]
    jumps = dosed + _put_right_at(probe, recorded, counting_since(recorded, since))
    return Supplies(
        jumps_at=tuple(sorted(at for at in jumps if at >= since)),
        dosed_at=tuple(sorted(at for at in dosed if at >= since)),
    )


def _put_right_at(
    probe: Probe, recorded: Iterable[Calibration], counting: Iterable[Calibration]
) -> list[datetime]:
    return [
        *(item.created_at for item in counting),
        *(item.withdrawn_at for item in recorded if item.withdrawn_at is not None),
        *(item.recorded_at for item in probe.replacements),
    ]


def _dosed_at(uow: UnitOfWork, probe: Probe, tasks: Iterable[Task]) -> datetime | None:
    moments = _tasks_done_at(probe, tasks)
    if probe.plant_key is not None:
        given = uow.of(IrrigationRepository).latest(probe.plant_key)
        moments += [given.at] if given else []
    return max(moments, default=None)


def _tasks_done_at(probe: Probe, tasks: Iterable[Task]) -> list[datetime]:
    return [
        task.closed_at
        for task in tasks
        if task.tank_key is not None
        and task.tank_key == probe.tank_key
        and task.kind in SUPPLY_TASKS
        and task.state is TaskState.COMPLETED
        and task.closed_at is not None
    ]
