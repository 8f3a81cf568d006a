"""A garden on a server: push, adoption, what happens while it is away, and after."""

import json
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from custom_components.kamerplanter.backup import async_post_backup, async_pre_backup
from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.coordinator import POLL_SERVER_EVERY
from custom_components.kamerplanter.diagnostics import async_get_config_entry_diagnostics
from kamerplanter_backend.client.requests import (
    ArchivePlant,
    CompleteTask,
    CreatePlant,
    CreateTank,
    ListReadings,
    ListTreatments,
    RecordReadings,
    UpdateTank,
)
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.dependencies import Server
from kamerplanter_backend.common.exceptions import QueuedError
from kamerplanter_engines.models.plant import PlantFields
from kamerplanter_engines.models.site import LocationFields
from kamerplanter_engines.models.tank import TankFields
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.garden import STORE_ID, TOMATO, Garden
from tests.home_assistant.served import ON_SERVER, HomeServer, ServedGarden
from tests.home_assistant.test_init import open_handles

pytestmark = pytest.mark.parametrize("place", [ON_SERVER], indirect=True)


@pytest.fixture
def served(garden: Garden) -> ServedGarden:
    """Give the garden as what it is."""
    assert isinstance(garden, ServedGarden)
    return garden


def folder(garden: Garden) -> Path:
    return Path(garden.hass.config.path(DOMAIN, STORE_ID))


async def act(garden: Garden, action: str, **data: Any) -> Any:
    answer = await garden.hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True
    )
    await garden.settle()
    return answer


async def todo(garden: Garden, action: str, **data: Any) -> None:
    target = {"entity_id": garden.entity_id("todo", "hub", "tasks")}
    await garden.hass.services.async_call("todo", action, data, target=target, blocking=True)
    await garden.settle()


def stamp(path: Path, version: int) -> None:
    """Let a file say that a newer version wrote it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA user_version = {version}")


def rename_command(path: Path) -> None:
    """Let what waits be of a kind that nobody knows."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE waiting SET command = replace(command, 'AddTask', 'Gone')")


def issues(garden: Garden) -> set[str]:
    registry = ir.async_get(garden.hass)
    return {
        str(issue.translation_key)
        for (domain, _), issue in registry.issues.items()
        if domain == DOMAIN and issue.active
    }


def titles(garden: Garden) -> dict[str, str]:
    return {task.title or task.kind: task.state for task in garden.snapshot.tasks}


async def treat(garden: Garden, plant: str, **more: Any) -> Any:
    entity_id = garden.entity_id("sensor", plant, "phase")
    data = {"product": "Neem", "interval_d": 7} | more
    return (await act(garden, "log_treatment", entity_id=entity_id, **data))["plants"][0]


# --- Together with others -------------------------------------------------------------------------


async def test_what_others_do_shows_at_once(served: ServedGarden) -> None:
    plant = await served.add_plant()
    other = served.place.server.services

    def complete() -> None:
        context = served.place.server.contexts.make(
            served.place.tenant_key, actor="ada", role=Role.ADMIN, now=served.place.clock()
        )
        other.plant.update(context, plant, {"name": "Ada's tomato"})

    await served.hass.async_add_executor_job(complete)

    await served.until(
        lambda: served.subentry(plant).title == "Ada's tomato", "the new name is pushed"
    )
    assert served.device(plant).name == "Ada's tomato"


async def test_dialogs_leave_the_location_that_others_have_chosen(served: ServedGarden) -> None:
    server = served.place.server
    context = server.contexts.make(
        served.place.tenant_key, actor="ada", role=Role.ADMIN, now=served.place.clock()
    )

    def make_location() -> str:
        home = server.services.site.find(context)
        assert home is not None
        fields = LocationFields(name="Tent", site_key=home.key)
        return server.services.location.create(context, fields).key

    tent = await served.hass.async_add_executor_job(make_location)
    tank = await served.add_tank(location_key=tent, channels=())
    plant = await served.add_plant(location_key=tent)

    dialog = await Dialog.change(served, served.subentry(tank))
    await dialog.fill(name="Tank B", tank_type="irrigation", volume=80)
    await dialog.choose("finish")
    dialog = await Dialog.change(served, served.subentry(plant))
    await dialog.fill(name="Tomato 2", species_key=TOMATO)
    first = next(iter(dialog.labels("phase_entry_id")))
    await dialog.fill(phase_entry_id=first, phase_started_on="2026-05-01")
    await served.settle()

    (tanks,), (plants,) = served.snapshot.tanks, served.snapshot.plants
    assert (tanks.tank.name, tanks.tank.location_key) == ("Tank B", tent)
    assert (plants.plant.name, plants.plant.location_key) == ("Tomato 2", tent)


