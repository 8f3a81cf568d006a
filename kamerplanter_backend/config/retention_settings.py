"""What a person may set about how long measurements are kept; part of all settings."""

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kamerplanter_backend.common.retention import SHORTEST_RAW, Retention
from kamerplanter_backend.config.ingest_settings import PREFIX

_SHORTEST_D = SHORTEST_RAW.days
_DEFAULT = Retention()

_FINE_TO_COARSE = ("raw_retention_d", "hourly_retention_d", "daily_retention_d")


class RetentionSettings(BaseSettings):
    """How long readings are kept, and the hours and days that they come to."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True)

    raw_retention_d: Annotated[int, Field(ge=_SHORTEST_D, le=5 * 365)] = _DEFAULT.raw.days
    """Single readings, about 23 bytes each; what was measured before is refused as too old. [d]"""
    hourly_retention_d: Annotated[int, Field(ge=_SHORTEST_D, le=20 * 365)] = _DEFAULT.hourly.days
    """What they come to by the hour; at least as long as single readings. [d]"""
    daily_retention_d: Annotated[int, Field(ge=_SHORTEST_D, le=100 * 365)] = _DEFAULT.daily.days
    """What they come to by the day; at least as long as hours. [d]"""

    @property
    def retention(self) -> Retention:
        """How long measurements are kept."""
        return Retention(
            raw=timedelta(days=self.raw_retention_d),
            hourly=timedelta(days=self.hourly_retention_d),
            daily=timedelta(days=self.daily_retention_d),
        )

    @model_validator(mode="after")
    def _check_retention(self) -> Self:
        problems = [
            f"{PREFIX}{coarse.upper()} must be at least the {getattr(self, fine)} days of "
            f"{PREFIX}{fine.upper()}, not {getattr(self, coarse)}"
            for fine, coarse in pairwise(_FINE_TO_COARSE)
            if getattr(self, coarse) < getattr(self, fine)
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self
