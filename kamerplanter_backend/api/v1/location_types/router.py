"""Kinds of locations, which all gardens share."""

from kamerplanter_backend.api.catalogue_routes import shared
from kamerplanter_backend.api.crud import Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import ListParameters
from kamerplanter_engines.models.location_type import LocationType, LocationTypeFields

router = Router(prefix="/location-types", tags=["location_types"])


class LocationTypeFilters(ListParameters):
    """Filters of the list of kinds of locations."""

    is_indoor: bool | None = None
    can_hold_slots: bool | None = None
    rotation_applies: bool | None = None


LOCATION_TYPE = shared(
    Resource(
        name="location_type",
        entity=LocationType,
        fields=LocationTypeFields,
        service=lambda services: services.location_type,
        filters=LocationTypeFilters,
        sort=("sort_order", "name_en", "name_de"),
        example={"name_en": "Polytunnel", "name_de": "Folientunnel", "icon": "mdi:tunnel"},
    )
)

add_crud_routes(router, LOCATION_TYPE)
