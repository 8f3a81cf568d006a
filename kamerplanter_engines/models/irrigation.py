"""What water and feed a plant got."""

from datetime import date
from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import Entity, Instant, Model, Text


class IrrigationKind(StrEnum):
    """What was given."""

    WATER = "water"
    FEED = "feed"


class WateringFields(Model):
    """What was given, to whichever plants."""

    kind: IrrigationKind = IrrigationKind.WATER
    at: Instant
    volume_l: float | None = Field(default=None, gt=0, le=10_000)
    """For each plant. [L]"""
    note: Text | None = None


class IrrigationFields(WateringFields):
    """One watering or feeding of one plant."""

    plant_key: str
    task_key: str | None = None


class Irrigation(Entity, IrrigationFields):
    """An entry of the irrigation log."""

    watered_on: date
