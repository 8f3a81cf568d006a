"""Stored applications of plant protection."""

from kamerplanter_backend.domain.interfaces.document_store import Order, Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, Reference
from kamerplanter_engines.models.ipm import Treatment


class TreatmentRepository(Repository[Treatment]):
    """What was applied in a garden. A plant with such a record cannot be deleted."""

    collection = Collection(
        "treatments",
        Treatment,
        indexes=(("plant_key", "at"),),
        references=(Reference("plant_key", "plants"),),
    )

    def of_plant(self, plant_key: str) -> list[Treatment]:
        """Return the applications on a plant, newest first."""
        return self.find(Where("plant_key", "==", plant_key), order=(Order("at", descending=True),))
