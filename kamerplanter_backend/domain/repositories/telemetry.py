"""Stored probes."""

from collections.abc import Sequence
from typing import override

from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.models.telemetry import Probe


class ProbeRepository(Repository[Probe]):
    """The probes of a garden."""

    collection = Collection(
        "probes",
        Probe,
        indexes=(("tank_key",), ("plant_key",)),
        references=(
            Reference("tank_key", "tanks", on_delete=OnDelete.CLEAR),
            Reference("plant_key", "plants", on_delete=OnDelete.CLEAR),
        ),
    )

    def living(self) -> list[Probe]:
        """Return the probes that are not archived."""
        return self.find(Where("archived_at", "is_null", True))

    def of_tank(self, tank_key: str) -> list[Probe]:
        """Return the probes in a tank that are not archived."""
        return self.find(Where("tank_key", "==", tank_key), Where("archived_at", "is_null", True))

    def of_tanks(self, tank_keys: Sequence[str]) -> list[Probe]:
        """Return the probes in tanks that are not archived."""
        return self.find(Where("tank_key", "in", tank_keys), Where("archived_at", "is_null", True))

    def of_plant(self, plant_key: str) -> list[Probe]:
        """Return the probes in the soil of a plant that are not archived."""
        return self.find(Where("plant_key", "==", plant_key), Where("archived_at", "is_null", True))

    def of_plants(self, plant_keys: Sequence[str]) -> list[Probe]:
        """Return the probes in the soil of plants that are not archived."""
        where = Where("plant_key", "in", plant_keys)
        return self.find(where, Where("archived_at", "is_null", True))

    @override
    def remove(self, key: str) -> None:
        """Delete a probe and its readings."""
        super().remove(key)
        self._transaction.readings.remove_probe(key)
