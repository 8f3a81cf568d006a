"""Subentries come, change and go while the entry stays loaded."""

from datetime import timedelta

from homeassistant.helpers import device_registry as dr, entity_registry as er

from kamerplanter_backend.client.requests import ListObjects, UpdateTank
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES


def owners(garden: Garden) -> dict[str, str | None]:
    """Return the subentry of each entity of the entry."""
    registry = er.async_get(garden.hass)
    return {
        entity.unique_id: entity.config_subentry_id
        for entity in er.async_entries_for_config_entry(registry, garden.entry.entry_id)
    }


async def test_each_entity_belongs_to_the_subentry_of_its_object(garden: Garden) -> None:
    tank = await garden.add_tank()
    plant = await garden.add_plant(tank_key=tank)
    probe = await garden.add_probe(plant)

    for unique_id, subentry_id in owners(garden).items():
        key = unique_id.split("_", 1)[0]
        if key == garden.entry.unique_id:
            assert subentry_id is None
        else:
            assert subentry_id == garden.subentry(key).subentry_id, unique_id
    assert {tank, plant, probe} <= {unique_id.split("_", 1)[0] for unique_id in owners(garden)}


async def test_each_entity_keeps_its_subentry_over_a_reload(garden: Garden) -> None:
    tank = await garden.add_tank()
    plant = await garden.add_plant(tank_key=tank)
    await garden.add_probe(plant)
    before = owners(garden)

    assert await garden.hass.config_entries.async_reload(garden.entry.entry_id)
    await garden.settle()

    assert owners(garden) == before
    for unique_id in before:
        entity_ids = [
            entity.entity_id
            for entity in er.async_get(garden.hass).entities.values()
            if entity.unique_id == unique_id and entity.disabled_by is None
        ]
        assert all(garden.hass.states.get(entity_id) for entity_id in entity_ids)


async def test_a_new_tank_loses_no_entity_of_another(garden: Garden) -> None:
    await garden.add_tank("Tank A")
    before = owners(garden)
    runtime = garden.entry.runtime_data

    second = await garden.add_tank("Tank B")

    assert before.items() <= owners(garden).items()
    assert garden.state("sensor", second, "ec") is not None
    assert garden.entry.runtime_data is runtime, "the entry was reloaded"


async def test_devices_hang_together(garden: Garden) -> None:
    tank = await garden.add_tank()
    plant = await garden.add_plant()
    probe = await garden.add_probe(plant)

    hub = garden.device("hub")
    assert hub is not None
    assert hub.config_subentry_id is None
    assert garden.device(tank).via_device_id == hub.id
    assert garden.device(plant).via_device_id == hub.id
    assert garden.device(probe).via_device_id == garden.device(plant).id


async def test_a_new_title_goes_to_the_store_and_the_device(garden: Garden) -> None:
    tank = await garden.add_tank("Tank A")
    entity_id = garden.entity_id("sensor", tank, "ec")

    garden.hass.config_entries.async_update_subentry(
        garden.entry, garden.subentry(tank), title="Big tank"
    )
    await garden.settle()
    await garden.derive()

    assert garden.snapshot.tank(tank).tank.name == "Big tank"
    assert garden.device(tank).name == "Big tank"
    assert garden.entity_id("sensor", tank, "ec") == entity_id


async def test_a_new_name_in_the_store_goes_to_the_title(garden: Garden) -> None:
    tank = await garden.add_tank("Tank A")

    await garden.ask(UpdateTank(key=tank, patch={"name": "Big tank"}))
    await garden.derive()

    assert garden.subentry(tank).title == "Big tank"
    assert garden.device(tank).name == "Big tank"


async def test_at_start_the_store_wins(garden: Garden) -> None:
    tank = await garden.add_tank("Tank A")
    await garden.unload()
    garden.hass.config_entries.async_update_subentry(
        garden.entry, garden.subentry(tank), title="Written while nobody listened"
    )

    await garden.set_up()

    assert garden.subentry(tank).title == "Tank A"


async def test_removing_a_subentry_archives_the_object(garden: Garden) -> None:
    tank = await garden.add_tank("Tank A")
    other = await garden.add_tank("Tank B")
    probe = garden.subentry(tank).data["probe_key"]

    garden.hass.config_entries.async_remove_subentry(
        garden.entry, garden.subentry(tank).subentry_id
    )
    await garden.settle()

    objects = await garden.ask(ListObjects())
    archived = {
        item["key"] for kind in ("tanks", "probes") for item in objects[kind] if item["archived_at"]
    }
    assert archived == {tank, probe}
    assert garden.device(tank) is None
    assert garden.entity_id("sensor", tank, "ec") is None
    assert garden.state("sensor", other, "ec") is not None


async def test_a_removed_plant_leaves_no_task(garden: Garden) -> None:
    plant = await garden.add_plant()

    garden.hass.config_entries.async_remove_subentry(
        garden.entry, garden.subentry(plant).subentry_id
    )
    await garden.settle()
    await garden.pass_time(timedelta(days=30), step=timedelta(days=10))

    assert garden.snapshot.plants == ()
    assert [task for task in garden.snapshot.tasks if task.state == "open"] == []


async def test_adding_the_entry_again_brings_all_things_back(garden: Garden) -> None:
    tank = await garden.add_tank("Tank A")
    plant = await garden.add_plant("Tomato", tank_key=tank)
    probe = await garden.add_probe(plant)
    ids = {garden.entity_id("sensor", key, row) for key, row in ((tank, "ec"), (plant, "phase"))}
    await garden.hass.config_entries.async_remove(garden.entry.entry_id)
    await garden.settle()

    again = garden.anew()
    await again.set_up()

    assert {item.subentry_type for item in again.entry.subentries.values()} == {
        "tank",
        "plant",
        "probe",
    }
    assert again.subentry(tank).data["bindings"]["channels"][0]["topic"] == "tank/ec"
    assert again.state("sensor", probe, "soil_moisture") is not None
    assert ids == {
        again.entity_id("sensor", key, row) for key, row in ((tank, "ec"), (plant, "phase"))
    }


async def test_nothing_of_the_entry_stays_when_it_is_removed(garden: Garden) -> None:
    await garden.add_tank()
    await garden.add_plant()

    await garden.hass.config_entries.async_remove(garden.entry.entry_id)
    await garden.settle()

    entry_id = garden.entry.entry_id
    assert er.async_entries_for_config_entry(er.async_get(garden.hass), entry_id) == []
    assert dr.async_entries_for_config_entry(dr.async_get(garden.hass), entry_id) == []
