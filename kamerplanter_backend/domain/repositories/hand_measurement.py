"""Stored measurements by hand."""

from datetime import datetime

from kamerplanter_backend.domain.interfaces.document_store import Order, Where
from kamerplanter_backend.domain.repositories.base import Access, Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.models.hand_measurement import HandMeasurement
from kamerplanter_engines.models.telemetry import SOIL_KINDS, TANK_KINDS, ChannelKind, Verdict

_NEWEST_FIRST = (Order("measured_at", descending=True),)


class HandMeasurementRepository(Repository[HandMeasurement]):
    """What people measured in the tanks and at the plants of a garden."""

    collection = Collection(
        "hand_measurements",
        HandMeasurement,
        indexes=(("tank_key", "kind", "measured_at"), ("plant_key", "kind", "measured_at")),
        references=(
            Reference("tank_key", "tanks", on_delete=OnDelete.CASCADE),
            Reference("plant_key", "plants", on_delete=OnDelete.CASCADE),
        ),
    )

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self._is_unused: bool | None = None

    def is_unused(self) -> bool:
        """Tell whether nobody measures by hand in this garden; asked once in a unit of work.

        Most gardens do not, and screens would ask for each kind of value of each place.
        """
        if self._is_unused is None:
            self._is_unused = self.count() == 0
        return self._is_unused

    def of_tank(self, tank_key: str, kind: ChannelKind | None = None) -> list[HandMeasurement]:
        """Return the measurements in a tank, of one kind if given, newest first."""
        return self.find(*_of("tank_key", tank_key, kind), order=_NEWEST_FIRST)

    def of_plant(self, plant_key: str, kind: ChannelKind | None = None) -> list[HandMeasurement]:
        """Return the measurements at a plant, of one kind if given, newest first."""
        return self.find(*_of("plant_key", plant_key, kind), order=_NEWEST_FIRST)

    def newest_of_tank(self, tank_key: str) -> tuple[HandMeasurement, ...]:
        """Return the newest measurement of each kind in a tank."""
        return self._newest("tank_key", tank_key, TANK_KINDS)

    def newest_of_plant(self, plant_key: str) -> tuple[HandMeasurement, ...]:
        """Return the newest measurement of each kind at a plant."""
        return self._newest("plant_key", plant_key, SOIL_KINDS)

    def newest_good(
        self, kind: ChannelKind, *, tank_key: str | None = None, plant_key: str | None = None
    ) -> HandMeasurement | None:
        """Return the newest measurement of a place that is not doubted.

        Args:
            kind: What was measured.
            tank_key: The tank, or
            plant_key: the plant.
        """
        if self.is_unused():
            return None
        field, key = ("tank_key", tank_key) if tank_key is not None else ("plant_key", plant_key)
        good = Where("verdict", "==", Verdict.GOOD)
        return self.first(*_of(field, key or "", kind), good, order=_NEWEST_FIRST)

    def good_since(
        self,
        kind: ChannelKind,
        since: datetime,
        *,
        tank_key: str | None = None,
        plant_key: str | None = None,
        limit: int,
    ) -> list[HandMeasurement]:
        """Return the measurements of a place that are not doubted, since a moment, newest first."""
        if self.is_unused():
            return []
        field, key = ("tank_key", tank_key) if tank_key is not None else ("plant_key", plant_key)
        where = (
            *_of(field, key or "", kind),
            Where("measured_at", ">=", since),
            Where("verdict", "==", Verdict.GOOD),
        )
        return self.find(*where, order=_NEWEST_FIRST, limit=limit)

    def _newest(
        self, field: str, key: str, kinds: tuple[ChannelKind, ...]
    ) -> tuple[HandMeasurement, ...]:
        if self.is_unused() or not self.count(Where(field, "==", key)):
            return ()
        found = (self.first(*_of(field, key, kind), order=_NEWEST_FIRST) for kind in kinds)
        return tuple(item for item in found if item is not None)


def _of(field: str, key: str, kind: ChannelKind | None) -> tuple[Where, ...]:
    where = (Where(field, "==", key),)
    return where if kind is None else (*where, Where("kind", "==", kind))
