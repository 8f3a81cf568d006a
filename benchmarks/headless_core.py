"""A headless Home Assistant core in a process of its own, measured from message to states.

Started as a child: `python -m benchmarks.headless_core shipped|each|peer|floor PORT`.
Ours is measured as shipped, and with each value written however fast they come.
The floor is a callback that does nothing: what Home Assistant needs to receive a message.
Prints READY, then one line of JSON for each finished pass.
"""

import asyncio
import json
import logging
import sys
import tempfile
import time
from pathlib import Path

from homeassistant.components import mqtt
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
)

import custom_components  # noqa: F401 - before the test plugin puts its own package on the path
from custom_components.kamerplanter.const import ENTRY_VERSION
from custom_components.kamerplanter.live_sensor import LiveSensorEntity
from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.requests import CreateProbe, CreateTank
from kamerplanter_backend.common.context import Role
from kamerplanter_engines.models.tank import TankFields
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, ProbeFields

TOPIC = "bench/{side}/tank"
OURS = ("shipped", "each")
NO_LIMIT = 1_000_000_000
"""So many writes without a pause are never reached."""
ADMIN = Caller(actor="bench", role=Role.ADMIN)
PATHS = {
    ChannelKind.EC: "ec",
    ChannelKind.PH: "ph",
    ChannelKind.WATER_TEMPERATURE: "temperature",
    ChannelKind.LEVEL: "level",
}


def _peer_sensors() -> dict[str, object]:
    classes = {"ec": "conductivity", "ph": "ph", "temperature": "temperature", "level": None}
    units = {"ec": "mS/cm", "ph": None, "temperature": "°C", "level": "%"}
    sensors = [
        {
            "name": f"bench {path}",
            "unique_id": f"bench_{path}",
            "state_topic": TOPIC.format(side="peer"),
            "value_template": f"{{{{ value_json.{path} }}}}",
            "state_class": "measurement",
            **({"device_class": classes[path]} if classes[path] else {}),
            **({"unit_of_measurement": units[path]} if units[path] else {}),
        }
        for path in PATHS.values()
    ]
    return {"mqtt": {"sensor": sensors}}


async def _set_up_ours(hass: HomeAssistant, side: str) -> None:
    if side == "each":
        LiveSensorEntity.burst = NO_LIMIT
    hass.data.pop(DATA_CUSTOM_COMPONENTS, None)
    entry = MockConfigEntry(
        domain="kamerplanter",
        version=ENTRY_VERSION,
        title="Bench",
        unique_id="bench",
        data={"mode": "embedded", "store_id": "bench", "name": "Bench", "readings": "mqtt"},
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    client = entry.runtime_data.client
    tank = await client.call(CreateTank(fields=TankFields(name="Bench", volume_l=60)), ADMIN)
    await client.call(
        CreateProbe(
            fields=ProbeFields(
                name="Bench",
                tank_key=tank.key,
                channels=tuple(
                    ChannelBinding(
                        kind=kind,
                        topic=TOPIC.format(side=side),
                        path=path,
                        unit="mS/cm" if kind is ChannelKind.EC else None,
                    )
                    for kind, path in PATHS.items()
                ),
            )
        ),
        ADMIN,
    )
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


def _write_config(folder: str, config: dict[str, object]) -> None:
    # JSON is YAML; the MQTT entry reads its sensors from the file.
    Path(folder, "configuration.yaml").write_text(json.dumps(config), encoding="utf-8")


async def _run(side: str, port: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = _peer_sensors() if side == "peer" else {}
        _write_config(folder, config)
        async with async_test_home_assistant(config_dir=folder) as hass:
            entry = MockConfigEntry(
                domain="mqtt",
                data={"broker": "127.0.0.1", "port": port, "protocol": "3.1.1"},
                version=2,
                minor_version=1,
            )
            entry.add_to_hass(hass)
            await async_setup_component(hass, "mqtt", config)
            await hass.async_block_till_done()
            if side in OURS:
                await _set_up_ours(hass, side)
            await hass.async_block_till_done()
            await _measure(hass, side)
            await hass.async_stop(force=True)


@callback
def _ignore(_message: mqtt.ReceiveMessage) -> None:
    """Take a message and do nothing with it."""


async def _measure(hass: HomeAssistant, side: str) -> None:
    finished = asyncio.Event()
    changes = 0
    level_ns: dict[str, int] | None = None

    @callback
    def count(event: Event[EventStateChangedData]) -> None:
        nonlocal changes
        changes += 1
        if level_ns is not None and event.data["entity_id"].endswith("_level"):
            state = event.data["new_state"]
            if state is not None:
                level_ns.setdefault(state.state, time.monotonic_ns())

    hass.bus.async_listen("state_changed", count)
    if side == "floor":
        await mqtt.async_subscribe(hass, TOPIC.format(side=side), _ignore, encoding=None)

    @callback
    def finish(_message: mqtt.ReceiveMessage) -> None:
        finished.set()

    await mqtt.async_subscribe(hass, f"bench/{side}/done", finish)
    await asyncio.sleep(1)
    print("READY", flush=True)
    while True:
        finished.clear()
        command = await asyncio.to_thread(sys.stdin.readline)
        if command.strip() not in {"pass", "latency"}:
            return
        level_ns = {} if command.strip() == "latency" else None
        changes, before = 0, time.process_time()
        print("GO", flush=True)
        await finished.wait()
        await asyncio.sleep(1.2)  # our readings reach the store within a second: count that too
        used = {"cpu_s": time.process_time() - before, "changes": changes}
        print(json.dumps(used if level_ns is None else level_ns), flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING if "-v" in sys.argv else logging.CRITICAL)
    asyncio.run(_run(sys.argv[1], int(sys.argv[2])))
