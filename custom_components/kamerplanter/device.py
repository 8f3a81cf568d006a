"""Devices: the garden, then places, tanks and plants, then probes; each has one owner."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.loader import async_get_loaded_integration

from kamerplanter_backend.client.views import GardenSnapshot, PlantView, ProbeView, TankView

from .const import DOMAIN
from .subjects import GardenView, Subject, SubjectKind, name_of, place_of

if TYPE_CHECKING:
    from .coordinator import GardenCoordinator, KamerplanterConfigEntry

PARENTS_FIRST = tuple(SubjectKind)


def object_key(entry: KamerplanterConfigEntry, subject: Subject) -> str:
    """Return the lasting identity of a subject, which all unique ids are built on."""
    return str(entry.unique_id) if subject.kind is SubjectKind.HUB else subject.key


def device_info(entry: KamerplanterConfigEntry, subject: Subject) -> dr.DeviceInfo:
    """Return what links an entity to the device of its subject, which exists already."""
    return dr.DeviceInfo(identifiers={(DOMAIN, object_key(entry, subject))})


@callback
def async_find_subject(entry: KamerplanterConfigEntry, device: dr.DeviceEntry) -> Subject | None:
    """Return what a device of this entry stands for."""
    keys = {value for domain, value in device.identifiers if domain == DOMAIN}
    if object_key(entry, Subject.hub()) in keys:
        return Subject.hub()
    subentry = entry.subentries.get(device.config_subentry_id or "")
    subject = None if subentry is None else Subject.of(subentry)
    return subject if subject is not None and subject.key in keys else None


class Devices:
    """Keeps the devices of one entry as the snapshot says."""

    def __init__(self, hass: HomeAssistant, entry: KamerplanterConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._version = str(async_get_loaded_integration(hass, DOMAIN).version)
        self._registered: dict[Subject, tuple[str | None, ...]] = {}

    @callback
    def async_sync(
        self, coordinator: GardenCoordinator, subjects: Iterable[tuple[Subject, str | None]]
    ) -> None:
        """Register and rename devices, parents first, as a child names its parent by id."""
        for subject, subentry_id in sorted(
            subjects, key=lambda item: PARENTS_FIRST.index(item[0].kind)
        ):
            if (view := coordinator.view(subject)) is not None:
                self._sync_one(subject, subentry_id, view)

    @callback
    def async_forget(self, subject: Subject) -> None:
        """Let go of a device that Home Assistant removes with its subentry."""
        self._registered.pop(subject, None)

    def _sync_one(self, subject: Subject, subentry_id: str | None, view: GardenView) -> None:
        name, model, via = name_of(view), _model(view), self._via_device_id(view)
        if self._registered.get(subject) == (name, model, via):
            return
        self._registered[subject] = (name, model, via)
        is_hub = subject.kind is SubjectKind.HUB
        registry = dr.async_get(self._hass)
        device = registry.async_get_or_create(
            config_entry_id=self._entry.entry_id,
            config_subentry_id=subentry_id,
            identifiers={(DOMAIN, object_key(self._entry, subject))},
            entry_type=dr.DeviceEntryType.SERVICE if is_hub else None,
            name=name,
            model=model,
            via_device_id=via,
        )
        # An existing device keeps its old parent and name when it is only asked for.
        registry.async_update_device(
            device.id,
            name=name,
            model=model,
            sw_version=self._version if is_hub else None,
            via_device_id=via,
        )

    def _via_device_id(self, view: GardenView) -> str | None:
        registry = dr.async_get(self._hass)
        for subject in _parents(view):
            identifier = (DOMAIN, object_key(self._entry, subject))
            device = registry.async_get_device_by_identifier(identifier, self._entry.entry_id)
            if device is not None:
                return device.id
        return None


def _parents(view: GardenView) -> tuple[Subject, ...]:
    """Return where a device hangs, nearest first."""
    match view:
        case GardenSnapshot():
            return ()
        case ProbeView():
            return (*place_of(view.probe), Subject.hub())
        case PlantView():
            return (*_location(view.plant.location_key), Subject.hub())
        case TankView():
            return (*_location(view.tank.location_key), Subject.hub())
        case _:
            return (Subject.hub(),)


def _location(key: str | None) -> tuple[Subject, ...]:
    """Return where something stands, if that is known; not each place is a device."""
    return () if key is None else (Subject(SubjectKind.LOCATION, key),)


def _model(view: GardenView) -> str | None:
    match view:
        case TankView():
            return f"{view.tank.volume_l:g} L"
        case PlantView():
            return view.scientific_name
        case _:
            return None
