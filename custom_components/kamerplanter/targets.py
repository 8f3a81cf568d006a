"""From devices, entities and areas that a call names to subjects of gardens."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids

from kamerplanter_backend.client.views import ProbeView
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_engines.errors import InvalidInputError

from .const import DOMAIN
from .coordinator import KamerplanterConfigEntry
from .device import async_find_subject
from .subjects import GardenView, Subject, SubjectKind, place_of


@dataclass(frozen=True, slots=True)
class Target:
    """One subject of one garden that is loaded."""

    entry: KamerplanterConfigEntry
    subject: Subject

    @property
    def view(self) -> GardenView | None:
        """Return what the newest snapshot says about it."""
        return self.entry.runtime_data.coordinator.view(self.subject)


def targets_of(
    hass: HomeAssistant, data: Mapping[str, Any], kinds: frozenset[SubjectKind]
) -> list[Target]:
    """Return what a call is about, each thing once; a soil probe stands for its plant.

    Raises:
        InvalidInputError: Something is named that is no such thing.
        ServiceValidationError: Something is named whose garden is not loaded.
    """
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(dict(data)))
    registry = er.async_get(hass)
    named, devices = set(selected.referenced_devices), dr.async_get(hass)
    for entity_id in selected.referenced | selected.indirectly_referenced:
        entity = registry.async_get(entity_id)
        if entity is not None and entity.device_id is not None:
            named.add(entity.device_id)
        elif entity_id in selected.referenced:
            raise _unsuitable(entity_id, kinds)
    # An area holds devices of all sorts; what is named one by one has to fit.
    explicit = set(_explicit_devices(data)) | {
        entity.device_id
        for entity_id in selected.referenced
        if (entity := registry.async_get(entity_id)) is not None
    }
    found: dict[tuple[str, Subject], Target] = {}
    for device_id in sorted(named):
        device = devices.async_get(device_id)
        target = None if not isinstance(device, dr.DeviceEntry) else _target(hass, device, kinds)
        if target is not None:
            found[target.entry.entry_id, target.subject] = target
        elif device_id in explicit:
            if isinstance(device, dr.DeviceEntry) and _is_asleep(hass, device):
                raise _not_loaded()
            name = None if device is None else device.name_by_user or device.name
            raise _unsuitable(name or device_id, kinds)
    return list(found.values())


def _explicit_devices(data: Mapping[str, Any]) -> list[str]:
    value = data.get("device_id", [])
    return [value] if isinstance(value, str) else list(value or [])


def _target(
    hass: HomeAssistant, device: dr.DeviceEntry, kinds: frozenset[SubjectKind]
) -> Target | None:
    entry: KamerplanterConfigEntry | None = hass.config_entries.async_get_entry(
        device.config_entry_id
    )
    if entry is None or entry.domain != DOMAIN or entry.state is not ConfigEntryState.LOADED:
        return None
    if (subject := async_find_subject(entry, device)) is None:
        return None
    for candidate in _stands_for(entry, subject):
        if candidate.kind in kinds:
            return Target(entry, candidate)
    return None


def _is_asleep(hass: HomeAssistant, device: dr.DeviceEntry) -> bool:
    """Tell whether a device belongs to a garden that is not loaded."""
    entry = hass.config_entries.async_get_entry(device.config_entry_id)
    return (
        entry is not None and entry.domain == DOMAIN and entry.state is not ConfigEntryState.LOADED
    )


def _not_loaded() -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key="entry_not_loaded")


def _stands_for(entry: KamerplanterConfigEntry, subject: Subject) -> Iterator[Subject]:
    yield subject
    view = entry.runtime_data.coordinator.view(subject)
    if isinstance(view, ProbeView):
        yield from place_of(view.probe)


def _unsuitable(name: str, kinds: frozenset[SubjectKind]) -> InvalidInputError:
    allowed = ", ".join(sorted(kinds))
    return InvalidInputError(
        f"{name} is not a {allowed} of a garden that is loaded.",
        field="target",
        value=name,
        allowed=allowed,
    )


def loaded_entries(hass: HomeAssistant) -> list[KamerplanterConfigEntry]:
    """Return the gardens that are loaded.

    Raises:
        ServiceValidationError: There is none.
    """
    entries: list[KamerplanterConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    if not entries:
        raise _not_loaded()
    return entries


def entry_of_task(hass: HomeAssistant, task_key: str) -> KamerplanterConfigEntry:
    """Return the garden that a task belongs to.

    Raises:
        NotFoundError: No garden that is loaded shows it.
        ServiceValidationError: No garden is loaded.
    """
    for entry in loaded_entries(hass):
        if any(task.key == task_key for task in entry.runtime_data.coordinator.data.tasks):
            return entry
    raise NotFoundError(
        f"Task {task_key} does not exist.", field="task_id", kind="task", key=task_key
    )


def only_entry(hass: HomeAssistant) -> KamerplanterConfigEntry:
    """Return the garden, if there is just one.

    Raises:
        InvalidInputError: There are several, so a target has to say which.
        ServiceValidationError: No garden is loaded.
    """
    entries = loaded_entries(hass)
    if len(entries) > 1:
        raise InvalidInputError(
            f"{len(entries)} gardens are loaded; choose a device as target.",
            field="target",
            problem="which_garden",
            value=len(entries),
        )
    return entries[0]
