"""Stored probes."""

from collections.abc import Sequence
from datetime import datetime
from typing import override

from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_backend.domain.repositories.references import Going
from kamerplanter_engines.models.telemetry import Probe
from kamerplanter_engines.stay_engine import stays_in

_LIVING = Where("archived_at", "is_null", True)


class ProbeRepository(Repository[Probe]):
    """The probes of a garden."""

    collection = Collection(
        "probes",
        Probe,
        indexes=(("tank_key",), ("plant_key",), ("location_key",)),
        references=(
            Reference("tank_key", "tanks", on_delete=OnDelete.CLEAR),
            Reference("plant_key", "plants", on_delete=OnDelete.CLEAR),
            Reference("location_key", "locations", on_delete=OnDelete.CLEAR),
        ),
    )

    def living(self) -> list[Probe]:
        """Return the probes that are not archived."""
        return self.find(_LIVING)

    def of_tank(self, tank_key: str) -> list[Probe]:
        """Return the probes in a tank that are not archived."""
        return self.find(Where("tank_key", "==", tank_key), _LIVING)

    def of_tanks(self, tank_keys: Sequence[str]) -> list[Probe]:
        """Return the probes in tanks that are not archived."""
        return self.find_each("tank_key", tank_keys, _LIVING)

    def of_plant(self, plant_key: str) -> list[Probe]:
        """Return the probes in the soil of a plant that are not archived."""
        return self.find(Where("plant_key", "==", plant_key), _LIVING)

    def of_plants(self, plant_keys: Sequence[str]) -> list[Probe]:
        """Return the probes in the soil of plants that are not archived."""
        return self.find_each("plant_key", plant_keys, _LIVING)

    def of_location(self, location_key: str) -> list[Probe]:
        """Return the probes in a location that are not archived."""
        return self.find(Where("location_key", "==", location_key), _LIVING)

    def ever_in(self, location_key: str) -> list[Probe]:
        """Return the probes that are or were in a location, the archived ones too."""
        return [probe for probe in self.find() if stays_in(probe, location_key)]

    def archived_since(self, at: datetime) -> list[Probe]:
        """Return the probes that were archived at a moment or later."""
        return self.find(Where("archived_at", ">=", at))

    @override
    def remove(self, key: str) -> Going:
        """Delete a probe and its readings."""
        gone = super().remove(key)
        self._transaction.readings.remove_probe(key)
        return gone
