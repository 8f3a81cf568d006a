"""Subentries and the objects of the garden, kept alike; the store is the truth."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from pydantic import JsonValue, ValidationError

from kamerplanter_backend.client.protocol import Command, KamerplanterClient
from kamerplanter_backend.client.requests import (
    ArchivePlant,
    ArchiveProbe,
    ArchiveTank,
    CreatePlant,
    CreateProbe,
    CreateTank,
    ListObjects,
    UpdatePlant,
    UpdateProbe,
    UpdateTank,
)
from kamerplanter_backend.client.views import GardenSnapshot, ProbeView
from kamerplanter_backend.common.exceptions import QueuedError
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.base import Entity, Model
from kamerplanter_engines.models.plant import Plant, PlantFields
from kamerplanter_engines.models.tank import Tank, TankFields
from kamerplanter_engines.models.telemetry import Probe, ProbeFields

from .caller import OWNER
from .const import CONF_AVAILABILITY, CONF_BINDINGS, CONF_CHANNELS, CONF_KEY, CONF_PROBE_KEY
from .subjects import GardenView, Subject, SubjectKind, name_of

_LOGGER = logging.getLogger(__name__)


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
        missing = [item for item in subentries if _misses(item, snapshot)]
        if missing:
            objects = await self._client.call(ListObjects(), OWNER)
            for subentry in sorted(missing, key=_tanks_first):
                await self._restore_object(subentry, snapshot, objects)
        self._make_subentries(snapshot)
        return bool(missing)

    async def _restore_object(
        self,
        subentry: ConfigSubentry,
        snapshot: GardenSnapshot,
        objects: Mapping[str, tuple[dict[str, JsonValue], ...]],
    ) -> None:
        for command in _restoring(subentry, snapshot, objects):
            try:
                await self._client.call(command, OWNER)
            except KamerplanterError as error:
                _LOGGER.warning("%s could not be restored: %s", subentry.title, error)
                return

    @callback
    def _make_subentries(self, snapshot: GardenSnapshot) -> None:
        held = {Subject.of(item) for item in self._entry.subentries.values()}
        own_probes = _probes_by_tank(snapshot)
        for tank in snapshot.tanks:
            subject = Subject(SubjectKind.TANK, tank.tank.key)
            if subject not in held:
                self._add(subject, tank.tank.name, own_probes.get(tank.tank.key))
        for plant in snapshot.plants:
            subject = Subject(SubjectKind.PLANT, plant.plant.key)
            if subject not in held:
                self._add(subject, plant.plant.name, None)
        self._give_tanks_their_probes(own_probes)
        of_tanks = {item.data.get(CONF_PROBE_KEY) for item in self._entry.subentries.values()}
        for probe in snapshot.probes:
            subject = Subject(SubjectKind.PROBE, probe.probe.key)
            if subject not in held and probe.probe.key not in of_tanks:
                self._add(subject, probe.probe.name, probe)

    def _give_tanks_their_probes(self, own_probes: Mapping[str, ProbeView]) -> None:
        """Note the probe of a tank that had none yet, where others may give it one."""
        if not self._is_shared:
            return
        subentries = list(self._entry.subentries.values())
        own = {item.data.get(CONF_KEY) for item in subentries}
        for subentry in subentries:
            if subentry.subentry_type != SubjectKind.TANK or CONF_PROBE_KEY in subentry.data:
                continue
            probe = own_probes.get(subentry.data[CONF_KEY])
            if probe is None or probe.probe.key in own:
                continue
            more = {CONF_BINDINGS: bindings_of(probe.probe), CONF_PROBE_KEY: probe.probe.key}
            self._hass.config_entries.async_update_subentry(
                self._entry, subentry, data={**subentry.data, **more}
            )

    def _add(self, subject: Subject, title: str, probe: ProbeView | None) -> None:
        data: dict[str, Any] = {CONF_KEY: subject.key}
        if probe is not None:
            data[CONF_BINDINGS] = bindings_of(probe.probe)
            if subject.kind is SubjectKind.TANK:
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
                await self._rename(subentry, subject, view_of(snapshot, subject))
        for item in removed:
            await self._archive(item)
        return Difference(tuple(added), tuple(removed))

    async def _rename(
        self, subentry: ConfigSubentry, subject: Subject, view: GardenView | None
    ) -> None:
        if view is None or name_of(view) == subentry.title:
            return
        patch: dict[str, JsonValue] = {"name": subentry.title}
        commands: dict[SubjectKind, Command[Any]] = {
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

    async def _archive(self, known: Known) -> None:
        commands: list[Command[Any]] = []
        match known.subject.kind:
            case SubjectKind.TANK:
                if known.probe_key is not None:
                    commands.append(ArchiveProbe(key=known.probe_key))
                commands.append(ArchiveTank(key=known.subject.key))
            case SubjectKind.PLANT:
                commands.append(ArchivePlant(key=known.subject.key))
            case _:
                commands.append(ArchiveProbe(key=known.subject.key))
        for command in commands:
            try:
                await self._client.call(command, OWNER)
            except QueuedError as error:
                _LOGGER.info("%s is archived later: %s", known.title, error)
            except KamerplanterError as error:
                _LOGGER.warning("%s could not be archived: %s", known.title, error)


def view_of(snapshot: GardenSnapshot, subject: Subject) -> GardenView | None:
    """Return what a snapshot says about a subject; none = it is not in the garden."""
    match subject.kind:
        case SubjectKind.TANK:
            return snapshot.tank(subject.key)
        case SubjectKind.PLANT:
            return snapshot.plant(subject.key)
        case SubjectKind.PROBE:
            return snapshot.probe(subject.key)
        case SubjectKind.HUB:
            return snapshot


def bindings_of(probe: Probe) -> dict[str, Any]:
    """Return the bindings of a probe as a subentry holds them."""
    return probe.model_dump(
        mode="json", include={CONF_CHANNELS, CONF_AVAILABILITY}, exclude_defaults=True
    )


def _tanks_first(subentry: ConfigSubentry) -> int:
    """Return the order of restoring: a plant may name a tank, a probe both."""
    return list(SubjectKind).index(SubjectKind(subentry.subentry_type))


def _misses(subentry: ConfigSubentry, snapshot: GardenSnapshot) -> bool:
    subject = Subject.of(subentry)
    if subject is None:
        return False
    probe_key = subentry.data.get(CONF_PROBE_KEY)
    return view_of(snapshot, subject) is None or (
        probe_key is not None and snapshot.probe(probe_key) is None
    )


def _is_gone(subentry: ConfigSubentry, snapshot: GardenSnapshot) -> bool:
    """Tell whether the thing of a subentry is not in the garden."""
    subject = Subject.of(subentry)
    return subject is not None and view_of(snapshot, subject) is None


def _probes_by_tank(snapshot: GardenSnapshot) -> dict[str, ProbeView]:
    """Return the probe that belongs to each tank; the oldest, if there are several."""
    found: dict[str, ProbeView] = {}
    for view in sorted(snapshot.probes, key=lambda item: (item.probe.created_at, item.probe.key)):
        if view.probe.tank_key is not None and view.probe.plant_key is None:
            found.setdefault(view.probe.tank_key, view)
    return found


def _restoring(
    subentry: ConfigSubentry,
    snapshot: GardenSnapshot,
    objects: Mapping[str, tuple[dict[str, JsonValue], ...]],
) -> Iterator[Command[Any]]:
    """Yield what brings back the object of a subentry, and a tank's own probe."""
    key, title = str(subentry.data[CONF_KEY]), subentry.title
    probe_key, tank_key = subentry.data.get(CONF_PROBE_KEY), None
    match subentry.subentry_type:
        case SubjectKind.TANK:
            tank_key = key
            if snapshot.tank(key) is None:
                if (stored := _stored(objects["tanks"], key)) is None:
                    _LOGGER.warning("Tank %s is not in the store any more", title)
                    return
                yield CreateTank(key=key, fields=_fields(Tank, TankFields, stored))
        case SubjectKind.PLANT:
            if (stored := _stored(objects["plants"], key)) is None:
                _LOGGER.warning("Plant %s is not in the store any more", title)
                return
            yield CreatePlant(key=key, fields=_fields(Plant, PlantFields, stored))
        case _:
            probe_key = key
    if probe_key is None or snapshot.probe(probe_key) is not None:
        return
    if (stored := _stored(objects["probes"], probe_key)) is not None:
        yield CreateProbe(key=probe_key, fields=_fields(Probe, ProbeFields, stored))
    elif (fields := _from_bindings(subentry, tank_key)) is not None:
        yield CreateProbe(key=probe_key, fields=fields)


def _stored(documents: tuple[dict[str, JsonValue], ...], key: str) -> dict[str, JsonValue] | None:
    return next((item for item in documents if item.get("key") == key), None)


def _fields[F: Model](entity: type[Entity], fields: type[F], document: dict[str, JsonValue]) -> F:
    whole = entity.model_validate(document)
    return fields.model_validate(whole.model_dump(include=set(fields.model_fields)))


def _from_bindings(subentry: ConfigSubentry, tank_key: str | None) -> ProbeFields | None:
    try:
        return ProbeFields.model_validate(
            {**subentry.data.get(CONF_BINDINGS, {}), "name": subentry.title, "tank_key": tank_key}
        )
    except ValidationError as error:
        _LOGGER.warning("The bindings of %s cannot be read: %s", subentry.title, error)
        return None
