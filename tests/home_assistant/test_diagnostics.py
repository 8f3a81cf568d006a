"""Diagnostics help without giving anything away."""

import json

from homeassistant.core import HomeAssistant

from custom_components.kamerplanter.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from tests.home_assistant.garden import Garden, new_entry

SECRETS = {
    "host": "broker.secret.example",
    "port": 1883,
    "username": "secret-user",
    "password": "secret-word",
    "tls": False,
}


async def test_the_entry_gives_no_secret_away(garden: Garden) -> None:
    await garden.add_tank()
    await garden.unload()
    # The connection is not made: what is written about it is all that matters here.
    garden.hass.config_entries.async_update_entry(
        garden.entry, data={**garden.entry.data, "broker": SECRETS}
    )
    await garden.set_up()

    text = json.dumps(await async_get_config_entry_diagnostics(garden.hass, garden.entry))

    assert "secret" not in text
    assert json.loads(text)["snapshot"]["tanks"] == 1


async def test_the_diagnostics_say_what_was_counted(garden: Garden) -> None:
    await garden.add_tank()

    found = await async_get_config_entry_diagnostics(garden.hass, garden.entry)

    assert found["readings"]["waiting"] == 0
    assert set(found["readings"]["probes"][0]["quality"]) == {
        "ec",
        "ph",
        "water_temperature",
        "level",
    }


async def test_a_device_shows_its_view(garden: Garden) -> None:
    tank = await garden.add_tank("Tank A")

    device, hub_device = garden.device(tank), garden.device("hub")
    assert device is not None
    assert hub_device is not None
    found = await async_get_device_diagnostics(garden.hass, garden.entry, device)
    hub = await async_get_device_diagnostics(garden.hass, garden.entry, hub_device)

    assert found["view"]["tank"]["name"] == "Tank A"
    assert hub["snapshot"]["tanks"] == 1


async def test_a_garden_that_does_not_load_says_what_is_known_of_it(garden: Garden) -> None:
    tank = await garden.add_tank("Tank A")
    device = garden.device(tank)
    assert device is not None
    await garden.unload()
    garden.hass.config_entries.async_update_entry(
        garden.entry, data={**garden.entry.data, "broker": SECRETS}
    )

    found = await async_get_config_entry_diagnostics(garden.hass, garden.entry)
    of_device = await async_get_device_diagnostics(garden.hass, garden.entry, device)

    assert found["entry"]["state"] == "not_loaded"
    assert [item["type"] for item in found["entry"]["subentries"]] == ["tank"]
    assert "secret" not in json.dumps(found)
    assert of_device == found


async def test_a_garden_that_never_loaded_has_diagnostics(hass: HomeAssistant) -> None:
    entry = new_entry("none")
    entry.add_to_hass(hass)

    found = await async_get_config_entry_diagnostics(hass, entry)

    assert found["entry"]["state"] == "not_loaded"
