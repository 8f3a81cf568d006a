"""What arrives on a topic filter now, so that nobody has to type a topic blind."""

import asyncio
import ssl
from dataclasses import dataclass

from homeassistant.components import mqtt
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from kamerplanter_backend.telemetry.broker.aiomqtt_source import listen_for
from kamerplanter_backend.telemetry.broker.settings import (
    BrokerClosed,
    BrokerError,
    BrokerTimeout,
    CertificateRefused,
    HostUnreachable,
    LoginRefused,
    TlsFailed,
)
from kamerplanter_backend.telemetry.discovery.listening import Heard, describe_message
from kamerplanter_backend.telemetry.discovery.proposals import Discovery
from kamerplanter_backend.telemetry.messages.device_profiles import ProfileTable

from ..const import (  # noqa: TID252 - the neighbours import alike
    CONF_BROKER,
    CONF_READINGS,
    CONF_STORE_ID,
    ReadingsSource,
)
from ..coordinator import KamerplanterConfigEntry  # noqa: TID252
from ..telemetry.broker_source import broker_settings  # noqa: TID252
from ..telemetry.mqtt_ear import MqttEar, OnMessage  # noqa: TID252

MQTT_DOMAIN = "mqtt"
MAX_HEARD = 500
"""More values than a person reads through; later ones are left out."""

BROKER_ERROR_KEYS: dict[type[BrokerError], str] = {
    HostUnreachable: "cannot_connect",
    LoginRefused: "invalid_auth",
    TlsFailed: "tls_failed",
    CertificateRefused: "certificate_refused",
    BrokerClosed: "broker_closed",
    BrokerTimeout: "timeout",
}
"""Translation keys of what a connection can fail of."""


class ListenError(Exception):
    """Nothing could be listened to; `key` is the translation key of the reason."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def broker_error_key(error: BrokerError) -> str:
    """Return the translation key of a failed connection."""
    return BROKER_ERROR_KEYS.get(type(error), "cannot_connect")


@dataclass(frozen=True, slots=True)
class AllHeard:
    """What arrived while somebody listened."""

    values: tuple[Heard, ...]
    """The newest of each place, numbers first."""
    discovery: Discovery
    """The same by device."""


class _Listener:
    """Keeps the newest value of each place; words take no room of those with a number."""

    def __init__(self, table: ProfileTable) -> None:
        self._discovery = Discovery(table)
        self._numbers: dict[tuple[str, str | None], Heard] = {}
        self._words: dict[tuple[str, str | None], Heard] = {}

    def on_message(self, topic: str, payload: bytes, _retained: bool = False) -> None:
        items = describe_message(topic, payload)
        self._discovery.take(topic, items)
        for item in items:
            place = (item.topic, item.path)
            kept, other = self._numbers, self._words
            if item.number is None:
                kept, other = other, kept
            if place in kept or len(kept) < MAX_HEARD:
                kept[place] = item
                other.pop(place, None)

    def result(self) -> AllHeard:
        values = [
            item
            for kept in (self._numbers, self._words)
            for item in sorted(kept.values(), key=lambda it: (it.topic, it.path or ""))
        ]
        return AllHeard(tuple(values[:MAX_HEARD]), self._discovery)


async def async_listen(
    hass: HomeAssistant,
    entry: KamerplanterConfigEntry,
    table: ProfileTable,
    topic_filter: str,
    duration_s: float,
) -> AllHeard:
    """Listen to the entry's source of messages.

    Args:
        hass: Where it runs.
        entry: Whose source of messages it is.
        table: What is known of devices.
        topic_filter: What to subscribe to.
        duration_s: How long. [s]

    Raises:
        ListenError: The source cannot be used.
    """
    listener = _Listener(table)
    if entry.data[CONF_READINGS] == ReadingsSource.BROKER:
        try:
            settings = await hass.async_add_executor_job(
                broker_settings, entry.data[CONF_BROKER], entry.data[CONF_STORE_ID]
            )
            await listen_for(settings, topic_filter, listener.on_message, duration_s=duration_s)
        except BrokerError as error:
            raise ListenError(broker_error_key(error)) from error
        except ssl.SSLError as error:
            raise ListenError("tls_failed") from error
    else:
        await _listen_to_mqtt(hass, topic_filter, listener.on_message, duration_s)
    return listener.result()


async def _listen_to_mqtt(
    hass: HomeAssistant,
    topic_filter: str,
    on_message: OnMessage,
    duration_s: float,
) -> None:
    if not hass.config_entries.async_loaded_entries(MQTT_DOMAIN) or not mqtt.is_connected(hass):
        raise ListenError("mqtt_not_ready")

    ear = MqttEar(on_message)
    try:
        await ear.open(hass, topic_filter, qos=0)
    except HomeAssistantError as error:
        # It went away between the question above and this.
        raise ListenError("mqtt_not_ready") from error
    try:
        await asyncio.sleep(duration_s)
    finally:
        ear.close()
