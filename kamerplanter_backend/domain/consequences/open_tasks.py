"""Opening and closing tasks that a rule made: one open task per subject and kind."""

from collections.abc import Iterable

from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.task import Task, TaskFields, TaskState


def open_tasks_of(uow: UnitOfWork, fields: TaskFields) -> list[Task]:
    """Return the open tasks about the same subject and of the same kind."""
    tasks = uow.of(TaskRepository)
    if fields.plant_key is not None:
        return tasks.open_of_plant(fields.plant_key, fields.kind)
    if fields.tank_key is not None:
        return tasks.open_of_tank(fields.tank_key, fields.kind)
    return []


def open_task(uow: UnitOfWork, fields: TaskFields, *, key: str | None = None) -> Task | None:
    """Add a task of a rule, unless one about the same is open already.

    Args:
        uow: The unit of work; it must be allowed to write tasks.
        fields: The task.
        key: Natural key, so that a repeated run of a rule adds nothing; none = a new one.

    Returns:
        The new task, or none if there was nothing to add.
    """
    if open_tasks_of(uow, fields):
        return None
    tasks = uow.of(TaskRepository)
    return tasks.add(fields) if key is None else tasks.add_if_new(fields, key=key)


def resolve_tasks(uow: UnitOfWork, tasks: Iterable[Task]) -> int:
    """Close tasks because their cause is gone; return how many."""
    count = 0
    for task in tasks:
        uow.of(TaskRepository).change(task, state=TaskState.RESOLVED, closed_at=uow.context.now)
        count += 1
    return count
