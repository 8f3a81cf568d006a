"""Sets the integration up in a Home Assistant of its own and names the packages that came along.

Usage: python -m tests.home_assistant.load_integration NAME...
"""

import asyncio
import sys
import tempfile

from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
)

import custom_components  # noqa: F401 - before the test plugin puts its own package on the path
from custom_components.kamerplanter.const import ENTRY_VERSION


async def _loaded(names: list[str]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        async with async_test_home_assistant(config_dir=folder) as hass:
            hass.data.pop(DATA_CUSTOM_COMPONENTS, None)
            entry = MockConfigEntry(
                domain="kamerplanter",
                version=ENTRY_VERSION,
                unique_id="alone",
                data={"mode": "embedded", "store_id": "alone", "name": "A", "readings": "none"},
            )
            entry.add_to_hass(hass)
            assert await hass.config_entries.async_setup(entry.entry_id)
            await hass.async_block_till_done()
            found = sorted(name for name in names if name in sys.modules)
            await hass.async_stop(force=True)
    return found


if __name__ == "__main__":
    sys.stdout.write(" ".join(["loaded:", *asyncio.run(_loaded(sys.argv[1:]))]) + "\n")
