"""Judges the values of a tank, and makes and closes the tasks that follow."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from math import inf
from typing import Final

from kamerplanter_backend.domain.consequences.channels import (
    Fresh,
    Source,
    fresh_of,
    heard_just_now,
    last_judged_at,
    new_readings,
    only_probe,
    source_of,
)
from kamerplanter_backend.domain.consequences.open_tasks import open_task, resolve_tasks
from kamerplanter_backend.domain.consequences.plant_facts import facts_of
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.alert_run_engine import (
    is_news,
    judge_run,
    keeps_within,
    taken_back,
)
from kamerplanter_engines.models.hand_measurement import HandMeasurement
from kamerplanter_engines.models.plant import Plant
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
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Reading
from kamerplanter_engines.tank_engine import target_bands, without_wait

TANKS_AT_ONCE: Final = 500
"""Of so many tanks what is known is read at once."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What is known of a tank before it is judged, read at once for many tanks."""

    tank: Tank
    bands: TankBands
    probes: Sequence[Probe]
    alerts: Mapping[TankProblem, TankAlert]
    open_tasks: Mapping[TaskKind, Sequence[Task]]
    fresh: Fresh


def evaluate_tank(uow: UnitOfWork, tank: Tank) -> int:
    """Judge all values of a tank as of now; return how many alerts and tasks changed."""
    return evaluate_tanks(uow, [tank], {})


def evaluate_tanks(
    uow: UnitOfWork, tanks: Sequence[Tank], readings: Mapping[str, Sequence[Reading]]
) -> int:
    """Judge all values of tanks as of now; return how many alerts and tasks changed.

    An alert is written when its condition changes. While there is no problem its last reading is
    not written down: of a tank with one probe for a value, the stored readings tell it.

    Args:
        uow: The unit of work, allowed to write tank alerts and tasks.
        tanks: Tanks that are not archived.
        readings: What has just been stored, of any probe, by key of the tank.
    """
    return sum(
        _evaluate_problem(uow, case, problem)
        for part in batched(tanks, TANKS_AT_ONCE, strict=False)
        for case in _cases(uow, part, readings)
        for problem in TankProblem
    )


def _cases(
    uow: UnitOfWork, tanks: Sequence[Tank], readings: Mapping[str, Sequence[Reading]]
) -> list[_Case]:
    keys = [tank.key for tank in tanks]
    probes = _by_tank(uow.of(ProbeRepository).of_tanks(keys))
    plants = _by_tank(uow.of(PlantRepository).fed_by_any(keys))
    alerts = _by_tank(uow.of(TankAlertRepository).of_tanks(keys))
    tasks = _by_tank(uow.of(TaskRepository).open_of_tanks(keys))
    facts = facts_of(uow, [plant for found in plants.values() for plant in found])
    return [
        _Case(
            tank=tank,
            bands=target_bands(
                tank,
                [facts[plant.key].entry for plant in plants[tank.key] if plant.key in facts],
            ),
            probes=probes[tank.key],
            alerts={alert.kind: alert for alert in alerts[tank.key]},
            open_tasks={
                kind: [task for task in tasks[tank.key] if task.kind is kind]
                for kind in {task.kind for task in tasks[tank.key]}
            },
            fresh=fresh_of(readings.get(tank.key, ())),
        )
        for tank in tanks
    ]


def _by_tank[T: Probe | Plant | TankAlert | Task](found: Iterable[T]) -> defaultdict[str, list[T]]:
    by_tank: defaultdict[str, list[T]] = defaultdict(list)
    for item in found:
        by_tank[item.tank_key or ""].append(item)
    return by_tank


def _evaluate_problem(uow: UnitOfWork, case: _Case, problem: TankProblem) -> int:
    stored = case.alerts.get(problem)
    if stored is not None and _stays_quiet(uow, case, stored):
        return _follow(uow, case, stored)
    before: TankAlertFields = stored or TankAlertFields(tank_key=case.tank.key, kind=problem)
    kind = ChannelKind(problem.value)
    source = source_of(uow, case.probes, kind, tank_key=case.tank.key)
    if source is None:
        after = before if before.state is AlertState.INACTIVE else _without_source(before)
        return _save(uow, stored, after) + _follow(uow, case, after)
    probe = only_probe(case.probes, kind)
    readings = new_readings(case.fresh, source, kind)
    after = judge_run(
        before if probe is None else _reminded(uow, before, probe, source, readings),
        band_for(case.bands, problem),
        readings,
        now=uow.context.now,
        started_at=uow.context.started_at,
        max_age_s=source.max_age_s,
        # What waited goes on waiting while its device is gone: a goodbye raises nothing.
        hold_s=inf if source.is_gone else source.hold_s,
        readings_needed=source.readings_needed,
    )
    is_told = probe is not None and not source.is_by_hand
    return _save(uow, stored, after, is_told=is_told) + _follow(uow, case, after)


def _stays_quiet(uow: UnitOfWork, case: _Case, alert: TankAlert) -> bool:
    """Tell without a look at the store that fresh readings change nothing worth writing down."""
    if alert.state is not AlertState.INACTIVE:
        return False
    kind = ChannelKind(alert.kind.value)
    heard = heard_just_now(uow, case.probes, kind, case.fresh, alert.last_reading_at)
    return bool(heard) and keeps_within(alert.kind, band_for(case.bands, alert.kind), heard)


