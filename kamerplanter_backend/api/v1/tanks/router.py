"""Tanks: what they are, and how they stand against their bands."""

from typing import Annotated

from fastapi import Depends

from kamerplanter_backend.api.crud import PathKey, Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import ListParameters
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.snapshot.views import TankView
from kamerplanter_engines.models.tank import Tank, TankAlert, TankFields, TankType

router = Router(prefix="/tanks", tags=["tanks"])


class TankFilters(ListParameters):
    """Filters of the list of tanks."""

    tank_type: TankType | None = None
    location_key: str | None = None


TANK = Resource(
    name="tank",
    entity=Tank,
    fields=TankFields,
    service=lambda services: services.tank,
    create=Permission.TANK_CREATE,
    update=Permission.TANK_UPDATE,
    delete=Permission.TANK_DELETE,
    filters=TankFilters,
    sort=("name", "created_at"),
    example={"name": "Tent tank", "tank_type": "recirculation", "volume_l": 60},
)

add_crud_routes(router, TANK)


@router.get("/{key}/state", summary="Show a tank with its last values and problems")
async def get_tank_state(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
) -> TankView:
    """Return what screens show of a tank, as of now."""
    return await server.ask(lambda: server.services.home.tank(context, key))


@router.get("/{key}/alerts", summary="List the alerts of a tank")
async def list_tank_alerts(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
) -> tuple[TankAlert, ...]:
    """Return the condition of each value of a tank that was ever judged."""
    return await server.ask(lambda: server.services.tank.alerts(context, key))
