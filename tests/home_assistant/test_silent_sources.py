"""Bound sources that are gone: topics that say nothing, entities that do not exist any more."""

from datetime import timedelta

import pytest
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from kamerplanter_backend.client.requests import UpdateProbe
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from tests.home_assistant.garden import STORE_ID, Garden

QUARTER = timedelta(minutes=15)
BY_ENTITY = ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, entity_id="sensor.pot_moisture")


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Home Assistant's own MQTT client leaves one behind in tests."""
    return True


def silent(garden: Garden) -> dict[str, dict[str, str]]:
    """Return the placeholders of each issue about a silent topic, by topic."""
    issues = ir.async_get(garden.hass).issues.values()
    return {
        issue.translation_placeholders["source"]: dict(issue.translation_placeholders)
        for issue in issues
        if issue.translation_key == "source_silent" and issue.translation_placeholders
    }


def missing(garden: Garden) -> list[dict[str, str]]:
    issues = ir.async_get(garden.hass).issues.values()
    return [
        dict(issue.translation_placeholders or {})
        for issue in issues
        if issue.translation_key == "source_missing"
    ]


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
        "hours": "1",
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


async def test_a_topic_with_a_rare_value_may_be_silent_longer(mqtt_garden: Garden) -> None:
    channels = (
        ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, topic="bed", path="m"),
        ChannelBinding(kind=ChannelKind.BATTERY, topic="bed/battery", unit="%"),
    )
    await mqtt_garden.add_probe(await mqtt_garden.add_plant(), channels=channels)

    await mqtt_garden.pass_time(timedelta(hours=8, minutes=10), step=timedelta(hours=1))

    assert list(silent(mqtt_garden)) == ["bed"]
    assert silent(mqtt_garden)["bed"]["hours"] == "8"


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
    assert missing(garden) == [{"entity": "sensor.pot_moisture", "probe": "Pot probe"}]

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
