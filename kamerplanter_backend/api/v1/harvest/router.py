"""Harvests, behind the gate of the waiting period."""

from datetime import date
from typing import Annotated

from kamerplanter_backend.api.crud import Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import Compare, ListParameters
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.services.harvest_service import CHANGEABLE
from kamerplanter_engines.models.harvest import Harvest, HarvestFields, HarvestPurpose

router = Router(prefix="/harvests", tags=["harvest"])


class HarvestFilters(ListParameters):
    """Filters of the list of harvests."""

    plant_key: str | None = None
    purpose: HarvestPurpose | None = None
    since: Annotated[date | None, Compare("harvested_on", ">=")] = None
    """Those of this local day and later ones."""


HARVEST = Resource(
    name="harvest",
    entity=Harvest,
    fields=HarvestFields,
    service=lambda services: services.harvest,
    create=Permission.HARVEST_CREATE,
    update=Permission.HARVEST_UPDATE,
    changeable=CHANGEABLE,
    filters=HarvestFilters,
    sort=("at", "created_at"),
    example={"plant_key": "demo-tomato", "at": "2026-05-01T07:30:00Z", "weight_g": 850},
)

# A harvest is on record: nobody deletes it.
add_crud_routes(router, HARVEST, only=("list", "get", "create", "update"))
