"""Kamerplanter: a garden in Home Assistant."""

# Until the wheel stands in a public index, the release carries the two packages beside this file;
# an installed distribution wins, so that a server's environment and this one never mix versions.
import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("kamerplanter_backend") is None:
    sys.path.append(str(Path(__file__).with_name("lib")))


import logging
from collections.abc import Callable
from contextlib import AsyncExitStack

from homeassistant.const import (
    EVENT_CORE_CONFIG_UPDATE,
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_HOMEASSISTANT_STOP,
    Platform,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    issue_registry as ir,
)
from homeassistant.helpers.typing import ConfigType

from kamerplanter_backend.common.exceptions import (
    CorruptStoreError,
    NewerSchemaError,
    UnavailableError,
)
from kamerplanter_engines.errors import KamerplanterError

from . import jobs
from .actions import async_register_actions
from .calibration_issues import CalibrationIssues
from .client_factory import Garden, async_open_garden, async_set_site, is_on_server
from .const import (
    CONF_STORE_ID,
    DOMAIN,
    ENTRY_VERSION,
    QUEUE_FILE,
    STORE_FILE,
)
from .coordinator import GardenCoordinator, KamerplanterConfigEntry, RuntimeData
from .device import Devices, async_find_subject
from .errors import sentence_of, translation_of
from .follow import Follower
from .platform_setup import EntityRoster
from .reconcile import Subjects
from .server_issues import ServerIssues
from .server_removal import async_forget_server
from .stores import store_folder
from .telemetry import LiveReadings
from .telemetry.silent_issues import SilentIssues
from .telemetry.sources import message_source
from .telemetry.unit_issues import UnitIssues
from .texts import Texts

