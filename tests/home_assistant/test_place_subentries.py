"""Places of the garden and their subentries: shown, renamed, removed, and there again."""

from datetime import timedelta
from typing import Any

import pytest
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er

from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from custom_components.kamerplanter.subjects import name_in_place
from kamerplanter_backend.client.requests import (
    ArchiveProbe,
    CreateProbe,
    ListObjects,
    UpdateLocation,
    UpdatePlant,
)
from kamerplanter_backend.common.context import Role
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, ProbeFields
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.garden import AIR_CHANNELS, Garden, store_file
from tests.home_assistant.served import BOTH_PLACES, ON_SERVER, HomeServer

SECOND = (
    ChannelBinding(kind=ChannelKind.AIR_TEMPERATURE, topic="second/temperature"),
    ChannelBinding(kind=ChannelKind.AIR_HUMIDITY, topic="second/humidity"),
)


def entities(garden: Garden, key: str) -> dict[str, str]:
    registry = er.async_get(garden.hass)
    return {
        entity.unique_id: entity.entity_id
        for entity in er.async_entries_for_config_entry(registry, garden.entry.entry_id)
        if entity.unique_id.startswith(key)
    }


def device(garden: Garden, key: str) -> dr.DeviceEntry:
    found = garden.device(key)
    assert found is not None, key
    return found


def titles(garden: Garden) -> dict[str, str]:
    return {item.title: item.subentry_type for item in garden.entry.subentries.values()}


async def second(garden: Garden, tent: str, name: str = "Corner") -> str:
    return await garden.add_probe(None, name, location_key=tent, channels=SECOND, availability=None)


async def given(garden: Garden, tent: str, name: str) -> str:
    """Let somebody else give a place a probe."""
    fields = ProbeFields(name=name, location_key=tent, channels=SECOND)
    probe = await garden.ask(CreateProbe(fields=fields))
    await garden.settle()
    await garden.derive()
    return probe.key


async def remove(garden: Garden, key: str) -> None:
    garden.hass.config_entries.async_remove_subentry(garden.entry, garden.subentry(key).subentry_id)
    await garden.settle()
    await garden.derive()


async def reload(garden: Garden) -> None:
    assert await garden.hass.config_entries.async_reload(garden.entry.entry_id)
    await garden.settle()


# --- Shown ----------------------------------------------------------------------------------


@BOTH_PLACES
async def test_only_places_where_something_is_measured_are_shown_by_themselves(
    garden: Garden,
) -> None:
    await garden.add_location("Shelf", channels=(), is_shown=False)
    tent = await garden.add_location("Tent", is_shown=False)

    await reload(garden)

    assert titles(garden) == {"Tent": "location"}
    (probe,) = garden.snapshot.probes
    subentry = garden.subentry(tent)
    assert subentry.data["probe_key"] == probe.probe.key
    assert subentry.data["bindings"]["channels"][0]["topic"] == "tent/air"
    assert garden.state("sensor", tent, "vpd")


@BOTH_PLACES
async def test_a_new_entry_shows_the_place_with_all_of_its_probes(garden: Garden) -> None:
    tent = await garden.add_location("Tent")
    own = garden.subentry(tent).data["probe_key"]
    garden.freezer.tick(1)
    other = await second(garden, tent)
    before = entities(garden, tent) | entities(garden, other)
    await garden.hass.config_entries.async_remove(garden.entry.entry_id)
    await garden.settle()

    again = garden.anew()
    await again.set_up()

    assert titles(again) == {"Tent": "location", "Corner": "probe"}
    assert again.subentry(tent).data["probe_key"] == own
    assert entities(again, tent) | entities(again, other) == before


@BOTH_PLACES
async def test_a_place_keeps_its_entities_over_a_reload(garden: Garden) -> None:
    tent = await garden.add_location("Tent")
    other = await second(garden, tent)
    before = entities(garden, tent) | entities(garden, other)
    assert before

    await reload(garden)

    assert entities(garden, tent) | entities(garden, other) == before
    subentry_id = garden.subentry(tent).subentry_id
    registry = er.async_get(garden.hass)
    for entity_id in entities(garden, tent).values():
        entity = registry.async_get(entity_id)
        assert entity is not None
        assert entity.config_subentry_id == subentry_id


@pytest.mark.parametrize("place", [ON_SERVER], indirect=True)
async def test_a_place_to_which_others_give_a_probe_is_shown(garden: Garden) -> None:
    shelf = await garden.add_location("Shelf", channels=(), is_shown=False)
    assert titles(garden) == {}

    probe = await given(garden, shelf, "Shelf")

    assert titles(garden) == {"Shelf": "location"}
    assert garden.subentry(shelf).data["probe_key"] == probe
    assert garden.state("sensor", shelf, "vpd")


