"""What was harvested."""

from datetime import date
from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import Entity, Instant, Model, Text


class HarvestPurpose(StrEnum):
    """What becomes of a harvest."""

    HARVEST = "harvest"
    DISPOSAL = "disposal"


class HarvestFields(Model):
    """A harvest or removal of a plant's produce."""

    plant_key: str
    at: Instant
    weight_g: float | None = Field(default=None, gt=0, le=1_000_000)
    purpose: HarvestPurpose = HarvestPurpose.HARVEST
    reason: str | None = Field(default=None, max_length=1000)
    note: Text | None = None


class Harvest(Entity, HarvestFields):
    """A harvest that is on record."""

    harvested_on: date
