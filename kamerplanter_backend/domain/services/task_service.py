"""The to-do list."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.consequences.care_record import (
    CARE_OF_TASK,
    CARE_WRITES,
    record_done,
    record_skipped,
    silence_dry_soil,
    take_back,
    written_for,
)
from kamerplanter_backend.domain.consequences.open_tasks import open_tasks_of, resolve_tasks
from kamerplanter_backend.domain.consequences.tank_alerts import silence_problem
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository, TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository, MembershipRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    EntityService,
    check_own,
    check_permitted,
    check_revision,
    check_sent_too,
    command,
    live,
    only_fields,
)
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.task import Task, TaskFields, TaskKind, TaskState
from kamerplanter_engines.task_engine import complete, remove, reopen, skip

CHANGEABLE = frozenset({"title", "description", "due_on", "due_at", "assignee_key"})
"""The fields that a person may change afterwards."""


class TaskService(EntityService[Task]):
    """Adds, changes and closes tasks, with all that follows from their kind."""

    repository = TaskRepository

    @command(TaskRepository)
    def add(self, uow: UnitOfWork, fields: TaskFields, key: str | None = None) -> Task:
        """Add a task of a person's own.

        Raises:
            NotFoundError: Its plant or tank does not exist, or is archived.
            InvalidInputError: It has neither a title nor a subject, or names a rule.
            ForbiddenError: Only an admin may give a task to somebody else.
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
        _check_assignee(uow, None, fields.assignee_key)
        return uow.of(TaskRepository).add(fields, key=key)

    create = add

    @command(TaskRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> Task:
        """Change title, description, due date or assignee.

        Raises:
            NotFoundError: It does not exist.
            ForbiddenError: It is somebody else's, or somebody else is concerned by the change
                of the assignee.
            InvalidInputError: Another field is named, a value does not fit, or a day is sent
                without the moment that it replaces, or the other way round.
            StaleRevisionError: It has another revision than expected.
        """
        only_fields(patch, CHANGEABLE)
        before = uow.of(TaskRepository).get(key)
        check_own(uow, Permission.TASK_UPDATE, before)
        task = uow.of(TaskRepository).patch(
            key, patch, TaskFields, expected_revision=expected_revision
        )
        for sent, other in (("due_on", "due_at"), ("due_at", "due_on")):
            if patch.get(sent) is not None and getattr(before, other) is not None:
                check_sent_too(patch, other, "null", because=sent)
        _check_assignee(uow, before.assignee_key, task.assignee_key)
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
            ForbiddenError: It is somebody else's.
            FutureTimeError: It is said to have been done in the future.
            IllegalTransitionError: It was skipped.
        """
        tasks = uow.of(TaskRepository)
        task = tasks.get(key)
        check_own(uow, Permission.TASK_UPDATE, task)
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
    def skip(self, uow: UnitOfWork, key: str) -> Task:
        """Leave a task out this time; a care is due again after its interval. Twice is harmless.

        Raises:
            NotFoundError: It does not exist.
            ForbiddenError: It is somebody else's.
            IllegalTransitionError: It was done, or its cause is gone.
        """
        task = uow.of(TaskRepository).get(key)
        check_own(uow, Permission.TASK_UPDATE, task)
        skipped = skip(task, uow.context.now)
        return task if skipped is task else _leave_out(uow, task, skipped)

    @command(TankAlertRepository, AuditRepository, *CARE_WRITES)
    def reopen(self, uow: UnitOfWork, key: str) -> Task:
        """Take a completion or a skip back, with what it wrote. Twice is harmless.

        Raises:
            NotFoundError: It does not exist, or its plant or tank is archived.
            ForbiddenError: It is somebody else's, or what it wrote is.
        """
        tasks = uow.of(TaskRepository)
        task = tasks.get(key)
        check_own(uow, Permission.TASK_UPDATE, task)
        opened = reopen(task)
        if opened is task:
            return task
        for entry in written_for(uow, task):
            # It goes with that: so the same may do this who may change the entry itself.
            check_own(uow, Permission.LOG_UPDATE, entry)
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
            removed_at=None,
        )

    @command(TankAlertRepository, AuditRepository, *CARE_WRITES)
    def delete(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> Task:
        """Delete a person's own task; one that a rule made becomes skipped.

        Of a closed one only the line in the list goes: how it ended, and what it wrote, stays.

        Raises:
            NotFoundError: It does not exist, or was deleted before.
            ForbiddenError: It is somebody else's.
            StaleRevisionError: It has another revision than expected.
        """
        tasks = uow.of(TaskRepository)
        task = tasks.get(key)
        check_own(uow, Permission.TASK_DELETE, task)
        check_revision(task, expected_revision, "tasks")
        is_skipped = task.state is TaskState.SKIPPED and task.rule is not None
        if is_skipped or task.removed_at is not None:
            raise NotFoundError(f"Task {key} is deleted.", kind="tasks", key=key)
        after = remove(task, uow.context.now)
        if after == "delete":
            tasks.remove(key)
            record_audit(uow, AuditAction.DELETED, "tasks", key, name=task.title or task.kind.value)
            return task
        if task.state is not TaskState.OPEN:
            return tasks.change(task, removed_at=after.removed_at)
        return _leave_out(uow, task, after)

    remove = delete


def _leave_out(uow: UnitOfWork, task: Task, skipped: Task) -> Task:
    values: dict[str, object] = {"state": skipped.state, "closed_at": skipped.closed_at}
    care = CARE_OF_TASK.get(task.kind)
    if care is not None and task.plant_key is not None:
        values["confirmation_key"] = record_skipped(uow, care, task.plant_key, task)
    silence_problem(uow, task, silenced=True)
    return uow.of(TaskRepository).change(task, **values)


def _check_assignee(uow: UnitOfWork, before: str | None, after: str | None) -> None:
    """Make sure that the caller may change who does a task, and that it is a member."""
    if after == before:
        return
    if not {before, after} <= {None, uow.context.actor}:
        check_permitted(uow, Permission.TASK_ASSIGN)
    if after is None:
        return
    if uow.of(MembershipRepository).between(uow.context.tenant_key, after) is None:
        raise InvalidInputError(
            f"{after} is no member of this garden; name the key of a member's account.",
            field="assignee_key",
            value=after,
        )
