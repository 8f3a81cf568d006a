"""The irrigation log, and care that is confirmed without a task."""

from datetime import date
from typing import Annotated

from fastapi import Body, Depends
from pydantic import Field

from kamerplanter_backend.api.crud import Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import Compare, ListParameters
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.services.irrigation_service import CHANGEABLE
from kamerplanter_engines.models.base import Instant, Key, Model
from kamerplanter_engines.models.care import CareKind
from kamerplanter_engines.models.irrigation import (
    Irrigation,
    IrrigationKind,
    WateringFields,
)
from kamerplanter_engines.models.plant import Plant

router = Router(tags=["irrigation"])

log = Router(prefix="/irrigation", tags=["irrigation"])

Logger = Annotated[Context, Depends(Permitted(Permission.LOG_CREATE))]


class IrrigationFilters(ListParameters):
    """Filters of the irrigation log."""

    plant_key: str | None = None
    kind: IrrigationKind | None = None
    since: Annotated[date | None, Compare("watered_on", ">=")] = None
    """Those of this local day and later ones."""


IRRIGATION = Resource(
    name="irrigation",
    plural="irrigations",
    entity=Irrigation,
    fields=WateringFields,
    service=lambda services: services.irrigation,
    update=Permission.LOG_UPDATE,
    changeable=CHANGEABLE,
    filters=IrrigationFilters,
    sort=("at", "created_at"),
)

add_crud_routes(log, IRRIGATION, only=("list", "get", "update"))


class WateringBody(Model):
    """What was given, and to which plants."""

    plant_keys: tuple[Key, ...] = Field(min_length=1, max_length=1000)
    watering: WateringFields
    task_key: Key | None = None
    """The task that it was; none = the open one of each plant."""


class CareBody(Model):
    """A care that was done."""

    plant_key: Key
    kind: CareKind
    at: Instant | None = None
    """When, with a zone; none = now."""


@log.post("", status_code=201, summary="Book a watering or feeding")
async def log_watering(
    body: Annotated[
        WateringBody,
        Body(
            examples=[
                {
                    "plant_keys": ["demo-tomato"],
                    "watering": {"kind": "water", "at": "2026-05-01T08:00:00Z", "volume_l": 0.5},
                }
            ]
        ),
    ],
    server: ServerDep,
    context: Logger,
) -> tuple[Irrigation, ...]:
    """Book what plants got, all or none; it completes their open tasks of that kind."""
    return await server.run(
        lambda: server.services.irrigation.log(
            context, body.plant_keys, body.watering, body.task_key
        )
    )


@router.post("/care/confirmations", summary="Say that a care was done")
async def confirm_care(
    body: Annotated[CareBody, Body(examples=[{"plant_key": "demo-tomato", "kind": "pest_check"}])],
    server: ServerDep,
    context: Logger,
) -> Plant:
    """Confirm a care without a task; the open task about it is done with it."""
    return await server.run(
        lambda: server.services.care.confirm(context, body.plant_key, body.kind, body.at)
    )
