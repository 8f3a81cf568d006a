"""Cultivars: the varieties of a species, with what is different about them."""

from pydantic import Field

from kamerplanter_engines.models.base import CatalogueEntity, Key, Model, Name, Text


class CultivarFields(Model):
    """A variety of a species; what is none is as the species says."""

    name: Name
    """As on the packet and without quotation marks: the same in every language."""
    species_key: Key
    base_temperature_c: float | None = Field(default=None, ge=-5, le=25)
    """Below it the plant stands still; growing degree-days count from it."""
    maturity_d: int | None = Field(default=None, ge=1, le=1095)
    """Days to the first harvest, from sowing in place or from planting out."""
    notes: Text | None = None


class Cultivar(CatalogueEntity, CultivarFields):
    """A cultivar that exists."""
