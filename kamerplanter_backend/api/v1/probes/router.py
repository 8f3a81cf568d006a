"""Probes: measuring devices, where their values come from, and what they measured."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BeforeValidator

from kamerplanter_backend.api.crud import PathKey, Resource, add_crud_routes
from kamerplanter_backend.api.pagination import ListParameters
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.base import Instant
from kamerplanter_engines.models.exact import written
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, ProbeFields, Reading

router = APIRouter(prefix="/probes", tags=["telemetry"])


class ProbeFilters(ListParameters):
    """Filters of the list of probes."""

    tank_key: str | None = None
    plant_key: str | None = None


PROBE = Resource(
    name="probe",
    entity=Probe,
    fields=ProbeFields,
    service=lambda services: services.probe,
    create=Permission.PROBE_CREATE,
    update=Permission.PROBE_UPDATE,
    delete=Permission.PROBE_DELETE,
    filters=ProbeFilters,
    sort=("name", "created_at"),
    example={
        "name": "Tank probe",
        "channels": [{"kind": "ec", "topic": "garden/tank/ec", "unit": "µS/cm"}],
    },
)

add_crud_routes(router, PROBE)


@router.get("/{key}/readings", summary="List what a probe measured")
async def list_readings(  # noqa: PLR0917 - FastAPI fills them in
    key: PathKey,
    kind: Annotated[ChannelKind, Query(description="Which of its values.")],
    from_at: Annotated[
        Instant, BeforeValidator(written), Query(description="Start, with a zone; belongs to it.")
    ],
    until_at: Annotated[
        Instant, BeforeValidator(written), Query(description="End, with a zone; does not.")
    ],
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
) -> tuple[Reading, ...]:
    """Return the stored readings of a channel, oldest first; at most 10,000."""
    return await server.run(
        lambda: server.services.telemetry.list_readings(context, key, kind, from_at, until_at)
    )
