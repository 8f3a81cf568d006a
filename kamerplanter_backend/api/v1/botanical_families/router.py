"""Botanical families: shared by all, and as one garden sees them."""

from typing import Annotated

from pydantic import Field

from kamerplanter_backend.api.catalogue_routes import (
    add_copy_route,
    add_list_below,
    of_garden,
    shared,
)
from kamerplanter_backend.api.crud import Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import Compare, ListParameters
from kamerplanter_engines.models.botanical_family import (
    BotanicalFamily,
    BotanicalFamilyFields,
    FamilyDemand,
)
from kamerplanter_engines.models.species import Species

router = Router(prefix="/botanical-families", tags=["botanical_families"])
garden_router = Router(prefix="/botanical-families", tags=["garden_botanical_families"])


class BotanicalFamilyFilters(ListParameters):
    """Filters of the list of families."""

    name: Annotated[
        str | None, Field(min_length=1, max_length=100), Compare("name", "starts_with")
    ] = None
    """Beginning of the scientific name; upper and lower case differ."""
    rotation_group: str | None = None
    nutrient_demand: FamilyDemand | None = None
    nitrogen_fixing: bool | None = None


FAMILY = Resource(
    name="botanical_family",
    plural="botanical_families",
    entity=BotanicalFamily,
    fields=BotanicalFamilyFields,
    service=lambda services: services.botanical_family,
    filters=BotanicalFamilyFilters,
    sort=("name", "name_en", "name_de", "created_at"),
    example={
        "name": "Basellaceae",
        "name_en": "Madeira vine family",
        "name_de": "Basellgewächse",
        "order": "Caryophyllales",
    },
)

for _router, _family in ((router, shared(FAMILY)), (garden_router, of_garden(FAMILY))):
    add_crud_routes(_router, _family)
    add_list_below(
        _router,
        _family,
        Species,
        lambda services: services.botanical_family.list_species,
        name="species",
        sort=("scientific_name", "name_en", "name_de"),
    )
add_copy_route(garden_router, of_garden(FAMILY))
