"""Stored sites."""

from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection
from kamerplanter_engines.models.site import Site


class SiteRepository(Repository[Site]):
    """The places of a garden."""

    collection = Collection("sites", Site)

    def only(self) -> Site | None:
        """Return the site of the garden, if it has been set."""
        return self.first()
