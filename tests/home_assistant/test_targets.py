"""From what a call names to things of gardens."""

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import area_registry as ar, device_registry as dr
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.reconcile import bindings_of
from custom_components.kamerplanter.subjects import Subject, SubjectKind
from custom_components.kamerplanter.targets import targets_of
from kamerplanter_backend.client.requests import ArchivePlant, CreateProbe
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, ProbeFields
from tests.home_assistant.garden import Garden, new_entry
from tests.home_assistant.served import BOTH_PLACES

PLANTS = frozenset({SubjectKind.PLANT})
OTHER_STORE = "fedcba9876543210fedcba9876543210"


def stranger(hass: HomeAssistant, name: str = "Lamp") -> dr.DeviceEntry:
    """Add a device of another integration."""
    entry = MockConfigEntry(domain="lamps")
    entry.add_to_hass(hass)
    return dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("lamps", name)}, name=name
    )


async def refusal(garden: Garden, action: str, **data: object) -> ServiceValidationError:
    """Return how an action refuses."""
    with pytest.raises(ServiceValidationError) as caught:
        await garden.hass.services.async_call(DOMAIN, action, data, blocking=True)
    return caught.value


async def test_an_area_stands_for_the_plants_in_it(garden: Garden) -> None:
    plant, tank = await garden.add_plant(), await garden.add_tank()
    await garden.add_plant("Elsewhere")
    area = ar.async_get(garden.hass).async_create("Balcony")
    devices = dr.async_get(garden.hass)
    for device in (garden.device(plant), garden.device(tank), stranger(garden.hass)):
        assert device is not None
        devices.async_update_device(device.id, area_id=area.id)

    found = targets_of(garden.hass, {"area_id": area.id}, PLANTS)

    assert [target.subject for target in found] == [Subject(SubjectKind.PLANT, plant)]


async def test_a_thing_that_is_named_twice_is_meant_once(garden: Garden) -> None:
    plant = await garden.add_plant()
    probe = await garden.add_probe(plant)
    device = garden.device(plant)
    assert device is not None

    found = targets_of(
        garden.hass,
        {"device_id": [device.id], "entity_id": garden.entity_id("sensor", probe, "soil_moisture")},
        PLANTS,
    )

    assert [target.subject.key for target in found] == [plant]


async def test_things_of_others_are_refused_by_name(garden: Garden) -> None:
    await garden.add_plant()
    lamp = stranger(garden.hass)

    by_device = await refusal(garden, "log_watering", device_id=lamp.id)
    by_entity = await refusal(garden, "log_watering", entity_id="light.lamp")

    assert by_device.translation_key == by_entity.translation_key == "value_not_allowed"
    assert "Lamp" in str(by_device)
    assert "light.lamp" in str(by_entity)


async def test_a_probe_of_a_tank_stands_for_the_tank(garden: Garden) -> None:
    tank = await garden.add_tank(channels=())
    channels = (ChannelBinding(kind=ChannelKind.PH, topic="tank/ph"),)
    fields = ProbeFields(name="Float", tank_key=tank, channels=channels)
    probe = await garden.ask(CreateProbe(fields=fields))
    await garden._add_subentry("probe", "Float", {"key": probe.key, "bindings": bindings_of(probe)})
    device = garden.device(probe.key)
    assert device is not None

    found = targets_of(garden.hass, {"device_id": device.id}, frozenset({SubjectKind.TANK}))

    assert [target.subject for target in found] == [Subject(SubjectKind.TANK, tank)]


async def test_a_probe_of_nothing_stands_for_no_plant(garden: Garden) -> None:
    probe = await garden.add_probe(None)
    device = garden.device(probe)
    assert device is not None

    refused = await refusal(garden, "log_watering", device_id=device.id)

    assert refused.translation_key == "value_not_allowed"


async def test_a_plant_that_was_archived_elsewhere_is_not_found(garden: Garden) -> None:
    plant = await garden.add_plant()
    await garden.ask(ArchivePlant(key=plant))
    await garden.derive()
    device = garden.device(plant)
    assert device is not None

    refused = await refusal(garden, "log_watering", device_id=device.id)

    assert refused.translation_key == "not_found"


@BOTH_PLACES
async def test_a_garden_that_is_not_loaded_is_named_as_the_reason(garden: Garden) -> None:
    plant = await garden.add_plant()
    entity_id, device = garden.entity_id("sensor", plant, "phase"), garden.device(plant)
    assert device is not None
    await garden.unload()

    refused = [
        await refusal(garden, "log_watering", device_id=device.id),
        await refusal(garden, "log_watering", entity_id=entity_id),
        await refusal(garden, "complete_task", task_id="any"),
        await refusal(garden, "add_task", title="Any"),
        await refusal(garden, "correct_treatment", treatment_id="any", reason="x", interval_d=1),
    ]

    assert {error.translation_key for error in refused} == {"entry_not_loaded"}
    assert "not loaded" in str(refused[0])


@BOTH_PLACES
async def test_without_a_target_a_task_needs_just_one_garden(garden: Garden) -> None:
    other = Garden(garden.hass, new_entry(store_id=OTHER_STORE), garden.freezer)
    await other.set_up()

    refused = await refusal(garden, "add_task", title="Clean up")

    assert refused.translation_key == "which_garden"
    assert "2 gardens" in str(refused)
    assert (garden.snapshot.tasks, other.snapshot.tasks) == ((), ())


@BOTH_PLACES
async def test_a_task_is_found_in_its_garden_and_about_its_target(garden: Garden) -> None:
    other = Garden(garden.hass, new_entry(store_id=OTHER_STORE), garden.freezer)
    await other.set_up()
    tank = await other.add_tank()
    device, hub = other.device(tank), garden.hass.services
    assert device is not None

    added = await hub.async_call(
        DOMAIN,
        "add_task",
        {"device_id": device.id, "title": "Scrub"},
        blocking=True,
        return_response=True,
    )
    assert added is not None
    (task,) = other.snapshot.tasks
    await hub.async_call(DOMAIN, "complete_task", {"task_id": task.key}, blocking=True)

    assert (task.title, task.tank_key) == ("Scrub", tank)
    assert [view.state for view in other.snapshot.tasks] == ["completed"]
    assert garden.snapshot.tasks == ()


@BOTH_PLACES
async def test_a_task_of_the_garden_itself_is_about_nothing_else(garden: Garden) -> None:
    hub = garden.device("hub")
    assert hub is not None

    await garden.hass.services.async_call(
        DOMAIN, "add_task", {"device_id": hub.id, "title": "Sweep"}, blocking=True
    )

    (task,) = garden.snapshot.tasks
    assert (task.title, task.plant_key, task.tank_key) == ("Sweep", None, None)
