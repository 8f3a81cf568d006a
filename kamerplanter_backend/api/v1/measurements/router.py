"""Measurements by hand: in a tank, at a plant, and beside what the probes there showed."""

from typing import Annotated

from fastapi import Body, Depends, Query, Response
from pydantic import Field

from kamerplanter_backend.api.answer_headers import TAGGED_NEW
from kamerplanter_backend.api.crud import PathKey, Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import Asked
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep, etag
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.base import Instant, Model, Remark
from kamerplanter_engines.models.hand_measurement import HandMeasurement, HandMeasurementFields
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.models.trust import Trend

router = Router(tags=["measurements"])

measurements = Router(prefix="/measurements", tags=["measurements"])

Logger = Annotated[Context, Depends(Permitted(Permission.LOG_CREATE))]
Reader = Annotated[Context, Depends(Permitted(Permission.READ))]

MEASUREMENT = Resource(
    name="measurement",
    entity=HandMeasurement,
    fields=HandMeasurementFields,
    service=lambda services: services.hand_measurement,
    delete=Permission.LOG_UPDATE,
)

add_crud_routes(measurements, MEASUREMENT, only=("get", "delete"))


class MeasurementBody(Model):
    """What a person measured with a meter of their own."""

    kind: ChannelKind
    value: float
    """As the meter shows it, in `unit`."""
    unit: str | None = Field(default=None, max_length=20)
    """Any unit of the kind, such as `µS/cm` or `°F`; none = the canonical one."""
    temperature_c: float | None = Field(default=None, ge=-5, le=60)
    """Of what was measured; none = not measured."""
    compensated: bool = True
    """The meter tells conductivity as at 25 °C; false = as it is at its temperature."""
    at: Instant | None = None
    """When, with a zone; none = now."""
    note: Remark | None = None


@router.post(
    "/tanks/{key}/measurements",
    status_code=201,
    summary="Log a measurement in a tank",
    responses=TAGGED_NEW,
)
async def log_tank_measurement(
    key: PathKey,
    body: Annotated[
        MeasurementBody,
        Body(examples=[{"kind": "ec", "value": 1850, "unit": "µS/cm", "temperature_c": 21.5}]),
    ],
    response: Response,
    server: ServerDep,
    context: Logger,
) -> HandMeasurement:
    """Keep what was measured by hand, beside what each probe of the tank showed then.

    Where no probe speaks for that kind of value, the tank goes by it until it is too old.
    """
    fields = HandMeasurementFields(tank_key=key, **dict(body))
    made = await server.run(lambda: server.services.hand_measurement.log(context, fields))
    response.headers["ETag"] = etag(made.revision)
    return made


@router.get("/tanks/{key}/measurements", summary="List what was measured by hand in a tank")
async def list_tank_measurements(
    key: PathKey, server: ServerDep, context: Reader
) -> tuple[HandMeasurement, ...]:
    """Return the measurements, newest first."""
    return await server.run(lambda: server.services.hand_measurement.list_of_place(context, key))


@router.post(
    "/plants/{key}/measurements",
    status_code=201,
    summary="Log a measurement at a plant",
    responses=TAGGED_NEW,
)
async def log_plant_measurement(
    key: PathKey,
    body: Annotated[MeasurementBody, Body(examples=[{"kind": "soil_moisture", "value": 38}])],
    response: Response,
    server: ServerDep,
    context: Logger,
) -> HandMeasurement:
    """Keep what was measured by hand in the soil of a plant, beside what each probe showed then."""
    fields = HandMeasurementFields(plant_key=key, **dict(body))
    made = await server.run(lambda: server.services.hand_measurement.log(context, fields))
    response.headers["ETag"] = etag(made.revision)
    return made


@router.get("/plants/{key}/measurements", summary="List what was measured by hand at a plant")
async def list_plant_measurements(
    key: PathKey, server: ServerDep, context: Reader
) -> tuple[HandMeasurement, ...]:
    """Return the measurements, newest first."""
    return await server.run(
        lambda: server.services.hand_measurement.list_of_place(context, None, key)
    )


class TrendChannel(Asked):
    """Whose trend is asked for."""

    kind: ChannelKind
    """Which of its values."""


@router.get("/probes/{key}/trend", summary="Show where a channel is heading")
async def get_trend(
    key: PathKey, server: ServerDep, context: Reader, asked: Annotated[TrendChannel, Query()]
) -> Trend:
    """Return the slope of the last day since the last fill, dose, calibration or exchange.

    With at least 12 good readings over 6 hours; a moment at the limit only where the slope is sure.
    """
    return await server.run(lambda: server.services.trend.of_channel(context, key, asked.kind))
