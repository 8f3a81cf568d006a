"""The place where the garden stands."""

from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from kamerplanter_engines.models.base import Entity, Key, Model, Name, Text

BASE_LOW_C, BASE_HIGH_C = -20.0, 40.0
"""Between these lies the temperature above which anything grows. [°C]"""


def known_zone(name: str) -> str:
    """Return the name of a time zone, if it is one.

    Raises:
        ValueError: It is not; as pydantic wants to hear it.
    """
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        msg = f"time zone {name!r} is not known; use a name such as Europe/Berlin"
        raise ValueError(msg) from error
    return name


class SiteFields(Model):
    """Where the garden is: decides local dates and seasons."""

    name: Name
    time_zone: str = Field(max_length=64)
    latitude_deg: float | None = Field(default=None, ge=-90, le=90)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return known_zone(value)


class Site(Entity, SiteFields):
    """A site that exists."""


class LocationFields(Model):
    """A part of a site: a bed, a greenhouse, a tent, a shelf; one may stand in another."""

    name: Name
    site_key: Key
    parent_key: Key | None = None
    """The location that it is a part of, at the same site; none = stands by itself."""
    location_type_key: Key | None = None
    area_m2: float | None = Field(default=None, gt=0, le=1_000_000)
    base_temperature_c: float = Field(default=10, ge=BASE_LOW_C, le=BASE_HIGH_C)
    """Degree days are counted above it; 10 is usual for warm crops such as maize and tomatoes.
    [°C]"""
    notes: Text | None = None


class Location(Entity, LocationFields):
    """A location that exists."""