@pytest.mark.parametrize("place", [ON_SERVER], indirect=True)
async def test_a_shown_place_without_a_probe_takes_the_one_that_others_give_it(
    garden: Garden,
) -> None:
    tent = await garden.add_location("Tent", channels=())
    assert "probe_key" not in garden.subentry(tent).data

    probe = await given(garden, tent, "Tent")

    assert titles(garden) == {"Tent": "location"}
    assert garden.subentry(tent).data["probe_key"] == probe
    assert garden.state("sensor", tent, "vpd")


# --- Renamed --------------------------------------------------------------------------------


@BOTH_PLACES
async def test_a_new_title_goes_to_the_store_and_the_device(garden: Garden) -> None:
    tent = await garden.add_location("Tent")

    garden.hass.config_entries.async_update_subentry(
        garden.entry, garden.subentry(tent), title="Big tent"
    )
    await garden.settle()
    await garden.derive()

    view = garden.snapshot.location(tent)
    assert view is not None
    assert view.location.name == "Big tent"
    assert device(garden, tent).name == "Big tent"


@BOTH_PLACES
async def test_a_new_name_in_the_store_goes_to_the_title(garden: Garden) -> None:
    tent = await garden.add_location("Tent")

    await garden.ask(UpdateLocation(key=tent, patch={"name": "Big tent"}))
    await garden.derive()

    assert garden.subentry(tent).title == "Big tent"
    assert device(garden, tent).name == "Big tent"


# --- Removed --------------------------------------------------------------------------------


@BOTH_PLACES
async def test_removing_a_place_puts_only_its_own_probe_away(garden: Garden) -> None:
    tent = await garden.add_location("Tent")
    own = garden.subentry(tent).data["probe_key"]
    garden.freezer.tick(1)
    other = await second(garden, tent)
    plant = await garden.add_plant(location_key=tent)

    await remove(garden, tent)

    assert garden.device(tent) is None
    assert entities(garden, tent) == {}
    objects = await garden.ask(ListObjects())
    assert {item["key"] for item in objects["probes"] if item["archived_at"]} == {own}
    assert [view.location.key for view in garden.snapshot.locations] == [tent]
    view = garden.snapshot.plant(plant)
    assert view is not None
    assert view.plant.location_key == tent
    # The probe that is a device of its own goes on, and does not bring the place back.
    hub = device(garden, "hub")
    assert device(garden, other).via_device_id == hub.id
    assert device(garden, plant).via_device_id == hub.id
    assert garden.state("sensor", other, "air_temperature")
    await reload(garden)
    assert set(titles(garden).values()) == {"probe", "plant"}


@BOTH_PLACES
async def test_a_place_without_a_probe_is_removed_and_stays_in_the_garden(
    garden: Garden,
) -> None:
    tent = await garden.add_location("Tent", channels=())

    await remove(garden, tent)

    assert titles(garden) == {}
    assert [view.location.name for view in garden.snapshot.locations] == ["Tent"]


@pytest.mark.parametrize("place", [ON_SERVER], indirect=True)
async def test_a_place_that_is_deleted_on_the_server_is_gone_here(
    garden: Garden, place: HomeServer
) -> None:
    tent = await garden.add_location("Tent")
    own = garden.subentry(tent).data["probe_key"]
    plant = await garden.add_plant(location_key=tent)
    assert device(garden, plant).via_device_id == device(garden, tent).id

    context = place.server.contexts.make(
        place.tenant_key, actor="test", role=Role.ADMIN, now=place.clock()
    )
    place.server.services.location.remove(context, tent)
    for _ in range(3):  # what is missing once may have been added meanwhile
        await garden.settle()
    await garden.derive()

    assert garden.device(tent) is None
    assert entities(garden, tent) == {}
    # Its probe measures somewhere still, and nobody put it away.
    assert titles(garden) == {"Tomato": "plant", "Tent": "probe"}
    assert garden.state("sensor", own, "air_temperature")


@pytest.mark.parametrize("place", [ON_SERVER], indirect=True)
async def test_a_server_that_knows_no_places_takes_none_away(garden: Garden) -> None:
    tent = await garden.add_location("Tent")
    plant = await garden.add_plant()
    subjects = garden.entry.runtime_data.subjects
    of_older = garden.snapshot.model_copy(update={"locations": (), "home_site_key": None})

    dropped = [subjects.async_drop_gone(of_older) for _ in range(3)]

    assert dropped == [[], [], []]
    assert titles(garden) == {"Tent": "location", "Tomato": "plant"}
    assert garden.subentry(tent)
    assert garden.subentry(plant)


