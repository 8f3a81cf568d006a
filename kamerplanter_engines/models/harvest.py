"""What was harvested."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from kamerplanter_engines.models.base import Entity, Instant, Model, Text, plain_text


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
    reason: Annotated[str, Field(max_length=1000), AfterValidator(plain_text)] | None = None
    note: Text | None = None


class Harvest(Entity, HarvestFields):
    """A harvest that is on record."""

    harvested_on: date
