"""Which source an entry has chosen for the messages of its devices."""

from collections.abc import Callable

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..const import CONF_READINGS, ReadingsSource  # noqa: TID252 - the neighbours import alike
from . import MakeSource, MessageSource
from .broker_source import BrokerSource
from .mqtt_source import MqttSource

CONF_TIME_SCALE = "time_scale"


def time_scale(entry: ConfigEntry) -> float:
    """Return how many times faster than a clock the garden lives; above 1 in a demo only."""
    return float(entry.options.get(CONF_TIME_SCALE, 1.0))


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
