"""Subentries and store when one of them lacks, refuses or does not know what the other has."""

from types import MappingProxyType
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState, ConfigSubentry

from custom_components.kamerplanter.subjects import Subject, view_of
from kamerplanter_backend.client.requests import (
    ArchivePlant,
    ArchiveProbe,
    ArchiveTank,
    CreateTank,
    ListObjects,
    UpdateProbe,
)
from kamerplanter_engines.models.tank import TankFields
from tests.home_assistant.garden import TANK_CHANNELS, Garden, store_file
from tests.home_assistant.served import BOTH_PLACES


def add_subentry(garden: Garden, kind: str, title: str, **data: Any) -> ConfigSubentry:
    """Add a subentry whose object nobody made."""
    subentry = ConfigSubentry(
        data=MappingProxyType(data), subentry_type=kind, title=title, unique_id=None
    )
    garden.hass.config_entries.async_add_subentry(garden.entry, subentry)
    return subentry


def rename(garden: Garden, key: str, title: str) -> None:
    garden.hass.config_entries.async_update_subentry(
        garden.entry, garden.subentry(key), title=title
    )


async def remove(garden: Garden, subentry: ConfigSubentry) -> None:
    garden.hass.config_entries.async_remove_subentry(garden.entry, subentry.subentry_id)
    await garden.settle()


async def archived(garden: Garden) -> set[str]:
    objects = await garden.ask(ListObjects())
    return {str(item["key"]) for kind in objects.values() for item in kind if item["archived_at"]}


# --- At start ---------------------------------------------------------------------------


async def test_all_that_was_archived_elsewhere_comes_back_in_its_order(garden: Garden) -> None:
    plant = await garden.add_plant(phase_entry_id="flowering")
    tank = await garden.add_tank()
    probe = await garden.add_probe(plant)
    own_probe = garden.subentry(tank).data["probe_key"]
    # The plant stands before the tank that feeds it, and its probe before nobody.
    await garden.ask(ArchiveProbe(key=probe))
    await garden.ask(ArchiveProbe(key=own_probe))
    await garden.ask(ArchivePlant(key=plant))
    await garden.ask(ArchiveTank(key=tank))
    await garden.unload()

    await garden.set_up()

    assert await archived(garden) == set()
    view = garden.snapshot.plant(plant)
    assert view is not None
    assert view.phase.entry_id == "flowering"
    assert garden.snapshot.probe(own_probe) is not None
    assert garden.state("sensor", probe, "soil_moisture") is not None


async def test_a_lost_file_brings_back_what_the_subentries_know(
    garden: Garden, caplog: pytest.LogCaptureFixture
) -> None:
    tank, plant = await garden.add_tank("Barrel"), await garden.add_plant("Tomato")
    probe = await garden.add_probe(None)
    await garden.unload()
    store_file(garden.hass).unlink()

    await garden.set_up()

    # Volume and species stand in the store only; the bindings of a probe in both.
    assert garden.snapshot.tank(tank) is None
    assert garden.snapshot.plant(plant) is None
    assert "Tank Barrel is not in the store any more" in caplog.text
    assert "Plant Tomato is not in the store any more" in caplog.text
    view = garden.snapshot.probe(probe)
    assert view is not None
    assert [channel.kind for channel in view.probe.channels] == [
        "soil_moisture",
        "soil_temperature",
        "soil_ec",
    ]


async def test_a_tank_gets_a_lost_probe_back_from_its_bindings(garden: Garden) -> None:
    tank = await garden.ask(CreateTank(fields=TankFields(name="Barrel", volume_l=60)))
    channels = [channel.model_dump(mode="json") for channel in TANK_CHANNELS]
    await garden.unload()
    add_subentry(
        garden,
        "tank",
        "Barrel",
        key=tank.key,
        probe_key="probe-1",
        bindings={"channels": channels},
    )

    await garden.set_up()

    view = garden.snapshot.probe("probe-1")
    assert view is not None
    assert (view.probe.tank_key, view.probe.name) == (tank.key, "Barrel")
    assert garden.state("sensor", tank.key, "ec") is not None


async def test_bindings_that_make_no_sense_stop_nothing_else(
    garden: Garden, caplog: pytest.LogCaptureFixture
) -> None:
    plant = await garden.add_plant()
    await garden.unload()
    add_subentry(garden, "probe", "Odd", key="probe-1", bindings={"channels": [{"kind": "smell"}]})

    await garden.set_up()

    assert "The bindings of Odd cannot be read" in caplog.text
    assert garden.snapshot.probes == ()
    assert garden.state("sensor", plant, "phase") is not None


async def test_what_cannot_be_restored_stops_nothing_else(
    garden: Garden, caplog: pytest.LogCaptureFixture
) -> None:
    tank = await garden.add_tank("Barrel")
    await remove(garden, garden.subentry(tank))
    # Its name is given to another one while it is archived.
    other = await garden.add_tank("Barrel")
    await garden.unload()
    add_subentry(garden, "tank", "Barrel", key=tank)

    await garden.set_up()

    assert "Barrel could not be restored" in caplog.text
    assert [view.tank.key for view in garden.snapshot.tanks] == [other]


