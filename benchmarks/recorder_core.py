"""A headless Home Assistant core with its recorder on a file, in a process of its own.

Started as a child: `python -m benchmarks.recorder_core FILE`. Prints READY; then a line of JSON for
each command on its input: `write` (20 entities, a state a minute for 24 h), `read N`, `size`.
"""

import asyncio
import json
import logging
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.history import get_significant_states
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder, session_scope
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_test_home_assistant
from sqlalchemy import text

ENTITIES = 20
MINUTES = 1_440
AT_ONCE = 500
ATTRIBUTES = {
    "state_class": "measurement",
    "unit_of_measurement": "mS/cm",
    "device_class": "conductivity",
}


async def _run(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with async_test_home_assistant(config_dir=folder) as hass:
            async_initialize_recorder(hass)
            config = {"db_url": f"sqlite:///{path}", "commit_interval": 1}
            await async_setup_component(hass, "recorder", {"recorder": config})
            await hass.async_block_till_done()
            await get_instance(hass).async_block_till_done()
            await _serve(hass, path)
            await hass.async_stop(force=True)


async def _serve(hass: HomeAssistant, path: Path) -> None:
    start = datetime.now(UTC) - timedelta(hours=25)
    print("READY", flush=True)
    while True:
        command = (await asyncio.to_thread(sys.stdin.readline)).split()
        match command:
            case ["write"]:
                answer = await _write(hass, start)
            case ["read", times]:
                answer = await get_instance(hass).async_add_executor_job(
                    _read, hass, start, int(times)
                )
            case ["size"]:
                answer = await get_instance(hass).async_add_executor_job(_size, hass, path)
            case _:
                return
        print(json.dumps(answer), flush=True)


async def _write(hass: HomeAssistant, start: datetime) -> dict[str, float]:
    before = time.perf_counter()
    count = 0
    for minute in range(MINUTES):
        moment = (start + timedelta(minutes=minute)).timestamp()
        for number in range(ENTITIES):
            value = f"{1 + (minute * 7 + number) % 997 / 1000:.3f}"
            hass.states.async_set(f"sensor.ec_{number}", value, ATTRIBUTES, timestamp=moment)
            count += 1
        if count % AT_ONCE < ENTITIES:
            await asyncio.sleep(0)
    await hass.async_block_till_done()
    await get_instance(hass).async_block_till_done()
    return {"states": count, "seconds": time.perf_counter() - before}


def _read(hass: HomeAssistant, start: datetime, times: int) -> dict[str, float]:
    before = time.perf_counter()
    found = 0
    for number in range(times):
        name = f"sensor.ec_{number % ENTITIES}"
        states = get_significant_states(
            hass, start, start + timedelta(hours=24), [name], minimal_response=True
        )
        found += len(states[name])
    return {"found": found, "seconds": (time.perf_counter() - before) / times}


def _size(hass: HomeAssistant, path: Path) -> dict[str, float]:
    with session_scope(hass=hass) as session:
        session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        states = session.execute(text("SELECT count(*) FROM states")).scalar_one()
    return {"bytes": path.stat().st_size, "states": states}


if __name__ == "__main__":
    logging.basicConfig(level=logging.CRITICAL)
    asyncio.run(_run(Path(sys.argv[1])))
