"""Phases in the life of a plant."""

from datetime import date
from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import CatalogueEntity, Entity, Model, Name, Reason


class CycleType(StrEnum):
    """How often a plant goes through its phases."""

    ANNUAL = "annual"
    BIENNIAL = "biennial"
    PERENNIAL = "perennial"


class PhaseEntry(Model):
    """One phase of a sequence with what the plant wants in it."""

    entry_id: str = Field(min_length=1, max_length=60)
    """Stable within its sequence; plants point to it."""
    phase: str = Field(min_length=1, max_length=60)
    """Key of the phase, e.g. `vegetative`; screens translate it."""
    duration_d: int = Field(gt=0, le=3650)
    allows_harvest: bool = False
    terminal: bool = False
    ec_target_ms_cm: float | None = Field(default=None, ge=0, le=15)
    ph_target: float | None = Field(default=None, ge=0, le=14)
    watering_interval_d: int | None = Field(default=None, gt=0, le=365)


class PhaseSequenceFields(Model):
    """The order in which a kind of plant goes through its phases."""

    name: Name
    cycle_type: CycleType = CycleType.ANNUAL
    repeating: bool = False
    entries: tuple[PhaseEntry, ...] = Field(min_length=1, max_length=40)

    def entry(self, entry_id: str) -> PhaseEntry | None:
        """Return the entry with this id."""
        return next((entry for entry in self.entries if entry.entry_id == entry_id), None)


class PhaseSequence(CatalogueEntity, PhaseSequenceFields):
    """A sequence that exists."""


class PhaseChangeFields(Model):
    """That a plant went from one phase to another, or that the beginning of one was corrected."""

    plant_key: str
    from_entry_id: str
    from_started_on: date
    to_entry_id: str
    started_on: date
    """Local date on which the new phase began."""
    by: str
    """Who said so."""
    reason: Reason | None = None
    """Why; always there if phases were left out or the plant went back."""


class PhaseChange(Entity, PhaseChangeFields):
    """A change of phase that is on record; never changed afterwards."""
