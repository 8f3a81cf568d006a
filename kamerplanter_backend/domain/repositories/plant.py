"""Stored plants, and the alerts about their soil."""

from collections.abc import Sequence

from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.models.plant import Plant, PlantAlert

_LIVING = Where("archived_at", "is_null", True)


class PlantRepository(Repository[Plant]):
    """The plants of a garden; several may have the same name."""

    collection = Collection(
        "plants",
        Plant,
        indexes=(
            ("tank_key",),
            ("species_key",),
            ("cultivar_key",),
            ("location_key",),
            ("run_key",),
        ),
        references=(
            Reference("species_key", "species"),
            Reference("cultivar_key", "cultivars", on_delete=OnDelete.CLEAR),
            Reference("tank_key", "tanks", on_delete=OnDelete.CLEAR),
            Reference("location_key", "locations", on_delete=OnDelete.CLEAR),
            Reference("run_key", "planting_runs", on_delete=OnDelete.CLEAR),
        ),
    )

    def living(self) -> list[Plant]:
        """Return the plants that are not archived."""
        return self.find(_LIVING)

    def fed_by(self, tank_key: str) -> list[Plant]:
        """Return the plants that a tank feeds and that are not archived."""
        return self.find(Where("tank_key", "==", tank_key), _LIVING)

    def fed_by_any(self, tank_keys: Sequence[str]) -> list[Plant]:
        """Return the plants that one of these tanks feeds and that are not archived."""
        return self.find_each("tank_key", tank_keys, _LIVING)

    def of_run(self, run_key: str) -> list[Plant]:
        """Return the plants of a planting run, the archived ones too."""
        return self.find(Where("run_key", "==", run_key))


class PlantAlertRepository(Repository[PlantAlert]):
    """Whether the soil of a plant is dry: one document per plant."""

    collection = Collection(
        "plant_alerts",
        PlantAlert,
        unique=(("plant_key",),),
        references=(Reference("plant_key", "plants", on_delete=OnDelete.CASCADE),),
    )

    def of_plant(self, plant_key: str) -> PlantAlert | None:
        """Return the alert about the soil of a plant."""
        return self.first(Where("plant_key", "==", plant_key))

    def of_plants(self, plant_keys: Sequence[str]) -> list[PlantAlert]:
        """Return the alerts about the soil of plants."""
        return self.find_each("plant_key", plant_keys)
