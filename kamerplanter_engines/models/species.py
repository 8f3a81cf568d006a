"""Species: what is known about a kind of plant."""

from pydantic import Field

from kamerplanter_engines.models.base import Entity, Model, Name
from kamerplanter_engines.models.care import CareStyle


class SpeciesFields(Model):
    """A kind of plant."""

    scientific_name: Name
    name_en: Name
    name_de: Name
    family: str | None = Field(default=None, max_length=100)
    care_style: CareStyle = CareStyle.CUSTOM
    edible: bool = False
    sequence_key: str
    soil_moisture_low_pct: float | None = Field(default=None, ge=0, le=100)
    soil_moisture_high_pct: float | None = Field(default=None, ge=0, le=100)


class Species(Entity, SpeciesFields):
    """A species that exists."""
