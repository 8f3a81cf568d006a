"""Planting runs: several plants of one kind, grown together."""

from datetime import date
from typing import Annotated

from fastapi import Body, Depends, Response
from pydantic import Field

from kamerplanter_backend.api.answer_headers import TAGGED
from kamerplanter_backend.api.crud import PathKey, Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import Compare, ListParameters
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ExpectedRevision, ServerDep, etag
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.base import Key, Model
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.planting_run import (
    MAX_RUN_PLANTS,
    PlantingRun,
    PlantingRunFields,
    PlantsAfterRun,
    RunState,
)

router = Router(prefix="/planting-runs", tags=["planting_runs"])

Gardener = Annotated[Context, Depends(Permitted(Permission.RUN_UPDATE))]


class PlantingRunFilters(ListParameters):
    """Filters of the list of planting runs."""

    state: RunState | None = None
    species_key: str | None = None
    cultivar_key: str | None = None
    location_key: str | None = None
    planned_until: Annotated[date | None, Compare("planned_on", "<=")] = None
    """Those whose planting is planned up to this local date."""


PLANTING_RUN = Resource(
    name="planting_run",
    entity=PlantingRun,
    fields=PlantingRunFields,
    service=lambda services: services.planting_run,
    create=Permission.RUN_CREATE,
    update=Permission.RUN_UPDATE,
    delete=Permission.RUN_DELETE,
    filters=PlantingRunFilters,
    sort=("name", "planned_on", "created_at"),
    example={
        "name": "Tomatoes 2026",
        "species_key": "solanum_lycopersicum",
        "quantity": 12,
        "planned_on": "2026-05-15",
    },
)

add_crud_routes(router, PLANTING_RUN)


class StartBody(Model):
    """How a run begins."""

    planted_on: date | None = None
    """Local date; none = today."""
    plant_keys: tuple[Key, ...] = Field(default=(), max_length=MAX_RUN_PLANTS)
    """Plants that exist already and belong to it from now on; the others are added."""


class AdoptionBody(Model):
    """Plants that exist already."""

    plant_keys: tuple[Key, ...] = Field(min_length=1, max_length=MAX_RUN_PLANTS)


class EndBody(Model):
    """How a run ends."""

    plants: PlantsAfterRun = PlantsAfterRun.KEEP
    """Archiving plants is for admins."""


End = Annotated[EndBody | None, Body(examples=[{"plants": "keep"}])]


@router.post("/{key}/start", summary="Begin a planting run")
async def start_run(
    key: PathKey, server: ServerDep, context: Gardener, body: StartBody | None = None
) -> PlantingRun:
    """Take over the plants that are named and add the others that are planned, all or none."""
    how = body or StartBody()
    return await server.run(
        lambda: server.services.planting_run.start(context, key, how.planted_on, how.plant_keys)
    )


@router.get("/{key}/plants", summary="List the plants of a planting run")
async def list_run_plants(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
) -> tuple[Plant, ...]:
    """Return its plants, the archived ones too; at most 1,000 that live."""
    return await server.ask(lambda: server.services.planting_run.list_plants(context, key))


@router.post("/{key}/plants", summary="Take plants into a planting run")
async def adopt_plants(
    key: PathKey, body: AdoptionBody, server: ServerDep, context: Gardener
) -> tuple[Plant, ...]:
    """Take plants that exist into a run that goes on, all or none."""
    return await server.run(
        lambda: server.services.planting_run.adopt(context, key, body.plant_keys)
    )


@router.delete(
    "/{key}/plants/{plant_key}", summary="Take a plant out of a planting run", responses=TAGGED
)
async def release_plant(  # noqa: PLR0917 - FastAPI fills them in
    key: PathKey,
    plant_key: PathKey,
    response: Response,
    server: ServerDep,
    context: Gardener,
    expected: ExpectedRevision,
) -> Plant:
    """Let a plant go on by itself; nothing else changes about it. `If-Match` is the plant's."""
    plant = await server.run(
        lambda: server.services.planting_run.release(context, key, plant_key, expected)
    )
    response.headers["ETag"] = etag(plant.revision)
    return plant


@router.post("/{key}/harvest", summary="Say that the harvest of a planting run has begun")
async def begin_harvest(key: PathKey, server: ServerDep, context: Gardener) -> PlantingRun:
    """Begin the harvest; each plant still passes the gate of its own waiting period."""
    return await server.run(lambda: server.services.planting_run.begin_harvest(context, key))


@router.post("/{key}/complete", summary="End a planting run")
async def complete_run(
    key: PathKey, server: ServerDep, context: Gardener, body: End = None
) -> PlantingRun:
    """End a run that has come to its end."""
    how = body or EndBody()
    return await server.run(lambda: server.services.planting_run.complete(context, key, how.plants))


@router.post("/{key}/cancel", summary="Give a planting run up")
async def cancel_run(
    key: PathKey, server: ServerDep, context: Gardener, body: End = None
) -> PlantingRun:
    """Give a run up, before or after it has begun."""
    how = body or EndBody()
    return await server.run(lambda: server.services.planting_run.cancel(context, key, how.plants))
