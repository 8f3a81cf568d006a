"""Home Assistant as a consumer: a headless core with four MQTT sensors for each topic."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from homeassistant.components import mqtt
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
)

from benchmarks.ingest_side import FIELDS, READINGS, TOPICS, Pass, orders_of, topic


def _write(folder: str, config: dict[str, object]) -> None:
    # JSON is YAML.
    Path(folder, "configuration.yaml").write_text(json.dumps(config), encoding="utf-8")


async def run_home_assistant(port: int) -> None:
    """Run a headless core with four sensors for each topic."""
    sensors = [
        {
            "name": f"bench {number} {path}",
            "unique_id": f"bench_{number}_{path}",
            "state_topic": topic("home-assistant", number),
            "value_template": f"{{{{ value_json.{path} }}}}",
            "state_class": "measurement",
            "qos": 1,
        }
        for number in range(TOPICS)
        for path in FIELDS.values()
    ]
    config: dict[str, object] = {"mqtt": {"sensor": sensors}}
    counted = Pass()
    hass: HomeAssistant
    with tempfile.TemporaryDirectory() as folder:
        _write(folder, config)
        async with async_test_home_assistant(config_dir=folder) as hass:
            entry = MockConfigEntry(
                domain="mqtt",
                data={"broker": "127.0.0.1", "port": port},
                version=2,
                minor_version=1,
            )
            entry.add_to_hass(hass)
            await async_setup_component(hass, "mqtt", config)
            await hass.async_block_till_done()
            done = asyncio.Event()

            @callback
            def count(_event: Event) -> None:
                counted.count += 1
                if counted.count == counted.expected:
                    done.set()

            hass.bus.async_listen("state_changed", count)
            await asyncio.sleep(2)
            assert mqtt.is_connected(hass)
            print("READY", flush=True)
            while orders := await orders_of():
                done.clear()
                counted.begin(READINGS * orders[0])
                async with asyncio.timeout(60):
                    await done.wait()
                counted.end(count=counted.count)
            await hass.async_stop(force=True)


if __name__ == "__main__":
    asyncio.run(run_home_assistant(int(sys.argv[2])))
