"""Probes: measuring devices, where their values come from, and what they measured."""

from enum import StrEnum
from typing import Annotated

from fastapi import Body, Depends, Query, Response

from kamerplanter_backend.api.answer_headers import TAGGED_NEW
from kamerplanter_backend.api.crud import PathKey, Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import Asked, ListParameters
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep, etag
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.snapshot.views import ChannelView
from kamerplanter_engines.models.base import Instant, Key, Model
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    Calibrations,
)
from kamerplanter_engines.models.rollup import Rollup, RollupLevel
from kamerplanter_engines.models.solution_hold import SolutionHold, SolutionHoldFields
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, ProbeFields, Reading

router = Router(prefix="/probes", tags=["telemetry"])
_HELD = {
    "dialog": "01jt5x7c2v",
    "since": "2026-05-01T10:00:00Z",
    "until": "2026-05-01T10:15:00Z",
}
_SCALE_IS_SURE = (
    "The device was seen to tell this scale, whatever its newest stored reading looks like."
)


class ProbeFilters(ListParameters):
    """Filters of the list of probes."""

    tank_key: str | None = None
    plant_key: str | None = None
    location_key: str | None = None


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
        "channels": [
            {"kind": "ec", "topic": "garden/tank/ec", "unit": "µS/cm"},
            {"kind": "ph", "topic": "garden/tank/ph"},
        ],
    },
)

add_crud_routes(router, PROBE)


class Resolution(StrEnum):
    """What one row of an answer stands for."""

    RAW = "raw"
    HOUR = "hour"
    DAY = "day"


class RollupView(Model):
    """What a channel measured in one hour or local day; values in the canonical unit."""

    starts_at: Instant
    length_s: float
    mean: float | None
    """Weighted by time; none where no reading was good."""
    low: float | None
    high: float | None
    reading_count: int
    """How many good readings there were."""
    suspect_count: int
    coverage_ratio: float
    """Share of the time that the values speak for, 0 to 1."""


class ReadingsWindow(Asked):
    """Which readings are asked for."""

    kind: ChannelKind
    """Which of its values."""
    from_at: Instant
    """Start, with a zone; belongs to it."""
    until_at: Instant
    """End, with a zone; does not."""
    resolution: Resolution = Resolution.RAW
    """Single readings, or what they come to by hour or day."""


@router.get("/{key}/readings", summary="List what a probe measured")
async def list_readings(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
    asked: Annotated[ReadingsWindow, Query()],
) -> tuple[Reading, ...] | tuple[RollupView, ...]:
    """Return the stored readings of a channel, oldest first; more than 20,000 are refused.

    Hours and days are those of the site, and begin within the window; hours without any reading
    are left out.
    """
    telemetry, window = server.services.telemetry, (asked.from_at, asked.until_at)
    if asked.resolution is Resolution.RAW:
        return await server.run(lambda: telemetry.list_readings(context, key, asked.kind, *window))
    level = RollupLevel(asked.resolution.value)
    found = await server.run(
        lambda: telemetry.list_rollups(context, key, asked.kind, level, *window)
    )
    return tuple(_view(item) for item in found)


def _view(rollup: Rollup) -> RollupView:
    return RollupView(
        starts_at=rollup.starts_at,
        length_s=rollup.length_s,
        mean=rollup.mean,
        low=rollup.low,
        high=rollup.high,
        reading_count=rollup.reading_count,
        suspect_count=rollup.suspect_count,
        coverage_ratio=rollup.coverage_ratio,
    )


@router.get("/{key}/latest", summary="Show what a probe measured last")
async def list_latest(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
) -> tuple[ChannelView, ...]:
    """Return the last reading and the last good one of each bound channel.

    After a move there is none until the probe has measured where it is now.
    """
    return await server.run(lambda: server.services.telemetry.list_latest(context, key))


@router.post(
    "/{key}/calibrations",
    status_code=201,
    summary="Calibrate a channel of a probe",
    responses=TAGGED_NEW,
)
async def calibrate(
    *,
    key: PathKey,
    body: Annotated[
        CalibrationFields,
        Body(
            examples=[
                {
                    "kind": "ph",
                    "points": [
                        {"raw": 7.2, "value": 7.0, "temperature_c": 21.5},
                        {"raw": 4.3, "value": 4.01, "temperature_c": 21.5},
                    ],
                }
            ]
        ),
    ],
    response: Response,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.PROBE_UPDATE))],
    scale_is_sure: Annotated[bool, Query(description=_SCALE_IS_SURE)] = False,
) -> Calibration:
    """Say what the probe showed in known solutions; what it measures from then on is corrected."""
    made = await server.run(
        lambda: server.services.calibration.calibrate(
            context, key, body, scale_is_sure=scale_is_sure
        )
    )
    response.headers["ETag"] = etag(made.revision)
    return made


@router.get("/{key}/calibrations", summary="List the calibrations of a probe")
async def list_calibrations(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
) -> Calibrations:
    """Return the calibrations, newest first, and for each channel how old the last one is."""
    return await server.run(lambda: server.services.calibration.list_of_probe(context, key))


class SolutionHoldBody(Model):
    """From when to when a probe is in the solution of a calibration."""

    dialog: Key
    """Who says so, in a name of its own: the same one again extends the hold or ends it."""
    since: Instant
    """When the probe was taken out of its place, with a zone; not in the future."""
    until: Instant
    """When it ends by itself, with a zone; at most two hours from now."""


@router.post("/{key}/solution-holds", summary="Say that a probe is being calibrated")
async def hold_in_solution(
    key: PathKey,
    body: Annotated[SolutionHoldBody, Body(examples=[_HELD])],
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READING_RECORD))],
) -> SolutionHold:
    """Let nothing follow from what a probe measures while it is out of its tank or pot.

    What it measured then is at most suspect (`calibrating`), also where it comes days later; what
    is stored already stays as it is. Say it again before it ends, and once more with an end of now
    when the probe is back.
    """
    said = SolutionHoldFields(probe_key=key, dialog=body.dialog, since=body.since, until=body.until)
    return await server.run(lambda: server.services.solution_hold.report(context, said))
