"""Actions: a table of what can be done, and one dispatcher for all."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from kamerplanter_backend.client.protocol import Caller, Request
from kamerplanter_backend.client.requests import (
    AddTask,
    CheckHarvest,
    CompleteTask,
    ListPhases,
    LogHarvest,
    LogTreatment,
    LogWatering,
    SetPhase,
)
from kamerplanter_backend.client.views import PlantView, TankView
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.harvest import Harvest, HarvestFields, HarvestPurpose
from kamerplanter_engines.models.ipm import Blocker, HarvestVerdict, Treatment, TreatmentFields
from kamerplanter_engines.models.irrigation import Irrigation, IrrigationFields, IrrigationKind
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.task import TaskFields, TaskKind, TaskState

from .caller import async_caller
from .const import DOMAIN
from .errors import translated
from .schema import vol
from .subjects import SubjectKind
from .targets import Target, entry_of_task, only_entry, targets_of

type Data = Mapping[str, Any]
type Answer = dict[str, JsonValueType]
type Handler = Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]

PLANTS = frozenset({SubjectKind.PLANT})


@dataclass(frozen=True, slots=True)
class Job:
    """One target of one call."""

    target: Target
    caller: Caller
    data: Data

    @property
    def plant(self) -> PlantView:
        """Return the plant that the call is about.

        Raises:
            NotFoundError: It has just been removed.
        """
        view = self.target.view
        if not isinstance(view, PlantView):
            key = self.target.subject.key
            raise NotFoundError(f"Plant {key} does not exist.", kind="plant", key=key)
        return view

    async def ask[R](self, request: Request[R]) -> R:
        """Ask or do one thing in the garden of the target."""
        return await self.target.entry.runtime_data.client.call(request, self.caller)

    async def refreshed(self) -> PlantView:
        """Return the plant as it is now, which entities then show too."""
        await self.target.entry.runtime_data.coordinator.async_refresh()
        return self.plant


@dataclass(frozen=True, kw_only=True)
class Action:
    """A row: name, input, what it does for each plant, and what it answers."""

    name: str
    schema: Mapping[Any, Any]
    run: Callable[[Job], Awaitable[Answer]]
    response: SupportsResponse = SupportsResponse.OPTIONAL
    is_for_one: bool = False
    """Takes one plant: of several, one could be booked before another is refused."""


def _at(data: Data) -> datetime:
    """Return the moment of a call; a text without a zone is one of Home Assistant's."""
    at: datetime | None = data.get("at")
    return dt_util.utcnow() if at is None else dt_util.as_utc(at)


async def _log_treatment(job: Job) -> Answer:
    fields = TreatmentFields(
        plant_key=job.plant.plant.key,
        product=job.data["product"],
        ingredient=job.data.get("ingredient"),
        interval_d=job.data.get("interval_d"),
        note=job.data.get("note"),
        at=_at(job.data),
    )
    treatment: Treatment = await job.ask(LogTreatment(fields=fields))
    plant = await job.refreshed()
    return {
        "treatment_id": treatment.key,
        "applied_on": treatment.applied_on.isoformat(),
        "karenz_active": plant.karenz_active,
        "safe_harvest_date": _iso(plant.safe_harvest_on),
        "harvest_allowed": plant.harvest_allowed,
    }


async def _log_harvest(job: Job) -> Answer:
    fields = HarvestFields(
        plant_key=job.plant.plant.key,
        at=_at(job.data),
        weight_g=job.data.get("weight_g"),
        purpose=job.data["purpose"],
        reason=job.data.get("reason"),
        note=job.data.get("note"),
    )
    harvest: Harvest = await job.ask(LogHarvest(fields=fields))
    return {"harvest_id": harvest.key, "harvested_on": harvest.harvested_on.isoformat()}


async def _check_harvest(job: Job) -> Answer:
    verdict: HarvestVerdict = await job.ask(
        CheckHarvest(plant_key=job.plant.plant.key, on=job.data.get("on"))
    )
    return {
        "allowed": verdict.allowed,
        "on": verdict.on.isoformat(),
        "safe_date": _iso(verdict.safe_on),
        "days_left": verdict.days_left,
        "blockers": [_blocker(item) for item in verdict.blockers],
    }


