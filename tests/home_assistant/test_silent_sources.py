"""Bound sources that are gone: they say nothing, do not exist any more or are disabled."""

from datetime import timedelta

from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_mqtt_message,
)

from kamerplanter_backend.client.requests import UpdateProbe
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from tests.home_assistant.garden import STORE_ID, Garden

QUARTER = timedelta(minutes=15)
BY_ENTITY = ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, entity_id="sensor.pot_moisture")


def told(garden: Garden, translation_key: str) -> list[dict[str, str]]:
    """Return the placeholders of each issue with this text."""
    issues = ir.async_get(garden.hass).issues.values()
    return [
        dict(issue.translation_placeholders or {})
        for issue in issues
        if issue.translation_key == translation_key
    ]


def silent(garden: Garden) -> dict[str, dict[str, str]]:
    """Return the placeholders of each issue about a silent topic, by topic."""
    return {item["source"]: item for item in told(garden, "source_silent")}


def missing(garden: Garden) -> list[dict[str, str]]:
    return told(garden, "source_missing")


async def test_the_quiet_time_after_a_start_is_quiet_about_sources_too(
    mqtt_garden: Garden,
) -> None:
    """Its values live for 9 s, which is shown by the entity at once."""
    channel = ChannelBinding(kind=ChannelKind.EC, topic="tank/ec", max_age_s=9)
    await mqtt_garden.add_tank("Tank A", channels=(channel,))

    await mqtt_garden.pass_time(timedelta(minutes=9), step=timedelta(minutes=1))
    assert silent(mqtt_garden) == {}
    await mqtt_garden.pass_time(timedelta(minutes=6), step=timedelta(minutes=1))

    assert silent(mqtt_garden)["tank/ec"]["duration"] == "10 min"


async def test_a_topic_without_a_message_is_told_of_and_ends_by_itself(
    mqtt_garden: Garden,
) -> None:
    channel = ChannelBinding(kind=ChannelKind.EC, topic="tank/ec", max_age_s=3600)
    tank = await mqtt_garden.add_tank("Tank A", channels=(channel,))
    probe = mqtt_garden.snapshot.probes[0].probe.key

    await mqtt_garden.pass_time(timedelta(minutes=55), step=QUARTER)
    assert silent(mqtt_garden) == {}
    await mqtt_garden.pass_time(timedelta(minutes=10), step=timedelta(minutes=5))

    assert silent(mqtt_garden)["tank/ec"] == {
        "probe": "Tank A",
        "measurement": "Nutrient concentration (EC)",
        "source": "tank/ec",
        "duration": "60 min",
    }
    issue_id = f"source_silent_{STORE_ID}_{probe}_tank/ec"
    assert ir.async_get(mqtt_garden.hass).async_get_issue("kamerplanter", issue_id)
    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.8", retain=True)
    await mqtt_garden.settle()
    assert silent(mqtt_garden) != {}, "what the broker had kept is no sign of life"

    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.8")
    await mqtt_garden.settle()

    assert silent(mqtt_garden) == {}
    assert mqtt_garden.state("sensor", tank, "ec").state == "1.8"


async def test_a_device_that_falls_silent_is_told_of(mqtt_garden: Garden) -> None:
    channel = ChannelBinding(kind=ChannelKind.PH, topic="tank/ph", max_age_s=3600)
    await mqtt_garden.add_tank(channels=(channel,))
    await mqtt_garden.pass_time(timedelta(minutes=50), step=QUARTER)
    async_fire_mqtt_message(mqtt_garden.hass, "tank/ph", "6.1")

    await mqtt_garden.pass_time(timedelta(minutes=50), step=QUARTER)
    assert silent(mqtt_garden) == {}
    await mqtt_garden.pass_time(timedelta(minutes=15), step=timedelta(minutes=5))

    assert list(silent(mqtt_garden)) == ["tank/ph"]


async def test_f_27_a_topic_with_nothing_but_words_is_silent(mqtt_garden: Garden) -> None:
    channel = ChannelBinding(kind=ChannelKind.PH, topic="tank/ph", max_age_s=3600)
    await mqtt_garden.add_tank(channels=(channel,))

    for _ in range(5):
        await mqtt_garden.pass_time(QUARTER, step=QUARTER)
        async_fire_mqtt_message(mqtt_garden.hass, "tank/ph", "unavailable")

    assert list(silent(mqtt_garden)) == ["tank/ph"]
    async_fire_mqtt_message(mqtt_garden.hass, "tank/ph", "6.1")
    await mqtt_garden.settle()
    assert silent(mqtt_garden) == {}


