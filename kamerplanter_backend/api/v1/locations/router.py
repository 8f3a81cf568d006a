"""Locations: beds, greenhouses, tents and shelves, one within another, and their climate."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field

from kamerplanter_backend.api.crud import PathKey, Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import Asked, ListParameters
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.snapshot.views import PlaceDayView
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


class ClimateWindow(Asked):
    """Which days are asked for."""

    from_on: Annotated[date, Field(alias="from")]
    """The first day, local to the site."""
    to_on: Annotated[date, Field(alias="to")]
    """The last day, local to the site; at most a year later."""


@router.get("/{key}/climate", summary="Show what light and warmth of days came to")
async def list_climate(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
    asked: Annotated[ClimateWindow, Query()],
) -> tuple[PlaceDayView, ...]:
    """Return daily light, degree days and air temperature of each day, oldest first.

    At most 366 days; those that have not begun are left out. Of several probes of a place one
    speaks for each hour: the oldest that measured four fifths of it, else the one that measured
    most. What was not measured counts as no light.
    """
    climate = server.services.climate
    return await server.run(lambda: climate.of_days(context, key, asked.from_on, asked.to_on))