async def test_what_others_add_is_taken_over_and_what_they_archive_goes(
    served: ServedGarden,
) -> None:
    plant = await served.ask(CreatePlant(fields=PlantFields(name="Basil", species_key=TOMATO)))
    await served.settle()
    assert served.subentry(plant.key).title == "Basil"
    assert served.state("sensor", plant.key, "phase").state != STATE_UNKNOWN
    runtime = served.entry.runtime_data

    await served.ask(ArchivePlant(key=plant.key))
    for _ in range(3):
        await served.settle()

    assert plant.key not in {item.data["key"] for item in served.entry.subentries.values()}
    assert served.device(plant.key) is None
    assert served.entity_id("sensor", plant.key, "phase") is None
    assert served.entry.runtime_data is runtime, "the entry was reloaded"


async def test_what_others_archived_while_nobody_listened_goes_at_the_start(
    served: ServedGarden,
) -> None:
    plant, tank = await served.add_plant(), await served.add_tank()
    await served.unload()
    context = served.place.server.contexts.make(
        served.place.tenant_key, actor="ada", role=Role.ADMIN, now=served.place.clock()
    )
    await served.hass.async_add_executor_job(
        served.place.server.services.plant.archive, context, plant
    )

    await served.set_up()

    assert [item.data["key"] for item in served.entry.subentries.values()] == [tank]
    assert served.snapshot.plant(plant) is None


async def test_the_place_and_name_of_the_garden_belong_to_the_server(served: ServedGarden) -> None:
    await served.hass.config.async_update(time_zone="Asia/Tokyo")
    served.hass.config_entries.async_update_entry(served.entry, title="Mine")
    await served.settle()

    assert (served.snapshot.time_zone, served.snapshot.name) == ("Europe/Berlin", "Garden")


async def test_what_another_client_measures_is_shown_here(served: ServedGarden) -> None:
    tank = await served.add_tank()
    assert served.state("sensor", tank, "ec").state == STATE_UNKNOWN
    served.freezer.tick(timedelta(minutes=1))
    probe = served.subentry(tank).data["probe_key"]
    now = served.snapshot.taken_at + timedelta(minutes=1)
    reading = Reading(
        probe_key=probe,
        kind=ChannelKind.EC,
        value=1.9,
        verdict=Verdict.GOOD,
        at=now,
        received_at=now,
    )

    await served.ask(RecordReadings(readings=(reading,)))
    await served.settle()

    state = served.state("sensor", tank, "ec")
    assert state.state == "1.9"
    assert "restored" not in state.attributes
    await served.pass_time(timedelta(hours=6, minutes=1))
    assert served.state("sensor", tank, "ec").state == STATE_UNKNOWN


# --- While the server is away ---------------------------------------------------------------------


async def test_the_connection_and_the_queue_are_shown(served: ServedGarden) -> None:
    assert served.state("binary_sensor", "hub", "server_connected").state == "on"
    assert served.state("sensor", "hub", "queue_depth").state == "0"
    entity_id = served.entity_id("sensor", "hub", "last_sync")
    assert entity_id is not None
    last_sync = er.async_get(served.hass).async_get(entity_id)
    assert last_sync is not None
    assert last_sync.disabled_by is er.RegistryEntryDisabler.INTEGRATION

    await served.server_goes()

    connected = served.state("binary_sensor", "hub", "server_connected")
    assert connected.state == "off"
    assert connected.attributes["away_since"] is not None
    await served.server_returns()
    assert served.state("binary_sensor", "hub", "server_connected").state == "on"


