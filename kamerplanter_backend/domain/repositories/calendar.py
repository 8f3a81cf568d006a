"""Stored calendar feeds."""

from kamerplanter_backend.domain.models.calendar import CalendarFeed
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection


class CalendarFeedRepository(Repository[CalendarFeed]):
    """The calendar feeds of a garden."""

    collection = Collection("calendar_feeds", CalendarFeed, indexes=(("created_by",),))

    def of_any_garden(self, key: str) -> CalendarFeed | None:
        """Return a feed of whichever garden: its address names none, and its token is checked."""
        document = self._transaction.get(self.collection.name, key)
        return None if document is None else self._entity(document)
