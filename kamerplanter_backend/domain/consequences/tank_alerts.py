"""Judges the values of a tank, and makes and closes the tasks that follow."""

from collections.abc import Sequence

from kamerplanter_backend.domain.consequences.channels import new_readings, source_of
from kamerplanter_backend.domain.consequences.open_tasks import open_task, resolve_tasks
from kamerplanter_backend.domain.consequences.plant_facts import facts_of
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.alert_run_engine import judge_run
from kamerplanter_engines.models.hand_measurement import HandMeasurement
from kamerplanter_engines.models.tank import (
    AlertState,
    Band,
    Tank,
    TankAlert,
    TankAlertFields,
    TankBands,
    TankProblem,
)
from kamerplanter_engines.models.task import Task, TaskFields, TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind, Reading
from kamerplanter_engines.tank_engine import target_bands

TASK_OF_PROBLEM = {problem: TaskKind(f"tank_{problem}") for problem in TankProblem}
_PROBLEMS = frozenset(problem.value for problem in TankProblem)
_PROBLEM_OF_TASK = {kind: problem for problem, kind in TASK_OF_PROBLEM.items()}


def bands_of(uow: UnitOfWork, tank: Tank) -> TankBands:
    """Return the bands that a tank should keep for the plants that it feeds."""
    facts = facts_of(uow, uow.of(PlantRepository).fed_by(tank.key))
    return target_bands(tank, [item.entry for item in facts.values()])


def band_for(bands: TankBands, problem: TankProblem) -> Band:
    """Return the band of one value."""
    return {
        TankProblem.EC: bands.ec,
        TankProblem.PH: bands.ph,
        TankProblem.WATER_TEMPERATURE: bands.water_temperature,
        TankProblem.LEVEL: bands.level,
    }[problem]


def evaluate_tank(uow: UnitOfWork, tank: Tank, readings: Sequence[Reading] = ()) -> int:
    """Judge all values of a tank as of now; return how many alerts and tasks changed.

    Args:
        uow: The unit of work, allowed to write tank alerts and tasks.
        tank: A tank that is not archived.
        readings: What has just been stored, of any probe.
    """
    probes = uow.of(ProbeRepository).of_tank(tank.key)
    bands = bands_of(uow, tank)
    alerts = {alert.kind: alert for alert in uow.of(TankAlertRepository).of_tank(tank.key)}
    changed = 0
    for problem in TankProblem:
        before: TankAlertFields = alerts.get(problem) or TankAlertFields(
            tank_key=tank.key, kind=problem
        )
        after = before
        kind = ChannelKind(problem.value)
        source = source_of(uow, probes, kind, tank_key=tank.key)
        if source is not None:
            after = judge_run(
                before,
                band_for(bands, problem),
                new_readings(readings, source, kind),
                now=uow.context.now,
                started_at=uow.context.started_at,
                max_age_s=source.max_age_s,
                hold_s=source.hold_s,
                readings_needed=source.readings_needed,
            )
        elif before.state is not AlertState.INACTIVE:
            after = _without_source(before)
        changed += _save(uow, alerts.get(problem), after) + _follow(uow, tank, after)
    return changed


def _without_source(alert: TankAlertFields) -> TankAlertFields:
    """Return an alert whose value nobody measures any more: it could never end by itself."""
    return TankAlertFields(
        tank_key=alert.tank_key,
        kind=alert.kind,
        last_reading_at=alert.last_reading_at,
        last_value=alert.last_value,
    )


def forget_measured(uow: UnitOfWork, measurement: HandMeasurement) -> None:
    """Take back what followed from a measurement by hand that was wrong; look at the tank then.

    Without this the measurement before it would count as late, and the problem as still there.
    """
    if measurement.tank_key is None or measurement.kind.value not in _PROBLEMS:
        return
    alerts = uow.of(TankAlertRepository)
    alert = alerts.for_problem(measurement.tank_key, TankProblem(measurement.kind.value))
    if alert is not None and alert.last_reading_at == measurement.measured_at:
        fresh = TankAlertFields(tank_key=alert.tank_key, kind=alert.kind)
        alerts.change(alert, **dict(fresh))


def silence_problem(uow: UnitOfWork, task: Task, *, silenced: bool) -> None:
    """Say that a person has (or has not) dealt with a problem that is still there."""
    problem = _PROBLEM_OF_TASK.get(task.kind)
    if problem is None or task.tank_key is None:
        return
    alerts = uow.of(TankAlertRepository)
    alert = alerts.for_problem(task.tank_key, problem)
    if alert is not None and alert.state is AlertState.ACTIVE:
        alerts.change(alert, task_silenced=silenced)


def _save(uow: UnitOfWork, stored: TankAlert | None, after: TankAlertFields) -> int:
    """Write an alert; return 1 if its state changed, for a new value alone is no event."""
    alerts = uow.of(TankAlertRepository)
    if stored is None:
        if after.last_reading_at is None:
            return 0
        alerts.add(_fields(after))
        return int(after.state is not AlertState.INACTIVE)
    alerts.change(stored, **dict(_fields(after)))
    return int(stored.state is not after.state)


def _fields(alert: TankAlertFields) -> TankAlertFields:
    return TankAlertFields(**{name: getattr(alert, name) for name in TankAlertFields.model_fields})


def _follow(uow: UnitOfWork, tank: Tank, alert: TankAlertFields) -> int:
    kind = TASK_OF_PROBLEM[alert.kind]
    if alert.state is AlertState.ACTIVE:
        if alert.task_silenced:
            return 0
        fields = TaskFields(kind=kind, tank_key=tank.key, due_on=uow.context.today, rule=kind.value)
        return int(open_task(uow, fields) is not None)
    tasks = uow.of(TaskRepository).open_of_tank(tank.key, kind)
    return resolve_tasks(uow, [task for task in tasks if task.rule is not None])