async def test_a_topic_with_a_rare_value_may_be_silent_longer(mqtt_garden: Garden) -> None:
    channels = (
        ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, topic="bed", path="m"),
        ChannelBinding(kind=ChannelKind.BATTERY, topic="bed/battery", unit="%"),
    )
    await mqtt_garden.add_probe(await mqtt_garden.add_plant(), channels=channels)

    await mqtt_garden.pass_time(timedelta(hours=8, minutes=10), step=timedelta(hours=1))

    assert list(silent(mqtt_garden)) == ["bed"]
    assert silent(mqtt_garden)["bed"]["duration"] == "8 h"


async def test_a_battery_on_the_same_topic_makes_no_patience(mqtt_garden: Garden) -> None:
    channels = (
        ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, topic="bed", path="m", max_age_s=3600),
        ChannelBinding(kind=ChannelKind.BATTERY, topic="bed", path="b", unit="%"),
    )
    await mqtt_garden.add_probe(await mqtt_garden.add_plant(), channels=channels)

    await mqtt_garden.pass_time(timedelta(minutes=65), step=QUARTER)

    assert silent(mqtt_garden)["bed"]["duration"] == "60 min"


async def test_while_the_broker_is_away_nobody_can_know(mqtt_garden: Garden) -> None:
    channel = ChannelBinding(kind=ChannelKind.EC, topic="tank/ec", max_age_s=3600)
    await mqtt_garden.add_tank(channels=(channel,))
    live = mqtt_garden.entry.runtime_data.live

    live.on_connection(connected=False)
    await mqtt_garden.pass_time(timedelta(hours=3), step=QUARTER)
    live.on_connection(connected=True)
    await mqtt_garden.pass_time(timedelta(minutes=55), step=QUARTER)
    assert silent(mqtt_garden) == {}

    await mqtt_garden.pass_time(timedelta(minutes=15), step=timedelta(minutes=5))
    assert list(silent(mqtt_garden)) == ["tank/ec"]


async def test_another_topic_ends_it(mqtt_garden: Garden) -> None:
    channel = ChannelBinding(kind=ChannelKind.EC, topic="typo/ec", max_age_s=3600)
    await mqtt_garden.add_tank(channels=(channel,))
    await mqtt_garden.pass_time(timedelta(minutes=70), step=timedelta(minutes=5))
    assert list(silent(mqtt_garden)) == ["typo/ec"]

    probe = mqtt_garden.snapshot.probes[0].probe.key
    right = channel.model_copy(update={"topic": "tank/ec"}).model_dump(mode="json")
    await mqtt_garden.ask(UpdateProbe(key=probe, patch={"channels": [right]}))
    await mqtt_garden.derive()

    assert silent(mqtt_garden) == {}


async def test_unloading_takes_it_back(mqtt_garden: Garden) -> None:
    channel = ChannelBinding(kind=ChannelKind.EC, topic="tank/ec", max_age_s=3600)
    await mqtt_garden.add_tank(channels=(channel,))
    await mqtt_garden.pass_time(timedelta(minutes=70), step=timedelta(minutes=5))
    assert silent(mqtt_garden) != {}

    await mqtt_garden.unload()

    assert silent(mqtt_garden) == {}


async def test_a_garden_without_messages_misses_none(garden: Garden) -> None:
    channel = ChannelBinding(kind=ChannelKind.EC, topic="tank/ec", max_age_s=3600)
    await garden.add_tank(channels=(channel,))

    await garden.pass_time(timedelta(hours=2), step=QUARTER)

    assert silent(garden) == {}


async def test_a_renamed_entity_is_told_of_and_its_return_ends_it(garden: Garden) -> None:
    registry = er.async_get(garden.hass)
    registry.async_get_or_create("sensor", "pots", "1", suggested_object_id="pot_moisture")
    await garden.add_probe(
        await garden.add_plant(), "Pot probe", channels=(BY_ENTITY,), availability=None
    )
    assert missing(garden) == []

    registry.async_update_entity("sensor.pot_moisture", new_entity_id="sensor.other")
    await garden.settle()
    assert missing(garden) == [{"entity": "sensor.pot_moisture", "probe": "Pot probe (Tomato)"}]

    registry.async_update_entity("sensor.other", new_entity_id="sensor.pot_moisture")
    await garden.settle()
    assert missing(garden) == []


