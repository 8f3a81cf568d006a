"""Tasks from automations: add and complete."""

from datetime import datetime
from uuid import uuid4

from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonValueType

from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.requests import AddTask, CompleteTask
from kamerplanter_backend.client.views import PlantView, TankView
from kamerplanter_engines.models.task import TaskFields, TaskKind, TaskState

from ..moments import moment_of  # noqa: TID252
from ..numbers import ActionNumber  # noqa: TID252
from ..queued import call_or_queue  # noqa: TID252
from ..schema import vol  # noqa: TID252 - the neighbours import alike
from ..subjects import SubjectKind  # noqa: TID252
from ..targets import Target, entry_of_task, only_entry, targets_of  # noqa: TID252
from .job import PLANTS, POSITIVE, QUEUED, TEXT, Answer, Data, past

COMPLETE_TASK_SCHEMA = vol.All(
    vol.Schema(
        {
            **cv.ENTITY_SERVICE_FIELDS,
            vol.Optional("task_id"): vol.All(cv.ensure_list, [cv.string]),
            vol.Optional("kind"): vol.Coerce(TaskKind),
            vol.Optional("at"): cv.datetime,
            vol.Optional("volume_l"): ActionNumber("volume_l", POSITIVE),
        }
    ),
    cv.has_at_least_one_key("task_id", *(str(key) for key in cv.ENTITY_SERVICE_FIELDS)),
)
ADD_TASK_SCHEMA = vol.Schema(
    {
        **cv.ENTITY_SERVICE_FIELDS,
        vol.Required("title"): TEXT,
        vol.Exclusive("due_date", "due"): cv.date,
        vol.Exclusive("due_datetime", "due"): cv.datetime,
        vol.Optional("description"): cv.string,
    }
)


async def complete_tasks(hass: HomeAssistant, data: Data, caller: Caller) -> Answer:
    """Complete tasks by their ids, and the open ones of plants and tanks.

    Raises:
        NotFoundError: A task does not exist, or is not shown any more.
        InvalidInputError: Something is named that is no plant or tank.
    """
    chosen = [(entry_of_task(hass, key), key) for key in data.get("task_id", ())]
    kind: TaskKind | None = data.get("kind")
    for target in targets_of(hass, data, PLANTS | {SubjectKind.TANK}):
        view, snapshot = target.view, target.entry.runtime_data.coordinator.data
        keys = view.open_task_keys if isinstance(view, PlantView | TankView) else ()
        chosen += [
            (target.entry, task.key)
            for task in snapshot.tasks
            if task.key in keys and task.state is TaskState.OPEN and kind in (None, task.kind)
        ]
    at = None if data.get("at") is None else past(data)
    answers: list[JsonValueType] = []
    for entry, key in dict.fromkeys(chosen):
        command = CompleteTask(key=key, at=at, volume_l=data.get("volume_l"))
        task = await call_or_queue(entry.runtime_data.client, command, caller)
        if task is None:
            answers.append({"task_id": key, "state": TaskState.COMPLETED} | QUEUED)
        else:
            answers.append({"task_id": task.key, "state": task.state})
    for entry in {entry.entry_id: entry for entry, _ in chosen}.values():
        await entry.runtime_data.coordinator.async_refresh()
    return {"tasks": answers}


async def add_tasks(hass: HomeAssistant, data: Data, caller: Caller) -> Answer:
    """Add a task of one's own about each target, or about the only garden.

    Raises:
        InvalidInputError: Nothing is named and there are several gardens.
    """
    due_at: datetime | None = data.get("due_datetime")
    fields = TaskFields(
        title=data["title"],
        description=data.get("description"),
        due_on=data.get("due_date"),
        due_at=None if due_at is None else moment_of(due_at, "due_at"),
    )
    kinds = frozenset({SubjectKind.PLANT, SubjectKind.TANK, SubjectKind.HUB})
    chosen = [
        (target.entry, _about(fields, target)) for target in targets_of(hass, data, kinds)
    ] or [(only_entry(hass), fields)]
    answers: list[JsonValueType] = []
    for entry, about in chosen:
        command = AddTask(fields=about, key=uuid4().hex)
        task = await call_or_queue(entry.runtime_data.client, command, caller)
        named: Answer = {"task_id": command.key}
        answers.append(named if task is not None else named | QUEUED)
        await entry.runtime_data.coordinator.async_refresh()
    return {"tasks": answers}


def _about(fields: TaskFields, target: Target) -> TaskFields:
    match target.subject.kind:
        case SubjectKind.PLANT:
            return fields.model_copy(update={"plant_key": target.subject.key})
        case SubjectKind.TANK:
            return fields.model_copy(update={"tank_key": target.subject.key})
        case _:
            return fields
