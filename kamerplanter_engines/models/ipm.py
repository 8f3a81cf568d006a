"""Plant protection: what was applied, and the waiting period that follows."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field

from kamerplanter_engines.models.base import Entity, Instant, Model, Name, Reason, Text, one_line


class ApplicationFields(Model):
    """An application of a product; it keeps its own copy of product, ingredient and interval."""

    product: Name
    ingredient: Annotated[str, Field(max_length=200), AfterValidator(one_line)] | None = None
    interval_d: int | None = Field(default=None, ge=0, le=3650)
    """Pre-harvest interval in full local days; none = unknown, which blocks. [d]"""
    at: Instant
    note: Text | None = None


class TreatmentFields(ApplicationFields):
    """An application on one plant."""

    plant_key: str


class TreatmentRecord(TreatmentFields):
    """All that a record says and a correction may change."""

    voided: bool = False
    """It was not done, so nothing follows from it; the record stays."""


class TreatmentCorrection(Model):
    """One correction of a record: who, when and why, and what it said before."""

    at: Instant
    by: str
    reason: Reason
    before: TreatmentRecord
    applied_on_before: date


class Treatment(Entity, TreatmentFields):
    """An application that is on record."""

    applied_on: date
    """Local date of the application at the site."""
    voided: bool = False
    corrections: tuple[TreatmentCorrection, ...] = ()
    """Oldest first; only ever longer, as nothing of a safety record is overwritten silently."""


class Stay(Model):
    """A time that a plant spent at a place; the end is exclusive, none = still there."""

    location_key: str
    from_at: Instant
    until_at: Instant | None = None


class Blocker(Model):
    """One application that forbids harvest."""

    treatment_key: str
    product: str
    ingredient: str | None
    applied_on: date
    interval_d: int | None
    safe_on: date | None
    """First permitted local date; none = unknown interval."""
    reason: str
    """`waiting_period` or `unknown_interval`."""


class HarvestVerdict(Model):
    """Whether a plant may be harvested on a date."""

    allowed: bool
    on: date
    safe_on: date | None
    """First permitted date; none if nothing was applied, or an unknown interval blocks."""
    days_left: int = Field(ge=0)
    """Calendar days from the asked date to the safe date. [d]"""
    blockers: tuple[Blocker, ...] = ()
    """The one that counts longest comes first; unknown intervals before all."""
