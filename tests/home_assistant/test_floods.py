"""A source that sends without end: what Home Assistant shows and writes of it meanwhile."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from homeassistant.const import (
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import Event, callback
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_mqtt_message,
    async_fire_time_changed_exact,
)

from custom_components.kamerplanter.write_pace import BURST
from kamerplanter_backend.client.requests import ListReadings
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from tests.home_assistant.garden import TANK_CHANNELS, Garden
from tests.home_assistant.quality import refused

STEP = timedelta(milliseconds=10)
PH_SHOWN = [f"{6 + number / 1000:.3f}" for number in range(1, 501)]
"""Values that wander; each differs from the one before."""


def say(garden: Garden, topic: str, payload: str) -> None:
    async_fire_mqtt_message(garden.hass, topic, payload)


def flood(garden: Garden, payloads: list[str], topic: str = "tank/ph") -> None:
    """Send a hundred messages a second, and let timers of that time come."""
    for payload in payloads:
        say(garden, topic, payload)
        garden.freezer.tick(STEP)
        async_fire_time_changed_exact(garden.hass)


def ph_entity(garden: Garden, tank: str) -> str:
    """Return the id of the entity that is flooded."""
    entity_id = garden.entity_id("sensor", tank, "ph")
    assert entity_id is not None
    return entity_id


def written(events: list[Event[Any]], entity_id: str) -> list[str]:
    """Return the states that were written of an entity."""
    return [
        event.data["new_state"].state
        for event in events
        if event.data["entity_id"] == entity_id and event.data["new_state"] is not None
    ]


async def test_a_flood_is_shown_twice_a_second_and_each_reading_is_stored(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank()
    probe = mqtt_garden.subentry(tank).data["probe_key"]
    entity_id = ph_entity(mqtt_garden, tank)
    begin = mqtt_garden.snapshot.taken_at
    events = async_capture_events(mqtt_garden.hass, EVENT_STATE_CHANGED)

    flood(mqtt_garden, PH_SHOWN)
    await mqtt_garden.pass_time(timedelta(seconds=1))

    shown = written(events, entity_id)
    assert [float(state) for state in shown[:BURST]] == [float(text) for text in PH_SHOWN[:BURST]]
    assert BURST + 9 <= len(shown) <= BURST + 11
    assert float(shown[-1]) == float(PH_SHOWN[-1])
    stored = await mqtt_garden.ask(
        ListReadings(
            probe_key=probe,
            kind=ChannelKind.PH,
            from_at=begin - timedelta(minutes=1),
            until_at=begin + timedelta(minutes=10),
        )
    )
    assert [reading.value for reading in stored] == [float(text) for text in PH_SHOWN]


async def test_other_channels_of_a_flooding_device_are_shown_at_once(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    flood(mqtt_garden, PH_SHOWN)

    say(mqtt_garden, "tank/ec", "1.85")

    assert mqtt_garden.state("sensor", tank, "ec").state == "1.85"


async def test_a_device_that_goes_in_a_flood_goes_at_once(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    flood(mqtt_garden, PH_SHOWN)

    say(mqtt_garden, "tank/ph", "offline")

    assert mqtt_garden.state("sensor", tank, "ph").state == STATE_UNAVAILABLE
    await mqtt_garden.pass_time(timedelta(seconds=2))
    assert mqtt_garden.state("sensor", tank, "ph").state == STATE_UNAVAILABLE


async def test_doubt_in_a_flood_is_told_at_once(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=TANK_CHANNELS[1:2])
    flood(mqtt_garden, [part for text in PH_SHOWN[:20] for part in (text, "0")])

    def verdict() -> str:
        return mqtt_garden.state("sensor", tank, "measurement_quality").state

    for _ in range(3):
        assert verdict() == "suspect"
        # That it is good again is shown as soon as the pace allows, and uses that up.
        waited = 0
        while verdict() == "suspect":
            flood(mqtt_garden, [PH_SHOWN[20 + waited]])
            waited += 1
        assert 1 < waited <= 101
        say(mqtt_garden, "tank/ph", "0")
        quality = mqtt_garden.state("sensor", tank, "measurement_quality")
        assert quality.state == "suspect"
        assert "exact_zero" in quality.attributes["ph_reasons"]


@pytest.mark.parametrize("other", ["0", "offline"], ids=["doubted", "gone"])
async def test_a_source_that_says_two_things_in_turns_cannot_drown_the_house(
    mqtt_garden: Garden, other: str
) -> None:
    await mqtt_garden.add_tank(channels=TANK_CHANNELS[1:2])
    events = async_capture_events(mqtt_garden.hass, EVENT_STATE_CHANGED)

    flood(mqtt_garden, [part for text in PH_SHOWN for part in (text, other)])
    await mqtt_garden.pass_time(timedelta(seconds=1))

    by_entity: dict[str, int] = {}
    for event in events:
        by_entity[event.data["entity_id"]] = by_entity.get(event.data["entity_id"], 0) + 1
    # Ten seconds: each change for the better by the pace, and one for the worse after it.
    assert max(by_entity.values()) <= 2 * (BURST + 21)


async def test_what_is_refused_again_and_again_is_told_once(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=TANK_CHANNELS[1:2])
    say(mqtt_garden, "tank/ph", "6.0")
    entity_id = mqtt_garden.entity_id("sensor", tank, "measurement_quality")
    writes: list[Event[Any]] = []

    @callback
    def note(event: Event[Any]) -> None:
        writes.append(event)

    @callback
    def is_quality(data: Mapping[str, Any]) -> bool:
        return bool(data["entity_id"] == entity_id)

    for event in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED):
        mqtt_garden.hass.bus.async_listen(event, note, event_filter=is_quality)

    flood(mqtt_garden, ["nan"] * 100)

    assert mqtt_garden.state("sensor", tank, "measurement_quality").state == "bad"
    assert len(writes) == 1
    assert refused(mqtt_garden)["ph"]["not_a_number"] == 100


async def test_a_value_that_is_too_old_is_unknown_at_once_after_a_flood(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank(
        channels=(ChannelBinding(kind=ChannelKind.PH, topic="tank/ph", max_age_s=60),)
    )
    flood(mqtt_garden, PH_SHOWN[:50])

    await mqtt_garden.pass_time(timedelta(seconds=1))
    assert float(mqtt_garden.state("sensor", tank, "ph").state) == float(PH_SHOWN[49])
    await mqtt_garden.pass_time(timedelta(seconds=60))

    assert mqtt_garden.state("sensor", tank, "ph").state == STATE_UNKNOWN


async def test_when_a_value_waits_the_snapshot_writes_nothing_older(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    flood(mqtt_garden, PH_SHOWN[:60])

    await mqtt_garden.entry.runtime_data.coordinator.async_refresh()
    await mqtt_garden.pass_time(timedelta(seconds=1))

    assert float(mqtt_garden.state("sensor", tank, "ph").state) == float(PH_SHOWN[59])


async def test_an_entry_that_is_unloaded_in_a_flood_writes_nothing_more(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank()
    entity_id = ph_entity(mqtt_garden, tank)
    flood(mqtt_garden, PH_SHOWN[:50])

    await mqtt_garden.unload()
    events = async_capture_events(mqtt_garden.hass, EVENT_STATE_CHANGED)
    await mqtt_garden.pass_time(timedelta(seconds=5))

    assert written(events, entity_id) == []
    assert mqtt_garden.hass.states.get(entity_id).state == STATE_UNAVAILABLE
    await mqtt_garden.set_up()
    say(mqtt_garden, "tank/ph", "6.1")
    assert mqtt_garden.hass.states.get(entity_id).state == "6.1"


async def test_an_entity_that_is_disabled_in_a_flood_is_gone(
    mqtt_garden: Garden, caplog: pytest.LogCaptureFixture
) -> None:
    tank = await mqtt_garden.add_tank()
    entity_id = ph_entity(mqtt_garden, tank)
    flood(mqtt_garden, PH_SHOWN[:50])

    er.async_get(mqtt_garden.hass).async_update_entity(
        entity_id, disabled_by=er.RegistryEntryDisabler.USER
    )
    await mqtt_garden.settle()
    say(mqtt_garden, "tank/ph", PH_SHOWN[50])
    await mqtt_garden.pass_time(timedelta(seconds=5))

    assert mqtt_garden.hass.states.get(entity_id) is None
    assert "incorrectly being triggered" not in caplog.text


async def test_a_probe_that_is_removed_in_a_flood_is_gone(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(plant)
    entity_id = mqtt_garden.entity_id("sensor", probe, "soil_moisture")
    assert entity_id is not None
    moistures = [f'{{"moisture": {40 + number / 100}}}' for number in range(50)]
    flood(mqtt_garden, moistures, "bed/soil")

    mqtt_garden.hass.config_entries.async_remove_subentry(
        mqtt_garden.entry, mqtt_garden.subentry(probe).subentry_id
    )
    await mqtt_garden.settle()
    await mqtt_garden.pass_time(timedelta(seconds=5))

    assert mqtt_garden.hass.states.get(entity_id) is None
