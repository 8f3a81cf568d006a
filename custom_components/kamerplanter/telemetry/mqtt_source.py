"""The MQTT integration of Home Assistant as a source of messages."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from homeassistant.components import mqtt
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later

from .mqtt_ear import MqttEar, OnMessage

_LOGGER = logging.getLogger(__name__)

RETRY_AFTER_S = 30.0
QOS = 1


class MqttSource:
    """Subscribes through Home Assistant's own connection, which needs no second login."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        on_message: OnMessage,
        on_connection: Callable[[bool], None],
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._on_message = on_message
        self._on_connection = on_connection
        self._topics: frozenset[str] = frozenset()
        self._subscribed: dict[str, MqttEar] = {}
        self._refused: set[str] = set()
        self._apply_lock = asyncio.Lock()
        self._retry_job = HassJob(self._retry, "kamerplanter MQTT topics", cancel_on_shutdown=True)
        self._cancel_retry: CALLBACK_TYPE | None = None
        self._stop_status: CALLBACK_TYPE | None = None
        self._is_ready = False
        self._is_stopped = False
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
        if self._is_stopped:
            return
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
        if connected and self._refused:
            self._retry_after(0)

    async def set_topics(self, topics: frozenset[str]) -> None:
        """Listen to these topics and to no others."""
        self._topics = topics
        if self._is_ready:
            await self._apply()

    async def _apply(self) -> None:
        """Bring the subscriptions in line; what is refused is tried again."""
        async with self._apply_lock:
            for topic in self._subscribed.keys() - self._topics:
                self._subscribed.pop(topic).close()
            self._refused &= self._topics
            for topic in sorted(self._topics - self._subscribed.keys()):
                if self._is_ready:
                    await self._subscribe(topic)
        if self._refused and self._is_ready:
            self._retry_after(RETRY_AFTER_S)

    async def _subscribe(self, topic: str) -> None:
        ear = MqttEar(self._on_message)
        try:
            await ear.open(self._hass, topic, qos=QOS)
        except HomeAssistantError as error:
            if topic not in self._refused:
                self._refused.add(topic)
                _LOGGER.warning("Topic %s cannot be subscribed to: %s", topic, error)
            return
        self._refused.discard(topic)
        if self._is_ready:
            self._subscribed[topic] = ear
        else:
            ear.close()

    @callback
    def _retry_after(self, delay_s: float) -> None:
        if self._cancel_retry is not None:
            self._cancel_retry()
        self._cancel_retry = async_call_later(self._hass, delay_s, self._retry_job)

    async def _retry(self, _now: datetime) -> None:
        self._cancel_retry = None
        await self._apply()

    async def stop(self) -> None:
        """Listen to nothing any more."""
        self._is_stopped, self._is_ready = True, False
        for cancel in (self._stop_status, self._cancel_retry):
            if cancel is not None:
                cancel()
        self._stop_status = self._cancel_retry = None
        for ear in self._subscribed.values():
            ear.close()
        self._subscribed.clear()
