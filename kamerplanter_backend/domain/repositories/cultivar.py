"""Stored cultivars."""

from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, Reference, Scope
from kamerplanter_engines.models.cultivar import Cultivar


class CultivarRepository(Repository[Cultivar]):
    """The cultivars of the catalogue, and a garden's own; each name once in a species."""

    collection = Collection(
        "cultivars",
        Cultivar,
        scope=Scope.CATALOGUE,
        unique=(("species_key", "name"),),
        references=(Reference("species_key", "species"),),
    )