async def test_a_server_that_is_back_is_seen_before_the_next_poll(served: ServedGarden) -> None:
    await served.server_goes()
    asked_at = served.entry.runtime_data.server.seen_at
    connected = served.entity_id("binary_sensor", "hub", "server_connected")
    assert connected is not None
    await served.hass.async_add_executor_job(served.place.come_back)

    await served.until(
        lambda: served.hass.states.get(connected).state == "on", "the connection is seen"
    )

    seen_at = served.entry.runtime_data.server.seen_at
    assert not served.entry.runtime_data.coordinator.is_stale
    assert asked_at is not None
    assert seen_at is not None
    assert seen_at - asked_at < POLL_SERVER_EVERY


async def test_a_task_that_is_ticked_off_meanwhile_shows_as_done_and_is_delivered(
    served: ServedGarden,
) -> None:
    await todo(served, "add_item", item="Clean the pump")
    (task,) = served.snapshot.tasks
    await served.server_goes()

    await todo(served, "update_item", item=task.key, status="completed")

    assert titles(served) == {"Clean the pump": "completed"}
    depth = served.state("sensor", "hub", "queue_depth")
    assert depth.state == "1"
    assert depth.attributes["oldest"] is not None
    registry = ir.async_get(served.hass)
    notice = registry.async_get_issue(DOMAIN, f"commands_waiting_{STORE_ID}")
    assert notice is not None
    assert notice.translation_placeholders["commands"] == "Complete a task"

    await served.server_returns()

    assert titles(served) == {"Clean the pump": "completed"}
    assert issues(served) == set()
    assert served.state("sensor", "hub", "queue_depth").state == "0"


async def test_a_list_is_kept_as_if_the_server_were_there(served: ServedGarden) -> None:
    await todo(served, "add_item", item="Old")
    (old,) = served.snapshot.tasks
    await served.server_goes()

    await todo(served, "add_item", item="New", due_date="2026-05-01")
    (new,) = [task for task in served.snapshot.tasks if task.title == "New"]
    assert new.is_due_today
    await todo(served, "update_item", item=new.key, status="completed")
    await todo(served, "update_item", item=new.key, status="needs_action")
    await todo(served, "update_item", item=old.key, rename="Older")
    assert titles(served) == {"Older": "open", "New": "open"}
    await todo(served, "remove_item", item=[old.key])
    assert titles(served) == {"New": "open"}

    await served.server_returns()

    assert titles(served) == {"New": "open"}
    assert issues(served) == set()


async def test_actions_answer_that_they_wait(served: ServedGarden) -> None:
    plant = await served.add_plant(watering_interval_d=3)
    await served.jump_to(served.snapshot.taken_at + timedelta(days=4))
    await served.derive()
    (task,) = [item for item in served.snapshot.tasks if item.kind == "watering"]
    device = served.device(plant).id
    await served.server_goes()

    watered = await act(served, "log_watering", device_id=device, volume_l=1)
    added = await act(served, "add_task", device_id=device, title="Look")
    done = await act(served, "complete_task", task_id=added["tasks"][0]["task_id"])

    assert watered["plants"] == [{"plant": "Tomato", "plant_id": plant, "queued": True}]
    assert added["tasks"][0]["queued"] is True
    assert done["tasks"][0]["queued"] is True
    assert served.snapshot.plant(plant).open_task_keys == ()
    closed = {item.key: item.state for item in served.snapshot.tasks}
    assert closed[task.key] == "completed"
    with pytest.raises(HomeAssistantError, match="cannot answer now"):
        await act(served, "set_phase", device_id=device, phase="flowering")

    await served.server_returns()
    assert titles(served) == {"watering": "completed", "Look": "completed"}


async def test_a_treatment_closes_the_gate_at_once_and_no_harvest_passes(
    served: ServedGarden,
) -> None:
    plant = await served.add_plant()
    assert served.state("binary_sensor", plant, "harvest_allowed").state == "on"
    await served.server_goes()

    answer = await treat(served, plant)

    assert (answer["queued"], answer["karenz_active"]) == (True, True)
    assert answer["safe_harvest_date"] == "2026-05-09"
    assert served.state("binary_sensor", plant, "harvest_allowed").state == "off"
    assert served.state("binary_sensor", plant, "karenz_active").state == "on"
    with pytest.raises(HomeAssistantError):
        await act(served, "log_harvest", device_id=served.device(plant).id)

    await served.server_returns()
    (booked,) = await served.ask(ListTreatments(plant_key=plant))
    assert booked.product == "Neem"
    assert served.state("sensor", plant, "safe_harvest_date").state == "2026-05-09"


