"""Entities about the connection to a server: written when it changes, at once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.sensor import SensorEntity
from homeassistant.core import callback

from kamerplanter_backend.client.queue_state import QueueState

from .coordinator import KamerplanterConfigEntry
from .descriptions.rows import LinkBinary, LinkSensor
from .entity import GardenEntity
from .subjects import Subject


class LinkEntity(GardenEntity[Any]):
    """Shows something of the connection, whether or not the server answers."""

    entity_description: LinkSensor | LinkBinary

    def __init__(
        self, entry: KamerplanterConfigEntry, subject: Subject, row: LinkSensor | LinkBinary
    ) -> None:
        super().__init__(entry, subject, row)
        self.entity_description = row
        self._server = entry.runtime_data.server

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self._server.queue.on_state(self._changed))

    @callback
    def _changed(self, _state: QueueState) -> None:
        self.async_write_ha_state()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        self.async_write_ha_state()

    @property
    @override
    def available(self) -> bool:
        return True

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        return self.entity_description.attributes_fn(self._server)


class LinkSensorEntity(LinkEntity, SensorEntity):
    """A number or a moment."""

    entity_description: LinkSensor

    @property
    @override
    def native_value(self) -> int | datetime | None:
        return self.entity_description.value_fn(self._server)


class LinkBinaryEntity(LinkEntity, BinarySensorEntity):
    """A yes or no."""

    entity_description: LinkBinary

    @property
    @override
    def is_on(self) -> bool:
        return self.entity_description.is_on_fn(self._server)
