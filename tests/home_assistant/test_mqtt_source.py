"""Home Assistant's own MQTT as a source: what is refused is tried again, what ended stays ended."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import pytest
from homeassistant.components import mqtt
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from pytest_homeassistant_custom_component.common import (
    async_fire_mqtt_message,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import MqttMockHAClient, MqttMockPahoClient

from custom_components.kamerplanter.telemetry import mqtt_source
from custom_components.kamerplanter.telemetry.mqtt_source import RETRY_AFTER_S, MqttSource
from tests.home_assistant.garden import Garden, new_entry
from tests.home_assistant.listening import loaded_anew_meanwhile


class Heard:
    """A source on its own, and what it says."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []
        self.connections: list[bool] = []
        self.entry = new_entry("mqtt")
        self.entry.add_to_hass(hass)
        self.source = MqttSource(
            hass,
            self.entry,
            lambda *message: self.messages.append(message),
            self.connections.append,
        )


@contextmanager
def refusing(
    *refused: str, meanwhile: Callable[[], Awaitable[None]] | None = None
) -> Iterator[list[str]]:
    """Let Home Assistant refuse topics; gives the names of all that were asked for."""
    subscribe = mqtt.async_subscribe
    asked: list[str] = []

    async def perhaps(hass: HomeAssistant, topic: str, *args: object, **more: object) -> object:
        asked.append(topic)
        if topic in refused:
            raise HomeAssistantError(f"no {topic}")
        unsubscribe = await subscribe(hass, topic, *args, **more)  # type: ignore[arg-type]
        if meanwhile is not None:
            await meanwhile()
        return unsubscribe

    with patch.object(mqtt, "async_subscribe", perhaps):
        yield asked


def ec_of(garden: Garden, tank: str) -> str:
    return garden.state("sensor", tank, "ec").state


async def test_a_refused_topic_is_tried_again_by_itself_and_named_once(
    mqtt_garden: Garden, caplog: pytest.LogCaptureFixture
) -> None:
    with refusing("tank/ec") as asked:
        tank = await mqtt_garden.add_tank()
        await mqtt_garden.pass_time(timedelta(seconds=2 * RETRY_AFTER_S + 2))
        await mqtt_garden.pass_time(timedelta(seconds=RETRY_AFTER_S + 1))
        async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.85")
        assert ec_of(mqtt_garden, tank) == STATE_UNKNOWN
    assert asked.count("tank/ec") == 3
    assert asked.count("tank/ph") == 1, "what was granted is not asked for again"
    assert caplog.text.count("Topic tank/ec cannot be subscribed to") == 1

    await mqtt_garden.pass_time(timedelta(seconds=RETRY_AFTER_S + 1))
    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.85")

    assert ec_of(mqtt_garden, tank) == "1.85"


async def test_a_refused_topic_is_tried_again_when_the_broker_is_back(
    mqtt_garden: Garden, mqtt_client_mock: MqttMockPahoClient
) -> None:
    with refusing("tank/ec"):
        tank = await mqtt_garden.add_tank()
    mqtt_client_mock.on_disconnect(None, None, None, ReasonCode(PacketTypes.DISCONNECT))
    await mqtt_garden.settle()

    mqtt_client_mock.on_connect(mqtt_client_mock, None, 0, ReasonCode(PacketTypes.CONNACK))
    await mqtt_garden.pass_time(timedelta(seconds=1))

    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.85")
    assert ec_of(mqtt_garden, tank) == "1.85"


@pytest.fixture
async def heard(hass: HomeAssistant, mqtt_mock: MqttMockHAClient) -> AsyncGenerator[Heard]:
    """Give a source that waits for its topics."""
    made = Heard(hass)
    made.source.start()
    await hass.async_block_till_done(wait_background_tasks=True)
    yield made
    await made.source.stop()


def later(hass: HomeAssistant) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=RETRY_AFTER_S + 1))


async def test_a_refused_topic_that_nobody_wants_any_more_is_let_be(
    hass: HomeAssistant, heard: Heard
) -> None:
    with refusing("a") as asked:
        await heard.source.set_topics(frozenset({"a"}))
        await heard.source.set_topics(frozenset({"b"}))
        later(hass)
        await hass.async_block_till_done()

    assert asked == ["a", "b"]


