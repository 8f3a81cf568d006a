"""From a message to a state, and what a state is when messages are missing or bad."""

import gc
import re
import tracemalloc
from datetime import timedelta

import pytest
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.entity import Entity
from homeassistant.util import dt as dt_util
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_mqtt_message,
)
from pytest_homeassistant_custom_component.typing import MqttMockHAClient, MqttMockPahoClient

from custom_components.kamerplanter.const import DOMAIN
from kamerplanter_backend.client.requests import ListReadings, UpdateProbe
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from tests.home_assistant.garden import Garden
from tests.home_assistant.quality import refused


def say(garden: Garden, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
    async_fire_mqtt_message(garden.hass, topic, payload, retain=retain)


async def test_a_message_is_a_state_before_anything_else_happens(mqtt_garden: Garden) -> None:
    """F-10: no second passes from one to the other, and no turn of the loop."""
    tank = await mqtt_garden.add_tank()
    mqtt_garden.freezer.tick(60)
    sent_at = dt_util.utcnow()

    say(mqtt_garden, "tank/ec", "1.85")

    state = mqtt_garden.state("sensor", tank, "ec")
    assert state.state == "1.85"
    assert state.last_reported == sent_at
    assert state.attributes["measured_at"] == sent_at
    assert state.attributes["unit_of_measurement"] == "mS/cm"


async def test_readings_reach_the_store_within_a_second(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    probe = mqtt_garden.subentry(tank).data["probe_key"]
    now = mqtt_garden.snapshot.taken_at

    say(mqtt_garden, "tank/ec", "1.85")
    await mqtt_garden.pass_time(timedelta(seconds=1))

    stored = await mqtt_garden.ask(
        ListReadings(
            probe_key=probe,
            kind=ChannelKind.EC,
            from_at=now - timedelta(minutes=1),
            until_at=now + timedelta(minutes=1),
        )
    )
    assert [reading.value for reading in stored] == [1.85]


async def test_only_the_touched_channels_are_written(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    say(mqtt_garden, "tank/ph", "6.1")
    ph_before = mqtt_garden.state("sensor", tank, "ph")
    mqtt_garden.freezer.tick(1)

    say(mqtt_garden, "tank/ec", "1.85")

    assert mqtt_garden.state("sensor", tank, "ph").last_reported == ph_before.last_reported


@pytest.mark.parametrize("word", ["nan", "NaN", "inf", "-inf"], ids=lambda word: f"F-11 {word}")
async def test_not_a_number_never_becomes_a_state(
    mqtt_garden: Garden, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)
    tank = await mqtt_garden.add_tank()
    say(mqtt_garden, "tank/ph", "6.10")
    assert mqtt_garden.state("sensor", tank, "ph_raw").state == "6.1"
    written = async_capture_events(mqtt_garden.hass, EVENT_STATE_CHANGED)

    say(mqtt_garden, "tank/ph", word)
    await mqtt_garden.derive()

    assert mqtt_garden.state("sensor", tank, "ph").state == "6.1"
    assert mqtt_garden.state("sensor", tank, "ph_quality").state == "bad"
    mqtt_garden.freezer.tick(60)
    say(mqtt_garden, "tank/ph", "6.04")
    assert mqtt_garden.state("sensor", tank, "ph").state == "6.04"
    await mqtt_garden.derive()
    states = [*mqtt_garden.hass.states.async_all(), *(event.data["new_state"] for event in written)]
    texts = [f"{state.state} {dict(state.attributes)}" for state in states]
    assert [text for text in texts if re.search(r"\b(nan|inf)\b", text, re.IGNORECASE)] == []


async def test_f02_a_power_on_value_is_no_heat(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()

    for value, shown in (("20.3", "20.3"), ("85.0", "20.3"), ("20.4", "20.4")):
        say(mqtt_garden, "tank/temperature", value)
        assert mqtt_garden.state("sensor", tank, "water_temperature").state == shown
        await mqtt_garden.pass_time(timedelta(minutes=2), step=timedelta(seconds=30))

    assert mqtt_garden.state("binary_sensor", tank, "temperature_problem").state != "on"


async def test_f03_a_cut_wire_ages_to_unknown(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    say(mqtt_garden, "tank/temperature", "20.3")

    mqtt_garden.freezer.tick(120)
    say(mqtt_garden, "tank/temperature", "-127.00")

    assert mqtt_garden.state("sensor", tank, "water_temperature").state == "20.3"
    await mqtt_garden.pass_time(timedelta(hours=4, seconds=1))
    assert mqtt_garden.state("sensor", tank, "water_temperature").state == STATE_UNKNOWN
    quality = mqtt_garden.state("sensor", tank, "measurement_quality")
    assert quality.attributes["water_temperature"] == "stale"


async def test_f06_a_last_will_takes_the_device_away_at_once(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(plant)
    say(mqtt_garden, "bed/soil", '{"moisture": 41}')

    say(mqtt_garden, "bed/status", "Offline", retain=True)
    assert mqtt_garden.state("sensor", probe, "soil_moisture").state == STATE_UNAVAILABLE

    say(mqtt_garden, "bed/status", "Online")
    assert mqtt_garden.state("sensor", probe, "soil_moisture").state == "41.0"


async def test_f06_a_device_that_was_away_for_long_has_no_value(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(plant)
    say(mqtt_garden, "bed/soil", '{"moisture": 41}')
    say(mqtt_garden, "bed/status", "offline")

    await mqtt_garden.pass_time(timedelta(hours=8, seconds=1))
    say(mqtt_garden, "bed/status", "online")

    assert mqtt_garden.state("sensor", probe, "soil_moisture").state == STATE_UNKNOWN


async def test_f23_a_retained_value_without_a_time_is_not_shown(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(plant)

    say(mqtt_garden, "bed/soil", '{"moisture": 38, "temperature": 21.0}', retain=True)

    assert mqtt_garden.state("sensor", probe, "soil_moisture").state == STATE_UNKNOWN
    assert mqtt_garden.state("sensor", probe, "measurement_quality").state == "stale"


async def test_f39_clearing_a_retained_topic_changes_nothing(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    say(mqtt_garden, "tank/ec", "1.85")

    say(mqtt_garden, "tank/ec", "", retain=True)

    assert mqtt_garden.state("sensor", tank, "ec").state == "1.85"


async def test_f40_a_last_will_on_the_topic_of_the_value(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(
        channels=(ChannelBinding(kind=ChannelKind.PH, topic="sensors/tank/ph"),)
    )

    say(mqtt_garden, "sensors/tank/ph", "6.01")
    assert mqtt_garden.state("sensor", tank, "ph").state == "6.01"
    say(mqtt_garden, "sensors/tank/ph", "offline")
    assert mqtt_garden.state("sensor", tank, "ph").state == STATE_UNAVAILABLE
    mqtt_garden.freezer.tick(60)
    say(mqtt_garden, "sensors/tank/ph", "6.02")
    assert mqtt_garden.state("sensor", tank, "ph").state == "6.02"


async def test_f42_broken_bytes_cost_nothing(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()

    say(mqtt_garden, "tank/ec", b"\xff\xfe1.")
    say(mqtt_garden, "tank/ec", "x" * 300_000)
    say(mqtt_garden, "tank/ec", "[1.8, 6.0]")
    assert mqtt_garden.state("sensor", tank, "ec").state == STATE_UNKNOWN
    mqtt_garden.freezer.tick(60)
    sent_at = dt_util.utcnow()
    say(mqtt_garden, "tank/ec", "1.7")

    state = mqtt_garden.state("sensor", tank, "ec")
    assert (state.state, state.last_reported) == ("1.7", sent_at)
    assert sum(refused(mqtt_garden)["ec"].values()) == 3


@pytest.mark.parametrize("kilobytes", [200, 300], ids=["read", "too_long"])
async def test_f42_nothing_of_broken_bytes_is_kept(
    mqtt_garden: Garden, mqtt_mock: MqttMockHAClient, kilobytes: int
) -> None:
    await mqtt_garden.add_tank()

    def send(count: int) -> None:
        for number in range(count):
            text = f"{number:04},".encode() * (kilobytes * 200)
            for begin in (b"", b"[", b'{"ec": "', b"\xff\xfe"):
                say(mqtt_garden, "tank/ec", begin + text)
        mqtt_mock.reset_mock()  # it keeps what it is called with
        gc.collect()

    send(3)
    tracemalloc.start()
    try:
        send(5)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # One of twenty would be more.
    assert kept < kilobytes * 1000
    assert sum(refused(mqtt_garden)["ec"].values()) == 4 * 8


async def test_refused_readings_make_one_log_line_for_each_reason(
    mqtt_garden: Garden, caplog: pytest.LogCaptureFixture
) -> None:
    await mqtt_garden.add_tank()

    for _ in range(50):
        say(mqtt_garden, "tank/ph", "nan")

    (line,) = [record.message for record in caplog.records if "are not good" in record.message]
    assert line == (
        "Tank A, ph: readings from tank/ph are not good (not_a_number), such as 'nan'; "
        "further ones are only counted"
    )


async def test_derived_states_follow_within_two_seconds(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(ph_low=5.5, ph_high=6.5)

    say(mqtt_garden, "tank/ph", "6.0")
    await mqtt_garden.derive()

    assert mqtt_garden.state("binary_sensor", tank, "ph_problem").state == "off"


async def test_f10_values_stay_without_a_broker_until_they_are_too_old(
    mqtt_garden: Garden,
    mqtt_client_mock: MqttMockPahoClient,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tank = await mqtt_garden.add_tank()
    say(mqtt_garden, "tank/ec", "1.85")

    mqtt_client_mock.on_disconnect(None, None, None, ReasonCode(PacketTypes.DISCONNECT))
    await mqtt_garden.settle()
    assert mqtt_garden.state("sensor", tank, "ec").state == "1.85"
    await mqtt_garden.pass_time(timedelta(hours=6, seconds=1))
    assert mqtt_garden.state("sensor", tank, "ec").state == STATE_UNAVAILABLE
    gone = [record for record in caplog.records if "broker is gone" in record.message]
    assert len(gone) == 1


async def test_changed_bindings_are_followed_without_a_reload(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    probe = mqtt_garden.subentry(tank).data["probe_key"]
    say(mqtt_garden, "tank/ec", "1.85")
    loaded_data = mqtt_garden.entry.runtime_data

    await mqtt_garden.ask(
        UpdateProbe(
            key=probe,
            patch={"channels": [{"kind": "ec", "topic": "other/ec", "unit": "mS/cm"}]},
        )
    )
    await mqtt_garden.derive()
    say(mqtt_garden, "other/ec", "2.05")

    assert mqtt_garden.state("sensor", tank, "ec").state == "2.05"
    assert mqtt_garden.entity_id("sensor", tank, "ph") is None
    assert mqtt_garden.entry.runtime_data is loaded_data


async def test_a_bound_sensor_of_home_assistant_is_read(garden: Garden) -> None:
    binding = ChannelBinding(kind=ChannelKind.SOIL_EC, entity_id="sensor.pot_ec")
    garden.hass.states.async_set("sensor.pot_ec", "640", {"unit_of_measurement": "μS/cm"})
    plant = await garden.add_plant()
    probe = await garden.add_probe(plant, channels=(binding,), availability=None)

    garden.freezer.tick(5)
    garden.hass.states.async_set("sensor.pot_ec", "655", {"unit_of_measurement": "μS/cm"})
    await garden.settle()

    state = garden.state("sensor", probe, "soil_ec")
    assert float(state.state) == pytest.approx(655)
    assert state.attributes["unit_of_measurement"] == "μS/cm"


async def test_a_report_without_a_change_keeps_a_value_fresh(garden: Garden) -> None:
    binding = ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, entity_id="sensor.pot")
    plant = await garden.add_plant()
    probe = await garden.add_probe(plant, channels=(binding,), availability=None)
    for _ in range(10):
        garden.hass.states.async_set("sensor.pot", "41")
        await garden.settle()
        await garden.pass_time(timedelta(minutes=55))

    assert garden.state("sensor", probe, "soil_moisture").state == "41.0"


async def test_f50_a_source_that_does_not_exist_is_named(
    garden: Garden, issue_registry: ir.IssueRegistry
) -> None:
    binding = ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, entity_id="sensor.typo")
    plant = await garden.add_plant()
    probe = await garden.add_probe(plant, channels=(binding,), availability=None)
    issue_id = f"source_missing_{probe}_sensor.typo"

    issue = issue_registry.async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    assert issue.translation_placeholders == {
        "entity": "sensor.typo",
        "probe": "Soil sensor (Tomato)",
    }
    assert garden.state("sensor", probe, "soil_moisture").state == STATE_UNKNOWN
    quality = garden.state("sensor", probe, "measurement_quality")
    assert (quality.state, quality.attributes["worst_reasons"]) == ("stale", ["never_measured"])
    for _ in range(3):
        attention = garden.state("binary_sensor", plant, "needs_attention")
        assert (attention.state, attention.attributes["reasons"]) == (STATE_UNKNOWN, ["no_data"])
        await garden.pass_time(timedelta(hours=5), step=timedelta(hours=1))

    garden.hass.states.async_set("sensor.typo", "40")
    await garden.settle()
    assert issue_registry.async_get_issue(DOMAIN, issue_id) is None
    await garden.derive()
    attention = garden.state("binary_sensor", plant, "needs_attention")
    assert (attention.state, attention.attributes["reasons"]) == ("off", [])


async def test_without_mqtt_the_garden_works(hass: HomeAssistant, garden: Garden) -> None:
    plant = await garden.add_plant()

    assert garden.state("sensor", plant, "phase").state != STATE_UNAVAILABLE


def pot_ec(unit: str) -> ChannelBinding:
    return ChannelBinding(kind=ChannelKind.SOIL_EC, entity_id="sensor.pot_ec", unit=unit)


async def test_a_corrected_unit_shows_at_once_what_the_sensor_said_last(garden: Garden) -> None:
    plant = await garden.add_plant()
    probe = await garden.add_probe(plant, channels=(pot_ec("mS/cm"),), availability=None)
    garden.hass.states.async_set("sensor.pot_ec", "1.2")
    await garden.settle()
    assert float(garden.state("sensor", probe, "soil_ec").state) == pytest.approx(1200)
    said_at = garden.hass.states.get("sensor.pot_ec").last_reported
    await garden.pass_time(timedelta(hours=5))

    binding = pot_ec("S/m").model_dump(mode="json")
    await garden.ask(UpdateProbe(key=probe, patch={"channels": [binding]}))
    await garden.derive()

    # 1.2 S/m are 12 mS/cm: beyond what soil can plausibly have, and so not shown as good.
    assert garden.entry.runtime_data.live.shown(probe, ChannelKind.SOIL_EC).reasons != ()
    binding = pot_ec("µS/cm").model_dump(mode="json")
    await garden.ask(UpdateProbe(key=probe, patch={"channels": [binding]}))
    await garden.derive()
    state = garden.state("sensor", probe, "soil_ec")
    assert float(state.state) == pytest.approx(1.2)
    assert garden.entry.runtime_data.live.shown(probe, ChannelKind.SOIL_EC).at == said_at

    await garden.pass_time(timedelta(hours=1))
    assert garden.state("sensor", probe, "soil_ec").state == STATE_UNKNOWN


async def test_a_second_probe_on_a_sensor_has_its_value_too(garden: Garden) -> None:
    plant = await garden.add_plant()
    first = await garden.add_probe(plant, channels=(pot_ec("µS/cm"),), availability=None)
    garden.hass.states.async_set("sensor.pot_ec", "640")
    await garden.settle()
    messages = garden.entry.runtime_data.live._intakes[first].message_count
    await garden.pass_time(timedelta(hours=2))

    second = await garden.add_probe(
        plant, name="Second", channels=(pot_ec("µS/cm"),), availability=None
    )

    for probe in (first, second):
        assert float(garden.state("sensor", probe, "soil_ec").state) == pytest.approx(640)
    # Who knew it already is not told again.
    assert garden.entry.runtime_data.live._intakes[first].message_count == messages
    await garden.pass_time(timedelta(hours=4, seconds=1))
    for probe in (first, second):
        assert garden.state("sensor", probe, "soil_ec").state == STATE_UNKNOWN
