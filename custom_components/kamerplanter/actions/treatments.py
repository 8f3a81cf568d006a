"""Plant protection: what was applied, how a record is put right, and what may be harvested."""

from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.helpers import config_validation as cv
from pydantic import JsonValue

from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.requests import (
    CheckHarvest,
    CorrectTreatment,
    GetTreatment,
    ListHarvests,
    ListTreatments,
    LogTreatment,
)
from kamerplanter_backend.client.views import PlantView
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_engines.errors import InvalidInputError, KamerplanterError
from kamerplanter_engines.models.harvest import HarvestPurpose
from kamerplanter_engines.models.ipm import (
    ApplicationFields,
    Blocker,
    Treatment,
    TreatmentCorrection,
)

from ..coordinator import KamerplanterConfigEntry  # noqa: TID252 - the neighbours import alike
from ..moments import moment_of  # noqa: TID252
from ..numbers import ActionNumber, Limits  # noqa: TID252
from ..schema import vol  # noqa: TID252
from ..targets import loaded_entries, targets_of  # noqa: TID252
from .job import (
    PAST,
    PLANTS,
    QUEUED,
    REASON,
    TEXT,
    Action,
    Answer,
    Data,
    Job,
    Reach,
    each,
    iso,
    past,
)

_INTERVAL = ActionNumber("interval_d", Limits(low=0, high=3650, is_whole=True))

CORRECT_TREATMENT_SCHEMA = vol.Schema(
    {
        vol.Required("treatment_id"): cv.string,
        vol.Required("reason"): REASON,
        vol.Optional("plant"): cv.string,
        vol.Optional("product"): TEXT,
        vol.Optional("ingredient"): vol.Any(None, cv.string),
        vol.Optional("interval_d"): vol.Any(None, _INTERVAL),
        vol.Optional("at"): cv.datetime,
        vol.Optional("note"): vol.Any(None, cv.string),
        vol.Optional("voided"): cv.boolean,
    }
)


async def _log_treatment(job: Job) -> list[Answer]:
    fields = ApplicationFields(
        product=job.data["product"],
        ingredient=job.data.get("ingredient"),
        interval_d=job.data.get("interval_d"),
        note=job.data.get("note"),
        at=past(job.data),
    )
    booked = await job.book(LogTreatment(plant_keys=job.keys, fields=fields))
    if booked is None:
        return [QUEUED | _karenz(plant) for plant in await job.refreshed()]
    return [
        {
            "treatment_id": treatment.key,
            "applied_on": treatment.applied_on.isoformat(),
            **_karenz(plant),
        }
        for treatment, plant in zip(booked, await job.refreshed(), strict=True)
    ]


def _karenz(plant: PlantView) -> Answer:
    return {
        "karenz_active": plant.karenz_active,
        "safe_harvest_date": iso(plant.safe_harvest_on),
        "harvest_allowed": plant.harvest_allowed,
    }


async def _list_treatments(job: Job, plant: PlantView) -> Answer:
    treatments = await job.ask(ListTreatments(plant_key=plant.plant.key))
    return {"treatments": [_treatment(item) for item in treatments]}


def _treatment(item: Treatment) -> Answer:
    return {
        "treatment_id": item.key,
        "product": item.product,
        "ingredient": item.ingredient,
        "interval_d": item.interval_d,
        "at": item.at.isoformat(),
        "applied_on": item.applied_on.isoformat(),
        "note": item.note,
        "voided": item.voided,
        "corrections": [_correction(correction) for correction in item.corrections],
    }


def _correction(item: TreatmentCorrection) -> Answer:
    before = item.before
    return {
        "at": item.at.isoformat(),
        "by": item.by,
        "reason": item.reason,
        "before": {
            "plant_id": before.plant_key,
            "product": before.product,
            "ingredient": before.ingredient,
            "interval_d": before.interval_d,
            "at": before.at.isoformat(),
            "applied_on": item.applied_on_before.isoformat(),
            "note": before.note,
            "voided": before.voided,
        },
    }


async def _check_harvest(job: Job, plant: PlantView) -> Answer:
    verdict = await job.ask(CheckHarvest(plant_key=plant.plant.key, on=job.data.get("on")))
    return {
        "allowed": verdict.allowed,
        "on": verdict.on.isoformat(),
        "safe_date": iso(verdict.safe_on),
        "days_left": verdict.days_left,
        "blockers": [_blocker(item) for item in verdict.blockers],
    }


