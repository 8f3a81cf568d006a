"""An entry that does not know the key of its garden yet learns it, and means no other one."""

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from custom_components.kamerplanter.const import CONF_GARDEN_KEY
from tests.home_assistant.served import ON_SERVER, HomeServer, ServedGarden

pytestmark = pytest.mark.parametrize("place", [ON_SERVER], indirect=True)


@pytest.fixture
def older(hass: HomeAssistant, place: HomeServer, berlin: FrozenDateTimeFactory) -> ServedGarden:
    """Give a garden whose entry was made by an older version; it is not loaded."""
    place.clock.is_going = True
    made = ServedGarden(hass, place.entry(), berlin, place)
    made.entry.add_to_hass(hass)
    forget(made)
    return made


def forget(garden: ServedGarden) -> None:
    """Let the entry be as one of an older version."""
    known = garden.entry.data
    data = {name: value for name, value in known.items() if name != CONF_GARDEN_KEY}
    garden.hass.config_entries.async_update_entry(garden.entry, data=data)


async def test_an_older_entry_learns_the_key_when_it_is_set_up(older: ServedGarden) -> None:
    await older.set_up()
    before = older.entry.runtime_data
    await older.settle()

    assert older.entry.data[CONF_GARDEN_KEY] == older.place.tenant_key
    assert older.entry.runtime_data is before, "not loaded again"
    await older.unload()


async def test_it_is_learned_without_another_loading_when_the_server_is_back(
    older: ServedGarden,
) -> None:
    await older.set_up()  # for a memory of the garden
    await older.unload()
    forget(older)
    await older.hass.async_add_executor_job(older.place.go_away)
    await older.set_up()
    assert CONF_GARDEN_KEY not in older.entry.data
    before = older.entry.runtime_data

    await older.server_returns()

    assert older.entry.data[CONF_GARDEN_KEY] == older.place.tenant_key
    assert older.entry.runtime_data is before, "not loaded again"
    assert older.entry.state is ConfigEntryState.LOADED
    await older.unload()
