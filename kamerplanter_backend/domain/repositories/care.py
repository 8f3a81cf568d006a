"""Stored care confirmations."""

from kamerplanter_backend.domain.interfaces.document_store import Order, Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.models.care import CareConfirmation, CareKind


class CareConfirmationRepository(Repository[CareConfirmation]):
    """What was done or skipped for the plants of a garden."""

    collection = Collection(
        "care_confirmations",
        CareConfirmation,
        indexes=(("plant_key", "kind", "at"), ("task_key",)),
        references=(
            Reference("plant_key", "plants", on_delete=OnDelete.CASCADE),
            Reference("task_key", "tasks", on_delete=OnDelete.CLEAR),
        ),
    )

    def latest(self, plant_key: str, kind: CareKind) -> CareConfirmation | None:
        """Return the newest confirmation of a kind of care for a plant."""
        return self.first(
            Where("plant_key", "==", plant_key),
            Where("kind", "==", kind),
            order=(Order("at", descending=True),),
        )
