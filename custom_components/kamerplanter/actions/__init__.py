"""Actions: tables of what can be done, and one dispatcher for all."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import VolSchemaType
from homeassistant.util.json import JsonValueType

from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.views import PlantView
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_engines.errors import InvalidInputError

from ..caller import async_caller  # noqa: TID252 - the neighbours import alike
from ..const import DOMAIN  # noqa: TID252
from ..errors import translated  # noqa: TID252
from ..schema import vol  # noqa: TID252
from ..targets import Target, targets_of  # noqa: TID252
from .calibrations import (
    CALIBRATE_SCHEMA,
    LIST_CALIBRATIONS_SCHEMA,
    REPLACE_PROBE_SCHEMA,
    WITHDRAW_CALIBRATION_SCHEMA,
    calibrate,
    list_calibrations,
    replace_probe,
    withdraw_calibration,
)
from .job import PLANTS, Action, Answer, Data, Job, Reach
from .measurements import (
    LOG_MEASUREMENT_SCHEMA,
    REMOVE_MEASUREMENT_SCHEMA,
    log_measurement,
    remove_measurement,
)
from .plants import PLANT_ACTIONS
from .tasks import ADD_TASK_SCHEMA, COMPLETE_TASK_SCHEMA, add_tasks, complete_tasks
from .treatments import CORRECT_TREATMENT_SCHEMA, TREATMENT_ACTIONS, correct_treatment

type Handler = Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]

ACTIONS = (*TREATMENT_ACTIONS, *PLANT_ACTIONS)
"""Actions on plants."""


@dataclass(frozen=True, slots=True)
class OtherAction:
    """A row of an action that finds for itself what it is about."""

    name: str
    schema: VolSchemaType
    run: Callable[[HomeAssistant, Data, Caller], Awaitable[Answer]]
    response: SupportsResponse = SupportsResponse.OPTIONAL


OTHER_ACTIONS = (
    OtherAction("correct_treatment", CORRECT_TREATMENT_SCHEMA, correct_treatment),
    OtherAction("complete_task", COMPLETE_TASK_SCHEMA, complete_tasks),
    OtherAction("add_task", ADD_TASK_SCHEMA, add_tasks),
    OtherAction("log_measurement", LOG_MEASUREMENT_SCHEMA, log_measurement),
    OtherAction("remove_measurement", REMOVE_MEASUREMENT_SCHEMA, remove_measurement),
    OtherAction("calibrate", CALIBRATE_SCHEMA, calibrate),
    OtherAction("replace_probe", REPLACE_PROBE_SCHEMA, replace_probe),
    OtherAction(
        "list_calibrations",
        LIST_CALIBRATIONS_SCHEMA,
        list_calibrations,
        response=SupportsResponse.ONLY,
    ),
    OtherAction("withdraw_calibration", WITHDRAW_CALIBRATION_SCHEMA, withdraw_calibration),
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
    for other in OTHER_ACTIONS:
        hass.services.async_register(
            DOMAIN, other.name, _handler(hass, other), other.schema, other.response
        )


def _plant_handler(hass: HomeAssistant, action: Action) -> Handler:
    async def handle(call: ServiceCall) -> ServiceResponse:
        caller = await async_caller(hass, call.context)
        with translated():
            targets = targets_of(hass, call.data, PLANTS)
            _check_reach(action.reach, targets)
            answers: list[JsonValueType] = []
            for job in list(_jobs(targets, caller, call.data)):
                for view, answer in zip(job.plants, await action.run(job), strict=True):
                    named: Answer = {"plant": view.plant.name, "plant_id": view.plant.key}
                    answers.append(named | answer)
        return {"plants": answers}

    return handle


def _handler(hass: HomeAssistant, action: OtherAction) -> Handler:
    async def handle(call: ServiceCall) -> ServiceResponse:
        caller = await async_caller(hass, call.context)
        with translated():
            return await action.run(hass, call.data, caller)

    return handle


def _check_reach(reach: Reach, targets: Sequence[Target]) -> None:
    if not targets:
        raise InvalidInputError(
            "No plant was chosen; choose at least one as target.",
            field="target",
            problem="no_plant",
        )
    if reach is Reach.ONE_PLANT and len(targets) > 1:
        raise InvalidInputError(
            f"{len(targets)} plants were chosen; choose one for each call.",
            field="target",
            problem="several_plants",
            value=len(targets),
        )
    gardens = {target.entry.entry_id for target in targets}
    if reach is Reach.ONE_GARDEN and len(gardens) > 1:
        raise InvalidInputError(
            f"Plants of {len(gardens)} gardens were chosen; choose those of one for each call.",
            field="target",
            problem="several_gardens",
            value=len(gardens),
        )


def _jobs(targets: Sequence[Target], caller: Caller, data: Data) -> Iterator[Job]:
    """Yield the part of a call for each garden."""
    entries = {target.entry.entry_id: target.entry for target in targets}
    for entry_id, entry in entries.items():
        plants = [_plant(target) for target in targets if target.entry.entry_id == entry_id]
        yield Job(entry, tuple(plants), caller, data)


def _plant(target: Target) -> PlantView:
    view = target.view
    if not isinstance(view, PlantView):
        key = target.subject.key
        raise NotFoundError(f"Plant {key} does not exist.", kind="plant", key=key)
    return view
