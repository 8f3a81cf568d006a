"""Subentries and the objects of the garden, kept alike; the store is the truth."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from pydantic import JsonValue

from kamerplanter_backend.client.protocol import Command, KamerplanterClient
from kamerplanter_backend.client.requests import (
    ArchivePlant,
    ArchiveProbe,
    ArchiveTank,
    ListObjects,
    UpdateLocation,
    UpdatePlant,
    UpdateProbe,
    UpdateTank,
)
from kamerplanter_backend.client.views import GardenSnapshot, ProbeView
from kamerplanter_backend.common.exceptions import QueuedError
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.telemetry import Probe

from .caller import OWNER
from .const import CONF_AVAILABILITY, CONF_BINDINGS, CONF_CHANNELS, CONF_KEY, CONF_PROBE_KEY
from .restoring import Stored, misses, parents_first, restoring
from .subjects import Subject, SubjectKind, name_of, place_of, view_of

_LOGGER = logging.getLogger(__name__)

_WITH_PROBE = frozenset({SubjectKind.LOCATION, SubjectKind.TANK})
"""What may have a probe of its own, which stands on its device."""


@dataclass(frozen=True, slots=True)
class Known:
    """A subentry as it was when it was looked at last."""

    subject: Subject
    title: str
    probe_key: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What has happened to the subentries of an entry."""

    added: tuple[Subject, ...]
    removed: tuple[Known, ...]


