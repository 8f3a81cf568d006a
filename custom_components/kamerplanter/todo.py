"""The to-do list of the garden."""

from datetime import date, datetime
from typing import override
from uuid import uuid4

from homeassistant.components.todo import (
    TodoItem,
    TodoItemStatus,
    TodoListEntity,
    TodoListEntityFeature,
)
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util
from pydantic import JsonValue

from kamerplanter_backend.client.protocol import Command
from kamerplanter_backend.client.requests import (
    AddTask,
    CompleteTask,
    DeleteTask,
    ReopenTask,
    UpdateTask,
)
from kamerplanter_backend.client.views import GardenSnapshot, TaskView
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_engines.models.task import Task, TaskFields, TaskState

from .coordinator import KamerplanterConfigEntry
from .descriptions.hub import HUB_TASK_LISTS
from .descriptions.rows import TaskList
from .entity import GardenEntity
from .errors import translated
from .moments import moment_of
from .queued import call_or_queue
from .subjects import Subject, SubjectKind
from .task_titles import TaskTitles, async_load_titles

PARALLEL_UPDATES = 1

_TASK_LISTS = {SubjectKind.HUB: HUB_TASK_LISTS}
_DONE = frozenset({TaskState.COMPLETED, TaskState.RESOLVED})


async def async_setup_entry(
    hass: HomeAssistant,
    entry: KamerplanterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the to-do list."""
    titles = await async_load_titles(hass)
    entry.runtime_data.roster.async_add_platform(
        Platform.TODO,
        async_add_entities,
        _TASK_LISTS,
        lambda subject, row: GardenTodoList(entry, subject, row, titles),
    )


class GardenTodoList(GardenEntity[GardenSnapshot], TodoListEntity):
    """All tasks of the garden: a person's own and those that rules make."""

    _attr_supported_features = (
        TodoListEntityFeature.CREATE_TODO_ITEM
        | TodoListEntityFeature.UPDATE_TODO_ITEM
        | TodoListEntityFeature.DELETE_TODO_ITEM
        | TodoListEntityFeature.SET_DUE_DATE_ON_ITEM
        | TodoListEntityFeature.SET_DUE_DATETIME_ON_ITEM
        | TodoListEntityFeature.SET_DESCRIPTION_ON_ITEM
    )

    def __init__(
        self,
        entry: KamerplanterConfigEntry,
        subject: Subject,
        row: TaskList[GardenSnapshot],
        titles: TaskTitles,
    ) -> None:
        super().__init__(entry, subject, row)
        self.entity_description = row
        self._titles = titles
        self._read_items()

    def _read_items(self) -> None:
        view = self.view
        tasks = () if view is None else view.tasks
        shown = [task for task in tasks if task.state is TaskState.OPEN or task.state in _DONE]
        shown.sort(key=_order)
        self._attr_todo_items = [self._item(task) for task in shown]

    def _item(self, task: TaskView) -> TodoItem:
        is_done = task.state in _DONE
        due: date | datetime | None = task.due_on
        if task.due_at is not None:
            due = dt_util.as_local(task.due_at)
        return TodoItem(
            uid=task.key,
            summary=self._titles.title(task),
            status=TodoItemStatus.COMPLETED if is_done else TodoItemStatus.NEEDS_ACTION,
            due=due,
            description=task.description,
            completed=task.closed_at if is_done else None,
        )

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        self._read_items()
        super()._handle_coordinator_update()

    @override
    async def async_create_todo_item(self, item: TodoItem) -> None:
        with translated():
            due_on, due_at = _due(item.due)
            fields = TaskFields(
                title=item.summary,
                due_on=due_on,
                due_at=due_at,
                description=item.description,
            )
            # With a key of its own it can be completed before a server has heard of it.
            await self._do(AddTask(fields=fields, key=uuid4().hex))
        await self._show()

    @override
    async def async_update_todo_item(self, item: TodoItem) -> None:
        with translated():
            task = self._task(item.uid)
            if patch := self._patch(task, item):
                await self._do(UpdateTask(key=task.key, patch=patch))
            is_done = task.state in _DONE
            # The service hands the status over as plain text.
            if item.status == TodoItemStatus.COMPLETED and not is_done:
                await self._do(CompleteTask(key=task.key))
            elif item.status == TodoItemStatus.NEEDS_ACTION and is_done:
                await self._do(ReopenTask(key=task.key))
        await self._show()

    @override
    async def async_delete_todo_items(self, uids: list[str]) -> None:
        with translated():
            for uid in uids:
                await self._do(DeleteTask(key=uid))
        await self._show()

    def _task(self, uid: str | None) -> TaskView:
        view = self.view
        for task in () if view is None else view.tasks:
            if task.key == uid:
                return task
        raise NotFoundError(f"Task {uid} does not exist.", field="key", kind="task", key=uid)

    def _patch(self, task: TaskView, item: TodoItem) -> dict[str, JsonValue]:
        """Return what differs, so that saving without a change writes nothing."""
        patch: dict[str, JsonValue] = {}
        if item.summary is not None and item.summary != self._titles.title(task):
            patch["title"] = item.summary
        if (item.description or None) != (task.description or None):
            patch["description"] = item.description or None
        due_on, due_at = _due(item.due)
        if (due_on, due_at) != (task.due_on, task.due_at):
            patch["due_on"] = None if due_on is None else due_on.isoformat()
            patch["due_at"] = None if due_at is None else due_at.isoformat()
        return patch

    async def _do(self, command: Command[Task]) -> None:
        client = self.entry.runtime_data.client
        await call_or_queue(client, command, await self.async_caller())

    async def _show(self) -> None:
        """Show the result before the call returns, as a list that lags confuses."""
        await self.coordinator.async_refresh()


def _due(due: date | datetime | None) -> tuple[date | None, datetime | None]:
    """Return the due day or the due moment; a time without a zone is one of Home Assistant's."""
    if isinstance(due, datetime):
        return None, moment_of(due, "due_at")
    return due, None


def _order(task: TaskView) -> tuple[bool, bool, str, str]:
    """Return the place in the list: open ones first, by their due moment."""
    if task.due_at is not None:
        due = dt_util.as_local(task.due_at).isoformat()
    else:
        due = "" if task.due_on is None else task.due_on.isoformat()
    return (task.state is not TaskState.OPEN, not due, due, task.key)
