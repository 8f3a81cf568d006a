"""Adds entities for what is new and takes away what is gone, once for all platforms."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from kamerplanter_engines.models.telemetry import ChannelKind

from .const import DOMAIN
from .device import object_key
from .subjects import Subject, SubjectKind

if TYPE_CHECKING:
    from .coordinator import GardenCoordinator, KamerplanterConfigEntry


def always(_view: object, _kinds: frozenset[ChannelKind]) -> bool:
    """Tell that every subject of the kind has the entity."""
    return True


def is_bound(kind: ChannelKind) -> Callable[[object, frozenset[ChannelKind]], bool]:
    """Return the rule that a subject has the entity if this kind is measured on it."""
    return lambda _view, kinds: kind in kinds


class OfDevice:
    """Marks a row about a probe itself, which stands where the probe has its device."""


class AnyRow(Protocol):
    """As much of a row as the roster needs."""

    @property
    def key(self) -> str:
        """Name of the row, unique for its kind of subject."""

    @property
    def exists_fn(self) -> Callable[[Any, frozenset[ChannelKind]], bool]:
        """Whether a subject has this entity."""


type Rows = Mapping[SubjectKind, Sequence[AnyRow]]
type Make = Callable[[Subject, Any], Entity]


@dataclass(frozen=True, slots=True)
class _PlatformPart:
    add: AddConfigEntryEntitiesCallback
    rows: Rows
    make: Make


class EntityRoster:
    """Knows which entities exist.

    Entities of a subentry are always added with its id: a second call without it would move the
    device, and Home Assistant would remove the entities that were added first.
    """

    def __init__(self, hass: HomeAssistant, entry: KamerplanterConfigEntry) -> None:
        self._hass = hass
        self._entry = entry
        self._parts: dict[Platform, _PlatformPart] = {}
        self._added: dict[tuple[Platform, Subject], set[str]] = {}

    @callback
    def async_add_platform(
        self,
        platform: Platform,
        add: AddConfigEntryEntitiesCallback,
        rows: Rows,
        make: Make,
    ) -> None:
        """Take a platform in and add the entities of all known subjects to it."""
        self._parts[platform] = _PlatformPart(add, rows, make)
        runtime = self._entry.runtime_data
        self._sync([platform], runtime.coordinator, runtime.subjects.all())

    @callback
    def async_sync(
        self, coordinator: GardenCoordinator, subjects: Iterable[tuple[Subject, str | None]]
    ) -> None:
        """Add what these subjects have gained and remove what they have lost."""
        self._sync(list(self._parts), coordinator, subjects)

    @callback
    def async_forget(self, subject: Subject) -> None:
        """Let go of entities that Home Assistant removes with their subentry."""
        for platform in self._parts:
            self._added.pop((platform, subject), None)

    def _sync(
        self,
        platforms: Sequence[Platform],
        coordinator: GardenCoordinator,
        subjects: Iterable[tuple[Subject, str | None]],
    ) -> None:
        for subject, subentry_id in subjects:
            if (view := coordinator.view(subject)) is None:
                continue
            kinds, own_kinds = coordinator.bound_kinds(subject), coordinator.own_kinds(subject)
            for platform in platforms:
                rows = self._parts[platform].rows.get(subject.kind, ())
                wanted = {
                    row.key: row
                    for row in rows
                    if row.exists_fn(view, own_kinds if isinstance(row, OfDevice) else kinds)
                }
                self._apply(platform, subject, subentry_id, wanted, {row.key for row in rows})

    def _apply(
        self,
        platform: Platform,
        subject: Subject,
        subentry_id: str | None,
        wanted: Mapping[str, AnyRow],
        possible: set[str],
    ) -> None:
        part = self._parts[platform]
        first_time = (platform, subject) not in self._added
        added = self._added.setdefault((platform, subject), set())
        # At first nobody knows what an earlier run has left in the registry.
        for key in (possible if first_time else added) - wanted.keys():
            self._remove(platform, subject, key)
        new = [part.make(subject, row) for key, row in wanted.items() if key not in added]
        added.clear()
        added.update(wanted)
        if new:
            part.add(new, config_subentry_id=subentry_id)

    def _remove(self, platform: Platform, subject: Subject, row_key: str) -> None:
        registry = er.async_get(self._hass)
        unique_id = f"{object_key(self._entry, subject)}_{row_key}"
        if entity_id := registry.async_get_entity_id(platform, DOMAIN, unique_id):
            registry.async_remove(entity_id)