def _reminded(
    uow: UnitOfWork,
    alert: TankAlertFields,
    probe: Probe,
    source: Source,
    readings: Sequence[Reading | None],
) -> TankAlertFields:
    """Return an alert that knows by which reading it was judged last, while there is no problem."""
    if alert.state is not AlertState.INACTIVE:
        return alert
    judged_at = last_judged_at(uow, probe, source, readings, alert.last_reading_at)
    return alert.model_copy(update={"last_reading_at": judged_at})


def alerts_of(uow: UnitOfWork, tank_key: str) -> tuple[TankAlert, ...]:
    """Return the alerts of a tank, each with the newest reading, which is not always written down.

    A raised alert keeps the reading that it was judged by last.
    """
    probes = uow.of(ProbeRepository).of_tank(tank_key)
    return tuple(
        _with_newest(uow, alert, probes) for alert in uow.of(TankAlertRepository).of_tank(tank_key)
    )


def _with_newest(uow: UnitOfWork, alert: TankAlert, probes: Sequence[Probe]) -> TankAlert:
    if alert.state is not AlertState.INACTIVE:
        return alert
    source = source_of(uow, probes, ChannelKind(alert.kind.value), tank_key=alert.tank_key)
    reading = None if source is None else source.reading
    if reading is None:
        return alert
    return alert.model_copy(update={"last_reading_at": reading.at, "last_value": reading.value})


def _without_source(alert: TankAlertFields) -> TankAlertFields:
    """Return an alert whose value nobody measures any more: it could never end by itself."""
    return TankAlertFields(
        tank_key=alert.tank_key,
        kind=alert.kind,
        last_reading_at=alert.last_reading_at,
        last_value=alert.last_value,
    )


def known_of(uow: UnitOfWork, tank_key: str, kind: ChannelKind) -> TankAlertFields | None:
    """Return what is known of a value of a tank; none = nothing, or no problem comes of it."""
    if kind.value not in _PROBLEMS:
        return None
    alert = uow.of(TankAlertRepository).for_problem(tank_key, TankProblem(kind.value))
    return None if alert is None else _fields(alert)


def forget_measured(uow: UnitOfWork, measurement: HandMeasurement) -> None:
    """Take back what followed from a measurement by hand that was wrong; look at the tank then.

    Without this the measurement before it would count as late, and the problem as still there. What
    was measured by a probe since stays judged.
    """
    if measurement.tank_key is None or measurement.kind.value not in _PROBLEMS:
        return
    alerts = uow.of(TankAlertRepository)
    alert = alerts.for_problem(measurement.tank_key, TankProblem(measurement.kind.value))
    if alert is not None and alert.last_reading_at == measurement.measured_at:
        nothing = TankAlertFields(tank_key=alert.tank_key, kind=alert.kind)
        after = taken_back(measurement.alert_before or nothing, alert)
        alerts.change(alert, **dict(after))


def end_waits(uow: UnitOfWork, tank_key: str, kinds: Collection[ChannelKind]) -> None:
    """Let hold times of a tank begin anew that may count readings of a probe that leaves it."""
    alerts = uow.of(TankAlertRepository)
    for alert in alerts.of_tank(tank_key):
        after = without_wait(alert)
        if alert.kind.value in kinds and after != alert:
            alerts.change(alert, **dict(_fields(after)))


def silence_problem(uow: UnitOfWork, task: Task, *, silenced: bool) -> None:
    """Say that a person has (or has not) dealt with a problem that is still there."""
    problem = _PROBLEM_OF_TASK.get(task.kind)
    if problem is None or task.tank_key is None:
        return
    alerts = uow.of(TankAlertRepository)
    alert = alerts.for_problem(task.tank_key, problem)
    if alert is not None and alert.state is AlertState.ACTIVE:
        alerts.change(alert, task_silenced=silenced)


def _save(
    uow: UnitOfWork, stored: TankAlert | None, after: TankAlertFields, *, is_told: bool = False
) -> int:
    """Write an alert; return 1 if its state changed, for a new value alone is no event.

    Args:
        uow: The unit of work.
        stored: As it is written down.
        after: As it is now.
        is_told: The stored readings tell by which one it was judged last.
    """
    alerts = uow.of(TankAlertRepository)
    if stored is None:
        if after.last_reading_at is None:
            return 0
        alerts.add(_fields(after))
        return int(after.state is not AlertState.INACTIVE)
    if not is_told or is_news(stored, after):
        alerts.change(stored, **dict(_fields(after)))
    return int(stored.state is not after.state)


def _fields(alert: TankAlertFields) -> TankAlertFields:
    return TankAlertFields(**{name: getattr(alert, name) for name in TankAlertFields.model_fields})


def _follow(uow: UnitOfWork, case: _Case, alert: TankAlertFields) -> int:
    kind = TASK_OF_PROBLEM[alert.kind]
    tasks = case.open_tasks.get(kind, ())
    if alert.state is AlertState.ACTIVE:
        if alert.task_silenced or tasks:
            return 0
        fields = TaskFields(
            kind=kind, tank_key=case.tank.key, due_on=uow.context.today, rule=kind.value
        )
        return int(open_task(uow, fields) is not None)
    return resolve_tasks(uow, [task for task in tasks if task.rule is not None])
