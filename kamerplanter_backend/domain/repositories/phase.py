"""Stored phase sequences, and which phases plants have gone through."""

from kamerplanter_backend.domain.interfaces.document_store import Order, Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import (
    Collection,
    OnDelete,
    Reference,
    Scope,
)
from kamerplanter_engines.models.phase import PhaseChange, PhaseSequence


class PhaseSequenceRepository(Repository[PhaseSequence]):
    """The sequences of the catalogue, and a garden's own."""

    collection = Collection(
        "phase_sequences", PhaseSequence, scope=Scope.CATALOGUE, unique=(("name",),)
    )


class PhaseChangeRepository(Repository[PhaseChange]):
    """The changes of phase of the plants of a garden; only ever added to."""

    collection = Collection(
        "phase_changes",
        PhaseChange,
        indexes=(("plant_key",),),
        references=(Reference("plant_key", "plants", on_delete=OnDelete.CASCADE),),
    )

    def of_plant(self, plant_key: str) -> list[PhaseChange]:
        """Return the changes of a plant, newest first."""
        # Keys sort by time, also those of one moment.
        return self.find(
            Where("plant_key", "==", plant_key), order=(Order("key", descending=True),)
        )