# --- Lost -----------------------------------------------------------------------------------


async def test_a_lost_file_brings_back_the_place_and_its_probe(garden: Garden) -> None:
    tent = await garden.add_location("Tent")
    own = garden.subentry(tent).data["probe_key"]
    await garden.unload()
    store_file(garden.hass).unlink()

    await garden.set_up()

    view, probe = garden.snapshot.location(tent), garden.snapshot.probe(own)
    assert view is not None
    assert probe is not None
    assert (view.location.name, probe.probe.location_key) == ("Tent", tent)
    assert garden.state("sensor", tent, "vpd")


async def test_without_a_site_a_lost_place_is_said_and_stops_nothing(
    garden: Garden, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = await garden.add_plant()
    tent = await garden.add_location("Tent", channels=())
    subjects = garden.entry.runtime_data.subjects
    snapshot = garden.snapshot.model_copy(update={"locations": (), "home_site_key": None})

    assert await subjects.async_restore(snapshot) is True

    assert "Place Tent cannot be made anew" in caplog.text
    assert garden.subentry(tent).title == "Tent"
    assert garden.state("sensor", plant, "phase")


async def test_a_probe_that_was_archived_elsewhere_comes_back_with_its_place(
    garden: Garden,
) -> None:
    tent = await garden.add_location("Tent")
    own = garden.subentry(tent).data["probe_key"]
    await garden.ask(ArchiveProbe(key=own))
    await garden.unload()

    await garden.set_up()

    assert garden.snapshot.probe(own) is not None
    assert garden.state("sensor", tent, "vpd")


# --- Devices --------------------------------------------------------------------------------


@BOTH_PLACES
async def test_what_stands_in_a_place_hangs_on_its_device(garden: Garden) -> None:
    tent = await garden.add_location("Tent")
    plant = await garden.add_plant()
    tank = await garden.add_tank(location_key=tent)
    other = await second(garden, tent)
    assert device(garden, tent).via_device_id == device(garden, "hub").id
    assert device(garden, plant).via_device_id == device(garden, "hub").id
    assert device(garden, tank).via_device_id == device(garden, tent).id
    assert device(garden, other).via_device_id == device(garden, tent).id

    await garden.ask(UpdatePlant(key=plant, patch={"location_key": tent}))
    await garden.derive()

    assert device(garden, plant).via_device_id == device(garden, tent).id
    probe = garden.snapshot.probe(other)
    assert probe is not None
    assert name_in_place(probe.probe, garden.snapshot) == "Corner (Tent)"


@BOTH_PLACES
async def test_what_stands_in_a_place_hangs_on_it_as_soon_as_it_is_shown(
    garden: Garden,
) -> None:
    tent = await garden.add_location("Tent", channels=(), is_shown=False)
    plant = await garden.add_plant(location_key=tent)
    assert device(garden, plant).via_device_id == device(garden, "hub").id

    dialog = await (await Dialog.add(garden, "location")).choose("known")
    await dialog.fill(location=tent)
    await dialog.fill(name="Tent", base_temperature=10)
    await dialog.choose("finish")
    await garden.derive()

    assert device(garden, plant).via_device_id == device(garden, tent).id


# --- A probe that is a device of its own ------------------------------------------------------


@BOTH_PLACES
async def test_a_probe_is_added_to_a_place_that_is_shown(garden: Garden) -> None:
    await garden.add_location("Shelf", channels=(), is_shown=False)
    tent = await garden.add_location("Tent", channels=())
    dialog = await Dialog.add(garden, "probe")
    assert dialog.labels("place") == {f"location:{tent}": "Tent (Place)"}
    await dialog.fill(name="Corner", place=f"location:{tent}")
    assert "value_air_humidity" in dialog.options
    assert "value_soil_moisture" not in dialog.options
    await dialog.choose("value_air_temperature", "topic")
    await dialog.fill(topic="corner/temperature")
    await dialog.choose("finish")
    assert dialog.result["title"] == "Corner"
    await garden.derive()

    (view,) = garden.snapshot.probes
    assert view.probe.location_key == tent
    assert device(garden, view.probe.key).via_device_id == device(garden, tent).id
    # The place shows what its probe measures, and only the probe what it says of itself.
    assert garden.state("sensor", tent, "air_temperature")
    assert garden.entity_id("sensor", tent, "last_seen") is None
    assert garden.entity_id("sensor", view.probe.key, "last_seen")


async def test_a_probe_moves_from_a_tank_to_a_place_and_stays_choosable_there(
    garden: Garden,
) -> None:
    tank = await garden.add_tank(channels=())
    tent = await garden.add_location("Tent", channels=())
    probe = await garden.add_probe(
        None,
        "Meter",
        tank_key=tank,
        channels=(ChannelBinding(kind=ChannelKind.BATTERY, topic="meter/battery", unit="%"),),
        availability=None,
    )
    dialog = await Dialog.change(garden, garden.subentry(probe))
    await dialog.fill(name="Meter", place=f"location:{tent}")
    await dialog.choose("value_air_temperature", "topic")
    await dialog.fill(topic="meter/temperature")
    await dialog.choose("finish")
    await garden.derive()

    view = garden.snapshot.probe(probe)
    assert view is not None
    assert (view.probe.tank_key, view.probe.location_key) == (None, tent)
    await remove(garden, tent)
    dialog = await Dialog.change(garden, garden.subentry(probe))
    assert dialog.suggested["place"] == f"location:{tent}"
    assert f"location:{tent}" in dialog.labels("place")


# --- Actions, diagnostics ---------------------------------------------------------------------


async def act(garden: Garden, action: str, **data: Any) -> Any:
    return await garden.hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True
    )


