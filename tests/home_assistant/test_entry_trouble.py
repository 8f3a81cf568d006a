"""An entry whose garden cannot be opened, shown, moved or let go of."""

from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry

import custom_components.kamerplanter as integration
from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.reconcile import Subjects
from kamerplanter_backend.common.exceptions import (
    ReadOnlyStoreError,
    StoreFullError,
    UnavailableError,
)
from tests.home_assistant.garden import STORE_ID, Garden, new_entry, store_file
from tests.home_assistant.test_init import open_handles


def failing(error: Exception) -> Any:
    """Return something that raises when it is awaited."""

    async def fail(*_args: object, **_more: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "key", "words"),
    [
        pytest.param(StoreFullError("full"), "store_full", "disk is full", id="full"),
        pytest.param(ReadOnlyStoreError("ro"), "store_read_only", "read-only", id="read-only"),
        pytest.param(
            PermissionError(13, "Permission denied"),
            "store_unavailable",
            "Permission denied",
            id="no folder",
        ),
    ],
)
async def test_a_store_that_cannot_be_opened_now_is_tried_again(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, error: Exception, key: str, words: str
) -> None:
    entry = new_entry()
    entry.add_to_hass(hass)
    monkeypatch.setattr(integration, "async_open_garden", failing(error))

    assert not await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == key
    assert words in str(entry.reason)


async def test_what_fails_after_opening_leaves_nothing_open_and_is_tried_again(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    await garden.unload()
    with monkeypatch.context() as broken:
        broken.setattr(Subjects, "async_restore", failing(UnavailableError("busy", reason="busy")))
        assert not await garden.hass.config_entries.async_setup(garden.entry.entry_id)

    assert garden.entry.state is ConfigEntryState.SETUP_RETRY
    assert open_handles(store_file(garden.hass).parent) == []
    assert await garden.hass.config_entries.async_reload(garden.entry.entry_id)
    await garden.settle()
    assert garden.entry.state is ConfigEntryState.LOADED


async def test_a_store_that_takes_nothing_is_an_issue_until_it_does(
    garden: Garden, issue_registry: ir.IssueRegistry
) -> None:
    tell = integration._store_trouble(garden.hass, garden.entry)
    issue_id = f"store_failed_{STORE_ID}"

    tell(StoreFullError("The disk is full."))
    issue = issue_registry.async_get_issue(DOMAIN, issue_id)
    tell(None)

    assert issue is not None
    assert issue.translation_key == "store_failed"
    assert issue.translation_placeholders == {
        "name": "Garden",
        "path": str(store_file(garden.hass)),
        "message": "The disk is full. Nothing was saved.",
    }
    assert issue_registry.async_get_issue(DOMAIN, issue_id) is None


async def test_a_move_of_the_house_that_is_not_stored_is_told(
    garden: Garden, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(integration, "async_set_site", failing(StoreFullError("full")))

    await garden.hass.config.async_update(time_zone="Asia/Tokyo")
    await garden.derive()

    assert "The garden keeps its old place" in caplog.text
    assert garden.snapshot.time_zone == "Europe/Berlin"
    assert garden.entry.state is ConfigEntryState.LOADED


async def test_a_garden_whose_entities_stay_is_not_closed(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_args: object) -> bool:
        return False

    with monkeypatch.context() as broken:
        broken.setattr(garden.hass.config_entries, "async_unload_platforms", refuse)
        assert not await integration.async_unload_entry(garden.hass, garden.entry)

    # It still answers.
    plant = await garden.add_plant()
    assert garden.snapshot.plant(plant) is not None


async def test_an_entry_of_a_newer_minor_version_is_taken_as_it_is(
    garden: Garden,
) -> None:
    await garden.unload()
    garden.hass.config_entries.async_update_entry(garden.entry, minor_version=7)

    await garden.set_up()

    assert garden.entry.state is ConfigEntryState.LOADED


async def test_removing_what_has_no_data_leaves_no_notice(
    hass: HomeAssistant, issue_registry: ir.IssueRegistry
) -> None:
    foreign = MockConfigEntry(domain=DOMAIN, version=1, data={"url": "http://kp.local"})
    never_loaded = new_entry()
    for entry in (foreign, never_loaded):
        entry.add_to_hass(hass)
        await hass.config_entries.async_remove(entry.entry_id)

    notices = [key for domain, key in issue_registry.issues if domain == DOMAIN]
    assert notices == []
    assert not store_file(hass).exists()
