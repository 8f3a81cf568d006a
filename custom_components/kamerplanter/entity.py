"""The base of all entities: a view of the newest snapshot and a row that says how to read it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol, cast, override

from homeassistant.core import callback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from kamerplanter_backend.client.protocol import Caller

from .caller import async_caller
from .coordinator import GardenCoordinator, KamerplanterConfigEntry
from .device import device_info, object_key
from .subjects import Subject


class Row[V](Protocol):
    """As much of a row as the base needs. `V` is the view that it reads."""

    @property
    def key(self) -> str:
        """Name of the row, unique for its kind of subject; texts and unique ids use it."""

    @property
    def attributes_fn(self) -> Callable[[V], dict[str, object] | None]:
        """Returns the attributes beside the state."""

    @property
    def lasts_fn(self) -> Callable[[V], timedelta | None]:
        """Returns how long it is shown while its server does not answer; none = always."""


class GardenEntity[V](CoordinatorEntity[GardenCoordinator]):
    """An entity of one subject. `V` is its view."""

    _attr_has_entity_name = True

    def __init__(self, entry: KamerplanterConfigEntry, subject: Subject, row: Row[V]) -> None:
        super().__init__(entry.runtime_data.coordinator)
        self.entry = entry
        self.subject = subject
        self._row = row
        self._attr_translation_key = row.key
        self._attr_unique_id = f"{object_key(entry, subject)}_{row.key}"
        self._attr_device_info = device_info(entry, subject)
        self._was_available = False

    @property
    def view(self) -> V | None:
        """Return what the snapshot says about the subject; none = it is not there (any more)."""
        return cast("V | None", self.coordinator.view(self.subject))

    @property
    @override
    def available(self) -> bool:
        if not super().available or (view := self.view) is None:
            return False
        return not self.coordinator.is_older_than(self._row.lasts_fn(view))

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        return None if (view := self.view) is None else self._row.attributes_fn(view)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write the state if the snapshot says something new about the subject."""
        available = self.available
        if self.subject in self.coordinator.changed or available != self._was_available:
            self._was_available = available
            self.async_write_ha_state()

    async def async_caller(self) -> Caller:
        """Return who is behind the call that is being served."""
        return await async_caller(self.hass, self._context)