async def test_readings_wait_in_the_queue_and_are_delivered(
    mqtt_garden: Garden, place: HomeServer
) -> None:
    tank = await mqtt_garden.add_tank()
    assert isinstance(mqtt_garden, ServedGarden)
    started = mqtt_garden.snapshot.taken_at
    await mqtt_garden.server_goes()

    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.85")
    assert mqtt_garden.state("sensor", tank, "ec").state == "1.85"
    await mqtt_garden.derive()
    assert mqtt_garden.state("sensor", "hub", "queue_depth").state == "1"
    assert "commands_waiting" not in issues(mqtt_garden), "readings are nobody's business"

    await mqtt_garden.server_returns()
    probe = mqtt_garden.subentry(tank).data["probe_key"]
    (reading,) = await mqtt_garden.ask(
        ListReadings(
            probe_key=probe, kind="ec", from_at=started, until_at=started + timedelta(hours=1)
        )
    )
    assert reading.value == 1.85


async def test_what_permits_grows_old_first_and_what_forbids_stays(served: ServedGarden) -> None:
    treated, free = await served.add_plant("Treated"), await served.add_plant("Free")
    await treat(served, treated)
    await served.server_goes()

    await served.pass_time(timedelta(minutes=14))
    assert served.state("binary_sensor", free, "harvest_allowed").state == "on"
    await served.pass_time(timedelta(minutes=6))
    assert served.state("binary_sensor", free, "harvest_allowed").state == STATE_UNAVAILABLE
    assert served.state("sensor", free, "phase").state == "germination"
    assert "server_away" not in issues(served)

    await served.pass_time(timedelta(hours=2), step=timedelta(minutes=30))
    assert "server_away" in issues(served)

    await served.pass_time(timedelta(days=30), step=timedelta(days=10))
    assert served.state("sensor", free, "phase").state == STATE_UNAVAILABLE
    assert served.state("todo", "hub", "tasks").state == STATE_UNAVAILABLE
    assert served.state("binary_sensor", treated, "karenz_active").state == "on"
    assert served.state("binary_sensor", treated, "harvest_allowed").state == "off"

    await served.server_returns()
    assert served.state("binary_sensor", treated, "karenz_active").state == "off"
    assert served.state("binary_sensor", free, "harvest_allowed").state == "on"
    assert issues(served) == set()


async def test_a_restart_without_the_server_shows_what_was_known(served: ServedGarden) -> None:
    plant, tank = await served.add_plant(), await served.add_tank()
    await treat(served, plant)
    await served.server_goes()
    await todo(served, "add_item", item="Waits")
    await served.unload()
    assert open_handles(folder(served)) == []
    served.freezer.tick(timedelta(hours=3))

    await served.set_up()

    assert served.entry.state is ConfigEntryState.LOADED
    assert served.state("binary_sensor", plant, "karenz_active").state == "on"
    assert served.state("binary_sensor", plant, "harvest_allowed").state == "off"
    assert served.state("binary_sensor", "hub", "server_connected").state == "off"
    assert titles(served) == {"Waits": "open"}
    assert {item.data["key"] for item in served.entry.subentries.values()} == {plant, tank}

    await served.server_returns()
    assert served.state("binary_sensor", "hub", "server_connected").state == "on"
    assert titles(served) == {"Waits": "open"}


async def test_without_any_knowledge_it_is_tried_again(served: ServedGarden) -> None:
    await served.server_goes()
    await served.unload()
    (folder(served) / "last_seen.json").unlink()

    assert not await served.hass.config_entries.async_setup(served.entry.entry_id)

    assert served.entry.state is ConfigEntryState.SETUP_RETRY
    assert open_handles(folder(served)) == []


