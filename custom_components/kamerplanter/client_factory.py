"""From an entry to its garden: the only place that knows where the garden lives."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.embedded import open_garden
from kamerplanter_backend.client.protocol import Caller, KamerplanterClient
from kamerplanter_backend.client.requests import SetSite
from kamerplanter_backend.common.context import Role
from kamerplanter_engines.models.site import SiteFields

from .const import STORE_FILE
from .stores import store_folder, write_marker


@dataclass(frozen=True, slots=True)
class Garden:
    """A garden that is open."""

    client: KamerplanterClient
    run_due: Callable[[datetime], Awaitable[object]]
    """Runs the jobs that are due."""
    pause_writes: Callable[[], AbstractContextManager[None]]
    """Holds the writers while a backup copies the file. Blocks."""
    started_at: datetime
    """When listening began; what was heard before is a memory."""


async def async_open_garden(hass: HomeAssistant, store_id: str, name: str) -> Garden:
    """Open the store of an entry, which is made if it is new.

    Raises:
        KamerplanterError: The file cannot be used; it is left as it is.
        OSError: The folder cannot be made.
    """
    return await hass.async_add_executor_job(_open, hass, store_id, name)


def _open(hass: HomeAssistant, store_id: str, name: str) -> Garden:
    folder = store_folder(hass, store_id)
    write_marker(folder, name)
    started_at = dt_util.utcnow()
    garden = open_garden(
        folder / STORE_FILE,
        name=name,
        time_zone=hass.config.time_zone,
        latitude_deg=hass.config.latitude,
        clock=dt_util.utcnow,
    )
    return Garden(garden.client, garden.run_due, garden.pause_writes, started_at)


async def async_set_site(hass: HomeAssistant, client: KamerplanterClient, name: str) -> None:
    """Tell the garden its name and where the house stands, which decides days and seasons.

    Raises:
        KamerplanterError: The store does not take it.
    """
    fields = SiteFields(
        name=name, time_zone=hass.config.time_zone, latitude_deg=hass.config.latitude
    )
    await client.call(SetSite(fields=fields), Caller(role=Role.ADMIN))
