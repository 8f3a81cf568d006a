"""What was done to a place, or to a probe, that moves what the probe measures."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories.irrigation import IrrigationRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.calibration import Calibration
from kamerplanter_engines.models.task import Task, TaskKind, TaskState
from kamerplanter_engines.models.telemetry import Probe
from kamerplanter_engines.tables.channels import DEVICE_STUCK_S, DEVICE_TIME_S

SUPPLY_TASKS = frozenset({TaskKind.TANK_EC, TaskKind.TANK_PH, TaskKind.TANK_LEVEL})
"""Whoever completes one of these has filled or dosed the tank."""

SUPPLY_REMEMBERED = timedelta(seconds=DEVICE_STUCK_S)
"""A fill or dose that long before a reading says nothing of it."""

LATEST_DATED = timedelta(seconds=DEVICE_TIME_S)
"""What a device dates itself may come in so long after it was measured."""

MOST_SUPPLIES = 200
"""Of each list, the newest: one an hour for as long as a dated message may be late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """What was done since some moment that moves what a probe measures; oldest first."""

    jumps_at: tuple[datetime, ...]
    """When water or feed was given where it stands, it was calibrated, moved there, or its device
    exchanged."""
    dosed_at: tuple[datetime, ...]
    """When water or feed was given there."""


def judged_from(now: datetime, earliest: datetime | None = None) -> datetime:
    """Return the earliest moment of measurement that is to be judged.

    Args:
        now: The present moment, aware.
        earliest: Of what is known to come; none = whatever a device may send.
    """
    return now - LATEST_DATED if earliest is None else earliest


def supply_tasks(uow: UnitOfWork, tank_keys: Collection[str], *, since: datetime) -> list[Task]:
    """Return the tasks by which tanks were filled or dosed since a moment, in any order.

    Whether somebody has cleared them off the list meanwhile changes nothing.
    """
    if not tank_keys:
        return []
    return uow.of(TaskRepository).find(
        Where("tank_key", "in", sorted(tank_keys)),
        Where("state", "==", TaskState.COMPLETED),
        Where("kind", "in", sorted(SUPPLY_TASKS)),
        Where("closed_at", ">=", since),
    )


def supplies_of(
    uow: UnitOfWork,
    probe: Probe,
    tasks: Iterable[Task],
    recorded: Iterable[Calibration],
    *,
    since: datetime,
) -> Supplies:
    """Return what moves the values of a probe that were measured long ago as well as now.

    Args:
        uow: The unit of work.
        probe: The probe.
        tasks: Those by which its tank was filled or dosed since, see `supply_tasks`.
        recorded: All calibrations of the probe.
        since: What was done before does not count.
    """
    dosed = _tasks_done_at(probe, tasks)
    if probe.plant_key is not None:
        given = uow.of(IrrigationRepository).of_plant_since(probe.plant_key, since)
        dosed += [item.at for item in given]
    return Supplies(
        jumps_at=_newest([*dosed, *put_right_at(probe, recorded), *_came_at(probe)], since),
        dosed_at=_newest(dosed, since),
    )


def put_right_at(probe: Probe, recorded: Iterable[Calibration]) -> list[datetime]:
    """Return when a probe was calibrated, a calibration was withdrawn, or its device exchanged."""
    moments = [item.recorded_at for item in probe.replacements]
    for item in recorded:
        moments += [item.created_at] if item.withdrawn_at is None else [item.withdrawn_at]
    return moments


def comparable_since(probe: Probe, recorded: Iterable[Calibration]) -> datetime:
    """Return since when a probe is what and where it is, so that its readings can be compared.

    It was bound, moved, exchanged or put right then, if not only renamed.
    """
    return max([probe.updated_at, *put_right_at(probe, recorded), *_came_at(probe)])


def _came_at(probe: Probe) -> list[datetime]:
    """Return when a probe came to its place, where the water, the soil or the air is another."""
    return [] if probe.placed_at is None else [probe.placed_at]


def _newest(moments: Iterable[datetime], since: datetime) -> tuple[datetime, ...]:
    return tuple(sorted(at for at in moments if at >= since)[-MOST_SUPPLIES:])


def _tasks_done_at(probe: Probe, tasks: Iterable[Task]) -> list[datetime]:
    return [
        task.closed_at
        for task in tasks
        if task.tank_key is not None
        and task.tank_key == probe.tank_key
        and task.closed_at is not None
    ]
