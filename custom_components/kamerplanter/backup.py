"""Keeps data files quiet and complete while Home Assistant makes a backup.

Of a garden on a server there is no data here but what waits for it, which is in its file already.
"""

from homeassistant.core import HomeAssistant

from .const import DOMAIN
from .coordinator import KamerplanterConfigEntry


def _entries(hass: HomeAssistant) -> list[KamerplanterConfigEntry]:
    return hass.config_entries.async_loaded_entries(DOMAIN)


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Store what waits, fold the write-ahead log into each file, and hold the writers."""
    for entry in _entries(hass):
        runtime = entry.runtime_data
        await runtime.live.pump.flush()
        if (server := runtime.garden.server) is not None:
            await server.remember()
        if (embedded := runtime.garden.embedded) is not None:
            await hass.async_add_executor_job(runtime.backup.enter_context, embedded.pause_writes())


async def async_post_backup(hass: HomeAssistant) -> None:
    """Let the writers go on."""
    for entry in _entries(hass):
        await hass.async_add_executor_job(entry.runtime_data.backup.close)
