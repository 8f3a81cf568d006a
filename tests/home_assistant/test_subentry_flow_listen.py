"""Listening now: what arrives can be chosen, from Home Assistant's MQTT and from an own broker."""

from typing import Any
from unittest.mock import patch

import pytest
from aiomqtt import Client
from homeassistant.components import mqtt
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message
from pytest_homeassistant_custom_component.typing import MqttMockHAClient

from custom_components.kamerplanter.flows import listen
from custom_components.kamerplanter.flows.listen import MAX_HEARD
from demo.ports import free_port
from kamerplanter_backend.telemetry.broker.settings import is_topic_filter
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.probe_engine import is_topic
from tests.backend.telemetry.brokers import HOST, amqtt_broker
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.garden import Garden, new_entry
from tests.home_assistant.listening import TANK, hear, loaded_anew_meanwhile

pytestmark = pytest.mark.usefixtures("gardens_are_closed")


async def to_listen(garden: Garden) -> Dialog:
    dialog = await (await Dialog.add(garden, "tank")).fill(**TANK)
    return await dialog.choose("value_ec", "listen")


async def test_what_was_heard_can_be_chosen(mqtt_garden: Garden) -> None:
    dialog = await to_listen(mqtt_garden)
    assert dialog.suggested == {"topic_filter": "#", "duration": 5}

    await hear(
        dialog,
        ("tele/doser/SENSOR", b'{"EZO-1": {"EC": 1850, "pH": 5.9}, "name": "doser"}'),
        ("tank/ec", b"1.85"),
        ("tank/ec", b"1.86"),
        ("tank/picture", b"\xff\xd8\xff"),
        ("tele/doser/LWT", b"Online"),
    )

    assert dialog.step == "heard"
    assert list(dialog.labels("heard").values())[:3] == [
        "tank/ec = 1.86",
        "tele/doser/SENSOR → EZO-1.EC = 1850",
        "tele/doser/SENSOR → EZO-1.pH = 5.9",
    ]
    await dialog.fill(heard="1")
    assert dialog.step == "topic"
    assert dialog.suggested["topic"] == "tele/doser/SENSOR"
    assert dialog.suggested["path"] == "EZO-1.EC"
    await dialog.fill(topic="tele/doser/SENSOR", path="EZO-1.EC", unit="µS/cm")
    assert dialog.step == "values"

    # The next value is chosen from what is known already, and so is the last will.
    await dialog.choose("value_ph", "heard")
    await dialog.fill(heard="2")
    await dialog.fill(topic="tele/doser/SENSOR", path="EZO-1.pH")
    await dialog.choose("availability")
    assert dialog.suggested == {"topic": "tele/doser/LWT", "path": ""}
    await dialog.fill(topic="tele/doser/#")
    assert dialog.errors == {"topic": "bad_topic"}
    await dialog.fill(topic="tele/doser/LWT")
    await dialog.choose("finish")

    probe = mqtt_garden.snapshot.probes[0].probe
    assert {channel.kind for channel in probe.channels} == {ChannelKind.EC, ChannelKind.PH}
    assert probe.availability is not None
    assert probe.availability.topic == "tele/doser/LWT"
    subentry = next(iter(mqtt_garden.entry.subentries.values()))
    assert subentry.data["bindings"]["availability"] == {"topic": "tele/doser/LWT"}


async def test_an_availability_is_shown_again_and_can_be_cleared(mqtt_garden: Garden) -> None:
    probe = await mqtt_garden.add_probe(await mqtt_garden.add_plant())
    dialog = await Dialog.change(mqtt_garden, mqtt_garden.subentry(probe))
    await dialog.fill(**dialog.suggested)
    await dialog.choose("availability")
    # The list of values comes back, so the button says that it goes on.
    assert dialog.result["last_step"] is False
    assert dialog.suggested == {"topic": "bed/status"}
    await dialog.fill(topic="bed/status", path="p" * 501)
    assert dialog.errors == {"path": "text_too_long"}

    await dialog.fill()
    await dialog.choose("finish")
    await mqtt_garden.derive()

    assert mqtt_garden.snapshot.probes[0].probe.availability is None


async def test_a_value_with_a_decimal_comma_is_picked_as_one(mqtt_garden: Garden) -> None:
    dialog = await to_listen(mqtt_garden)

    await hear(dialog, ("tank/ec", "1,85"), ("tank/name", "left, small"))

    # Numbers come first, those with a comma too.
    assert list(dialog.labels("heard").values()) == ["tank/ec = 1,85", "tank/name = left, small"]
    await dialog.fill(heard="0")
    assert dialog.suggested["decimal_comma"] is True


async def test_only_what_fits_the_filter_is_heard(mqtt_garden: Garden) -> None:
    dialog = await to_listen(mqtt_garden)

    await hear(dialog, ("tank/ec", "1.8"), ("kitchen/light", "1"), topic_filter="tank/#")

    assert list(dialog.labels("heard").values()) == ["tank/ec = 1.8"]


async def test_silence_is_said_and_one_can_listen_again(mqtt_garden: Garden) -> None:
    dialog = await to_listen(mqtt_garden)
    await hear(dialog)
    assert (dialog.step, dialog.errors) == ("listen", {"base": "nothing_heard"})

    await hear(dialog, ("tank/ec", "1.8"))

    assert dialog.step == "heard"


async def test_a_busy_broker_is_cut_off(mqtt_garden: Garden) -> None:
    dialog = await to_listen(mqtt_garden)

    await hear(dialog, *[(f"device/{number}", "1") for number in range(MAX_HEARD + 20)])

    assert len(dialog.labels("heard")) == MAX_HEARD


