"""What water and feed a plant got."""

from datetime import date
from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import Entity, Instant, Model


class IrrigationKind(StrEnum):
    """What was given."""

    WATER = "water"
    FEED = "feed"


class IrrigationFields(Model):
    """One watering or feeding."""

    plant_key: str
    kind: IrrigationKind = IrrigationKind.WATER
    at: Instant
    volume_l: float | None = Field(default=None, gt=0, le=10_000)
    note: str | None = Field(default=None, max_length=4000)
    task_key: str | None = None


class Irrigation(Entity, IrrigationFields):
    """An entry of the irrigation log."""

    watered_on: date
