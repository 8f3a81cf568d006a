"""A single plant."""

from datetime import date

from pydantic import Field

from kamerplanter_engines.models.base import Entity, Instant, Model, Name
from kamerplanter_engines.models.care import CareStyle


class PlantFields(Model):
    """A plant as a person describes it."""

    name: Name
    species_key: str
    cultivar_key: str | None = None
    """The variety, one of this species."""
    tank_key: str | None = None
    """The tank that feeds it."""
    location_key: str | None = None
    """Where it stands."""
    phase_entry_id: str | None = None
    """The entry of its sequence that it is in; none = the first one."""
    phase_started_on: date | None = None
    """Local date; none = the day it was added."""
    planted_on: date | None = None
    care_style: CareStyle | None = None
    """None = that of the species."""
    watering_interval_d: int | None = Field(default=None, gt=0, le=365)
    """A person's own interval wins over species and style."""
    soil_moisture_low_pct: float | None = Field(default=None, ge=0, le=100)
    soil_moisture_high_pct: float | None = Field(default=None, ge=0, le=100)
    edible: bool | None = None
    """None = as the species says."""


class Plant(Entity, PlantFields):
    """A plant that exists."""

    run_key: str | None = None
    """The planting run that it was planted or taken over in."""
    archived_at: Instant | None = None


class PlantAlertFields(Model):
    """Whether the soil of a plant is dry or too wet, as far as its probe tells."""

    plant_key: str
    is_dry: bool = False
    """Stays as it is while there is no data."""
    pending_since: Instant | None = None
    """When the moisture fell below its band; none = it is not below, as far as one knows."""
    since: Instant | None = None
    """When the soil was judged dry."""
    last_reading_at: Instant | None = None
    """When the newest reading that was judged was measured; an older one decides nothing. While the
    soil is moist it is written down seldom, as the stored readings tell it."""
    task_silenced: bool = False
    """A person closed the task while the soil was still dry; no new one until it was moist."""
    is_wet: bool = False
    """Above its band for longer than a watering takes to drain; stays while there is no data."""
    wet_pending_since: Instant | None = None
    """When the moisture rose above its band; none = it is not above, as far as one knows."""


class PlantAlert(Entity, PlantAlertFields):
    """An alert that is remembered."""
