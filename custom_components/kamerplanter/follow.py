"""Follows changes of subentries and of the store while the entry is loaded, without a reload."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant, callback

from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.errors import KamerplanterError

from .client_factory import async_set_site, is_on_server
from .const import CONF_GARDEN_KEY, CONF_STORE_ID, DOMAIN
from .coordinator import KamerplanterConfigEntry
from .device import Devices
from .stores import store_folder, write_marker
from .subjects import Subject

_LOGGER = logging.getLogger(__name__)


class Follower:
    """Keeps store, subentries, devices, entities and sources alike.

    Home Assistant starts a task for each change of the entry, so a lock keeps them in order.
    """

    def __init__(
        self, hass: HomeAssistant, entry: KamerplanterConfigEntry, devices: Devices
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._devices = devices
        self._lock = asyncio.Lock()
        self._data = _without_learned(entry.data)
        self._options = dict(entry.options)
        self._title = entry.title
        self._is_stopped = False

    @callback
    def start(self) -> None:
        """Follow until the entry is unloaded."""
        entry = self._entry
        entry.async_on_unload(self._stop)
        entry.async_on_unload(entry.add_update_listener(self._on_entry_changed))
        entry.async_on_unload(entry.runtime_data.coordinator.async_add_listener(self._on_snapshot))
        # Something may have happened while the platforms were set up.
        entry.async_create_task(self._hass, self._follow_subentries(), f"{DOMAIN} subentries")

    @callback
    def _stop(self) -> None:
        self._is_stopped = True

    async def _on_entry_changed(self, _hass: HomeAssistant, entry: KamerplanterConfigEntry) -> None:
        if self._is_stopped:
            return
        if _without_learned(entry.data) != self._data or dict(entry.options) != self._options:
            # Another broker or store: everything hangs on it.
            self._hass.config_entries.async_schedule_reload(entry.entry_id)
            return
        await self._follow_subentries()

    async def _follow_subentries(self) -> None:
        async with self._lock:
            if self._is_stopped:
                return
            runtime = self._entry.runtime_data
            if self._entry.title != self._title:
                await self._rename_garden()
            difference = await runtime.subjects.async_follow(runtime.coordinator.data)
            if self._is_stopped:
                return
            for known in difference.removed:
                runtime.roster.async_forget(known.subject)
                self._devices.async_forget(known.subject)
            if difference.added or difference.removed:
                await runtime.coordinator.async_refresh()
                # What hung on a device that is gone hangs elsewhere now.
                self._devices.async_sync(runtime.coordinator, runtime.subjects.all())
            self._show_new(set(difference.added))
            # A subentry may have been told of its tank's own probe.
            runtime.roster.async_sync(runtime.coordinator, runtime.subjects.all())

    def _show_new(self, added: set[Subject]) -> None:
        runtime = self._entry.runtime_data
        new = [item for item in runtime.subjects.all() if item[0] in added]
        if new:
            self._devices.async_sync(runtime.coordinator, new)
            runtime.roster.async_sync(runtime.coordinator, new)

    @callback
    def _follow_others(self, snapshot: GardenSnapshot) -> None:
        """Take over what others added on the server, and let go of what they archived."""
        if self._is_in_dialog():
            return  # which adds its subentry itself, when it has written all of the thing
        runtime = self._entry.runtime_data
        runtime.subjects.async_adopt(snapshot)
        for subject in runtime.subjects.async_drop_gone(snapshot):
            runtime.roster.async_forget(subject)
            self._devices.async_forget(subject)

    def _is_in_dialog(self) -> bool:
        flows = self._hass.config_entries.subentries.async_progress()
        return any(flow["handler"][0] == self._entry.entry_id for flow in flows)

    async def _rename_garden(self) -> None:
        title = self._title = self._entry.title
        if is_on_server(self._entry):
            return  # its name belongs to all who work in it
        folder = store_folder(self._hass, self._entry.data[CONF_STORE_ID])
        try:
            await async_set_site(self._hass, self._entry.runtime_data.client, title)
            await self._hass.async_add_executor_job(write_marker, folder, title)
        except (KamerplanterError, OSError) as error:
            _LOGGER.warning("The garden keeps its name in the store: %s", error)

    @callback
    def _on_snapshot(self) -> None:
        """Take over what the store has changed: names, bindings, new values to show."""
        runtime = self._entry.runtime_data
        coordinator = runtime.coordinator
        if self._is_stopped or not coordinator.last_update_success:
            return
        snapshot = coordinator.data
        runtime.subjects.async_follow_names(snapshot)
        if is_on_server(self._entry) and not coordinator.is_stale:
            self._follow_others(snapshot)
        # Runs up to its first wait at once, so entities find the intakes of new bindings.
        self._entry.async_create_task(
            self._hass, runtime.live.async_sync(snapshot), f"{DOMAIN} sources"
        )
        changed = [item for item in runtime.subjects.all() if item[0] in coordinator.changed]
        self._devices.async_sync(coordinator, changed)
        runtime.roster.async_sync(coordinator, changed)


def _without_learned(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry says without what its client has learned of the server by itself."""
    return {name: value for name, value in data.items() if name != CONF_GARDEN_KEY}
