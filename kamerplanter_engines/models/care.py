"""How a style of plant is cared for, and what was done."""

from datetime import date
from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import Entity, Instant, Model


class CareStyle(StrEnum):
    """A preset of intervals for plants with alike needs."""

    TROPICAL = "tropical"
    SUCCULENT = "succulent"
    ORCHID = "orchid"
    CALATHEA = "calathea"
    HERB_TROPICAL = "herb_tropical"
    MEDITERRANEAN = "mediterranean"
    FERN = "fern"
    CACTUS = "cactus"
    OUTDOOR_ANNUAL_VEG = "outdoor_annual_veg"
    OUTDOOR_PERENNIAL = "outdoor_perennial"
    CUSTOM = "custom"


class CareKind(StrEnum):
    """What a reminder asks for."""

    WATERING = "watering"
    FERTILISING = "fertilising"
    PEST_CHECK = "pest_check"


class CarePreset(Model):
    """The intervals of one care style (see `tables/care_styles.py`)."""

    watering_interval_d: int = Field(gt=0)
    winter_watering_factor: float = Field(ge=1)
    fertilising_interval_d: int = Field(gt=0)
    fertilising_months: tuple[int, ...]
    """Months in the north, 1 to 12."""
    pest_check_interval_d: int = Field(gt=0)


class CareOutcome(StrEnum):
    """What became of a due care."""

    DONE = "done"
    SKIPPED = "skipped"


class CareConfirmationFields(Model):
    """That a care was done or skipped."""

    plant_key: str
    kind: CareKind
    outcome: CareOutcome
    at: Instant
    done_on: date
    """Local date at the site."""
    task_key: str | None = None


class CareConfirmation(Entity, CareConfirmationFields):
    """A confirmation that is remembered."""


class CareDue(Model):
    """When a care is due next, and why."""

    kind: CareKind
    due_on: date
    interval_d: float
    rule: str
    """`watering_interval`, `fertilising_interval`, `pest_check_interval`."""
    reasons: tuple[str, ...] = ()
    """Where the interval comes from (`own_interval`, `phase_interval`, `style_interval`), and
    `never_done`, `moved_to_season`."""
