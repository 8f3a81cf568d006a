"""Listens in a dialog while messages arrive."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from homeassistant.components import mqtt
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from tests.home_assistant.dialog import Dialog

TANK = {"name": "Tank A", "tank_type": "nutrient", "volume": 60}


async def hear(
    dialog: Dialog,
    *messages: tuple[str, str | bytes],
    topic_filter: str = "#",
    duration_s: int = 1,
) -> None:
    """Listen for a second or longer, in which these messages arrive."""
    flows = dialog.garden.hass.config_entries.subentries
    answer: Any = await flows.async_configure(
        dialog.result["flow_id"], {"topic_filter": topic_filter, "duration": duration_s}
    )
    dialog.result = answer
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
    assert dialog.placeholders == {"topic_filter": topic_filter}
    # Let the task come to its subscription.
    for _ in range(10):
        await asyncio.sleep(0)
    for topic, payload in messages:
        async_fire_mqtt_message(dialog.garden.hass, topic, payload)
    if dialog.garden.freezer is not None:
        # The loop goes by the clock that stands still.
        dialog.garden.freezer.tick(2)
    await dialog.wait()
    if dialog.result["type"] is FlowResultType.SHOW_PROGRESS_DONE:
        await dialog.wait()


@contextmanager
def loaded_anew_meanwhile() -> Iterator[None]:
    """Let ends of subscriptions reach nobody, as those of before a reload of Home Assistant's MQTT.

    It takes its subscriptions over to a new client, while what ends one still asks the old client.
    """
    subscribe = mqtt.async_subscribe

    async def for_ever(*args: object, **more: object) -> Callable[[], None]:
        await subscribe(*args, **more)  # type: ignore[arg-type]
        return lambda: None

    with patch.object(mqtt, "async_subscribe", for_ever):
        yield