@BOTH_PLACES
async def test_a_subentry_of_a_newer_version_is_left_alone(
    garden: Garden, caplog: pytest.LogCaptureFixture
) -> None:
    plant = await garden.add_plant()
    pump = add_subentry(garden, "pump", "Pump", key="pump-1")
    await garden.settle()
    while_running = garden.entry.state
    await garden.unload()

    await garden.set_up()

    assert while_running is ConfigEntryState.LOADED
    assert "Subentry Pump is of a kind that is not known" in caplog.text
    assert garden.entry.subentries[pump.subentry_id].title == "Pump"
    assert garden.state("sensor", plant, "phase") is not None


# --- While running ----------------------------------------------------------------------


@BOTH_PLACES
async def test_plants_and_probes_are_renamed_too(garden: Garden) -> None:
    plant = await garden.add_plant("Tomato")
    probe = await garden.add_probe(plant, "Soil")

    rename(garden, plant, "Tom")
    rename(garden, probe, "Moist")
    await garden.settle()
    await garden.derive()

    views = garden.snapshot.plant(plant), garden.snapshot.probe(probe)
    assert views[0] is not None
    assert views[1] is not None
    assert (views[0].plant.name, views[1].probe.name) == ("Tom", "Moist")


@BOTH_PLACES
@pytest.mark.parametrize(("probe_name", "told"), [("Tank A", "Cellar"), ("Pen 3", "Pen 3")])
async def test_the_own_probe_of_a_tank_is_called_alike(
    garden: Garden, probe_name: str, told: str
) -> None:
    tank = await garden.add_tank("Tank A")
    (view,) = garden.snapshot.probes
    await garden.ask(UpdateProbe(key=view.probe.key, patch={"name": probe_name}))
    await garden.derive()

    rename(garden, tank, "Cellar")
    await garden.settle()
    await garden.derive()

    (view,) = garden.snapshot.probes
    assert (garden.subentry(tank).title, view.probe.name) == ("Cellar", told)


@BOTH_PLACES
async def test_a_title_that_the_store_refuses_goes_back(
    garden: Garden, caplog: pytest.LogCaptureFixture
) -> None:
    await garden.add_tank("Tank A")
    tank = await garden.add_tank("Tank B")

    rename(garden, tank, "Tank A")
    await garden.settle()
    await garden.derive()

    view = garden.snapshot.tank(tank)
    assert view is not None
    assert (garden.subentry(tank).title, view.tank.name) == ("Tank B", "Tank B")
    assert "Tank A" in caplog.text


async def test_a_new_title_of_what_was_archived_elsewhere_changes_nothing(
    garden: Garden,
) -> None:
    plant = await garden.add_plant("Tomato")
    await garden.ask(ArchivePlant(key=plant))
    await garden.derive()

    rename(garden, plant, "Tom")
    await garden.settle()

    objects = await garden.ask(ListObjects())
    assert [item["name"] for item in objects["plants"]] == ["Tomato"]
    assert garden.entry.state is ConfigEntryState.LOADED


@BOTH_PLACES
async def test_a_tank_without_a_probe_and_a_probe_are_archived(garden: Garden) -> None:
    tank = await garden.add_tank(channels=())
    plant = await garden.add_plant()
    probe = await garden.add_probe(plant)

    await remove(garden, garden.subentry(tank))
    await remove(garden, garden.subentry(probe))

    assert await archived(garden) == {tank, probe}
    assert garden.snapshot.plant(plant) is not None


async def test_removing_what_the_store_never_had_stops_nothing(
    garden: Garden, caplog: pytest.LogCaptureFixture
) -> None:
    plant = await garden.add_plant()
    ghost = add_subentry(garden, "plant", "Ghost", key="ghost")
    await garden.settle()

    await remove(garden, ghost)

    assert "Ghost could not be archived" in caplog.text
    assert garden.state("sensor", plant, "phase") is not None


async def test_the_garden_itself_is_the_whole_snapshot(garden: Garden) -> None:
    assert view_of(garden.snapshot, Subject.hub()) is garden.snapshot


async def test_an_archived_object_comes_back_from_its_subentry(garden: Garden) -> None:
    tank = await garden.add_tank("Tank A")
    subentry = garden.subentry(tank)
    garden.hass.config_entries.async_remove_subentry(garden.entry, subentry.subentry_id)
    await garden.settle()
    await garden.unload()
    garden.hass.config_entries.async_add_subentry(garden.entry, subentry)

    await garden.set_up()

    assert garden.snapshot.tank(tank).tank.volume_l == 60
    assert len(garden.snapshot.probes[0].probe.channels) == 4
    assert garden.state("sensor", tank, "ec") is not None