class Subjects:
    """The subjects of an entry and the subentries that they belong to."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        client: KamerplanterClient,
        *,
        is_shared: bool = False,
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._client = client
        self._is_shared = is_shared
        self._known: dict[str, Known] = {}
        self._missing: set[str] = set()

    def all(self) -> Iterator[tuple[Subject, str | None]]:
        """Yield each subject with the id of its subentry; the garden itself has none."""
        yield Subject.hub(), None
        for subentry_id, known in self._known.items():
            yield known.subject, subentry_id

    # --- At start -----------------------------------------------------------------------

    async def async_restore(self, snapshot: GardenSnapshot) -> bool:
        """Bring subentries and objects together before the first entity; tell if any was made.

        An object that is archived or lost comes back from its subentry, as nobody removed it
        here; an object without a subentry gets one, as after adding the entry again. In a garden
        that others share, somebody did remove it, so its subentry goes.
        """
        if self._is_shared:
            for subentry_id in [
                key for key, item in self._entry.subentries.items() if _is_gone(item, snapshot)
            ]:
                self._hass.config_entries.async_remove_subentry(self._entry, subentry_id)
            self._make_subentries(snapshot)
            return False
        subentries = list(self._entry.subentries.values())
        missing = [item for item in subentries if misses(item, snapshot)]
        if missing:
            objects = await self._client.call(ListObjects(), OWNER)
            for subentry in sorted(missing, key=parents_first):
                await self._restore_object(subentry, snapshot, objects)
        self._make_subentries(snapshot)
        return bool(missing)

    async def _restore_object(
        self, subentry: ConfigSubentry, snapshot: GardenSnapshot, objects: Stored
    ) -> None:
        for command in restoring(subentry, snapshot, objects):
            try:
                await self._client.call(command, OWNER)
            except KamerplanterError as error:
                _LOGGER.warning("%s could not be restored: %s", subentry.title, error)
                return

    @callback
    def _make_subentries(self, snapshot: GardenSnapshot) -> None:
        held = {Subject.of(item) for item in self._entry.subentries.values()}
        own_probes = _own_probes(snapshot.probes)
        not_held = _own_probes(view for view in snapshot.probes if _subject_of(view) not in held)
        for location in snapshot.locations:
            subject = Subject(SubjectKind.LOCATION, location.location.key)
            # A garden has many places; one is shown if something is measured there that is not.
            if subject not in held and (probe := not_held.get(subject)) is not None:
                self._add(subject, location.location.name, probe)
        for tank in snapshot.tanks:
            subject = Subject(SubjectKind.TANK, tank.tank.key)
            if subject not in held:
                self._add(subject, tank.tank.name, own_probes.get(subject))
        for plant in snapshot.plants:
            subject = Subject(SubjectKind.PLANT, plant.plant.key)
            if subject not in held:
                self._add(subject, plant.plant.name, None)
        self._give_their_probes(own_probes)
        own = {item.data.get(CONF_PROBE_KEY) for item in self._entry.subentries.values()}
        for view in snapshot.probes:
            subject = _subject_of(view)
            if subject not in held and view.probe.key not in own:
                self._add(subject, view.probe.name, view)

    def _give_their_probes(self, own_probes: Mapping[Subject, ProbeView]) -> None:
        """Note the probe of a tank or place that had none yet, where others may give it one."""
        if not self._is_shared:
            return
        subentries = list(self._entry.subentries.values())
        held = {Subject.of(item) for item in subentries}
        for subentry in subentries:
            subject = Subject.of(subentry)
            if subject is None or CONF_PROBE_KEY in subentry.data:
                continue
            probe = own_probes.get(subject)
            if probe is None or _subject_of(probe) in held:
                continue
            more = {CONF_BINDINGS: bindings_of(probe.probe), CONF_PROBE_KEY: probe.probe.key}
            self._hass.config_entries.async_update_subentry(
                self._entry, subentry, data={**subentry.data, **more}
            )

    def _add(self, subject: Subject, title: str, probe: ProbeView | None) -> None:
        data: dict[str, Any] = {CONF_KEY: subject.key}
        if probe is not None:
            data[CONF_BINDINGS] = bindings_of(probe.probe)
            if subject.kind in _WITH_PROBE:
                data[CONF_PROBE_KEY] = probe.probe.key
        self._hass.config_entries.async_add_subentry(
            self._entry,
            ConfigSubentry(
                data=MappingProxyType(data),
                subentry_type=subject.kind,
                title=title,
                unique_id=subject.subentry_unique_id,
            ),
        )

    @callback
    def async_take_over(self, snapshot: GardenSnapshot) -> None:
        """Remember the subentries as they are, with titles and bindings as the store says."""
        for subentry in list(self._entry.subentries.values()):
            if (subject := Subject.of(subentry)) is None:
                _LOGGER.warning("Subentry %s is of a kind that is not known", subentry.title)
                continue
            self._remember(subentry, subject)
            self._copy_bindings(subentry, snapshot)
        self._entry_titles(snapshot)

    def _remember(self, subentry: ConfigSubentry, subject: Subject) -> None:
        probe_key = subentry.data.get(CONF_PROBE_KEY)
        self._known[subentry.subentry_id] = Known(subject, subentry.title, probe_key)

    def _copy_bindings(self, subentry: ConfigSubentry, snapshot: GardenSnapshot) -> None:
        key = (
            subentry.data[CONF_KEY]
            if subentry.subentry_type == SubjectKind.PROBE
            else subentry.data.get(CONF_PROBE_KEY)
        )
        view = None if key is None else snapshot.probe(key)
        if view is None:
            return
        data = {**subentry.data, CONF_BINDINGS: bindings_of(view.probe)}
        self._hass.config_entries.async_update_subentry(self._entry, subentry, data=data)

    # --- While running ------------------------------------------------------------------

    @callback
    def async_adopt(self, snapshot: GardenSnapshot) -> None:
        """Make subentries of what others have added."""
        self._make_subentries(snapshot)

    @callback
    def async_drop_gone(self, snapshot: GardenSnapshot) -> list[Subject]:
        """Remove the subentries of what others have archived; return what they were.

        A thing must be missing twice: a snapshot may have been asked for before it was added.
        """
        gone = {key for key, item in self._entry.subentries.items() if _is_gone(item, snapshot)}
        certain = gone & self._missing
        self._missing = gone - certain
        dropped = []
        for subentry_id in certain:
            known = self._known.pop(subentry_id, None)  # nobody removed it here: nothing to archive
            self._hass.config_entries.async_remove_subentry(self._entry, subentry_id)
            if known is not None:
                dropped.append(known.subject)
        return dropped

    @callback
    def async_follow_names(self, snapshot: GardenSnapshot) -> None:
        """Give subentries the names that somebody changed in the store."""
        self._entry_titles(snapshot)

    def _entry_titles(self, snapshot: GardenSnapshot) -> None:
        for subentry_id, known in self._known.items():
            subentry = self._entry.subentries.get(subentry_id)
            view = view_of(snapshot, known.subject)
            # A title that differs from what was known is a rename on its way to the store.
            if subentry is None or view is None or subentry.title != known.title:
                continue
            if (name := name_of(view)) != known.title:
                self._known[subentry_id] = Known(known.subject, name, known.probe_key)
                self._hass.config_entries.async_update_subentry(self._entry, subentry, title=name)

    async def async_follow(self, snapshot: GardenSnapshot) -> Difference:
        """Carry what happened to subentries to the store: renames and removals."""
        current = dict(self._entry.subentries)
        removed = [item for key, item in self._known.items() if key not in current]
        self._known = {key: item for key, item in self._known.items() if key in current}
        added: list[Subject] = []
        for subentry_id, subentry in current.items():
            known = self._known.get(subentry_id)
            subject = Subject.of(subentry)
            if subject is None:
                continue
            self._remember(subentry, subject)
            if known is None:
                added.append(subject)
            elif known.title != subentry.title:
                await self._rename(subentry, subject, snapshot)
        for item in removed:
            await self._archive(item)
        return Difference(tuple(added), tuple(removed))

    async def _rename(
        self, subentry: ConfigSubentry, subject: Subject, snapshot: GardenSnapshot
    ) -> None:
        """Rename the thing, and its own probe where it is called alike, as repairs name that."""
        view = view_of(snapshot, subject)
        if view is None or name_of(view) == subentry.title:
            return
        patch: dict[str, JsonValue] = {"name": subentry.title}
        commands: dict[SubjectKind, Command[Any]] = {
            SubjectKind.LOCATION: UpdateLocation(key=subject.key, patch=patch),
            SubjectKind.TANK: UpdateTank(key=subject.key, patch=patch),
            SubjectKind.PLANT: UpdatePlant(key=subject.key, patch=patch),
            SubjectKind.PROBE: UpdateProbe(key=subject.key, patch=patch),
        }
        try:
            await self._client.call(commands[subject.kind], OWNER)
        except QueuedError as error:
            _LOGGER.info("%s gets its new name later: %s", name_of(view), error)
        except KamerplanterError as error:
            _LOGGER.warning("%s keeps its name: %s", name_of(view), error)
            self._known[subentry.subentry_id] = Known(
                subject, name_of(view), subentry.data.get(CONF_PROBE_KEY)
            )
            self._hass.config_entries.async_update_subentry(
                self._entry, subentry, title=name_of(view)
            )
            return
        own = snapshot.probe(subentry.data.get(CONF_PROBE_KEY, ""))
        if own is not None and own.probe.name == name_of(view):
            await self._rename_own_probe(UpdateProbe(key=own.probe.key, patch=patch))

    async def _rename_own_probe(self, command: UpdateProbe) -> None:
        try:
            await self._client.call(command, OWNER)
        except KamerplanterError as error:
            # Queued, or refused: the thing itself has its new name, and its values hang on that.
            _LOGGER.info("Probe %s keeps its earlier name: %s", command.key, error)

    async def _archive(self, known: Known) -> None:
        own_probe = [] if known.probe_key is None else [ArchiveProbe(key=known.probe_key)]
        commands: list[Command[Any]]
        match known.subject.kind:
            case SubjectKind.LOCATION:
                commands = [*own_probe]  # beds and plants hang on the place itself, which stays
            case SubjectKind.TANK:
                commands = [*own_probe, ArchiveTank(key=known.subject.key)]
            case SubjectKind.PLANT:
                commands = [ArchivePlant(key=known.subject.key)]
            case _:
                commands = [ArchiveProbe(key=known.subject.key)]
        for command in commands:
            try:
                await self._client.call(command, OWNER)
            except QueuedError as error:
                _LOGGER.info("%s is archived later: %s", known.title, error)
            except KamerplanterError as error:
                _LOGGER.warning("%s could not be archived: %s", known.title, error)


def bindings_of(probe: Probe) -> dict[str, Any]:
    """Return the bindings of a probe as a subentry holds them."""
    return probe.model_dump(
        mode="json", include={CONF_CHANNELS, CONF_AVAILABILITY}, exclude_defaults=True
    )


def _is_gone(subentry: ConfigSubentry, snapshot: GardenSnapshot) -> bool:
    """Tell whether the thing of a subentry is not in the garden."""
    subject = Subject.of(subentry)
    if subject is None or view_of(snapshot, subject) is not None:
        return False
    # A server of an older version tells of no places; that of a garden without a site has none.
    return subject.kind is not SubjectKind.LOCATION or snapshot.home_site_key is not None


def _subject_of(view: ProbeView) -> Subject:
    return Subject(SubjectKind.PROBE, view.probe.key)


def _own_probes(probes: Iterable[ProbeView]) -> dict[Subject, ProbeView]:
    """Return the probe that belongs to each tank and place; the oldest, if there are several."""
    found: dict[Subject, ProbeView] = {}
    for view in sorted(probes, key=lambda item: (item.probe.created_at, item.probe.key)):
        nearest = next(iter(place_of(view.probe)), None)
        if nearest is not None and nearest.kind in _WITH_PROBE:
            found.setdefault(nearest, view)
    return found
