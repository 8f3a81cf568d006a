"""Cultivars: shared by all, and as one garden sees them."""

from typing import Annotated

from pydantic import Field

from kamerplanter_backend.api.catalogue_routes import add_copy_route, of_garden, shared
from kamerplanter_backend.api.crud import Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import Compare, ListParameters
from kamerplanter_engines.models.cultivar import Cultivar, CultivarFields

router = Router(prefix="/cultivars", tags=["cultivars"])
garden_router = Router(prefix="/cultivars", tags=["garden_cultivars"])


class CultivarFilters(ListParameters):
    """Filters of the list of cultivars."""

    species_key: str | None = None
    name: Annotated[
        str | None, Field(min_length=1, max_length=200), Compare("name", "starts_with")
    ] = None
    """Beginning of the name; upper and lower case differ."""


CULTIVAR = Resource(
    name="cultivar",
    entity=Cultivar,
    fields=CultivarFields,
    service=lambda services: services.cultivar,
    filters=CultivarFilters,
    sort=("name", "created_at"),
    example={"name": "Green Zebra", "species_key": "solanum_lycopersicum", "maturity_d": 75},
)

for _router, _cultivar in ((router, shared(CULTIVAR)), (garden_router, of_garden(CULTIVAR))):
    add_crud_routes(_router, _cultivar)
add_copy_route(garden_router, of_garden(CULTIVAR))
