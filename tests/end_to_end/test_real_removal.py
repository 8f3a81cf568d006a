"""A removed entry leaves nothing behind but its data, which the next one finds."""

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

from demo.api import Json
from demo.config_flows import FLOW
from tests.end_to_end.conftest import Run
from tests.end_to_end.real_garden import BASIL, DOMAIN, EC_TOPIC, GARDEN, PROBE, TANK, RealGarden

pytestmark = [pytest.mark.e2e, pytest.mark.mosquitto]

LET_GO_S = 30.0
CONTROL_TOPIC = "control/topic"
MQTT_LOGGER = "homeassistant.components.mqtt.client"
KARENZ = ("karenz_active", "safe_harvest_date", "harvest_allowed")


def test_a_removed_entry_leaves_its_data_only_and_comes_back_with_it(
    garden: RealGarden, run: Run
) -> None:
    async def story() -> None:
        await garden.add_task("Turn the compost")
        await garden.treat()
        await garden.wait_for(BASIL, "karenz_active", "on")
        garden.send_ec(1.79)
        await garden.wait_for(TANK, "ec", 1.79)
        file = _data_file(garden)
        entities, devices = await garden.entities(), await garden.devices()
        items, subentries = await garden.items(), await _subentries(garden)
        karenz = [garden.shown(BASIL, row).state for row in KARENZ]
        # Or else we would look for the wrong things below.
        assert entities
        assert sorted(devices) == sorted([GARDEN, TANK, BASIL, PROBE])
        assert _open_files(garden.home.pid, file.parent)
        assert _our_threads(garden.home.pid)
        log_start = len(garden.home.log_lines())

        path = f"/api/config/config_entries/entry/{garden.entry_id}"
        answer: Json = await garden.home.api.request("DELETE", path)
        assert answer == {"require_restart": False}
        await _nothing_stays(garden, file, entities)
        await _the_data_is_named(garden, file)
        await _nobody_listens(garden)

        await _add_again(garden, file)
        await garden.follow()
        assert await garden.entities() == entities
        assert sorted(await garden.devices()) == sorted(devices)
        assert await _subentries(garden) == subentries
        assert await garden.items() == items
        for row, before in zip(KARENZ, karenz, strict=True):
            await garden.wait_for(BASIL, row, before)
        await garden.wait_for(TANK, "ec", 1.79)
        assert await garden.issues() == []
        # The bindings are back too.
        await garden.until(TANK, "ec", "1.83", lambda: garden.send_ec(1.83))
        bad = [line for line in garden.our_log(log_start) if " ERROR " in line]
        assert bad == []

    run(story())


async def _nothing_stays(garden: RealGarden, file: Path, entities: dict[str, str]) -> None:
    """Check registries, states, open files and threads."""
    pid, deadline_s = garden.home.pid, time.monotonic() + LET_GO_S
    while _open_files(pid, file.parent) or _our_threads(pid):
        assert time.monotonic() < deadline_s, (_open_files(pid, file.parent), _our_threads(pid))
        await asyncio.sleep(0.1)
    assert await garden.entities() == {}
    assert await garden.devices() == []
    states: list[Json] = await garden.home.api.command("get_states")
    assert {state["entity_id"] for state in states}.isdisjoint(entities.values())


async def _nobody_listens(garden: RealGarden) -> None:
    """Check that what devices go on sending does not reach this Home Assistant any more."""
    api, heard = garden.home.api, asyncio.Event()
    assert api.socket is not None
    await api.call_action("logger.set_level", {MQTT_LOGGER: "debug"})
    await api.socket.subscribe(lambda _event: heard.set(), "mqtt/subscribe", topic=CONTROL_TOPIC)
    for _ in range(2):
        # A message of ours, and then one that tells that it would have arrived by now.
        log_start = len(garden.home.log_lines())
        garden.send_ec(1.81)
        heard.clear()
        deadline_s = time.monotonic() + LET_GO_S
        while not heard.is_set():
            assert time.monotonic() < deadline_s
            garden.publish(CONTROL_TOPIC, "control")
            with suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), 0.3)
    await api.call_action("logger.set_level", {MQTT_LOGGER: "warning"})
    received = [line for line in garden.home.log_lines()[log_start:] if "message on" in line]
    assert any(CONTROL_TOPIC in line for line in received)
    assert [line for line in received if EC_TOPIC in line] == []


async def _the_data_is_named(garden: RealGarden, file: Path) -> None:
    """Check that the file is complete by itself, and that a notice says where it is."""
    assert sorted(item.name for item in file.parent.iterdir()) == ["garden.db", "garden.json"]
    (issue,) = await garden.issues()
    assert issue["translation_key"] == "data_kept"
    assert issue["translation_placeholders"] == {"name": GARDEN, "path": str(file)}


async def _add_again(garden: RealGarden, file: Path) -> None:
    """Walk through the flow, which offers the old data."""
    api = garden.home.api
    flow: Json = await api.post(FLOW, {"handler": DOMAIN})
    assert flow["step_id"] == "user"
    assert flow["menu_options"] == ["garden", "existing", "server"]
    path = f"{FLOW}/{flow['flow_id']}"
    flow = await api.post(path, {"next_step_id": "existing"})
    (field,) = flow["data_schema"]
    (option,) = field["selector"]["select"]["options"]
    assert option["value"] == file.parent.name
    assert GARDEN in option["label"]
    flow = await api.post(path, {"store_id": option["value"]})
    assert flow["step_id"] == "garden"
    flow = await api.post(path, {"name": GARDEN, "readings": "mqtt"})
    assert flow["type"] == "create_entry"
    garden.entry_id = flow["result"]["entry_id"]


async def _subentries(garden: RealGarden) -> set[tuple[str, str, str]]:
    listed: list[Json] = await garden.home.api.command(
        "config_entries/subentries/list", entry_id=garden.entry_id
    )
    return {(item["subentry_type"], item["unique_id"], item["title"]) for item in listed}


def _data_file(garden: RealGarden) -> Path:
    (file,) = (garden.home.config / DOMAIN).glob("*/garden.db")
    return file


def _open_files(pid: int, folder: Path) -> list[str]:
    """Return the open files of a process below a folder."""
    found = []
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            if (target := os.readlink(handle)).startswith(str(folder)):  # noqa: PTH115 - no object
                found.append(target)
    return found


def _our_threads(pid: int) -> list[str]:
    """Return the threads of a process that carry our name."""
    names = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):
            names.append((thread / "comm").read_text().strip())
    return [name for name in names if name.startswith(DOMAIN)]