async def test_a_topic_that_is_dropped_is_not_heard_again(
    hass: HomeAssistant, heard: Heard
) -> None:
    await heard.source.set_topics(frozenset({"a", "b"}))
    await heard.source.set_topics(frozenset({"b"}))

    async_fire_mqtt_message(hass, "a", "1")
    async_fire_mqtt_message(hass, "b", b"\xff", retain=True)

    assert heard.messages == [("b", b"\xff", True)]


async def test_changes_that_overlap_hear_each_message_once(
    hass: HomeAssistant, heard: Heard
) -> None:
    await asyncio.gather(
        *(heard.source.set_topics(frozenset(topics)) for topics in ("ab", "abc", "bc"))
    )

    for topic in "abc":
        async_fire_mqtt_message(hass, topic, "1")

    assert heard.messages == [("b", b"1", False), ("c", b"1", False)]


async def test_after_a_reload_of_mqtt_a_topic_that_comes_back_is_heard_once(
    hass: HomeAssistant, heard: Heard
) -> None:
    with loaded_anew_meanwhile():
        await heard.source.set_topics(frozenset({"a"}))
    await heard.source.set_topics(frozenset({"b"}))
    async_fire_mqtt_message(hass, "a", "0")
    await heard.source.set_topics(frozenset({"a"}))

    async_fire_mqtt_message(hass, "a", "1")

    assert heard.messages == [("a", b"1", False)]


async def test_after_a_reload_of_mqtt_a_stop_is_one_all_the_same(
    hass: HomeAssistant, heard: Heard
) -> None:
    with loaded_anew_meanwhile():
        await heard.source.set_topics(frozenset({"a"}))
    await heard.source.stop()

    async_fire_mqtt_message(hass, "a", "1")

    assert heard.messages == []


async def test_nothing_is_heard_or_tried_after_the_stop(hass: HomeAssistant, heard: Heard) -> None:
    with refusing("refused") as asked:
        await heard.source.set_topics(frozenset({"a", "refused"}))
        await heard.source.stop()
        later(hass)
        await hass.async_block_till_done()

    async_fire_mqtt_message(hass, "a", "1")
    assert heard.messages == []
    assert asked == ["a", "refused"]


async def test_a_stop_in_the_midst_of_a_subscription_undoes_it(
    hass: HomeAssistant, heard: Heard
) -> None:
    stops: list[asyncio.Task[None]] = []

    async def stop_meanwhile() -> None:
        if not stops:
            stops.append(hass.async_create_task(heard.source.stop()))
            await stops[0]

    with refusing(meanwhile=stop_meanwhile) as asked:
        await heard.source.set_topics(frozenset({"a", "b"}))

    async_fire_mqtt_message(hass, "a", "1")
    assert asked == ["a"]
    assert heard.messages == []


async def test_it_waits_for_an_mqtt_that_comes_later(
    hass: HomeAssistant,
    mqtt_mock: MqttMockHAClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = iter([False, False, True])
    monkeypatch.setattr(mqtt_source, "RETRY_AFTER_S", 0)

    async def is_there(_hass: HomeAssistant) -> bool:
        return next(answers)

    heard = Heard(hass)
    await heard.source.set_topics(frozenset({"a"}))
    with patch.object(mqtt, "async_wait_for_mqtt_client", is_there):
        heard.source.start()
        await hass.async_block_till_done(wait_background_tasks=True)
    async_fire_mqtt_message(hass, "a", "1")

    assert heard.connections == [False, False, True]
    assert heard.messages == [("a", b"1", False)]
    assert caplog.text.count("MQTT broker is gone") == 1
    assert caplog.text.count("MQTT broker is back") == 1
    await heard.source.stop()


async def test_a_source_that_was_stopped_while_it_waited_stays_silent(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient
) -> None:
    is_there = asyncio.Event()

    async def wait(_hass: HomeAssistant) -> bool:
        return await is_there.wait()

    heard = Heard(hass)
    await heard.source.set_topics(frozenset({"a"}))
    with patch.object(mqtt, "async_wait_for_mqtt_client", wait):
        heard.source.start()
        await heard.source.stop()
        is_there.set()
        await hass.async_block_till_done(wait_background_tasks=True)
    async_fire_mqtt_message(hass, "a", "1")

    assert heard.connections == []
    assert heard.messages == []
