"""Sensors: form, default state, and what they show."""

from datetime import timedelta

import pytest
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message
from syrupy.assertion import SnapshotAssertion

from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from tests.home_assistant.garden import AIR_CHANNELS, MONSTERA, STORE_ID, Garden, new_entry
from tests.home_assistant.quality import refused
from tests.home_assistant.served import BOTH_PLACES, ON_SERVER

LEAF = ChannelBinding(kind=ChannelKind.LEAF_TEMPERATURE, topic="tent/leaf")
OTHER_STORE = "fedcba9876543210fedcba9876543210"


async def fill(garden: Garden) -> dict[str, str]:
    """Add one of each thing; return what to call them in a snapshot by their keys."""
    tank = await garden.add_tank()
    plant = await garden.add_plant(tank_key=tank)
    probe = await garden.add_probe(plant)
    tent = await garden.add_location(channels=(*AIR_CHANNELS, LEAF))
    hub = str(garden.entry.unique_id)
    return {tank: "tank", plant: "plant", probe: "probe", tent: "place", hub: "hub"}


async def test_the_registry_holds_what_is_documented(
    mqtt_garden: Garden, snapshot: SnapshotAssertion
) -> None:
    names = await fill(mqtt_garden)
    registry = er.async_get(mqtt_garden.hass)

    rows = {}
    for entity in er.async_entries_for_config_entry(registry, mqtt_garden.entry.entry_id):
        key, row = entity.unique_id.split("_", 1)
        state = mqtt_garden.hass.states.get(entity.entity_id)
        rows[f"{names[key]} {entity.domain} {row}"] = {
            "entity_id": entity.entity_id,
            "name": entity.original_name,
            "device_class": entity.original_device_class,
            "unit": entity.unit_of_measurement,
            "category": entity.entity_category,
            "enabled": entity.disabled_by is None,
            "translation_key": entity.translation_key,
            "precision": entity.options.get("sensor", {}).get("suggested_display_precision"),
            "state_class": None if state is None else state.attributes.get("state_class"),
        }

    assert dict(sorted(rows.items())) == snapshot


@pytest.mark.parametrize("place", [ON_SERVER], indirect=True)
async def test_a_garden_on_a_server_has_the_same_entities_and_those_of_its_link(
    garden: Garden,
) -> None:
    here = Garden(garden.hass, new_entry(store_id=OTHER_STORE), garden.freezer)
    await here.set_up()
    registry, rows = er.async_get(garden.hass), []
    for each in (garden, here):
        names = await fill(each)
        found = er.async_entries_for_config_entry(registry, each.entry.entry_id)
        split = [(entity.unique_id.split("_", 1), entity.domain) for entity in found]
        rows.append({(names[key], domain, row) for (key, row), domain in split})
    on_server, embedded = rows

    assert embedded - on_server == set()
    assert on_server - embedded == {
        ("hub", "binary_sensor", "server_connected"),
        ("hub", "sensor", "last_sync"),
        ("hub", "sensor", "queue_depth"),
    }


async def test_there_are_not_too_many_entities(mqtt_garden: Garden) -> None:
    names = await fill(mqtt_garden)
    registry = er.async_get(mqtt_garden.hass)
    counts = dict.fromkeys(names.values(), 0)
    for entity in er.async_entries_for_config_entry(registry, mqtt_garden.entry.entry_id):
        if entity.disabled_by is None and entity.entity_category is None:
            counts[names[entity.unique_id.split("_", 1)[0]]] += 1

    assert counts["tank"] <= 12
    assert counts["place"] <= 12
    assert counts["plant"] <= 8
    assert counts["hub"] <= 8