async def test_dialogs_need_the_server_and_queue_nothing(served: ServedGarden) -> None:
    await served.server_goes()

    result = await served.hass.config_entries.subentries.async_init(
        (served.entry.entry_id, "probe"), context={"source": "user"}
    )

    assert result["reason"] == "store_unavailable"
    assert served.state("sensor", "hub", "queue_depth").state == "0"


async def test_removals_and_renames_wait_too(served: ServedGarden) -> None:
    plant, tank = await served.add_plant(), await served.add_tank("Tank A")
    await served.server_goes()

    entry, entries = served.entry, served.hass.config_entries
    entries.async_update_subentry(entry, served.subentry(tank), title="Big tank")
    entries.async_remove_subentry(entry, served.subentry(plant).subentry_id)
    await served.settle()
    assert served.snapshot.plant(plant) is None
    assert served.subentry(tank).title == "Big tank"

    await served.server_returns()
    assert served.snapshot.plants == ()
    assert served.snapshot.tank(tank).tank.name == "Big tank"
    assert served.subentry(tank).title == "Big tank"


async def test_another_server_at_the_address_gets_nothing_and_changes_nothing(
    served: ServedGarden,
) -> None:
    plant = await served.add_plant()
    await served.server_goes()
    await treat(served, plant)
    queue = served.entry.runtime_data.server.queue

    await served.hass.async_add_executor_job(served.place.be_replaced)
    for _ in range(3):  # a thing must be missing twice
        await served.settle()

    assert issues(served) == {"server_other", "commands_waiting"}
    assert served.state("binary_sensor", "hub", "server_connected").state == "off"
    assert served.state("binary_sensor", plant, "harvest_allowed").state == "off"
    assert served.subentry(plant).title == "Tomato"
    assert (queue.state.depth, queue.state.refused) == (1, ())
    with pytest.raises(HomeAssistantError, match="another server"):
        await act(served, "set_phase", device_id=served.device(plant).id, phase="flowering")

    await served.hass.async_add_executor_job(served.place.be_itself)
    await served.settle()
    await served.until(lambda: not queue.state.depth, "the treatment is delivered")
    await served.settle()
    assert issues(served) == set()
    assert [item.product for item in await served.ask(ListTreatments(plant_key=plant))] == ["Neem"]


async def test_another_server_is_noticed_by_the_first_thing_that_it_is_told(
    served: ServedGarden,
) -> None:
    plant = await served.add_plant()
    place = served.place
    other = await served.hass.async_add_executor_job(place.swap)

    with pytest.raises(HomeAssistantError, match="another server"):
        await treat(served, plant)

    await served.settle()
    context = other.contexts.make(
        place.tenant_key, actor="test", role=Role.ADMIN, now=place.clock()
    )
    there = await served.hass.async_add_executor_job(other.services.home.snapshot, context)
    assert there.plants == ()
    assert issues(served) == {"server_other"}
    assert served.snapshot.plant(plant) is not None
    assert served.state("sensor", "hub", "queue_depth").state == "0"

    await served.hass.async_add_executor_job(place.swap_back)
    await served.settle()
    assert issues(served) == set()
    assert (await treat(served, plant))["karenz_active"] is True


# --- What the server refuses ----------------------------------------------------------------------


async def refuse_one(served: ServedGarden) -> str:
    """Let a treatment wait of a plant that others archive meanwhile; return its issue's id."""
    plant = await served.add_plant()
    await served.server_goes()
    await treat(served, plant)

    def archive(server: Server) -> None:
        context = server.contexts.make(
            served.place.tenant_key, actor="ada", role=Role.ADMIN, now=served.place.clock()
        )
        server.services.plant.archive(context, plant)

    # Before we can reach it: what waits would be faster than Ada at times.
    await served.hass.async_add_executor_job(served.place.come_back, archive)
    await served.settle()
    queue = served.entry.runtime_data.server.queue
    await served.until(lambda: bool(queue.state.refused), "it is refused")
    await served.settle()
    (refused,) = queue.state.refused
    return f"command_refused_{STORE_ID}_{refused.command.command_key}"


async def answer(served: ServedGarden, issue_id: str, choice: str) -> None:
    flow = await begin_repair(served, issue_id)
    assert flow["description_placeholders"]["command"] == "Log a treatment"
    await choose_repair(served, flow, choice)


