"""Stored harvests."""

from kamerplanter_backend.domain.interfaces.document_store import Order, Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, Reference
from kamerplanter_engines.models.harvest import Harvest


class HarvestRepository(Repository[Harvest]):
    """What was harvested in a garden. A plant with such a record cannot be deleted."""

    collection = Collection(
        "harvests",
        Harvest,
        indexes=(("plant_key", "at"),),
        references=(Reference("plant_key", "plants"),),
    )

    def of_plant(self, plant_key: str) -> list[Harvest]:
        """Return the harvests of a plant, newest first."""
        return self.find(Where("plant_key", "==", plant_key), order=(Order("at", descending=True),))
