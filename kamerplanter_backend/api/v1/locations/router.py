"""Locations: beds, greenhouses, tents and shelves, one within another."""

from kamerplanter_backend.api.crud import Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import ListParameters
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.site import Location, LocationFields

router = Router(prefix="/locations", tags=["sites"])


class LocationFilters(ListParameters):
    """Filters of the list of locations."""

    site_key: str | None = None
    parent_key: str | None = None
    """Those that lie directly in this one."""
    location_type_key: str | None = None


LOCATION = Resource(
    name="location",
    entity=Location,
    fields=LocationFields,
    service=lambda services: services.location,
    create=Permission.SITE_CREATE,
    update=Permission.SITE_UPDATE,
    delete=Permission.SITE_DELETE,
    filters=LocationFilters,
    sort=("name", "created_at"),
    example={"name": "Bed 3", "site_key": "0198a3c2f7d87c52a0b1c2d3e4f50617", "area_m2": 2.4},
)

add_crud_routes(router, LOCATION)
