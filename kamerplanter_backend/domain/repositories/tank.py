"""Stored tanks and their alerts."""

from collections.abc import Sequence

from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.models.tank import Tank, TankAlert, TankProblem


class TankRepository(Repository[Tank]):
    """The tanks of a garden."""

    collection = Collection(
        "tanks",
        Tank,
        unique=(("name",),),
        indexes=(("location_key",),),
        references=(Reference("location_key", "locations", on_delete=OnDelete.CLEAR),),
    )

    def living(self) -> list[Tank]:
        """Return the tanks that are not archived."""
        return self.find(Where("archived_at", "is_null", True))


class TankAlertRepository(Repository[TankAlert]):
    """What is or was wrong with a tank: one document per tank and problem."""

    collection = Collection(
        "tank_alerts",
        TankAlert,
        unique=(("tank_key", "kind"),),
        references=(Reference("tank_key", "tanks", on_delete=OnDelete.CASCADE),),
    )

    def of_tank(self, tank_key: str) -> list[TankAlert]:
        """Return the alerts of a tank."""
        return self.find(Where("tank_key", "==", tank_key))

    def of_tanks(self, tank_keys: Sequence[str]) -> list[TankAlert]:
        """Return the alerts of tanks."""
        return self.find_each("tank_key", tank_keys)

    def for_problem(self, tank_key: str, kind: TankProblem) -> TankAlert | None:
        """Return the alert of a tank for one problem."""
        return self.first(Where("tank_key", "==", tank_key), Where("kind", "==", kind))