async def begin_repair(served: ServedGarden, issue_id: str) -> Any:
    from homeassistant.components.repairs import repairs_flow_manager  # noqa: PLC0415
    from homeassistant.setup import async_setup_component  # noqa: PLC0415

    assert await async_setup_component(served.hass, "repairs", {})
    await served.hass.async_block_till_done()
    manager = repairs_flow_manager(served.hass)
    assert manager is not None
    flow = await manager.async_init(DOMAIN, data={"issue_id": issue_id})
    assert flow["menu_options"] == ["send_again", "forget"]
    return flow


async def choose_repair(served: ServedGarden, flow: Any, choice: str) -> Any:
    from homeassistant.components.repairs import repairs_flow_manager  # noqa: PLC0415

    manager = repairs_flow_manager(served.hass)
    assert manager is not None
    result = await manager.async_configure(flow["flow_id"], {"next_step_id": choice})
    await served.settle()
    return result


async def test_a_refused_command_is_an_issue_with_the_reason(served: ServedGarden) -> None:
    issue_id = await refuse_one(served)

    issue = ir.async_get(served.hass).async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    assert issue.is_fixable
    told = issue.translation_placeholders
    assert (told["name"], told["command"]) == ("Garden", "Log a treatment")
    assert "is not in this garden" in told["reason"]

    await served.unload()
    assert ir.async_get(served.hass).async_get_issue(DOMAIN, issue_id) is None
    await served.set_up()
    assert ir.async_get(served.hass).async_get_issue(DOMAIN, issue_id) is not None


async def test_a_refused_command_is_forgotten_when_a_person_says_so(served: ServedGarden) -> None:
    issue_id = await refuse_one(served)

    await answer(served, issue_id, "forget")

    assert served.entry.runtime_data.server.queue.state.refused == ()
    assert ir.async_get(served.hass).async_get_issue(DOMAIN, issue_id) is None


async def test_a_refused_command_is_sent_again_when_a_person_says_so(
    served: ServedGarden,
) -> None:
    issue_id = await refuse_one(served)
    (before,) = served.entry.runtime_data.server.queue.state.refused
    served.freezer.tick(timedelta(seconds=30))

    await answer(served, issue_id, "send_again")

    queue = served.entry.runtime_data.server.queue
    await served.until(
        lambda: queue.state.refused != (before,) and bool(queue.state.refused), "tried again"
    )
    (after,) = queue.state.refused
    assert after.command.command_key == before.command.command_key

    served.freezer.tick(timedelta(days=30))  # the server may have forgotten that it did it
    asked = await begin_repair(served, issue_id)
    assert (await choose_repair(served, asked, "send_again"))["reason"] == "too_old_to_send"
    assert queue.state.refused == (after,)


async def test_an_issue_of_a_garden_that_is_not_loaded_cannot_be_answered(
    served: ServedGarden,
) -> None:
    from custom_components.kamerplanter.repairs import async_create_fix_flow  # noqa: PLC0415

    await served.unload()
    data = {"entry_id": served.entry.entry_id, "command_key": "x"}
    flow: Any = await async_create_fix_flow(served.hass, "x", data)
    flow.hass = served.hass

    for step in (flow.async_step_forget, flow.async_step_send_again):
        assert (await step())["reason"] == "entry_not_loaded"


async def test_readings_that_waited_too_long_are_one_message(
    mqtt_garden: Garden, place: HomeServer
) -> None:
    tank = await mqtt_garden.add_tank()
    assert isinstance(mqtt_garden, ServedGarden)
    await mqtt_garden.server_goes()
    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.85")
    await mqtt_garden.derive()
    queue = mqtt_garden.entry.runtime_data.server.queue
    assert queue.state.depth == 1

    await mqtt_garden.pass_time(timedelta(days=15), step=timedelta(days=5))
    await mqtt_garden.server_returns()

    assert "command_refused" not in issues(mqtt_garden)
    told = ir.async_get(mqtt_garden.hass).async_get_issue(DOMAIN, f"readings_lost_{STORE_ID}")
    assert told is not None
    assert told.translation_placeholders["count"] == "1"
    probe = mqtt_garden.subentry(tank).data["probe_key"]
    began = mqtt_garden.snapshot.taken_at - timedelta(days=16)
    known = await mqtt_garden.ask(
        ListReadings(probe_key=probe, kind="ec", from_at=began, until_at=began + timedelta(days=16))
    )
    assert known == ()