async def test_unique_ids_hold_no_names(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank("Tank A")
    registry = er.async_get(mqtt_garden.hass)

    for entity in er.async_entries_for_config_entry(registry, mqtt_garden.entry.entry_id):
        assert entity.unique_id.split("_", 1)[0] in {tank, STORE_ID}


@BOTH_PLACES
async def test_the_volume_follows_the_level(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()

    async_fire_mqtt_message(mqtt_garden.hass, "tank/level", "80")

    # 80 % of 60 L
    assert float(mqtt_garden.state("sensor", tank, "volume").state) == pytest.approx(48.0)
    assert mqtt_garden.state("sensor", tank, "volume").attributes["unit_of_measurement"] == "L"


@BOTH_PLACES
async def test_targets_say_what_they_keep_within(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(ph_low=5.5, ph_high=6.5)

    attributes = mqtt_garden.state("sensor", tank, "ph_target").attributes

    assert (attributes["low"], attributes["high"], attributes["source"]) == (5.5, 6.5, "override")


async def test_soil_ec_is_shown_in_the_unit_of_feed_charts(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(plant)

    async_fire_mqtt_message(
        mqtt_garden.hass, "bed/soil", '{"moisture": 41, "temperature": 19.5, "ec": 640}'
    )

    state = mqtt_garden.state("sensor", probe, "soil_ec")
    assert float(state.state) == pytest.approx(640)
    assert state.attributes["unit_of_measurement"] == "μS/cm"


async def test_quality_says_why(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    for topic, value in (("ec", "1.8"), ("ph", "6.0"), ("temperature", "20"), ("level", "80")):
        async_fire_mqtt_message(mqtt_garden.hass, f"tank/{topic}", value)
    assert mqtt_garden.state("sensor", tank, "measurement_quality").state == "good"

    mqtt_garden.freezer.tick(60)
    async_fire_mqtt_message(mqtt_garden.hass, "tank/ph", "0")

    quality = mqtt_garden.state("sensor", tank, "measurement_quality")
    assert quality.state == "suspect"
    assert "exact_zero" in quality.attributes["ph_reasons"]
    assert refused(mqtt_garden)["ph"]["exact_zero"] == 1
    assert mqtt_garden.state("sensor", tank, "ph").state == "6.0"


async def test_a_tank_without_a_probe_has_no_measured_values(garden: Garden) -> None:
    tank = await garden.add_tank(channels=())

    assert garden.entity_id("sensor", tank, "ec") is None
    assert garden.entity_id("sensor", tank, "measurement_quality") is None
    assert garden.state("sensor", tank, "ec_target") is not None


@BOTH_PLACES
async def test_a_plant_shows_its_phase_and_what_is_due(garden: Garden) -> None:
    plant = await garden.add_plant(watering_interval_d=7)

    assert (
        garden.state("sensor", plant, "phase").state
        in garden.state("sensor", plant, "phase").attributes["options"]
    )
    assert garden.state("sensor", plant, "days_in_phase").state == "0"
    await garden.pass_time(timedelta(days=1))
    assert garden.state("sensor", plant, "days_in_phase").state == "1"


async def test_a_plant_that_is_not_eaten_shows_no_karenz(garden: Garden) -> None:
    plant = await garden.add_plant("Monstera", species=MONSTERA)

    assert garden.entity_id("sensor", plant, "safe_harvest_date") is None


async def test_nothing_measured_is_unknown(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()

    assert mqtt_garden.state("sensor", tank, "ec").state == STATE_UNKNOWN


async def test_of_many_levels_in_a_second_the_volume_shows_the_first_and_the_last(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank()
    shown = []
    for level in ("80", "79.5", "79"):
        async_fire_mqtt_message(mqtt_garden.hass, "tank/level", level)
        assert mqtt_garden.state("sensor", tank, "level").state == str(float(level))
        shown.append(float(mqtt_garden.state("sensor", tank, "volume").state))
        mqtt_garden.freezer.tick(0.1)

    await mqtt_garden.pass_time(timedelta(seconds=1))

    assert shown == pytest.approx([48.0, 48.0, 48.0])
    assert float(mqtt_garden.state("sensor", tank, "volume").state) == pytest.approx(47.4)


async def test_the_volume_goes_at_once_with_its_device(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    async_fire_mqtt_message(mqtt_garden.hass, "tank/level", "80")

    async_fire_mqtt_message(mqtt_garden.hass, "tank/level", "offline")

    assert mqtt_garden.state("sensor", tank, "volume").state == STATE_UNAVAILABLE
