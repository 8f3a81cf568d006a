"""Shows what commands that wait will do, so that a list does not contradict its reader."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from pydantic import ValidationError

from kamerplanter_backend.client.protocol import Command
from kamerplanter_backend.client.requests import (
    AddTask,
    ArchivePlant,
    ArchiveProbe,
    ArchiveTank,
    CompleteTask,
    DeleteTask,
    LogWatering,
    ReopenTask,
    UpdateLocation,
    UpdatePlant,
    UpdateProbe,
    UpdateTank,
    UpdateTask,
)
from kamerplanter_backend.client.views import GardenSnapshot, TaskView
from kamerplanter_engines.models.base import Entity
from kamerplanter_engines.models.irrigation import IrrigationKind
from kamerplanter_engines.models.task import TaskKind, TaskState

_CARE_OF = {IrrigationKind.WATER: TaskKind.WATERING, IrrigationKind.FEED: TaskKind.FERTILISING}


def with_waiting(snapshot: GardenSnapshot, commands: Iterable[Command[Any]]) -> GardenSnapshot:
    """Return a snapshot whose tasks are as they will be when what waits has been delivered.

    Things that are archived by it are left out, and renamed ones have their new names. What the
    server computes (next watering, alerts) stays as it said it last.

    Args:
        snapshot: What the server said last.
        commands: What waits, in order.
    """
    tasks = {task.key: task for task in snapshot.tasks}
    gone: set[str] = set()
    names: dict[str, str] = {}
    changed = False
    for command in commands:
        changed = True
        match command:
            case ArchiveTank() | ArchivePlant() | ArchiveProbe():
                gone.add(command.key)
            case UpdateTank() | UpdatePlant() | UpdateProbe() | UpdateLocation():
                if isinstance(name := command.patch.get("name"), str) and name:
                    names[command.key] = name
            case DeleteTask():
                tasks.pop(command.key, None)
            case AddTask(key=str(key)) if key not in tasks:
                tasks[key] = _added(key, command, snapshot)
            case CompleteTask() | ReopenTask() | UpdateTask() if command.key in tasks:
                tasks[command.key] = _changed(tasks[command.key], command, snapshot.today)
            case LogWatering():
                tasks |= {task.key: task for task in _watered(tasks.values(), command)}
            case _:
                pass
    if not changed:
        return snapshot
    return _shown(snapshot, tuple(tasks.values()), gone, names)


def _shown(
    snapshot: GardenSnapshot,
    tasks: tuple[TaskView, ...],
    gone: set[str],
    names: Mapping[str, str],
) -> GardenSnapshot:
    open_keys = {task.key for task in tasks if task.state is TaskState.OPEN}
    return snapshot.model_copy(
        update={
            "tasks": tasks,
            "tanks": tuple(
                view.model_copy(
                    update={
                        "tank": _named(view.tank, names),
                        "open_task_keys": _still(view.open_task_keys, open_keys),
                    }
                )
                for view in snapshot.tanks
                if view.tank.key not in gone
            ),
            "plants": tuple(
                view.model_copy(
                    update={
                        "plant": _named(view.plant, names),
                        "open_task_keys": _still(view.open_task_keys, open_keys),
                    }
                )
                for view in snapshot.plants
                if view.plant.key not in gone
            ),
            "probes": tuple(
                view.model_copy(update={"probe": _named(view.probe, names)})
                for view in snapshot.probes
                if view.probe.key not in gone
            ),
            "locations": tuple(
                view.model_copy(update={"location": _named(view.location, names)})
                for view in snapshot.locations
            ),
        }
    )


def _named[T: Entity](thing: T, names: Mapping[str, str]) -> T:
    name = names.get(thing.key)
    return thing if name is None else thing.model_copy(update={"name": name})


def _still(keys: tuple[str, ...], open_keys: set[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if key in open_keys)


def _changed(
    task: TaskView, command: CompleteTask | ReopenTask | UpdateTask, today: date
) -> TaskView:
    match command:
        case CompleteTask():
            return _closed(task, command.at)
        case ReopenTask():
            opened = task.model_copy(update={"state": TaskState.OPEN, "closed_at": None})
            return _due(opened, today)
        case UpdateTask():
            patch = {k: v for k, v in command.patch.items() if k in TaskView.model_fields}
            try:
                changed = TaskView.model_validate_json(
                    task.model_copy(update=patch).model_dump_json(warnings=False)
                )
            except ValidationError:
                return task  # the server will refuse it, and say why
            return changed if "due_on" not in patch else _due(changed, today)


def _due(task: TaskView, today: date) -> TaskView:
    is_open = task.state is TaskState.OPEN and task.due_on is not None
    return task.model_copy(
        update={
            "is_overdue": is_open and task.due_on is not None and task.due_on < today,
            "is_due_today": is_open and task.due_on == today,
        }
    )


def _closed(task: TaskView, at: datetime | None) -> TaskView:
    if task.state is not TaskState.OPEN:
        return task
    return task.model_copy(
        update={
            "state": TaskState.COMPLETED,
            "closed_at": at,
            "is_overdue": False,
            "is_due_today": False,
        }
    )


def _watered(tasks: Iterable[TaskView], command: LogWatering) -> list[TaskView]:
    """Return the tasks that a watering or feeding closes."""
    kind = _CARE_OF[command.fields.kind]
    return [
        _closed(task, command.fields.at)
        for task in tasks
        if task.key == command.task_key
        or (task.kind is kind and task.plant_key in command.plant_keys)
    ]


def _added(key: str, command: AddTask, snapshot: GardenSnapshot) -> TaskView:
    fields = command.fields
    plant = None if fields.plant_key is None else snapshot.plant(fields.plant_key)
    tank = None if fields.tank_key is None else snapshot.tank(fields.tank_key)
    names = [*([plant.plant.name] if plant else []), *([tank.tank.name] if tank else [])]
    return TaskView(
        key=key,
        kind=fields.kind,
        state=TaskState.OPEN,
        title=fields.title,
        subject_name=next(iter(names), None),
        plant_key=fields.plant_key,
        tank_key=fields.tank_key,
        due_on=fields.due_on,
        due_at=fields.due_at,
        description=fields.description,
        assignee_key=fields.assignee_key,
        rule=fields.rule,
        is_overdue=fields.due_on is not None and fields.due_on < snapshot.today,
        is_due_today=fields.due_on == snapshot.today,
        closed_at=None,
    )
