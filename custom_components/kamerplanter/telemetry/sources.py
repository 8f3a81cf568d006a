"""Which source an entry has chosen for the messages of its devices."""

from collections.abc import Callable

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..const import CONF_READINGS, ReadingsSource  # noqa: TID252 - the neighbours import alike
from .broker_source import BrokerSource
from .mqtt_source import MqttSource
from .protocols import MakeSource, MessageSource


def message_source(hass: HomeAssistant, entry: ConfigEntry) -> MakeSource:
    """Return what makes the source of an entry."""

    def make(
        on_message: Callable[[str, bytes, bool], None], on_connection: Callable[[bool], None]
    ) -> MessageSource | None:
        match entry.data.get(CONF_READINGS):
            case ReadingsSource.MQTT:
                return MqttSource(hass, entry, on_message, on_connection)
            case ReadingsSource.BROKER:
                return BrokerSource(hass, entry, on_message, on_connection)
            case _:
                return None

    return make