@pytest.mark.parametrize("choice", ["send_again", "forget"])
async def test_readings_that_are_refused_are_answered_once_for_all(
    served: ServedGarden, choice: str
) -> None:
    now = served.snapshot.taken_at
    await served.server_goes()
    queue = served.entry.runtime_data.server.queue
    for number in range(2):
        readings = tuple(
            Reading(
                probe_key="never-was",
                kind=ChannelKind.EC,
                at=now + timedelta(seconds=200 * number + second),
                received_at=now,
                value=1.5,
                verdict=Verdict.GOOD,
            )
            for second in range(200)
        )
        with pytest.raises(QueuedError):
            await served.ask(RecordReadings(readings=readings))
    assert queue.state.depth == 2
    await served.server_returns()
    assert len(queue.state.refused) == 2

    (issue_id,) = [
        issue_id
        for domain, issue_id in ir.async_get(served.hass).issues
        if domain == DOMAIN and issue_id.startswith("command_refused")
    ]
    asked = await begin_repair(served, issue_id)
    assert asked["description_placeholders"]["command"] == "Readings"
    before = queue.state.refused
    served.freezer.tick(timedelta(seconds=30))
    await choose_repair(served, asked, choice)

    if choice == "forget":
        assert queue.state.refused == ()
        assert issues(served) == set()
        return
    await served.until(
        lambda: not queue.state.depth and len(queue.state.refused) == 2, "tried again"
    )
    assert {item.refused_at for item in queue.state.refused}.isdisjoint(
        item.refused_at for item in before
    )


# --- Files ----------------------------------------------------------------------------------------


async def test_removing_the_entry_deletes_its_files_and_says_what_was_lost(
    served: ServedGarden,
) -> None:
    await served.server_goes()
    for number in range(22):
        await todo(served, "add_item", item=f"Task {number}")

    await served.hass.config_entries.async_remove(served.entry.entry_id)
    await served.hass.async_block_till_done()

    assert not folder(served).exists()
    issue = ir.async_get(served.hass).async_get_issue(DOMAIN, f"queue_discarded_{STORE_ID}")
    assert issue is not None
    assert issue.is_persistent
    assert issue.translation_placeholders["count"] == "22"
    lines = issue.translation_placeholders["commands"].splitlines()
    assert lines[0] == "- 2026-05-01 12:00: Add a task"
    assert lines[-1] == "- … (+2)"


async def test_a_queue_of_a_newer_version_keeps_the_entry_unloaded_and_is_kept_and_named(
    served: ServedGarden,
) -> None:
    plant = await served.add_plant()
    await served.server_goes()
    await treat(served, plant)
    await todo(served, "add_item", item="Waits")
    await served.unload()
    path = folder(served) / "queue.db"
    await served.hass.async_add_executor_job(stamp, path, 99)
    content = path.read_bytes()

    assert not await served.hass.config_entries.async_setup(served.entry.entry_id)
    assert served.entry.state is ConfigEntryState.SETUP_ERROR
    assert issues(served) == {"newer_schema"}

    await served.hass.config_entries.async_remove(served.entry.entry_id)
    await served.hass.async_block_till_done()
    assert {item.name for item in folder(served).iterdir()} == {"queue.db"}
    assert path.read_bytes() == content
    assert issues(served) == {"queue_kept"}
    told = ir.async_get(served.hass).async_get_issue(DOMAIN, f"queue_kept_{STORE_ID}")
    assert told is not None
    assert told.is_persistent
    assert told.translation_placeholders == {
        "name": "Garden",
        "path": str(path),
        "count": "2",
        "commands": "- 2026-05-01 12:00: Log a treatment\n- 2026-05-01 12:00: Add a task",
    }


