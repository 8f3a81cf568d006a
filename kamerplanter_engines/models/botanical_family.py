"""Botanical families: what kinds of plants have in common, and how long a bed rests from them."""

from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import CatalogueEntity, Model, Name


class FrostTolerance(StrEnum):
    """How much frost plants survive."""

    SENSITIVE = "sensitive"
    """None."""
    MODERATE = "moderate"
    """Light frost."""
    HARDY = "hardy"
    """A Central European winter."""
    VERY_HARDY = "very_hardy"
    """A hard winter without cover."""


class FamilyDemand(StrEnum):
    """How much most plants of a family take out of the soil."""

    LIGHT = "light"
    MEDIUM = "medium"
    HEAVY = "heavy"


class RootDepth(StrEnum):
    """How deep most plants of a family root."""

    SHALLOW = "shallow"
    MEDIUM = "medium"
    DEEP = "deep"


class Pollination(StrEnum):
    """What carries the pollen, or that there is none."""

    INSECT = "insect"
    WIND = "wind"
    SELF = "self"
    SPORES = "spores"


class BotanicalFamilyFields(Model):
    """A family of plants; what is said of it holds for most of its species."""

    name: str = Field(min_length=1, max_length=100)
    """Its scientific name, which ends in -aceae."""
    name_en: Name
    name_de: Name
    order: str | None = Field(default=None, max_length=100)
    """The order above it, which ends in -ales."""
    nutrient_demand: FamilyDemand | None = None
    nitrogen_fixing: bool = False
    frost_tolerance: FrostTolerance | None = None
    root_depth: RootDepth | None = None
    ph_low: float | None = Field(default=None, ge=3, le=10)
    ph_high: float | None = Field(default=None, ge=3, le=10)
    """Of the soil."""
    pollination: tuple[Pollination, ...] = Field(default=(), max_length=4)
    rotation_group: str | None = Field(default=None, max_length=40, pattern=r"^[a-z][a-z_]*$")
    """Families of one group count as one when crops rotate, e.g. `nightshade`."""
    min_break_years: int | None = Field(default=None, ge=0, le=20)
    """Years before the same bed takes the family again; 0 = at once, none = not known."""


class BotanicalFamily(CatalogueEntity, BotanicalFamilyFields):
    """A family that exists."""