def _blocker(item: Blocker) -> Answer:
    return {
        "product": item.product,
        "ingredient": item.ingredient,
        "applied_on": item.applied_on.isoformat(),
        "interval_d": item.interval_d,
        "safe_date": _iso(item.safe_on),
        "reason": item.reason,
    }


async def _log_watering(job: Job) -> Answer:
    fields = IrrigationFields(
        plant_key=job.plant.plant.key,
        kind=job.data["kind"],
        at=_at(job.data),
        volume_l=job.data.get("volume_l"),
        note=job.data.get("note"),
    )
    entry: Irrigation = await job.ask(LogWatering(fields=fields))
    plant = await job.refreshed()
    return {
        "log_id": entry.key,
        "watered_on": entry.watered_on.isoformat(),
        "next_watering": _iso(plant.next_watering_on),
    }


async def _set_phase(job: Job) -> Answer:
    plant = job.plant.plant
    phases = await job.ask(ListPhases(species_key=plant.species_key))
    wanted = job.data["phase"]
    entry_id = next(
        (item.entry_id for item in phases if wanted in (item.entry_id, item.phase)), None
    )
    if entry_id is None:
        allowed = ", ".join(item.phase for item in phases)
        raise InvalidInputError(
            f"Plant {plant.name} has no phase {wanted}; it has {allowed}.",
            field="phase",
            value=wanted,
            allowed=allowed,
        )
    changed: Plant = await job.ask(
        SetPhase(key=plant.key, entry_id=entry_id, started_on=job.data.get("started_on"))
    )
    view = await job.refreshed()
    return {
        "phase": view.phase.phase,
        "phase_started": _iso(changed.phase_started_on),
        "next_phase_date": _iso(view.next_phase_on),
    }


def _iso(value: Any) -> str | None:  # noqa: ANN401 - a date or a moment
    return None if value is None else str(value.isoformat())


_PAST = {vol.Optional("at"): cv.datetime, vol.Optional("note"): cv.string}
_POSITIVE = vol.All(vol.Coerce(float), vol.Range(min=0, min_included=False))

ACTIONS = (
    Action(
        name="log_treatment",
        schema={
            vol.Required("product"): vol.All(cv.string, vol.Length(min=1, max=200)),
            vol.Optional("ingredient"): cv.string,
            vol.Optional("interval_d"): vol.All(vol.Coerce(int), vol.Range(min=0, max=3650)),
            **_PAST,
        },
        run=_log_treatment,
    ),
    Action(
        name="log_harvest",
        schema={
            vol.Optional("weight_g"): _POSITIVE,
            vol.Optional("purpose", default=HarvestPurpose.HARVEST): vol.Coerce(HarvestPurpose),
            vol.Optional("reason"): cv.string,
            **_PAST,
        },
        run=_log_harvest,
        is_for_one=True,
    ),
    Action(
        name="check_harvest",
        schema={vol.Optional("on"): cv.date},
        run=_check_harvest,
        response=SupportsResponse.ONLY,
    ),
    Action(
        name="log_watering",
        schema={
            vol.Optional("volume_l"): _POSITIVE,
            vol.Optional("kind", default=IrrigationKind.WATER): vol.Coerce(IrrigationKind),
            **_PAST,
        },
        run=_log_watering,
    ),
    Action(
        name="set_phase",
        schema={vol.Required("phase"): cv.string, vol.Optional("started_on"): cv.date},
        run=_set_phase,
    ),
)
"""Actions on plants; each runs once for each plant of its target."""

COMPLETE_TASK_SCHEMA = vol.All(
    vol.Schema(
        {
            **cv.ENTITY_SERVICE_FIELDS,
            vol.Optional("task_id"): vol.All(cv.ensure_list, [cv.string]),
            vol.Optional("kind"): vol.Coerce(TaskKind),
            vol.Optional("at"): cv.datetime,
            vol.Optional("volume_l"): _POSITIVE,
        }
    ),
    cv.has_at_least_one_key("task_id", *(str(key) for key in cv.ENTITY_SERVICE_FIELDS)),
)
ADD_TASK_SCHEMA = vol.Schema(
    {
        **cv.ENTITY_SERVICE_FIELDS,
        vol.Required("title"): vol.All(cv.string, vol.Length(min=1, max=200)),
        vol.Exclusive("due_date", "due"): cv.date,
        vol.Exclusive("due_datetime", "due"): cv.datetime,
        vol.Optional("description"): cv.string,
    }
)


