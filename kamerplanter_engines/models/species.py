"""Species: what is known about a kind of plant."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from kamerplanter_engines.models.base import CatalogueEntity, Key, Model, Name
from kamerplanter_engines.models.botanical_family import FrostTolerance
from kamerplanter_engines.models.care import CareStyle
from kamerplanter_engines.models.phase import CycleType

Month = Annotated[int, Field(ge=1, le=12)]

Months = Annotated[tuple[Month, ...], Field(max_length=12)]
"""Months of the year, each once, in Central Europe; empty = nobody said, or never."""


class PlantCategory(StrEnum):
    """What a kind of plant is grown for."""

    FRUIT_VEGETABLE = "fruit_vegetable"
    LEGUME = "legume"
    ROOT_TUBER = "root_tuber"
    LEAF_VEGETABLE = "leaf_vegetable"
    ALLIUM = "allium"
    HERB = "herb"
    BRASSICA = "brassica"
    PERENNIAL_VEGETABLE = "perennial_vegetable"
    FRUIT = "fruit"
    FRUIT_TREE = "fruit_tree"
    CONTROLLED = "controlled"
    """Growing it is permitted, limited or forbidden by local law."""
    GREEN_MANURE = "green_manure"
    FLOWER = "flower"
    HOUSEPLANT = "houseplant"


class Cultivation(StrEnum):
    """How long a kind of plant is kept where winters are cold, whatever it could live."""

    ANNUAL = "annual"
    BIENNIAL = "biennial"
    PERENNIAL = "perennial"
    ANNUAL_OR_OVERWINTERED = "annual_or_overwintered"
    TUBER_LIFTED = "tuber_lifted"
    """The tuber spends the winter indoors."""


class Photoperiod(StrEnum):
    """Which days make a kind of plant flower."""

    SHORT_DAY = "short_day"
    LONG_DAY = "long_day"
    DAY_NEUTRAL = "day_neutral"


class FeedingDemand(StrEnum):
    """How much a kind of plant takes out of the soil."""

    LIGHT_FEEDER = "light_feeder"
    MEDIUM_FEEDER = "medium_feeder"
    HEAVY_FEEDER = "heavy_feeder"
    NITROGEN_FIXER = "nitrogen_fixer"


class LightClass(StrEnum):
    """Where a kind of plant wants to stand."""

    LOW = "low"
    MEDIUM = "medium"
    BRIGHT = "bright"
    FULL_SUN = "full_sun"


class SpeciesFields(Model):
    """A kind of plant. What is none is not known, and nothing follows from it."""

    scientific_name: Name
    """Genus and epithet, e.g. `Solanum lycopersicum`."""
    name_en: Name
    name_de: Name
    family_key: Key | None = None
    category: PlantCategory | None = None
    care_style: CareStyle = CareStyle.CUSTOM
    edible: bool = False
    """Whether a part of it is eaten or smoked, so that waiting periods are shown."""
    sequence_key: str
    soil_moisture_low_pct: float | None = Field(default=None, ge=0, le=100)
    soil_moisture_high_pct: float | None = Field(default=None, ge=0, le=100)

    life_cycle: CycleType | None = None
    cultivated_as: Cultivation | None = None
    photoperiod: Photoperiod | None = None
    base_temperature_c: float | None = Field(default=None, ge=-5, le=25)
    """Below it the plant stands still; growing degree-days count from it."""
    frost_tolerance: FrostTolerance | None = None

    sow_indoors_weeks_before_last_frost: int | None = Field(default=None, ge=1, le=26)
    sow_indoors_month: Month | None = None
    plant_out_days_after_last_frost: int | None = Field(default=None, ge=-90, le=90)
    """For seedlings that were raised indoors; negative = before the last frost."""
    direct_sow_months: Months = ()
    harvest_months: Months = ()
    bloom_months: Months = ()

    spacing_low_cm: float | None = Field(default=None, gt=0, le=2000)
    spacing_high_cm: float | None = Field(default=None, gt=0, le=2000)
    """In the row; of houseplants, the room that the grown plant needs."""
    nutrient_demand: FeedingDemand | None = None
    ph_low: float | None = Field(default=None, ge=3, le=10)
    ph_high: float | None = Field(default=None, ge=3, le=10)
    """Of soil or nutrient solution."""
    ec_low_ms_cm: float | None = Field(default=None, ge=0, le=15)
    ec_high_ms_cm: float | None = Field(default=None, ge=0, le=15)
    """Of the nutrient solution at 25 °C."""
    dli_low_mol_m2_d: float | None = Field(default=None, ge=0, le=80)
    dli_high_mol_m2_d: float | None = Field(default=None, ge=0, le=80)
    """Light of a whole day; the lower value keeps a decent plant."""
    light_class: LightClass | None = None

    toxic_to_cats: bool | None = None
    toxic_to_dogs: bool | None = None
    toxic_to_children: bool | None = None
    """Harmful if chewed, swallowed or by its sap; none = not known, so treat it as harmful."""


class Species(CatalogueEntity, SpeciesFields):
    """A species that exists."""
