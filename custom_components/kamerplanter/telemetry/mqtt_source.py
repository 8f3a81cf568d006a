"""The MQTT integration of Home Assistant as a source of messages."""

import asyncio
import logging
from collections.abc import Callable

from homeassistant.components import mqtt
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

_LOGGER = logging.getLogger(__name__)

RETRY_AFTER_S = 30.0
QOS = 1


class MqttSource:
    """Subscribes through Home Assistant's own connection, which needs no second login."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        on_message: Callable[[str, bytes, bool], None],
        on_connection: Callable[[bool], None],
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._on_message = on_message
        self._on_connection = on_connection
        self._topics: frozenset[str] = frozenset()
        self._subscribed: dict[str, CALLBACK_TYPE] = {}
        self._stop_status: CALLBACK_TYPE | None = None
        self._is_ready = False
        self._is_loss_logged = False

    @callback
    def start(self) -> None:
        """Wait for the MQTT integration in the background; tasks and gates work without it."""
        self._entry.async_create_background_task(
            self._hass, self._connect(), "kamerplanter waits for MQTT"
        )

    async def _connect(self) -> None:
        while not await mqtt.async_wait_for_mqtt_client(self._hass):
            self._connection_changed(False)
            await asyncio.sleep(RETRY_AFTER_S)
        self._is_ready = True
        self._stop_status = mqtt.async_subscribe_connection_status(
            self._hass, self._connection_changed
        )
        self._connection_changed(mqtt.is_connected(self._hass))
        await self._apply()

    @callback
    def _connection_changed(self, connected: bool) -> None:
        if connected == self._is_loss_logged:
            self._is_loss_logged = not connected
            if connected:
                _LOGGER.info("The MQTT broker is back")
            else:
                _LOGGER.warning("The MQTT broker is gone; values stay until they are too old")
        self._on_connection(connected)

    async def set_topics(self, topics: frozenset[str]) -> None:
        """Listen to these topics and to no others."""
        self._topics = topics
        if self._is_ready:
            await self._apply()

    async def _apply(self) -> None:
        for topic in self._subscribed.keys() - self._topics:
            self._subscribed.pop(topic)()
        for topic in sorted(self._topics - self._subscribed.keys()):
            try:
                # Bytes, as a text would be refused before we could count it.
                self._subscribed[topic] = await mqtt.async_subscribe(
                    self._hass, topic, self._received, QOS, encoding=None
                )
            except HomeAssistantError as error:
                _LOGGER.warning("Topic %s cannot be subscribed to: %s", topic, error)

    @callback
    def _received(self, message: mqtt.ReceiveMessage) -> None:
        payload = message.payload
        raw = payload.encode() if isinstance(payload, str) else bytes(payload)
        self._on_message(message.topic, raw, message.retain)

    async def stop(self) -> None:
        """Listen to nothing any more."""
        if self._stop_status is not None:
            self._stop_status()
            self._stop_status = None
        for unsubscribe in self._subscribed.values():
            unsubscribe()
        self._subscribed.clear()
        self._is_ready = False
