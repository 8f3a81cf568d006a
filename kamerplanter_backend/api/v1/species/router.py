"""Species: shared by all, and as one garden sees them."""

from typing import Annotated

from fastapi import Depends
from pydantic import Field

from kamerplanter_backend.api.catalogue_routes import (
    add_copy_route,
    add_list_below,
    of_garden,
    shared,
)
from kamerplanter_backend.api.crud import PathKey, Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import Compare, ListParameters
from kamerplanter_backend.common.auth import Permitted, SignedIn
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep
from kamerplanter_backend.common.permissions import KeyScope, Permission
from kamerplanter_engines.models.botanical_family import FrostTolerance
from kamerplanter_engines.models.cultivar import Cultivar
from kamerplanter_engines.models.phase import CycleType, PhaseSequence
from kamerplanter_engines.models.species import PlantCategory, Species, SpeciesFields

router = Router(prefix="/species", tags=["species"])
garden_router = Router(prefix="/species", tags=["garden_species"])


class SpeciesFilters(ListParameters):
    """Filters of the list of species; for names, their beginning (upper and lower case differ)."""

    family_key: str | None = None
    category: PlantCategory | None = None
    edible: bool | None = None
    life_cycle: CycleType | None = None
    frost_tolerance: FrostTolerance | None = None
    scientific_name: Annotated[
        str | None, Field(min_length=1, max_length=200), Compare("scientific_name", "starts_with")
    ] = None
    name_en: Annotated[
        str | None, Field(min_length=1, max_length=200), Compare("name_en", "starts_with")
    ] = None
    name_de: Annotated[
        str | None, Field(min_length=1, max_length=200), Compare("name_de", "starts_with")
    ] = None


SPECIES = Resource(
    name="species",
    plural="species",
    entity=Species,
    fields=SpeciesFields,
    service=lambda services: services.species,
    filters=SpeciesFilters,
    sort=("scientific_name", "name_en", "name_de", "created_at"),
    example={
        "scientific_name": "Basella alba",
        "name_en": "Malabar spinach",
        "name_de": "Malabarspinat",
        "edible": True,
        "sequence_key": "annual_harvest",
        "frost_tolerance": "sensitive",
    },
)

for _router, _species in ((router, shared(SPECIES)), (garden_router, of_garden(SPECIES))):
    add_crud_routes(_router, _species)
    add_list_below(
        _router,
        _species,
        Cultivar,
        lambda services: services.species.list_cultivars,
        name="cultivars",
        sort=("name", "created_at"),
    )
add_copy_route(garden_router, of_garden(SPECIES))


@router.get("/{key}/phase-sequence", summary="Show the phases of a species")
async def get_phase_sequence(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(SignedIn(scope=KeyScope.READ))],
) -> PhaseSequence:
    """Return the phases that plants of a shared species go through."""
    return await server.ask(lambda: server.services.species.phase_sequence(context, key))


@garden_router.get("/{key}/phase-sequence", summary="Show the phases of a species")
async def get_garden_phase_sequence(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
) -> PhaseSequence:
    """Return the phases that plants of a species go through, a shared or an own one."""
    return await server.ask(lambda: server.services.species.phase_sequence(context, key))
