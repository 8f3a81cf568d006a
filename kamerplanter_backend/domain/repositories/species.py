"""Stored species."""

from kamerplanter_backend.domain.interfaces.document_store import Order
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, Reference, Scope
from kamerplanter_engines.models.species import Species


class SpeciesRepository(Repository[Species]):
    """The species of the catalogue, and a garden's own."""

    collection = Collection(
        "species",
        Species,
        scope=Scope.CATALOGUE,
        unique=(("scientific_name",),),
        indexes=(("sequence_key",), ("family_key",)),
        references=(
            Reference("sequence_key", "phase_sequences"),
            Reference("family_key", "botanical_families"),
        ),
    )

    def by_name(self) -> list[Species]:
        """Return all species by scientific name."""
        return self.find(order=(Order("scientific_name"),))
