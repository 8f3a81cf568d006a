"""Stored tasks."""

from collections.abc import Sequence

from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.models.task import Task, TaskKind, TaskState

_OPEN = Where("state", "==", TaskState.OPEN)


class TaskRepository(Repository[Task]):
    """The tasks of a garden."""

    collection = Collection(
        "tasks",
        Task,
        indexes=(
            ("state",),
            ("plant_key", "state"),
            ("tank_key", "state"),
            ("due_on",),
            ("due_at",),
        ),
        references=(
            Reference("plant_key", "plants", on_delete=OnDelete.CASCADE),
            Reference("tank_key", "tanks", on_delete=OnDelete.CASCADE),
            Reference("irrigation_key", "irrigations", on_delete=OnDelete.CLEAR),
            Reference("confirmation_key", "care_confirmations", on_delete=OnDelete.CLEAR),
        ),
    )

    def open(self) -> list[Task]:
        """Return the open tasks."""
        return self.find(_OPEN)

    def open_of_plant(self, plant_key: str, kind: TaskKind | None = None) -> list[Task]:
        """Return the open tasks of a plant, of one kind if given."""
        return self._open_of("plant_key", plant_key, kind)

    def open_of_tank(self, tank_key: str, kind: TaskKind | None = None) -> list[Task]:
        """Return the open tasks of a tank, of one kind if given."""
        return self._open_of("tank_key", tank_key, kind)

    def open_of_tanks(self, tank_keys: Sequence[str]) -> list[Task]:
        """Return the open tasks of tanks."""
        return self.find_each("tank_key", tank_keys, _OPEN)

    def _open_of(self, field: str, key: str, kind: TaskKind | None) -> list[Task]:
        where = [Where(field, "==", key), _OPEN]
        if kind is not None:
            where.append(Where("kind", "==", kind))
        return self.find(*where)