async def test_a_removed_entity_without_a_state_is_told_of(garden: Garden) -> None:
    registry = er.async_get(garden.hass)
    registry.async_get_or_create("sensor", "pots", "1", suggested_object_id="pot_moisture")
    await garden.add_probe(await garden.add_plant(), channels=(BY_ENTITY,), availability=None)

    registry.async_remove("sensor.pot_moisture")
    await garden.settle()

    assert [item["entity"] for item in missing(garden)] == ["sensor.pot_moisture"]


async def test_a_disabled_entity_is_told_of_until_it_is_enabled(garden: Garden) -> None:
    registry = er.async_get(garden.hass)
    registry.async_get_or_create("sensor", "pots", "1", suggested_object_id="pot_moisture")
    await garden.add_probe(
        await garden.add_plant(), "Pot probe", channels=(BY_ENTITY,), availability=None
    )
    assert told(garden, "source_disabled") == []

    registry.async_update_entity("sensor.pot_moisture", disabled_by=er.RegistryEntryDisabler.USER)
    await garden.settle()
    assert told(garden, "source_disabled") == [
        {"entity": "sensor.pot_moisture", "probe": "Pot probe (Tomato)"}
    ]
    assert missing(garden) == []

    registry.async_update_entity("sensor.pot_moisture", disabled_by=None)
    await garden.settle()
    assert told(garden, "source_disabled") == []


async def test_what_a_disabled_integration_left_is_no_entity(garden: Garden) -> None:
    registry = er.async_get(garden.hass)
    registry.async_get_or_create("sensor", "pots", "1", suggested_object_id="pot_moisture")
    await garden.add_probe(await garden.add_plant(), channels=(BY_ENTITY,), availability=None)
    garden.hass.states.async_set("sensor.pot_moisture", "unavailable", {"restored": True})

    registry.async_update_entity(
        "sensor.pot_moisture", disabled_by=er.RegistryEntryDisabler.CONFIG_ENTRY
    )
    await garden.settle()

    assert [item["entity"] for item in told(garden, "source_disabled")] == ["sensor.pot_moisture"]


async def test_entities_that_may_still_come_are_not_told_of_while_the_house_starts(
    garden: Garden,
) -> None:
    other = ChannelBinding(kind=ChannelKind.SOIL_EC, entity_id="sensor.pot_ec")
    garden.hass.set_state(CoreState.starting)
    await garden.unload()
    await garden.set_up()
    plant = await garden.add_plant()
    await garden.add_probe(plant, channels=(BY_ENTITY, other), availability=None)

    garden.hass.states.async_set("sensor.pot_moisture", "40")
    await garden.settle()
    assert missing(garden) == []

    garden.hass.set_state(CoreState.running)
    garden.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await garden.settle()
    assert [item["entity"] for item in missing(garden)] == ["sensor.pot_ec"]


async def _bind_pot(garden: Garden) -> None:
    """Add a probe that reads an entity, which is there and may be silent for an hour."""
    channel = BY_ENTITY.model_copy(update={"max_age_s": 3600})
    await garden.add_probe(
        await garden.add_plant(), "Pot probe", channels=(channel,), availability=None
    )


async def test_an_unavailable_entity_is_told_of_and_ends_by_itself(garden: Garden) -> None:
    garden.hass.states.async_set("sensor.pot_moisture", "40")
    await _bind_pot(garden)
    await garden.pass_time(timedelta(minutes=50), step=QUARTER)
    garden.hass.states.async_set("sensor.pot_moisture", "41")
    await garden.settle()
    for word in ("unavailable", "unknown", "unavailable", "unknown"):
        await garden.pass_time(timedelta(minutes=14), step=timedelta(minutes=7))
        garden.hass.states.async_set("sensor.pot_moisture", word)
        await garden.settle()
    assert told(garden, "entity_silent") == []

    await garden.pass_time(QUARTER, step=timedelta(minutes=5))
    assert told(garden, "entity_silent") == [
        {
            "probe": "Pot probe",
            "measurement": "Soil moisture",
            "source": "sensor.pot_moisture",
            "duration": "60 min",
        }
    ]
    garden.hass.states.async_set("sensor.pot_moisture", "unavailable")
    garden.hass.states.async_set("sensor.pot_moisture", "42", {"restored": True})
    await garden.settle()
    assert told(garden, "entity_silent") != [], "neither is a sign of life"

    garden.hass.states.async_set("sensor.pot_moisture", "42")
    await garden.settle()
    assert told(garden, "entity_silent") == []


