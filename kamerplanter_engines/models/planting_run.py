"""Planting runs: several plants of one kind that are grown together."""

from datetime import date
from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import Entity, Model, Name, Text


class RunState(StrEnum):
    """Where a planting run stands."""

    PLANNED = "planned"
    ACTIVE = "active"
    HARVESTING = "harvesting"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class RunProblem(StrEnum):
    """Why something cannot be done with a run; placeholder `problem` of the error, translated.

    The run is in the placeholder `run`, a plant or variety in `plant` or `cultivar`, by name.
    """

    STEP = "run_step"
    """Another state follows on the one that it is in, or none."""
    BEGUN = "run_begun"
    NOT_GROWING = "run_not_growing"
    FIXED = "run_fixed"
    """The field cannot change any more."""
    EMPTY = "run_empty"
    FULL = "run_full"
    ARCHIVED_PLANT = "run_archived_plant"
    OTHER_SPECIES = "run_other_species"
    OTHER_RUN = "run_other_run"
    NOT_OF_RUN = "run_not_of_run"
    """The plant is not in this run."""
    OTHER_CULTIVAR = "other_cultivar"
    """The variety is one of another species."""


class PlantsAfterRun(StrEnum):
    """What becomes of the plants of a run that ends."""

    KEEP = "keep"
    """They go on, each by itself."""
    ARCHIVE = "archive"
    """They are gone; their history stays."""


MAX_RUN_PLANTS = 1000
"""Most plants of one run."""


class PlantingRunFields(Model):
    """A planting run as a person plans it."""

    name: Name
    """Its plants are called after it, with a number."""
    species_key: str
    cultivar_key: str | None = None
    """The variety, one of this species."""
    location_key: str | None = None
    """Where its plants stand."""
    quantity: int = Field(default=1, ge=1, le=MAX_RUN_PLANTS)
    """How many plants are planned."""
    planned_on: date | None = None
    """Local date on which planting is planned."""
    note: Text | None = None


class PlantingRun(Entity, PlantingRunFields):
    """A planting run that exists; its plants point to it."""

    state: RunState = RunState.PLANNED
    started_on: date | None = None
    """Local date of planting."""
    harvesting_on: date | None = None
    """Local date on which the harvest began."""
    ended_on: date | None = None
    """Local date on which it was completed or cancelled."""
