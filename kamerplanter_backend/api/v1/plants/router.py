"""Plants: what they are, how they do, and the phase that they are in."""

from datetime import date
from typing import Annotated

from fastapi import Depends
from pydantic import AfterValidator, Field

from kamerplanter_backend.api.crud import PathKey, Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import ListParameters
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.snapshot.views import PlantView
from kamerplanter_engines.models.base import Model, plain_text
from kamerplanter_engines.models.plant import Plant, PlantFields

router = Router(prefix="/plants", tags=["plants"])


class PlantFilters(ListParameters):
    """Filters of the list of plants."""

    species_key: str | None = None
    tank_key: str | None = None
    location_key: str | None = None


PLANT = Resource(
    name="plant",
    entity=Plant,
    fields=PlantFields,
    service=lambda services: services.plant,
    create=Permission.PLANT_CREATE,
    update=Permission.PLANT_UPDATE,
    delete=Permission.PLANT_DELETE,
    filters=PlantFilters,
    sort=("name", "created_at"),
    example={"name": "Tomato by the door", "species_key": "solanum_lycopersicum"},
)

add_crud_routes(router, PLANT)


class PhaseBody(Model):
    """The phase that a plant is put into."""

    entry_id: str = Field(min_length=1, max_length=100, examples=["vegetative"])
    """Entry of the sequence of its species."""
    started_on: date | None = None
    """Local date; none = today."""
    reason: Annotated[str, Field(max_length=1000), AfterValidator(plain_text)] | None = None
    """Why, where a phase is skipped or the plant goes back."""


@router.get("/{key}/state", summary="Show a plant with its soil, phase and Karenz")
async def get_plant_state(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
) -> PlantView:
    """Return what screens show of a plant, as of now."""
    return await server.ask(lambda: server.services.home.plant(context, key))


@router.post("/{key}/phase", summary="Put a plant into a phase")
async def set_phase(
    key: PathKey,
    body: PhaseBody,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.PLANT_UPDATE))],
) -> Plant:
    """Put a plant into a phase of its own sequence."""
    return await server.run(
        lambda: server.services.phase.set_phase(
            context, key, body.entry_id, body.started_on, body.reason
        )
    )