_LOGGER = logging.getLogger(__name__)

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
PLATFORMS = (Platform.BINARY_SENSOR, Platform.BUTTON, Platform.SENSOR, Platform.TODO)


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Register the actions, which exist as long as Home Assistant runs."""
    async_register_actions(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: KamerplanterConfigEntry) -> bool:
    """Open the garden of an entry and show it.

    Raises:
        ConfigEntryError: The entry or its file is not ours to use; nothing was touched.
        ConfigEntryNotReady: It may work later.
    """
    if CONF_STORE_ID not in entry.data:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="foreign_entry")
    garden = await _async_open(hass, entry)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(garden.client.close)
        try:
            await _async_show(hass, entry, garden, stack)
        except KamerplanterError as error:
            raise _not_ready(error) from error
        stack.pop_all()
    return True


async def _async_open(hass: HomeAssistant, entry: KamerplanterConfigEntry) -> Garden:
    store_id = entry.data[CONF_STORE_ID]
    newer_schema, data_kept = f"newer_schema_{store_id}", f"data_kept_{store_id}"
    try:
        garden = await async_open_garden(hass, entry)
    except NewerSchemaError as error:
        key, placeholders = translation_of(error)
        ir.async_create_issue(
            hass,
            DOMAIN,
            newer_schema,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="newer_schema",
            translation_placeholders=placeholders | _file_placeholders(hass, entry),
        )
        raise ConfigEntryError(
            translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
        ) from error
    except CorruptStoreError as error:
        key, placeholders = translation_of(error)
        raise ConfigEntryError(
            translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
        ) from error
    except KamerplanterError as error:
        raise _not_ready(error) from error
    except OSError as error:
        raise ConfigEntryNotReady(
            translation_domain=DOMAIN,
            translation_key="store_unavailable",
            translation_placeholders={"message": str(error)},
        ) from error
    ir.async_delete_issue(hass, DOMAIN, newer_schema)
    ir.async_delete_issue(hass, DOMAIN, data_kept)
    return garden


def _not_ready(error: KamerplanterError) -> ConfigEntryNotReady:
    key, placeholders = translation_of(error)
    return ConfigEntryNotReady(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


def _file_placeholders(hass: HomeAssistant, entry: KamerplanterConfigEntry) -> dict[str, str]:
    file = QUEUE_FILE if is_on_server(entry) else STORE_FILE
    path = store_folder(hass, entry.data[CONF_STORE_ID]) / file
    return {"name": entry.title, "path": str(path)}


async def _async_show(
    hass: HomeAssistant,
    entry: KamerplanterConfigEntry,
    garden: Garden,
    stack: AsyncExitStack,
) -> None:
    coordinator = GardenCoordinator(hass, entry, garden)
    await coordinator.async_config_entry_first_refresh()
    subjects = Subjects(hass, entry, garden.client, is_shared=garden.server is not None)
    if coordinator.is_stale:
        pass  # a memory of the garden is no reason to make or remove anything
    elif await subjects.async_restore(coordinator.data):
        await coordinator.async_refresh()
    subjects.async_take_over(coordinator.data)
    live = LiveReadings(
        hass,
        garden.client,
        started_at=garden.started_at,
        make_source=message_source(hass, entry),
        on_store_trouble=_store_trouble(hass, entry),
    )
    stack.push_async_callback(live.async_stop)
    roster, devices = EntityRoster(hass, entry), Devices(hass, entry)
    entry.runtime_data = RuntimeData(garden, coordinator, live, subjects, roster)
    # The garden's own device comes first: the others name it as their parent.
    devices.async_sync(coordinator, subjects.all())
    await live.async_start(coordinator.data)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    Follower(hass, entry, devices).start()
    coordinator.start()
    texts = await Texts.async_load(hass)
    UnitIssues(hass, entry, texts).start()
    SilentIssues(hass, entry, texts).start()
    CalibrationIssues(hass, entry).start()
    if garden.server is not None:
        ServerIssues(hass, entry, garden.server, texts).start()
    jobs.async_start(hass, entry)
    _stop_in_order(hass, entry)


def _store_trouble(
    hass: HomeAssistant, entry: KamerplanterConfigEntry
) -> Callable[[UnavailableError | None], None]:
    """Return what raises and ends the repair issue of a store that takes nothing."""
    issue_id = f"store_failed_{entry.data[CONF_STORE_ID]}"

    @callback
    def tell(error: UnavailableError | None) -> None:
        if error is None:
            ir.async_delete_issue(hass, DOMAIN, issue_id)
            return
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="store_failed",
            translation_placeholders=_file_placeholders(hass, entry)
            | {"message": sentence_of(hass, error)},
        )

    entry.async_on_unload(lambda: tell(None))
    return tell


def _stop_in_order(hass: HomeAssistant, entry: KamerplanterConfigEntry) -> None:
    """Lose nothing at an orderly stop, where Home Assistant unloads no entry."""

    async def store_readings(_event: Event) -> None:
        await entry.runtime_data.live.pump.flush()

    async def close(_event: Event) -> None:
        await _async_close(hass, entry)

    async def house_moved(_event: Event) -> None:
        if is_on_server(entry):
            return  # the garden is where its server says
        try:
            await async_set_site(hass, entry.runtime_data.client, entry.title)
        except KamerplanterError as error:
            _LOGGER.warning("The garden keeps its old place until the next start: %s", error)

    language = hass.config.language

    @callback
    def language_changed(_event: Event) -> None:
        # Issues and names are in the language that was set when the garden was loaded.
        if hass.config.language != language:
            hass.config_entries.async_schedule_reload(entry.entry_id)

    listen = hass.bus.async_listen
    entry.async_on_unload(listen(EVENT_CORE_CONFIG_UPDATE, language_changed))
    entry.async_on_unload(listen(EVENT_HOMEASSISTANT_STOP, store_readings))
    entry.async_on_unload(listen(EVENT_HOMEASSISTANT_FINAL_WRITE, close))
    entry.async_on_unload(listen(EVENT_CORE_CONFIG_UPDATE, house_moved))


async def _async_close(hass: HomeAssistant, entry: KamerplanterConfigEntry) -> None:
    runtime = entry.runtime_data
    # A backup that is still running must not hold the last readings.
    await hass.async_add_executor_job(runtime.backup.close)
    await runtime.live.async_stop()
    await runtime.client.close()


async def async_unload_entry(hass: HomeAssistant, entry: KamerplanterConfigEntry) -> bool:
    """Store what is left and let go of files, threads and subscriptions."""
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        return False
    await _async_close(hass, entry)
    return True


async def async_migrate_entry(_hass: HomeAssistant, entry: KamerplanterConfigEntry) -> bool:
    """Refuse entries of the older integration of this name, and those of newer versions."""
    if CONF_STORE_ID not in entry.data:
        _LOGGER.error(
            "Entry %s was made by another integration named %s and cannot be used: remove it and"
            " add Kamerplanter anew. Nothing of it was changed",
            entry.title,
            DOMAIN,
        )
        return False
    return entry.version <= ENTRY_VERSION


async def async_remove_entry(hass: HomeAssistant, entry: KamerplanterConfigEntry) -> None:
    """Say where the data stays, as a garden's history is not thrown away by a click."""
    if CONF_STORE_ID not in entry.data:
        return
    ir.async_delete_issue(hass, DOMAIN, f"newer_schema_{entry.data[CONF_STORE_ID]}")
    if is_on_server(entry):
        await async_forget_server(hass, entry)
        return
    placeholders = _file_placeholders(hass, entry)
    if not await hass.async_add_executor_job(Path(placeholders["path"]).is_file):
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"data_kept_{entry.data[CONF_STORE_ID]}",
        is_fixable=False,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key="data_kept",
        translation_placeholders=placeholders,
    )


async def async_remove_config_entry_device(
    _hass: HomeAssistant, entry: KamerplanterConfigEntry, device: dr.DeviceEntry
) -> bool:
    """Let a person remove a device whose thing is not in the garden any more."""
    subject = async_find_subject(entry, device)
    return subject is None or entry.runtime_data.coordinator.view(subject) is None
