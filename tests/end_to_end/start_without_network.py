"""Starts Home Assistant with an installed release and reports what became of it.

Usage: python start_without_network.py CONFIG

Run by test_release_zip.py, in a network namespace of its own where that is permitted.  Home
Assistant gets an interpreter without `.pth` files: its packages are there, ours are not.
"""

import asyncio
import json
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from demo.config_flows import create_entry, create_subentry
from demo.home_assistant import HomeAssistant
from demo.ports import free_port
from demo.processes import clean_environment
from demo.states import HUB, States

TANK_FORM = {"name": "Tank", "tank_type": "nutrient", "volume": 60}


INTERPRETER = (sys.executable, "-S")


def is_importable_otherwise(env: Mapping[str, str], folder: Path) -> bool:
    """Tell whether our packages are there without the zip, which would prove nothing."""
    command = [*INTERPRETER, "-c", "import kamerplanter_engines"]
    child = subprocess.run(command, env=env, cwd=folder, capture_output=True, check=False)
    return child.returncode == 0


async def main(config: Path, env: Mapping[str, str]) -> dict[str, object]:
    """Start, make a garden, stop; returns what was seen."""
    home = HomeAssistant(config, free_port(), integration=None, interpreter=INTERPRETER, env=env)
    try:
        await home.start()
        garden = {"name": "Released garden", "readings": "none"}
        here = ("user", {"next_step_id": "garden"})
        entry_id = await create_entry(home.api, "kamerplanter", [here, ("garden", garden)])
        finish = ("values", {"next_step_id": "finish"})
        await create_subentry(home.api, entry_id, "tank", [("user", TANK_FORM), finish])
        states = States(home.api)
        await states.follow(entry_id)
        has_entities = await states.until_known([("Tank", "ph_target"), (HUB, "tasks")], 10)
        (entry,) = await home.api.command("config_entries/get", domain="kamerplanter")
        await home.stop()
    finally:
        await home.close()
    return {
        "state": entry["state"],
        "has_entities": has_entities,
        "log": home.log_lines(),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    environment = clean_environment() | {
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "UV_OFFLINE": "1",
        "UV_CACHE_DIR": str(folder / "empty-cache"),
    }
    seen = {"is_importable_otherwise": is_importable_otherwise(environment, folder)}
    sys.stdout.write(json.dumps(seen | asyncio.run(main(folder, environment))))
