"""Stored kinds of locations."""

from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, Scope
from kamerplanter_engines.models.location_type import LocationType


class LocationTypeRepository(Repository[LocationType]):
    """The kinds of locations of the catalogue; all gardens share them."""

    collection = Collection(
        "location_types", LocationType, scope=Scope.CATALOGUE, unique=(("name_en",),)
    )
