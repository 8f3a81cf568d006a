"""What all models share: frozen, strict about names, times in UTC."""

from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import Annotated, Any, override
from unicodedata import category

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
)

from kamerplanter_engines.errors import FutureTimeError, InvalidInputError, NaiveTimeError
from kamerplanter_engines.models.exact import exact, without


def _in_utc(value: datetime) -> datetime:
    """Return a moment in UTC; at the ends of the calendar not every zone has a date for it."""
    if not MINYEAR < value.year < MAXYEAR:
        msg = f"must lie within the years {MINYEAR + 1} to {MAXYEAR - 1}"
        raise ValueError(msg)
    return value if value.tzinfo is UTC else value.astimezone(UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An aware moment, held in UTC."""


class HiddenCharacterError(ValueError):
    """A text holds a character that nobody sees.

    Args:
        message: What the text must be.
        character: The one that must go.
    """

    def __init__(self, message: str, character: str) -> None:
        self.code_point = f"U+{ord(character):04X}"
        super().__init__(f"{message}; take out {self.code_point}")


_LAYOUT = str.maketrans("", "", "\t\n\r")


def one_line(value: str) -> str:
    """Let a name pass that is one line of visible text.

    Raises:
        HiddenCharacterError: It has a control character, such as a line break or NUL.
    """
    for character in value:
        if category(character) == "Cc":
            raise HiddenCharacterError("must be one line without control characters", character)
    return value


def no_blank(value: str) -> str:
    """Let a name pass that is more than blanks, which nobody could tell from no name.

    Raises:
        ValueError: It is nothing but blanks.
    """
    if value.isspace():
        msg = "must have a character that can be seen"
        raise ValueError(msg)
    return value


def plain_text(value: str) -> str:
    """Let a text pass that has no control characters but line breaks and tabs.

    Raises:
        HiddenCharacterError: It has another one, such as NUL.
    """
    for character in value.translate(_LAYOUT):
        if category(character) == "Cc":
            raise HiddenCharacterError("must have no control characters", character)
    return value


Name = Annotated[
    str,
    Field(min_length=1, max_length=200),
    AfterValidator(one_line),
    AfterValidator(no_blank),
]
"""What a person calls a thing: one line."""

Label = Annotated[
    str,
    Field(min_length=1, max_length=100),
    AfterValidator(one_line),
    AfterValidator(no_blank),
]
"""A short name: one line."""

Text = Annotated[str, Field(max_length=4000), AfterValidator(plain_text)]
"""What a person writes about a thing; may have lines."""

Remark = Annotated[str, Field(max_length=2000), AfterValidator(plain_text)]
"""A short text beside an event; may have lines."""

Reason = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(plain_text)]
"""Why a person did something that has to be explained."""

Key = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.:-]+$")]
"""The lasting identity of a document."""


MICROSECOND = timedelta(microseconds=1)
"""The least that two moments differ: what comes after one begins so much later."""

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

    @classmethod
    @override
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> Any:
        """Return how values are checked: none is taken for another one."""
        return exact(handler(source))


class Entity(Model):
    """What every stored document carries beside its own fields.

    What was stored before blanks and control characters were refused can still be read.
    """

    @classmethod
    @override
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> Any:
        """Return how values are checked: as those of people, but for the characters in texts."""
        schema = super().__get_pydantic_core_schema__(source, handler)
        return without(schema, (one_line, no_blank, plain_text))

    key: Key
    tenant_key: str
    """The garden that owns it; `*` for the catalogue that all gardens share."""
    revision: int = Field(default=1, ge=1)
    """Counts the writes; a write with an older number is refused."""
    created_at: Instant
    created_by: str | None = None
    """Who made it: a user's key, or the name of a job or automation; none = nobody knows."""
    updated_at: Instant


class CatalogueEntity(Entity):
    """What every document of the catalogue carries: shared ones come with the application."""

    seed_revision: int | None = Field(default=None, ge=1)
    """The revision that a version of the application wrote; none = a person made it.

    While it is the present revision, nobody has touched the document.
    """


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
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def is_ahead(moment: datetime, now: datetime) -> bool:
    """Tell whether a moment lies further ahead than clocks differ.

    Something that was remembered then was written by a clock that was wrong, or is read by one
    that is: nobody knows how old it is.

    Args:
        moment: What is said to have been, aware.
        now: The present moment, aware.
    """
    return moment > now + CLOCK_TOLERANCE


EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing that is kept here happened before; a clock that was never set says so, and a typing
error (ours)."""


def utc_past(moment: datetime, now: datetime, earliest: datetime = EARLIEST) -> datetime:
    """Return, in UTC, a moment that is said to have happened; never one after now.

    Two minutes ahead still count as past, as clocks differ, and mean now: a local day that has
    not begun must not be reached.

    Args:
        moment: When it happened.
        now: The present moment. Where its clock was never set, now is early enough.
        earliest: The first moment that counts, aware.

    Raises:
        NaiveTimeError: A time has no zone.
        FutureTimeError: The moment lies more than two minutes ahead of now.
        InvalidInputError: It lies before the first one that counts.
    """
    happened_at = utc(moment)
    if happened_at < min(earliest, utc(now)):
        first, last = earliest.isoformat(timespec="minutes"), now.isoformat(timespec="minutes")
        raise InvalidInputError(
            f"Time {happened_at.isoformat()} is too old to count; give the time when it was done, "
            f"{first} at the earliest.",
            field="at",
            value=happened_at.isoformat(),
            allowed=f"{first} – {last}",
        )
    if is_ahead(happened_at, utc(now)):
        raise FutureTimeError(
            f"Time {happened_at.isoformat()} lies in the future; give the time when it was done.",
            field="at",
            value=happened_at.isoformat(),
        )
    return min(happened_at, utc(now))


def stated_reason(reason: str | None, message: str) -> str:
    """Return a reason without blanks around, if there is one.

    Args:
        reason: What a person said.
        message: The sentence of the error.

    Raises:
        InvalidInputError: Nothing was said.
    """
    stated = (reason or "").strip()
    if not stated:
        raise InvalidInputError(message, field="reason", value="")
    return stated
