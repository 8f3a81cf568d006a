"""Stored botanical families."""

from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, Scope
from kamerplanter_engines.models.botanical_family import BotanicalFamily


class BotanicalFamilyRepository(Repository[BotanicalFamily]):
    """The families of the catalogue, and a garden's own."""

    collection = Collection(
        "botanical_families", BotanicalFamily, scope=Scope.CATALOGUE, unique=(("name",),)
    )
