"""What all models share: frozen, strict about names, times in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from kamerplanter_engines.errors import FutureTimeError, NaiveTimeError

Instant = Annotated[AwareDatetime, AfterValidator(lambda value: value.astimezone(UTC))]
"""An aware moment, held in UTC."""

Name = Annotated[str, Field(min_length=1, max_length=200)]
"""What a person calls a thing."""

Key = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.:-]+$")]
"""The lasting identity of a document."""


CLOCK_TOLERANCE = timedelta(minutes=2)
"""How far a moment may lie ahead and still count as past."""


class Model(BaseModel):
    """A value that cannot change; unknown fields and non-finite numbers are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,
        use_attribute_docstrings=True,
    )


class Entity(Model):
    """What every stored document carries beside its own fields."""

    key: Key
    tenant_key: str
    """The garden that owns it; `*` for the catalogue that all gardens share."""
    revision: int = Field(default=1, ge=1)
    """Counts the writes; a write with an older number is refused."""
    created_at: Instant
    updated_at: Instant


def utc(moment: datetime) -> datetime:
    """Return an aware moment in UTC.

    Raises:
        NaiveTimeError: The moment has no zone.
    """
    if moment.tzinfo is None:
        raise NaiveTimeError(
            f"Time {moment.isoformat()} has no zone; add an offset such as +02:00 or Z.",
            field="at",
            value=moment.isoformat(),
        )
    return moment.astimezone(UTC)


def utc_past(moment: datetime, now: datetime) -> datetime:
    """Return, in UTC, a moment that is said to have happened.

    Two minutes ahead still count as past, as clocks differ.

    Raises:
        NaiveTimeError: A time has no zone.
        FutureTimeError: The moment lies more than two minutes ahead of now.
    """
    happened_at = utc(moment)
    if happened_at > utc(now) + CLOCK_TOLERANCE:
        raise FutureTimeError(
            f"Time {happened_at.isoformat()} lies in the future; give the time when it was done.",
            field="at",
            value=happened_at.isoformat(),
        )
    return happened_at