def _blocker(item: Blocker) -> Answer:
    return {
        "treatment_id": item.treatment_key,
        "product": item.product,
        "ingredient": item.ingredient,
        "applied_on": item.applied_on.isoformat(),
        "interval_d": item.interval_d,
        "safe_date": iso(item.safe_on),
        "reason": item.reason,
    }


async def correct_treatment(hass: HomeAssistant, data: Data, caller: Caller) -> Answer:
    """Put the record of a treatment right; answer what follows for its plant.

    Raises:
        NotFoundError: No garden that is loaded has such a record.
        UnavailableError: No garden that answers has it, and one does not answer.
        InvalidInputError: Nothing is to be corrected, or a value does not fit.
        ForbiddenError: The caller is no administrator.
    """
    key = data["treatment_id"]
    entry = await _entry_of(hass, key, caller)
    request = CorrectTreatment(key=key, patch=_patch(hass, data), reason=data["reason"])
    after = await entry.runtime_data.client.call(request, caller)
    await entry.runtime_data.coordinator.async_refresh()
    answer: Answer = {"plant_id": after.plant_key, **_treatment(after)}
    plant = entry.runtime_data.coordinator.data.plant(after.plant_key)
    if plant is None:  # archived: its record is kept, and nothing can be harvested
        return answer
    inside = await _harvests_inside(entry, after, caller)
    return answer | {"plant": plant.plant.name, **_karenz(plant), "harvests_inside": inside}


async def _entry_of(hass: HomeAssistant, key: str, caller: Caller) -> KamerplanterConfigEntry:
    trouble: KamerplanterError | None = None
    for entry in loaded_entries(hass):
        try:
            await entry.runtime_data.client.call(GetTreatment(key=key), caller)
        except NotFoundError:
            continue
        except KamerplanterError as error:
            # Another garden may have the record; only if none has, this one matters.
            trouble = trouble or error
            continue
        return entry
    raise trouble or NotFoundError(
        f"Treatment {key} does not exist.", field="treatment_id", kind="treatment", key=key
    )


def _patch(hass: HomeAssistant, data: Data) -> dict[str, JsonValue]:
    names = ("product", "ingredient", "interval_d", "note", "voided")
    patch: dict[str, JsonValue] = {name: data[name] for name in names if name in data}
    if "at" in data:
        patch["at"] = moment_of(data["at"]).isoformat()
    if "plant" in data:
        (target,) = targets_of(hass, {"device_id": data["plant"]}, PLANTS)
        patch["plant_key"] = target.subject.key
    if not patch:
        raise InvalidInputError(
            "Nothing is to be corrected; fill in what changes.",
            field="data",
            problem="nothing_to_correct",
        )
    return patch


async def _harvests_inside(
    entry: KamerplanterConfigEntry, treatment: Treatment, caller: Caller
) -> list[JsonValue]:
    """Return what was harvested for use on days that the corrected record forbids."""
    ask, plant_key = entry.runtime_data.client.call, treatment.plant_key
    found: list[JsonValue] = []
    for harvest in await ask(ListHarvests(plant_key=plant_key), caller):
        day = harvest.harvested_on
        if harvest.purpose is HarvestPurpose.HARVEST and day >= treatment.applied_on:
            verdict = await ask(CheckHarvest(plant_key=plant_key, on=day), caller)
            if treatment.key in {item.treatment_key for item in verdict.blockers}:
                found.append({"harvest_id": harvest.key, "harvested_on": day.isoformat()})
    return found


TREATMENT_ACTIONS = (
    Action(
        name="log_treatment",
        schema={
            vol.Required("product"): TEXT,
            vol.Optional("ingredient"): cv.string,
            vol.Optional("interval_d"): _INTERVAL,
            **PAST,
        },
        run=_log_treatment,
        reach=Reach.ONE_GARDEN,
    ),
    Action(
        name="list_treatments",
        schema={},
        run=each(_list_treatments),
        response=SupportsResponse.ONLY,
    ),
    Action(
        name="check_harvest",
        schema={vol.Optional("on"): cv.date},
        run=each(_check_harvest),
        response=SupportsResponse.ONLY,
    ),
)