async def test_an_entry_that_was_never_loaded_leaves_nothing(served: ServedGarden) -> None:
    other = served.place.entry(store_id="f" * 32)
    await served.hass.config_entries.async_remove(served.entry.entry_id)
    other.add_to_hass(served.hass)

    await served.hass.config_entries.async_remove(other.entry_id)

    assert issues(served) == set()


async def test_a_waiting_command_that_this_version_does_not_know_is_told(
    served: ServedGarden,
) -> None:
    await served.server_goes()
    await todo(served, "add_item", item="Waits")
    await served.unload()
    await served.hass.async_add_executor_job(rename_command, folder(served) / "queue.db")

    await served.set_up()

    assert served.snapshot.tasks == ()
    queue = served.entry.runtime_data.server.queue
    await served.until(lambda: bool(queue.state.refused), "it is given up")
    assert "command_refused" in issues(served)
    (refused,) = queue.state.refused
    assert refused.command.name == "Gone"


async def test_removing_the_entry_says_nothing_if_nothing_was_lost(served: ServedGarden) -> None:
    await served.add_plant()

    await served.hass.config_entries.async_remove(served.entry.entry_id)
    await served.hass.async_block_till_done()

    assert not folder(served).exists()
    assert issues(served) == set()


async def test_a_damaged_queue_is_put_aside_and_told(served: ServedGarden) -> None:
    await served.unload()
    (folder(served) / "queue.db").write_bytes(b"no database at all" * 100)
    (folder(served) / "last_seen.json").write_text("no snapshot")

    await served.set_up()

    assert served.entry.state is ConfigEntryState.LOADED
    assert issues(served) == {"queue_damaged"}
    await served.hass.config_entries.async_remove(served.entry.entry_id)
    kept = folder(served) / "queue.db.damaged-1"
    assert {item.name for item in folder(served).iterdir()} == {kept.name}
    told = ir.async_get(served.hass).async_get_issue(DOMAIN, f"queue_kept_{STORE_ID}")
    assert told is not None
    assert told.translation_placeholders["path"] == str(kept)
    assert told.translation_placeholders["count"] == "?"


async def test_a_backup_holds_nothing_up(served: ServedGarden) -> None:
    plant = await served.add_plant()
    await async_pre_backup(served.hass)

    await served.ask(UpdateTank(key=await served.add_tank(), patch={"name": "Other"}))
    await async_post_backup(served.hass)

    kept = json.loads((folder(served) / "last_seen.json").read_text())
    assert [item["plant"]["key"] for item in kept["snapshot"]["plants"]] == [plant]


async def test_unloading_leaves_no_thread_and_no_handle(served: ServedGarden) -> None:
    await served.add_tank()
    assert open_handles(folder(served))

    await served.unload()

    assert open_handles(folder(served)) == []
    assert not [t.name for t in threading.enumerate() if t.name.startswith("kamerplanter")]


async def test_reloading_keeps_all_things(served: ServedGarden) -> None:
    tank = await served.add_tank()
    before = set(served.entry.subentries)

    for _ in range(5):
        assert await served.hass.config_entries.async_reload(served.entry.entry_id)
        await served.settle()

    assert set(served.entry.subentries) == before
    assert served.state("sensor", tank, "ec") is not None


async def test_diagnostics_give_neither_key_nor_address_away(served: ServedGarden) -> None:
    await served.server_goes()
    await todo(served, "add_item", item="Secret plan")

    found = await async_get_config_entry_diagnostics(served.hass, served.entry)

    text = json.dumps(found)
    for secret in (served.place.url, str(served.place.port), served.place.instance_id, "Secret"):
        assert secret not in text
    assert found["server"]["waiting"] == 1
    assert found["server"]["is_stale"] is True
    assert found["server"]["trouble"] == "UNAVAILABLE"


async def test_an_unsent_completion_of_a_task_that_is_gone_changes_nothing(
    served: ServedGarden,
) -> None:
    await served.server_goes()

    with pytest.raises(Exception, match="stored"):
        await served.ask(CompleteTask(key="never-was"))
    with pytest.raises(Exception, match="cannot be reached"):
        await served.entry.runtime_data.garden.call_now(
            CreateTank(fields=TankFields(name="T", volume_l=5)), None
        )
    await served.settle()

    assert served.snapshot.tasks == ()
