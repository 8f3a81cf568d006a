"""What is done for plants: water, phases, harvests."""

from homeassistant.helpers import config_validation as cv

from kamerplanter_backend.client.requests import ListPhases, LogHarvest, LogWatering, SetPhase
from kamerplanter_backend.client.views import PlantView
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.harvest import HarvestFields, HarvestPurpose
from kamerplanter_engines.models.irrigation import IrrigationKind, WateringFields

from ..numbers import ActionNumber  # noqa: TID252 - the neighbours import alike
from ..schema import vol  # noqa: TID252
from .job import PAST, POSITIVE, QUEUED, REASON, Action, Answer, Job, Reach, each, iso, past


async def _log_harvest(job: Job, plant: PlantView) -> Answer:
    fields = HarvestFields(
        plant_key=plant.plant.key,
        at=past(job.data),
        weight_g=job.data.get("weight_g"),
        purpose=job.data["purpose"],
        reason=job.data.get("reason"),
        note=job.data.get("note"),
    )
    harvest = await job.ask(LogHarvest(fields=fields))
    return {"harvest_id": harvest.key, "harvested_on": harvest.harvested_on.isoformat()}


async def _log_watering(job: Job) -> list[Answer]:
    fields = WateringFields(
        kind=job.data["kind"],
        at=past(job.data),
        volume_l=job.data.get("volume_l"),
        note=job.data.get("note"),
    )
    entries = await job.book(LogWatering(plant_keys=job.keys, fields=fields))
    if entries is None:
        await job.refreshed()
        return [QUEUED] * len(job.plants)
    return [
        {
            "log_id": entry.key,
            "watered_on": entry.watered_on.isoformat(),
            "next_watering": iso(plant.next_watering_on),
        }
        for entry, plant in zip(entries, await job.refreshed(), strict=True)
    ]


async def _set_phase(job: Job) -> list[Answer]:
    targets = [(plant.plant.key, await _phase_of(job, plant)) for plant in job.plants]
    waits: list[bool] = []
    for key, entry_id in targets:
        changed = await job.book(
            SetPhase(
                key=key,
                entry_id=entry_id,
                started_on=job.data.get("started_on"),
                reason=job.data.get("reason"),
            )
        )
        waits.append(changed is None)
    return [
        QUEUED if is_queued else _phase(plant)
        for plant, is_queued in zip(await job.refreshed(), waits, strict=True)
    ]


def _phase(plant: PlantView) -> Answer:
    return {
        "phase": plant.phase.phase,
        "phase_started": iso(plant.phase_started_on),
        "next_phase_date": iso(plant.next_phase_on),
    }


async def _phase_of(job: Job, view: PlantView) -> str:
    """Return the entry of a plant's sequence that the call names, by its id or its phase."""
    phases = await job.ask(ListPhases(species_key=view.plant.species_key))
    wanted = job.data["phase"]
    for item in phases:
        if wanted in (item.entry_id, item.phase):
            return item.entry_id
    allowed = ", ".join(item.phase for item in phases)
    raise InvalidInputError(
        f"Plant {view.plant.name} has no phase {wanted}; it has {allowed}.",
        field="phase",
        value=wanted,
        allowed=allowed,
    )


PLANT_ACTIONS = (
    Action(
        name="log_harvest",
        schema={
            vol.Optional("weight_g"): ActionNumber("weight_g", POSITIVE),
            vol.Optional("purpose", default=HarvestPurpose.HARVEST): vol.Coerce(HarvestPurpose),
            vol.Optional("reason"): cv.string,
            **PAST,
        },
        run=each(_log_harvest),
        reach=Reach.ONE_PLANT,
    ),
    Action(
        name="log_watering",
        schema={
            vol.Optional("volume_l"): ActionNumber("volume_l", POSITIVE),
            vol.Optional("kind", default=IrrigationKind.WATER): vol.Coerce(IrrigationKind),
            **PAST,
        },
        run=_log_watering,
        reach=Reach.ONE_GARDEN,
    ),
    Action(
        name="set_phase",
        schema={
            vol.Required("phase"): cv.string,
            vol.Optional("started_on"): cv.date,
            vol.Optional("reason"): REASON,
        },
        run=_set_phase,
    ),
)
