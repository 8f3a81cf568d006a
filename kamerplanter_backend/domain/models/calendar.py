"""Calendar feeds: addresses from which a calendar program reads what happens in a garden."""

from enum import StrEnum

from pydantic import Field

from kamerplanter_backend.domain.models.identity import Digest
from kamerplanter_engines.models.base import Entity, Instant, Model, Name
from kamerplanter_engines.models.calendar import CalendarCategory


class FeedLanguage(StrEnum):
    """Language of the texts in a feed."""

    EN = "en"
    DE = "de"


class CalendarFeedFields(Model):
    """What its owner says of a feed."""

    name: Name
    categories: tuple[CalendarCategory, ...] = Field(default=(), max_length=20)
    """What is in it; none = everything."""
    language: FeedLanguage = FeedLanguage.EN


class CalendarFeed(Entity, CalendarFeedFields):
    """A feed that exists; `created_by` is its owner, and it ends with the owner's membership."""

    token_hash: Digest
    """Of the token in its address, which its owner alone has seen."""
    last_fetched_at: Instant | None = None
    """When it was last read, to the hour."""
