"""One subscription by Home Assistant's own MQTT that ends when we say so."""

from collections.abc import Callable

from homeassistant.components import mqtt
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback

type OnMessage = Callable[[str, bytes, bool], None]
"""Told of topic, payload and whether the broker had kept it."""


class MqttEar:
    """Hears one topic, or all of one filter, until it is closed.

    A reload of Home Assistant's MQTT takes subscriptions over to a new client, while what ends
    one asks the client of when it began: the messages go on, so being deaf is up to us.

    Args:
        on_message: Told of each message.
    """

    def __init__(self, on_message: OnMessage) -> None:
        self._on_message: OnMessage | None = on_message
        self._unsubscribe: CALLBACK_TYPE | None = None

    async def open(self, hass: HomeAssistant, topic: str, *, qos: int) -> None:
        """Subscribe to the topic or filter.

        Raises:
            HomeAssistantError: It was refused.
        """
        # Bytes, as a text would be refused before we could count it.
        self._unsubscribe = await mqtt.async_subscribe(
            hass, topic, self._received, qos, encoding=None
        )

    @callback
    def close(self) -> None:
        """Hear nothing any more, and hold nobody in memory who did."""
        self._on_message = None
        if self._unsubscribe is not None:
            self._unsubscribe()

    @callback
    def _received(self, message: mqtt.ReceiveMessage) -> None:
        if self._on_message is None:
            return
        payload = message.payload
        raw = payload.encode() if isinstance(payload, str) else bytes(payload)
        self._on_message(message.topic, raw, message.retain)