async def test_an_entity_that_reports_nothing_is_told_of(garden: Garden) -> None:
    garden.hass.states.async_set("sensor.pot_moisture", "40")
    await _bind_pot(garden)

    for _ in range(4):
        await garden.pass_time(timedelta(minutes=50), step=QUARTER)
        garden.hass.states.async_set("sensor.pot_moisture", "40")
        await garden.settle()
    assert told(garden, "entity_silent") == [], "a report counts though nothing changed"
    await garden.pass_time(timedelta(minutes=66), step=timedelta(minutes=6))

    assert [item["source"] for item in told(garden, "entity_silent")] == ["sensor.pot_moisture"]
    assert missing(garden) == []


async def test_a_steady_entity_lives_as_long_as_its_device(garden: Garden) -> None:
    house = MockConfigEntry(domain="pots")
    house.add_to_hass(garden.hass)
    device = dr.async_get(garden.hass).async_get_or_create(
        config_entry_id=house.entry_id, identifiers={("pots", "1")}
    )
    registry = er.async_get(garden.hass)
    for name in ("pot_moisture", "pot_temperature"):
        registry.async_get_or_create(
            "sensor", "pots", name, suggested_object_id=name, device_id=device.id
        )
    twin = ChannelBinding(
        kind=ChannelKind.SOIL_TEMPERATURE, entity_id="sensor.pot_temperature", max_age_s=3600
    )
    channels = (BY_ENTITY.model_copy(update={"max_age_s": 3600}), twin)
    await garden.add_probe(await garden.add_plant(), channels=channels, availability=None)
    garden.hass.states.async_set("sensor.pot_moisture", "40")

    for degrees in range(18, 24):
        garden.hass.states.async_set("sensor.pot_temperature", str(degrees))
        await garden.pass_time(timedelta(minutes=25), step=timedelta(minutes=5))
    assert told(garden, "entity_silent") == []

    await garden.pass_time(timedelta(minutes=65), step=timedelta(minutes=5))
    assert len(told(garden, "entity_silent")) == 2
    garden.hass.states.async_set("sensor.pot_temperature", "21")
    await garden.settle()
    assert told(garden, "entity_silent") == []


async def test_an_entity_gets_its_time_anew_when_the_house_has_started(garden: Garden) -> None:
    garden.hass.states.async_set("sensor.pot_moisture", "unavailable")
    await _bind_pot(garden)
    await garden.pass_time(timedelta(minutes=70), step=timedelta(minutes=5))
    assert len(told(garden, "entity_silent")) == 1

    await garden.unload()
    assert told(garden, "entity_silent") == []
    garden.hass.set_state(CoreState.starting)
    await garden.set_up()
    await garden.pass_time(timedelta(minutes=62), step=timedelta(minutes=5))
    assert told(garden, "entity_silent") == []

    garden.hass.set_state(CoreState.running)
    garden.hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await garden.pass_time(timedelta(minutes=55), step=timedelta(minutes=5))
    assert told(garden, "entity_silent") == []
    await garden.pass_time(QUARTER, step=timedelta(minutes=5))
    assert len(told(garden, "entity_silent")) == 1


async def test_a_silent_entity_that_is_removed_is_told_of_as_missing_only(garden: Garden) -> None:
    garden.hass.states.async_set("sensor.pot_moisture", "unavailable")
    await _bind_pot(garden)
    await garden.pass_time(timedelta(minutes=70), step=timedelta(minutes=5))
    assert len(told(garden, "entity_silent")) == 1

    garden.hass.states.async_remove("sensor.pot_moisture")
    await garden.pass_time(timedelta(minutes=70), step=timedelta(minutes=5))

    assert told(garden, "entity_silent") == []
    assert [item["entity"] for item in missing(garden)] == ["sensor.pot_moisture"]
