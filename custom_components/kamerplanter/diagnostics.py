"""What helps to find a fault, without secrets."""

from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from kamerplanter_backend.client.views import GardenSnapshot

from .const import (
    CONF_API_KEY,
    CONF_CA,
    CONF_CLIENT_CERTIFICATE,
    CONF_CLIENT_KEY,
    CONF_GARDEN_KEY,
    CONF_HOST,
    CONF_INSTANCE_ID,
    CONF_PASSWORD,
    CONF_SLUG,
    CONF_URL,
    CONF_USERNAME,
)
from .coordinator import KamerplanterConfigEntry
from .device import async_find_subject
from .server_client import ServerClient

TO_REDACT = {
    CONF_API_KEY,
    CONF_CA,
    CONF_CLIENT_CERTIFICATE,
    CONF_CLIENT_KEY,
    CONF_GARDEN_KEY,
    CONF_HOST,
    CONF_INSTANCE_ID,
    CONF_PASSWORD,
    CONF_SLUG,
    CONF_URL,
    CONF_USERNAME,
}


async def async_get_config_entry_diagnostics(
    _hass: HomeAssistant, entry: KamerplanterConfigEntry
) -> dict[str, Any]:
    """Return the state of an entry: what it holds, how it reads, what it counted."""
    if entry.state is not ConfigEntryState.LOADED:
        # This is when they are wanted most; why it does not load, the page of the entry says.
        return {"entry": _entry(entry)}
    runtime = entry.runtime_data
    snapshot = runtime.coordinator.data
    error = runtime.coordinator.last_exception
    return {
        "entry": _entry(entry),
        "started_at": runtime.garden.started_at.isoformat(),
        "snapshot": {
            "taken_at": snapshot.taken_at.isoformat(),
            "succeeded": runtime.coordinator.last_update_success,
            # By its class only: what it says may hold an address.
            "last_error": None if error is None else type(error).__name__,
            "time_zone": snapshot.time_zone,
            "locations": len(snapshot.locations),
            "tanks": len(snapshot.tanks),
            "plants": len(snapshot.plants),
            "probes": len(snapshot.probes),
            "tasks": len(snapshot.tasks),
        },
        "server": _server(runtime.garden.server),
        "readings": {
            "waiting": runtime.live.pump.waiting,
            "dropped": runtime.live.pump.dropped,
            "probes": _probes(entry, snapshot),
        },
    }


async def async_get_device_diagnostics(
    _hass: HomeAssistant, entry: KamerplanterConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return all that the newest snapshot says about one device."""
    if entry.state is not ConfigEntryState.LOADED:
        return await async_get_config_entry_diagnostics(_hass, entry)
    coordinator = entry.runtime_data.coordinator
    subject = async_find_subject(entry, device)
    view = None if subject is None else coordinator.view(subject)
    if subject is None or view is None or isinstance(view, GardenSnapshot):
        return await async_get_config_entry_diagnostics(_hass, entry)
    probe_keys = coordinator.probe_keys(subject, None)
    return {
        "kind": subject.kind,
        "view": view.model_dump(mode="json"),
        "counts": {key: dict(entry.runtime_data.live.counts(key)) for key in probe_keys} or None,
    }


def _entry(entry: KamerplanterConfigEntry) -> dict[str, Any]:
    return {
        "version": entry.version,
        "state": entry.state.value,
        "data": async_redact_data(dict(entry.data), TO_REDACT),
        "options": dict(entry.options),
        "subentries": [
            {"type": item.subentry_type, "data": dict(item.data)}
            for item in entry.subentries.values()
        ],
    }


def _server(server: ServerClient | None) -> dict[str, Any] | None:
    if server is None:
        return None
    state = server.queue.state
    return {
        "is_stale": server.is_stale,
        "seen_at": None if server.seen_at is None else server.seen_at.isoformat(),
        "away_since": None if state.away_since is None else state.away_since.isoformat(),
        "trouble": None if state.trouble is None else state.trouble.code,
        "waiting": state.depth,
        "oldest_at": None if state.oldest_at is None else state.oldest_at.isoformat(),
        "refused": [{"command": item.command.name, "code": item.code} for item in state.refused],
        "dropped_readings": state.dropped_readings_count,
        "damaged_file": state.damaged_file is not None,
    }


def _probes(entry: KamerplanterConfigEntry, snapshot: GardenSnapshot) -> list[dict[str, Any]]:
    live = entry.runtime_data.live
    found = []
    for view in snapshot.probes:
        key = view.probe.key
        qualities = {kind: live.quality(key, kind) for kind in live.kinds(key)}
        found.append(
            {
                "key": key,
                "quality": {
                    kind: quality.model_dump(mode="json")
                    for kind, quality in qualities.items()
                    if quality is not None
                },
                "counts": dict(live.counts(key)),
            }
        )
    return found
