"""What happens to an entry while it is loaded, or just then comes to its end."""

import asyncio
from unittest.mock import patch

import pytest
from homeassistant.config_entries import ConfigEntryState
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.kamerplanter import follow
from custom_components.kamerplanter.reconcile import Difference, Subjects
from kamerplanter_backend.client.requests import UpdateTank
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.exceptions import ReadOnlyStoreError, UnavailableError
from tests.home_assistant.garden import Garden


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("async_set_site", ReadOnlyStoreError("The file cannot be written.")),
        ("write_marker", PermissionError("read-only")),
    ],
)
async def test_a_title_that_the_store_does_not_take_is_said_and_breaks_nothing(
    garden: Garden, caplog: pytest.LogCaptureFixture, name: str, error: Exception
) -> None:
    with patch.object(follow, name, side_effect=error):
        garden.hass.config_entries.async_update_entry(garden.entry, title="Balcony")
        await garden.settle()

    assert "The garden keeps its name in the store" in caplog.text
    tank = await garden.add_tank()
    assert garden.state("sensor", tank, "ec_target") is not None


async def test_changed_options_reload_the_entry(garden: Garden) -> None:
    runtime = garden.entry.runtime_data

    garden.hass.config_entries.async_update_entry(garden.entry, options={"some": "thing"})
    await garden.settle()

    assert garden.entry.state is ConfigEntryState.LOADED
    assert garden.entry.runtime_data is not runtime


async def test_what_changes_while_a_slow_snapshot_is_read_shows_after_it(garden: Garden) -> None:
    tank = await garden.add_tank()
    await garden.derive()
    client = garden.entry.runtime_data.client
    read_snapshot = client.snapshot
    is_read, may_go_on, is_changed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def read_slowly() -> GardenSnapshot:
        snapshot = await read_snapshot()
        is_read.set()
        await may_go_on.wait()
        return snapshot

    with patch.object(client, "snapshot", read_slowly):
        await garden.ask(UpdateTank(key=tank, patch={"name": "Tank B"}))
        await is_read.wait()
        stop = client.changes(lambda _change: is_changed.set())
        await garden.ask(UpdateTank(key=tank, patch={"name": "Tank C"}))
        await is_changed.wait()
        stop()
        # Longer than changes are collected for, while the first snapshot is still on its way.
        garden.freezer.tick(1)
        async_fire_time_changed(garden.hass)
        may_go_on.set()
        await garden.settle()
    await garden.derive()

    assert garden.subentry(tank).title == "Tank C"


async def test_a_snapshot_that_could_not_be_read_changes_nothing(garden: Garden) -> None:
    tank = await garden.add_tank()
    coordinator = garden.entry.runtime_data.coordinator
    before = coordinator.data

    with patch.object(coordinator._client, "snapshot", side_effect=UnavailableError("Busy.")):
        await coordinator.async_refresh()
        await garden.settle()
    assert not coordinator.last_update_success
    assert garden.subentry(tank).title == "Tank A"

    await garden.ask(UpdateTank(key=tank, patch={"name": "Tank Z"}))
    await garden.derive()
    assert coordinator.data is not before
    assert garden.subentry(tank).title == "Tank Z"


async def test_nothing_is_followed_after_the_unloading(garden: Garden) -> None:
    listeners = list(garden.entry.update_listeners)
    assert listeners
    runtime = garden.entry.runtime_data
    await garden.unload()

    with patch.object(runtime.subjects, "async_follow") as asked:
        for listener in listeners:
            await listener(garden.hass, garden.entry)

    asked.assert_not_called()


async def test_an_unloading_ends_what_was_being_followed(garden: Garden) -> None:
    tank, plant = await garden.add_tank(), await garden.add_plant()
    runtime = garden.entry.runtime_data
    may_go_on, asked = asyncio.Event(), []

    async def slowly(snapshot: GardenSnapshot) -> Difference:
        asked.append(snapshot)
        await may_go_on.wait()
        return await Subjects.async_follow(runtime.subjects, snapshot)

    with (
        patch.object(runtime.subjects, "async_follow", slowly),
        patch.object(runtime.roster, "async_forget") as forgotten,
    ):
        for key in (tank, plant):  # the second waits for the first
            garden.hass.config_entries.async_remove_subentry(
                garden.entry, garden.subentry(key).subentry_id
            )
        assert await garden.hass.config_entries.async_unload(garden.entry.entry_id)
        may_go_on.set()
        await garden.settle()

    assert len(asked) == 1
    forgotten.assert_not_called()

    # What was missed is not lost: the store still has it, so the next start shows it again.
    await garden.set_up()
    assert {view.tank.key for view in garden.snapshot.tanks} == {tank}
    assert garden.subentry(tank).title == "Tank A"


async def test_a_garden_with_several_changes_at_once_ends_as_it_should(garden: Garden) -> None:
    first = await garden.add_tank("Tank A")
    entry, entries = garden.entry, garden.hass.config_entries

    entries.async_update_entry(entry, title="Balcony")
    entries.async_update_subentry(entry, garden.subentry(first), title="Tank Z")
    second, third = await asyncio.gather(garden.add_tank("Tank B"), garden.add_plant())
    entries.async_remove_subentry(entry, garden.subentry(third).subentry_id)
    await garden.settle()
    await garden.derive()

    assert garden.snapshot.name == "Balcony"
    assert {view.tank.name for view in garden.snapshot.tanks} == {"Tank Z", "Tank B"}
    assert garden.snapshot.plants == ()
    assert garden.state("sensor", second, "ec") is not None
    assert garden.entity_id("sensor", third, "phase") is None