async def test_words_take_no_room_of_a_number(mqtt_garden: Garden) -> None:
    dialog = await to_listen(mqtt_garden)
    words = [(f"device/{number}", "on") for number in range(MAX_HEARD)]

    await hear(dialog, *words, ("tank/ec", "1.8"), ("device/0", "7"))

    labels = list(dialog.labels("heard").values())
    assert len(labels) == MAX_HEARD
    assert labels[:2] == ["device/0 = 7", "tank/ec = 1.8"]
    assert "device/0 = on" not in labels


async def test_a_filter_that_cannot_be_subscribed_to_is_asked_for_again(
    mqtt_garden: Garden,
) -> None:
    dialog = await to_listen(mqtt_garden)

    await dialog.fill(topic_filter="tank/#/ec", duration=1)

    assert dialog.errors == {"topic_filter": "bad_topic_filter"}


async def test_a_broker_that_is_away_is_said(
    mqtt_garden: Garden, mqtt_mock: MqttMockHAClient
) -> None:
    dialog = await to_listen(mqtt_garden)
    mqtt_mock.connected = False

    await hear(dialog)

    assert dialog.errors == {"base": "mqtt_not_ready"}


async def test_a_broker_that_goes_just_then_is_said(
    mqtt_garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = await to_listen(mqtt_garden)

    async def refuses(*_: object, **_kw: object) -> None:
        raise HomeAssistantError("MQTT is not set up")

    monkeypatch.setattr(mqtt, "async_subscribe", refuses)
    await hear(dialog)

    assert (dialog.step, dialog.errors) == ("listen", {"base": "mqtt_not_ready"})


async def test_after_a_reload_of_mqtt_meanwhile_nobody_listens_on(
    mqtt_garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: list[str] = []

    def describe(topic: str, _payload: bytes) -> tuple[()]:
        described.append(topic)
        return ()

    monkeypatch.setattr(listen, "describe_message", describe)
    dialog = await to_listen(mqtt_garden)
    with loaded_anew_meanwhile():
        await hear(dialog, ("tank/ec", "1.8"))
    async_fire_mqtt_message(mqtt_garden.hass, "tank/ph", "5.9")

    assert described == ["tank/ec"]


async def test_without_a_source_of_messages_there_is_nothing_to_listen_to(garden: Garden) -> None:
    dialog = await (await Dialog.add(garden, "tank")).fill(**TANK)
    assert "availability" not in dialog.options

    await dialog.choose("value_ec")
    assert dialog.options == ["topic", "entity", "values"]
    await dialog.choose("values")
    assert dialog.step == "values"


async def test_a_dialog_that_is_left_listens_no_longer(mqtt_garden: Garden) -> None:
    dialog = await to_listen(mqtt_garden)
    flows = mqtt_garden.hass.config_entries.subentries
    await flows.async_configure(dialog.result["flow_id"], {"topic_filter": "#", "duration": 300})
    flow: Any = flows._progress[dialog.result["flow_id"]]

    flows.async_abort(dialog.result["flow_id"])
    await mqtt_garden.settle()

    assert flow._listening.cancelled()


# --- An own broker --------------------------------------------------------------------------


async def own_garden(hass: HomeAssistant, port: int, **more: object) -> Garden:
    broker = {"host": HOST, "port": port, "tls": False, "verify_certificate": True} | more
    garden = Garden(hass, new_entry("broker", broker=broker), None)
    await garden.set_up()
    return garden


@pytest.mark.usefixtures("socket_enabled")
async def test_an_own_broker_is_listened_to(hass: HomeAssistant) -> None:
    async with amqtt_broker() as port:
        garden = await own_garden(hass, port)
        async with Client(HOST, port) as client:
            # A retained message arrives whenever one begins to listen.
            await client.publish("tank/device", b'{"ec": 1.85}', qos=1, retain=True)
        dialog = await to_listen(garden)

        await hear(dialog, topic_filter="tank/#", duration_s=3)

        assert list(dialog.labels("heard").values()) == ["tank/device → ec = 1.85"]
        await garden.unload()


@pytest.mark.usefixtures("socket_enabled")
async def test_an_own_broker_that_is_away_is_said(hass: HomeAssistant) -> None:
    garden = await own_garden(hass, free_port())
    dialog = await to_listen(garden)

    await hear(dialog)

    assert dialog.errors == {"base": "cannot_connect"}


@pytest.mark.usefixtures("socket_enabled")
async def test_a_certificate_that_cannot_be_read_is_said(hass: HomeAssistant) -> None:
    garden = await own_garden(hass, free_port())
    broker = dict(garden.entry.data["broker"]) | {"tls": True, "ca_certificate": "rubbish"}
    dialog = await to_listen(garden)
    # As if the entry had been edited by hand; a reload would follow, so without its listener.
    with patch.object(garden.entry, "update_listeners", []):
        hass.config_entries.async_update_entry(
            garden.entry, data={**garden.entry.data, "broker": broker}
        )

    await hear(dialog)

    assert dialog.errors == {"base": "tls_failed"}


@pytest.mark.parametrize("text", ["#", "a/#", "+/a", "a/+/b", "a", "/", "$SYS/#", "ä/ü"])
def test_a_filter_that_mqtt_knows_is_taken(text: str) -> None:
    assert is_topic_filter(text)
    assert is_topic(text) == (not set(text) & {"#", "+"})


@pytest.mark.parametrize("text", ["", "a#", "#/a", "a/#/b", "a+", "a\0b", "a/b#"])
def test_a_filter_that_mqtt_does_not_know_is_refused(text: str) -> None:
    assert not is_topic_filter(text)
    assert not is_topic(text)