@callback
def async_register_actions(hass: HomeAssistant) -> None:
    """Register all actions; they exist whether or not an entry is loaded."""
    for action in ACTIONS:
        hass.services.async_register(
            DOMAIN,
            action.name,
            _plant_handler(hass, action),
            vol.Schema({**cv.ENTITY_SERVICE_FIELDS, **action.schema}),
            action.response,
        )
    hass.services.async_register(
        DOMAIN,
        "complete_task",
        _task_handler(hass, _complete_tasks),
        COMPLETE_TASK_SCHEMA,
        SupportsResponse.OPTIONAL,
    )
    hass.services.async_register(
        DOMAIN,
        "add_task",
        _task_handler(hass, _add_tasks),
        ADD_TASK_SCHEMA,
        SupportsResponse.OPTIONAL,
    )


def _plant_handler(hass: HomeAssistant, action: Action) -> Handler:
    async def handle(call: ServiceCall) -> ServiceResponse:
        caller = await async_caller(hass, call.context)
        with translated():
            targets = targets_of(hass, call.data, PLANTS)
            if not targets:
                raise InvalidInputError(
                    "No plant was chosen; choose at least one as target.", field="target"
                )
            if action.is_for_one and len(targets) > 1:
                raise InvalidInputError(
                    f"{len(targets)} plants were chosen; choose one for each call.",
                    field="target",
                    value=len(targets),
                )
            answers: list[JsonValueType] = []
            for target in targets:
                job = Job(target, caller, call.data)
                answer: Answer = {"plant": job.plant.plant.name, "plant_id": target.subject.key}
                answers.append(answer | await action.run(job))
        return {"plants": answers}

    return handle


def _task_handler(
    hass: HomeAssistant,
    run: Callable[[HomeAssistant, Data, Caller], Awaitable[list[JsonValueType]]],
) -> Handler:
    async def handle(call: ServiceCall) -> ServiceResponse:
        caller = await async_caller(hass, call.context)
        with translated():
            return {"tasks": await run(hass, call.data, caller)}

    return handle


async def _complete_tasks(hass: HomeAssistant, data: Data, caller: Caller) -> list[JsonValueType]:
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
    at = None if data.get("at") is None else _at(data)
    answers: list[JsonValueType] = []
    for entry, key in dict.fromkeys(chosen):
        task = await entry.runtime_data.client.call(
            CompleteTask(key=key, at=at, volume_l=data.get("volume_l")), caller
        )
        answers.append({"task_id": task.key, "state": task.state})
    for entry in {entry.entry_id: entry for entry, _ in chosen}.values():
        await entry.runtime_data.coordinator.async_refresh()
    return answers


async def _add_tasks(hass: HomeAssistant, data: Data, caller: Caller) -> list[JsonValueType]:
    due_at: datetime | None = data.get("due_datetime")
    fields = TaskFields(
        title=data["title"],
        description=data.get("description"),
        due_on=data.get("due_date"),
        due_at=None if due_at is None else dt_util.as_utc(due_at),
    )
    kinds = frozenset({SubjectKind.PLANT, SubjectKind.TANK, SubjectKind.HUB})
    chosen = [
        (target.entry, _about(fields, target)) for target in targets_of(hass, data, kinds)
    ] or [(only_entry(hass), fields)]
    answers: list[JsonValueType] = []
    for entry, about in chosen:
        task = await entry.runtime_data.client.call(AddTask(fields=about), caller)
        answers.append({"task_id": task.key})
        await entry.runtime_data.coordinator.async_refresh()
    return answers


def _about(fields: TaskFields, target: Target) -> TaskFields:
    match target.subject.kind:
        case SubjectKind.PLANT:
            return fields.model_copy(update={"plant_key": target.subject.key})
        case SubjectKind.TANK:
            return fields.model_copy(update={"tank_key": target.subject.key})
        case _:
            return fields