@BOTH_PLACES
@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("log_watering", {}),
        ("log_harvest", {"weight_g": 5}),
        ("log_measurement", {"kind": "air_temperature", "value": 20}),
        ("set_phase", {"phase": "flowering"}),
    ],
)
async def test_what_is_not_done_to_a_place_is_refused_by_its_name(
    garden: Garden, action: str, data: dict[str, Any]
) -> None:
    tent = await garden.add_location("Tent")

    with pytest.raises(ServiceValidationError) as caught:
        await act(garden, action, device_id=device(garden, tent).id, **data)

    assert caught.value.translation_placeholders is not None
    assert "Tent" in str(caught.value.translation_placeholders)


@BOTH_PLACES
async def test_the_probe_of_a_place_is_replaced_by_the_place(garden: Garden) -> None:
    tent = await garden.add_location("Tent")

    answer = await act(garden, "replace_probe", device_id=device(garden, tent).id)

    assert answer["probe"] == "Tent"
    garden.freezer.tick(1)
    await second(garden, tent)
    # The other one has a device of its own to be chosen by.
    answer = await act(garden, "replace_probe", device_id=device(garden, tent).id)
    assert (answer["probe"], len(answer["replaced_at"])) == ("Tent", 2)


@BOTH_PLACES
async def test_diagnostics_tell_of_the_place(garden: Garden) -> None:
    tent = await garden.add_location("Tent")

    whole = await async_get_config_entry_diagnostics(garden.hass, garden.entry)
    one = await async_get_device_diagnostics(garden.hass, garden.entry, device(garden, tent))

    assert whole["snapshot"]["locations"] == 1
    assert (one["kind"], one["view"]["location"]["name"]) == ("location", "Tent")
    assert list(one["counts"]) == [garden.subentry(tent).data["probe_key"]]


# --- A server that is away --------------------------------------------------------------------


@pytest.mark.parametrize("place", [ON_SERVER], indirect=True)
async def test_the_light_of_a_day_that_is_over_is_not_shown_as_that_of_today(
    garden: Any,
) -> None:
    tent = await garden.add_location("Tent", channels=AIR_CHANNELS)
    assert garden.state("sensor", tent, "dli_today").state != "unavailable"
    await garden.server_goes()
    await garden.pass_time(timedelta(hours=1))
    assert garden.state("sensor", tent, "dli_today").state != "unavailable"

    # It is noon in Berlin; eleven hours later the next day has come.
    await garden.pass_time(timedelta(hours=11, minutes=10), step=timedelta(hours=1))

    assert garden.state("sensor", tent, "dli_today").state == "unavailable"


@pytest.mark.parametrize("place", [ON_SERVER], indirect=True)
async def test_a_place_is_renamed_and_another_removed_while_the_server_is_away(
    garden: Any,
) -> None:
    tent = await garden.add_location("Tent")
    shelf = await garden.add_location("Shelf", channels=SECOND)
    await garden.server_goes()

    garden.hass.config_entries.async_update_subentry(
        garden.entry, garden.subentry(tent), title="Big tent"
    )
    await remove(garden, shelf)
    assert titles(garden) == {"Big tent": "location"}
    assert device(garden, tent).name == "Big tent"

    await garden.server_returns()
    await garden.derive()

    assert titles(garden) == {"Big tent": "location"}
    assert {view.location.name for view in garden.snapshot.locations} == {"Big tent", "Shelf"}
    assert [view.probe.location_key for view in garden.snapshot.probes] == [tent]
