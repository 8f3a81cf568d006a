"""The place where the garden stands."""

from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from kamerplanter_engines.models.base import Entity, Model, Name


class SiteFields(Model):
    """Where the garden is: decides local dates and seasons."""

    name: Name
    time_zone: str = Field(max_length=64)
    latitude_deg: float | None = Field(default=None, ge=-90, le=90)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            msg = f"time zone {value!r} is not known; use a name such as Europe/Berlin"
            raise ValueError(msg) from error
        return value


class Site(Entity, SiteFields):
    """A site that exists."""
