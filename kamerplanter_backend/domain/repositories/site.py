"""Stored sites, and the locations at them."""

from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.models.site import Location, Site


class SiteRepository(Repository[Site]):
    """The places of a garden."""

    collection = Collection("sites", Site)

    def home(self) -> Site | None:
        """Return the site that local dates and seasons follow: the oldest one, if there is any."""
        return self.first()


class LocationRepository(Repository[Location]):
    """The parts of the sites of a garden."""

    collection = Collection(
        "locations",
        Location,
        indexes=(("site_key",), ("parent_key",), ("location_type_key",)),
        references=(
            Reference("site_key", "sites", on_delete=OnDelete.CASCADE),
            Reference("parent_key", "locations", on_delete=OnDelete.CASCADE),
            Reference("location_type_key", "location_types"),
        ),
    )

    def at_site(self, site_key: str) -> list[Location]:
        """Return all locations at a site."""
        return self.find(Where("site_key", "==", site_key))
