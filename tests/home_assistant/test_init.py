"""Loading, unloading, moving house and removing."""

import gc
import json
import threading
from pathlib import Path

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.kamerplanter.const import DOMAIN
from tests.home_assistant.garden import STORE_ID, Garden, new_entry, store_file

INTEGRATION = Path(__file__).parents[2] / "custom_components/kamerplanter"


def open_handles(path: Path) -> list[str]:
    """Return the handles of this process on files of a folder."""
    found = []
    for handle in Path("/proc/self/fd").iterdir():
        try:
            target = str(handle.readlink())
        except OSError:
            continue
        if target.startswith(str(path)):
            found.append(target)
    return found


async def test_the_garden_is_a_device_of_its_own(garden: Garden) -> None:
    hub = garden.device("hub")

    assert hub is not None
    assert hub.name == "Garden"
    assert garden.entry.state is ConfigEntryState.LOADED


async def test_only_the_garden_says_which_version_it_is(garden: Garden) -> None:
    manifest = json.loads((INTEGRATION / "manifest.json").read_text(encoding="utf-8"))
    hub, tank = garden.device("hub"), garden.device(await garden.add_tank())

    assert hub is not None
    assert tank is not None
    assert (hub.sw_version, tank.sw_version) == (manifest["version"], None)


async def test_unloading_leaves_no_thread_and_no_handle(garden: Garden) -> None:
    await garden.add_tank()
    await garden.add_plant()
    threads = {thread.name for thread in threading.enumerate()}
    assert open_handles(store_file(garden.hass).parent)

    await garden.unload()
    gc.collect()

    assert open_handles(store_file(garden.hass).parent) == []
    assert {thread.name for thread in threading.enumerate()} <= threads
    assert garden.entry.state is ConfigEntryState.NOT_LOADED
    assert not [name for name in (t.name for t in threading.enumerate()) if DOMAIN in name]


async def test_reloading_ten_times_changes_nothing(garden: Garden) -> None:
    tank = await garden.add_tank()

    for _ in range(10):
        assert await garden.hass.config_entries.async_reload(garden.entry.entry_id)
        await garden.settle()

    assert garden.state("sensor", tank, "ec") is not None
    assert len(garden.entry.subentries) == 1


async def test_removing_the_entry_keeps_the_file_and_names_it(
    garden: Garden, issue_registry: ir.IssueRegistry
) -> None:
    await garden.add_tank()
    path = store_file(garden.hass)

    await garden.hass.config_entries.async_remove(garden.entry.entry_id)
    await garden.settle()

    issue = issue_registry.async_get_issue(DOMAIN, f"data_kept_{STORE_ID}")
    assert issue is not None
    assert issue.translation_placeholders["path"] == str(path)
    assert path.is_file()
    assert open_handles(path.parent) == []
    marker = json.loads((path.parent / "garden.json").read_text(encoding="utf-8"))
    assert marker == {"name": "Garden"}


async def test_the_notice_goes_when_the_garden_is_added_again(
    garden: Garden, issue_registry: ir.IssueRegistry
) -> None:
    await garden.hass.config_entries.async_remove(garden.entry.entry_id)

    await Garden(garden.hass, new_entry(), garden.freezer).set_up()

    assert issue_registry.async_get_issue(DOMAIN, f"data_kept_{STORE_ID}") is None


