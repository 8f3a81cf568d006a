"""The to-do list."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.domain.consequences.care_record import (
    CARE_OF_TASK,
    CARE_WRITES,
    record_done,
    record_skipped,
    silence_dry_soil,
    take_back,
)
from kamerplanter_backend.domain.consequences.open_tasks import open_tasks_of, resolve_tasks
from kamerplanter_backend.domain.consequences.tank_alerts import silence_problem
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository, TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, live, only_fields
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.task import Task, TaskFields, TaskKind, TaskState
from kamerplanter_engines.task_engine import complete, remove, reopen

_CHANGEABLE = frozenset({"title", "description", "due_on", "due_at"})


class TaskService(Service):
    """Adds, changes and closes tasks, with all that follows from their kind."""

    @command(TaskRepository)
    def add(self, uow: UnitOfWork, fields: TaskFields, key: str | None = None) -> Task:
        """Add a task of a person's own.

        Raises:
            NotFoundError: Its plant or tank does not exist, or is archived.
            InvalidInputError: It has neither a title nor a subject, or names a rule.
            ConflictError: The key is in use.
        """
        if fields.rule is not None:
            raise InvalidInputError(
                "Only rules make tasks with a rule; leave it out.", field="rule", value=fields.rule
            )
        if fields.title is None and fields.kind is TaskKind.CUSTOM:
            raise InvalidInputError("A task needs a title.", field="title", value="")
        if fields.plant_key is not None:
            live(uow.of(PlantRepository), fields.plant_key)
        if fields.tank_key is not None:
            live(uow.of(TankRepository), fields.tank_key)
        return uow.of(TaskRepository).add(fields, key=key)

    @command(TaskRepository)
    def update(self, uow: UnitOfWork, key: str, patch: Mapping[str, JsonValue]) -> Task:
        """Change title, description or due date; a new date takes the place of an old moment.

        Raises:
            NotFoundError: It does not exist.
            InvalidInputError: Another field is named, or a value does not fit.
        """
        only_fields(patch, _CHANGEABLE)
        changes = dict(patch)
        if changes.get("due_on") is not None:
            changes.setdefault("due_at", None)
        if changes.get("due_at") is not None:
            changes.setdefault("due_on", None)
        task = uow.of(TaskRepository).patch(key, changes, TaskFields)
        if task.title is None and task.rule is None and task.kind is TaskKind.CUSTOM:
            raise InvalidInputError("A task needs a title.", field="title", value="")
        return task

    @command(TankAlertRepository, *CARE_WRITES)
    def complete(
        self,
        uow: UnitOfWork,
        key: str,
        at: datetime | None = None,
        volume_l: float | None = None,
    ) -> Task:
        """Mark a task as done; a care is logged with it. Twice is harmless.

        Raises:
            NotFoundError: It does not exist.
            FutureTimeError: It is said to have been done in the future.
            IllegalTransitionError: It was skipped.
        """
        tasks = uow.of(TaskRepository)
        task = tasks.get(key)
        done = complete(task, at, uow.context.now)
        if done is task or done.closed_at is None:
            return task
        care = CARE_OF_TASK.get(task.kind)
        if care is not None and task.plant_key is not None:
            live(uow.of(PlantRepository), task.plant_key)
            record_done(uow, care, task.plant_key, done.closed_at, task=task, volume_l=volume_l)
            return tasks.get(key)
        silence_problem(uow, task, silenced=True)
        return tasks.change(task, state=done.state, closed_at=done.closed_at)

    @command(TankAlertRepository, *CARE_WRITES)
    def reopen(self, uow: UnitOfWork, key: str) -> Task:
        """Take a completion or a skip back, with what it wrote. Twice is harmless.

        Raises:
            NotFoundError: It does not exist, or its plant or tank is archived.
        """
        tasks = uow.of(TaskRepository)
        task = tasks.get(key)
        opened = reopen(task)
        if opened is task:
            return task
        if task.plant_key is not None:
            live(uow.of(PlantRepository), task.plant_key)
        if task.tank_key is not None:
            live(uow.of(TankRepository), task.tank_key)
        if task.rule is not None:
            # What a rule has made in the meantime is the same thing to do.
            resolve_tasks(uow, [item for item in open_tasks_of(uow, task) if item.rule])
        take_back(uow, task)
        silence_problem(uow, task, silenced=False)
        if task.kind is TaskKind.WATERING and task.plant_key is not None:
            silence_dry_soil(uow, task.plant_key, silenced=False)
        # Deleting the log emptied the pointers of the task, so its newest state is needed.
        return tasks.change(
            tasks.get(key),
            state=opened.state,
            closed_at=None,
            irrigation_key=None,
            confirmation_key=None,
        )

    @command(TankAlertRepository, *CARE_WRITES)
    def delete(self, uow: UnitOfWork, key: str) -> Task:
        """Delete a person's own task; one that a rule made becomes skipped.

        Raises:
            NotFoundError: It does not exist, or was deleted before.
        """
        tasks = uow.of(TaskRepository)
        task = tasks.get(key)
        if task.state is TaskState.SKIPPED:
            raise NotFoundError(f"Task {key} is deleted.", kind="tasks", key=key)
        after = remove(task, uow.context.now)
        if after == "delete":
            tasks.remove(key)
            return task
        if task.state is not TaskState.OPEN:
            # It was done: only its line in the list goes, what it wrote stays.
            return tasks.change(task, state=TaskState.SKIPPED)
        values: dict[str, object] = {"state": after.state, "closed_at": after.closed_at}
        care = CARE_OF_TASK.get(task.kind)
        if care is not None and task.plant_key is not None:
            values["confirmation_key"] = record_skipped(uow, care, task.plant_key, task)
        silence_problem(uow, task, silenced=True)
        return tasks.change(task, **values)
