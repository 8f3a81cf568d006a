"""From an entry to its garden: the only place that knows where the garden lives."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.command_queue import open_queue
from kamerplanter_backend.client.embedded import open_garden
from kamerplanter_backend.client.protocol import Caller, KamerplanterClient, Request
from kamerplanter_backend.client.requests import SetSite
from kamerplanter_backend.client.rest import RestClient
from kamerplanter_backend.client.transport import Waits
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.context import Role
from kamerplanter_engines.models.site import SiteFields

from .const import (
    CONF_API_KEY,
    CONF_GARDEN_KEY,
    CONF_INSTANCE_ID,
    CONF_MODE,
    CONF_SLUG,
    CONF_STORE_ID,
    CONF_URL,
    CONF_VERIFY_SSL,
    MODE_SERVER,
    QUEUE_FILE,
    SNAPSHOT_FILE,
    STORE_FILE,
)
from .server_client import ServerClient
from .snapshot_memory import SnapshotMemory
from .stores import store_folder, write_marker

SERVER_WAITS = Waits(connect_s=4, attempts=2)
"""A start of Home Assistant must not wait long for a server that is away."""


@dataclass(frozen=True, slots=True)
class EmbeddedParts:
    """What a garden on this machine has to have done for it."""

    run_due: Callable[[datetime], Awaitable[object]]
    """Runs the jobs that are due."""
    pause_writes: Callable[[], AbstractContextManager[None]]
    """Holds the writers while a backup copies the file. Blocks."""


@dataclass(frozen=True, slots=True)
class Garden:
    """A garden that is open: either its parts are here, or it is on a server."""

    client: KamerplanterClient
    started_at: datetime
    """When listening began; what was heard before is a memory."""
    embedded: EmbeddedParts | None = None
    server: ServerClient | None = None

    async def snapshot_now(self) -> GardenSnapshot:
        """Return the garden as it is now, and never a memory of it.

        Raises:
            KamerplanterError: It cannot answer now.
        """
        if self.server is not None:
            return await self.server.queue.inner.snapshot()
        return await self.client.snapshot()

    async def call_now[R](self, request: Request[R], caller: Caller) -> R:
        """Ask or do one thing at once or not at all; nothing of it waits for a server.

        Raises:
            KamerplanterError: It was refused or could not be done; nothing was written.
        """
        if self.server is not None:
            return await self.server.call_now(request, caller)
        return await self.client.call(request, caller)


def is_on_server(entry: ConfigEntry) -> bool:
    """Tell whether the garden of an entry lives on a server."""
    return bool(entry.data.get(CONF_MODE) == MODE_SERVER)


async def async_open_garden(hass: HomeAssistant, entry: ConfigEntry) -> Garden:
    """Open the garden of an entry; its store is made if it is new.

    Raises:
        KamerplanterError: Its file cannot be used; it is left as it is.
        OSError: Its folder cannot be made.
    """
    if is_on_server(entry):
        return await _open_on_server(hass, entry)
    store_id = entry.data[CONF_STORE_ID]
    return await hass.async_add_executor_job(_open_here, hass, store_id, entry.title)


def _open_here(hass: HomeAssistant, store_id: str, name: str) -> Garden:
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
    parts = EmbeddedParts(garden.run_due, garden.pause_writes)
    return Garden(garden.client, started_at, embedded=parts)


async def _open_on_server(hass: HomeAssistant, entry: ConfigEntry) -> Garden:
    folder = store_folder(hass, entry.data[CONF_STORE_ID])
    started_at = dt_util.utcnow()

    @callback
    def keep_garden_key(garden_key: str) -> None:
        """Fill in what an entry of an older version does not know; the client means it already."""
        data = {**entry.data, CONF_GARDEN_KEY: garden_key}
        hass.config_entries.async_update_entry(entry, data=data)

    rest = RestClient(
        entry.data[CONF_URL],
        slug=entry.data[CONF_SLUG],
        token=entry.data.get(CONF_API_KEY),
        session=async_get_clientsession(hass, verify_ssl=entry.data.get(CONF_VERIFY_SSL, True)),
        waits=SERVER_WAITS,
        instance_id=entry.data.get(CONF_INSTANCE_ID),
        garden_key=entry.data.get(CONF_GARDEN_KEY),
        on_garden_key=keep_garden_key,
    )
    memory = await SnapshotMemory.async_open(hass, folder / SNAPSHOT_FILE)
    queue = await open_queue(rest, folder / QUEUE_FILE, clock=dt_util.utcnow, waits=SERVER_WAITS)
    client = ServerClient(queue, memory)
    return Garden(client, started_at, server=client)


async def async_set_site(hass: HomeAssistant, client: KamerplanterClient, name: str) -> None:
    """Tell the garden its name and where the house stands, which decides days and seasons.

    Raises:
        KamerplanterError: The store does not take it.
    """
    fields = SiteFields(
        name=name, time_zone=hass.config.time_zone, latitude_deg=hass.config.latitude
    )
    await client.call(SetSite(fields=fields), Caller(role=Role.ADMIN))