async def test_an_entry_of_another_integration_is_refused(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    entry = MockConfigEntry(domain=DOMAIN, version=1, data={"url": "http://kp.local"})
    entry.add_to_hass(hass)

    assert not await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.MIGRATION_ERROR
    assert entry.data == {"url": "http://kp.local"}
    assert "another integration" in caplog.text


async def test_a_foreign_entry_of_our_version_is_refused(hass: HomeAssistant) -> None:
    entry = MockConfigEntry(domain=DOMAIN, version=2, data={"url": "http://kp.local"})
    entry.add_to_hass(hass)

    assert not await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.SETUP_ERROR


async def test_an_entry_of_a_newer_version_is_left_alone(hass: HomeAssistant) -> None:
    entry = MockConfigEntry(domain=DOMAIN, version=99, data={"store_id": STORE_ID})
    entry.add_to_hass(hass)

    assert not await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.MIGRATION_ERROR


async def test_a_newer_file_is_left_untouched(
    garden: Garden, issue_registry: ir.IssueRegistry
) -> None:
    await garden.unload()
    path = store_file(garden.hass)
    _stamp(path, 9999)
    before = path.read_bytes()

    assert not await garden.hass.config_entries.async_setup(garden.entry.entry_id)

    assert garden.entry.state is ConfigEntryState.SETUP_ERROR
    assert path.read_bytes() == before
    issue = issue_registry.async_get_issue(DOMAIN, f"newer_schema_{STORE_ID}")
    assert issue is not None
    assert issue.translation_placeholders["path"] == str(path)


def _stamp(path: Path, version: int) -> None:
    # The schema's number stands at byte 60 of the header of each SQLite file.
    content = bytearray(path.read_bytes())
    content[60:64] = version.to_bytes(4, "big")
    path.write_bytes(bytes(content))


async def test_a_file_that_is_no_database_is_left_untouched(garden: Garden) -> None:
    await garden.unload()
    path = store_file(garden.hass)
    path.write_bytes(b"this is no database, but long enough to be looked at" * 40)
    before = path.read_bytes()

    assert not await garden.hass.config_entries.async_setup(garden.entry.entry_id)

    assert garden.entry.state is ConfigEntryState.SETUP_ERROR
    assert path.read_bytes() == before


async def test_a_folder_that_cannot_be_made_is_tried_again(
    hass: HomeAssistant, garden: Garden
) -> None:
    other = "f" * 32
    store_file(hass).parent.parent.joinpath(other).write_text("a file in the way")
    entry = MockConfigEntry(
        domain=DOMAIN, version=2, unique_id=other, data={"store_id": other, "readings": "none"}
    )
    entry.add_to_hass(hass)

    assert not await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.SETUP_RETRY


async def test_the_garden_moves_with_the_house(garden: Garden) -> None:
    await garden.hass.config.async_update(time_zone="Asia/Tokyo", latitude=35.0)
    await garden.derive()

    assert garden.snapshot.time_zone == "Asia/Tokyo"


async def test_another_language_is_that_of_all_that_is_said_from_then_on(garden: Garden) -> None:
    before = garden.entry.runtime_data
    await garden.hass.config.async_update(language="en", elevation=7)
    await garden.settle()
    assert garden.entry.runtime_data is before

    await garden.hass.config.async_update(language="de")
    await garden.settle()

    assert garden.entry.state is ConfigEntryState.LOADED
    assert garden.entry.runtime_data is not before


async def test_a_new_title_is_the_name_of_the_garden(garden: Garden) -> None:
    garden.hass.config_entries.async_update_entry(garden.entry, title="Balcony")
    await garden.settle()
    await garden.derive()

    assert garden.snapshot.name == "Balcony"
    assert garden.device("hub").name == "Balcony"
    marker = store_file(garden.hass).with_name("garden.json")
    assert json.loads(marker.read_text(encoding="utf-8")) == {"name": "Balcony"}


async def test_changed_connection_data_reloads_the_entry(garden: Garden) -> None:
    runtime = garden.entry.runtime_data

    garden.hass.config_entries.async_update_entry(
        garden.entry, data={**garden.entry.data, "name": "Other"}
    )
    await garden.settle()

    assert garden.entry.state is ConfigEntryState.LOADED
    assert garden.entry.runtime_data is not runtime


async def test_an_orderly_stop_closes_the_file(garden: Garden) -> None:
    await garden.add_tank()

    garden.hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await garden.settle()
    garden.hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await garden.settle()

    assert open_handles(store_file(garden.hass).parent) == []


async def test_a_device_in_use_cannot_be_removed(garden: Garden) -> None:
    from custom_components.kamerplanter import async_remove_config_entry_device  # noqa: PLC0415

    device = garden.device(await garden.add_tank())

    assert device is not None
    assert not await async_remove_config_entry_device(garden.hass, garden.entry, device)
