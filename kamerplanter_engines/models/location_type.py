"""What a part of a site can be: a bed, a greenhouse, a shelf."""

from pydantic import Field

from kamerplanter_engines.models.base import CatalogueEntity, Model, Name


class LocationTypeFields(Model):
    """A kind of location."""

    name_en: Name
    name_de: Name
    icon: str | None = Field(default=None, max_length=100, pattern=r"^mdi:[a-z0-9-]+$")
    """Of the Material Design Icons."""
    sort_order: int = Field(default=1000, ge=0, le=10_000)
    """Lower ones come first in lists."""
    is_indoor: bool = False
    can_hold_slots: bool = False
    """Whether places for single plants make sense in it."""
    rotation_applies: bool = False
    """Whether crops rotate in it."""


class LocationType(CatalogueEntity, LocationTypeFields):
    """A kind of location that exists."""
