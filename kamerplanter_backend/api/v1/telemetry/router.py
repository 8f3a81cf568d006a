"""Readings from scripts and gateways that speak no MQTT."""

from typing import Annotated

from fastapi import Body, Depends
from pydantic import FailFast, Field

from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.telemetry.batches.reading_desk import MAX_BATCH, IngestResult, SentReading
from kamerplanter_engines.models.base import Model

router = Router(prefix="/telemetry", tags=["telemetry"])


class ReadingsBody(Model):
    """A batch of readings, in any order."""

    # Finding all mistakes in thousands of readings would hold everybody else up.
    readings: Annotated[
        tuple[SentReading, ...], Field(min_length=1, max_length=MAX_BATCH), FailFast()
    ]


class IngestReport(Model):
    """What became of a batch."""

    stored_count: int
    """How many were new."""
    too_old_count: int
    """How many were sent with a time for which single readings are not kept any more; see
    `unused_time` of each."""
    results: tuple[IngestResult, ...]
    """One for each reading, in the order in which they were sent."""


@router.post("/readings", summary="Send readings")
async def send_readings(
    body: Annotated[
        ReadingsBody,
        Body(
            examples=[
                {
                    "readings": [
                        {"probe_key": "demo-probe", "kind": "ec", "value": 1850, "unit": "µS/cm"},
                        {
                            "probe_key": "demo-probe",
                            "kind": "ph",
                            "value": 5.9,
                            "at": "2026-05-01T08:00:00+02:00",
                        },
                    ]
                }
            ]
        ),
    ],
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READING_RECORD))],
) -> IngestReport:
    """Judge each reading and store it; one that cannot be used does not stop the others.

    A channel has one reading for each time, so the same batch may be sent again. A time that is
    older than single readings are kept, or more than two minutes ahead, does not count: the
    reading is taken for one of now; where a batch has several of one channel, the newest is, and
    the others are refused. What is too old is counted.
    """
    results = await server.run(lambda: server.readings.take(context, body.readings))
    stored = sum(1 for result in results if result.outcome == "stored")
    too_old = sum(1 for result in results if result.unused_time == "too_old")
    return IngestReport(stored_count=stored, too_old_count=too_old, results=results)
