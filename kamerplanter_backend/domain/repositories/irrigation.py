"""The stored irrigation log."""

from datetime import datetime

from kamerplanter_backend.domain.interfaces.document_store import Order, Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.models.irrigation import Irrigation, IrrigationKind


class IrrigationRepository(Repository[Irrigation]):
    """What the plants of a garden got. A plant with such a record cannot be deleted."""

    collection = Collection(
        "irrigations",
        Irrigation,
        indexes=(("plant_key", "at"), ("task_key",)),
        references=(
            Reference("plant_key", "plants"),
            Reference("task_key", "tasks", on_delete=OnDelete.CLEAR),
        ),
    )

    def of_plant(self, plant_key: str) -> list[Irrigation]:
        """Return the waterings and feedings of a plant, newest first."""
        return self.find(Where("plant_key", "==", plant_key), order=(Order("at", descending=True),))

    def of_plant_since(self, plant_key: str, since: datetime) -> list[Irrigation]:
        """Return what a plant got at a moment or later, in any order."""
        return self.find(Where("plant_key", "==", plant_key), Where("at", ">=", since))

    def latest(self, plant_key: str, kind: IrrigationKind | None = None) -> Irrigation | None:
        """Return the newest entry of a plant, of one kind if given."""
        where = [Where("plant_key", "==", plant_key)]
        if kind is not None:
            where.append(Where("kind", "==", kind))
        return self.first(*where, order=(Order("at", descending=True),))
