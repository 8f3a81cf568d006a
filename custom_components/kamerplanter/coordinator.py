"""The snapshot that entities show, and what belongs to a loaded entry."""

import logging
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.event import async_track_point_in_utc_time, async_track_time_change
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.protocol import Change, KamerplanterClient
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.exceptions import UnauthorizedError
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.telemetry import DEVICE_KINDS, ChannelKind

from .client_factory import Garden
from .const import CONF_PROBE_KEY, DOMAIN
from .errors import translation_of
from .platform_setup import EntityRoster
from .reconcile import Subjects
from .server_client import ServerClient
from .subjects import GardenView, Subject, SubjectKind, place_of
from .telemetry import LiveReadings

_LOGGER = logging.getLogger(__name__)

REFRESH_COOLDOWN_S = 0.3
"""What is derived from a reading shows within two seconds; the default of 10 s is too slow."""
POLL_SERVER_EVERY = timedelta(minutes=5)
"""A server tells of changes; this is for the time in which nobody can hear it."""
EARLIEST_WAKE = timedelta(seconds=1)
"""A due moment that has passed already must not make the coordinator spin."""


@dataclass
class RuntimeData:
    """All that lives as long as a loaded entry."""

    garden: Garden
    coordinator: GardenCoordinator
    live: LiveReadings
    subjects: Subjects
    roster: EntityRoster
    backup: ExitStack = field(default_factory=ExitStack)
    """Holds the writers while Home Assistant makes a backup."""

    @property
    def client(self) -> KamerplanterClient:
        """Return the one road to the garden."""
        return self.garden.client

    @property
    def server(self) -> ServerClient:
        """Return the road to the server, of an entry whose garden is on one."""
        assert self.garden.server is not None  # noqa: S101 - only asked of such an entry
        return self.garden.server


type KamerplanterConfigEntry = ConfigEntry[RuntimeData]


class GardenCoordinator(DataUpdateCoordinator[GardenSnapshot]):
    """Reads the snapshot after each change, and when something becomes due by time alone."""

    config_entry: KamerplanterConfigEntry

    def __init__(self, hass: HomeAssistant, entry: KamerplanterConfigEntry, garden: Garden) -> None:
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=DOMAIN,
            update_interval=None if garden.server is None else POLL_SERVER_EVERY,
            request_refresh_debouncer=Debouncer(
                hass, _LOGGER, cooldown=REFRESH_COOLDOWN_S, immediate=True
            ),
        )
        self._client = garden.client
        self._server = garden.server
        self._views: dict[Subject, GardenView] = {}
        self._sources: dict[Subject, dict[ChannelKind, list[str]]] = {}
        self.changed: frozenset[Subject] = frozenset()
        """The subjects whose view or source of values differs from the one before."""
        self._cancel_wake: CALLBACK_TYPE | None = None
        self._is_ended = False
        self._change_count = 0
        # The first snapshot sets the alarm, also if the setup fails after it.
        entry.async_on_unload(self._end)

    def start(self) -> None:
        """Follow the store and the clock until the entry is unloaded."""
        entry = self.config_entry
        entry.async_on_unload(self._client.changes(self._on_change))
        entry.async_on_unload(
            async_track_time_change(self.hass, self._on_time, hour=0, minute=0, second=0)
        )

    @callback
    def _on_change(self, _change: Change) -> None:
        self._change_count += 1
        self._refresh_soon()

    @callback
    def _on_time(self, _now: datetime) -> None:
        self._refresh_soon()

    @callback
    def _refresh_soon(self) -> None:
        if not self.hass.is_stopping:
            self.config_entry.async_create_task(
                self.hass, self.async_request_refresh(), f"{DOMAIN} refresh"
            )

    @override
    async def _async_update_data(self) -> GardenSnapshot:
        known_count = self._change_count
        try:
            snapshot = await self._client.snapshot()
        except KamerplanterError as error:
            key, placeholders = translation_of(error)
            kind = ConfigEntryAuthFailed if isinstance(error, UnauthorizedError) else UpdateFailed
            raise kind(
                translation_domain=DOMAIN,
                translation_key=key,
                translation_placeholders=placeholders,
            ) from error
        if known_count != self._change_count and not self._is_ended:
            # It may have been read before that; a request during a slow one may be dropped.
            self._refresh_soon()
        self._index(snapshot)
        self._wake_at(snapshot.next_due_at)
        return snapshot

    @property
    def is_stale(self) -> bool:
        """Whether the data is a memory of a server that does not answer."""
        return self._server is not None and self._server.is_stale

    def is_older_than(self, age: timedelta | None) -> bool:
        """Tell whether the server said it longer ago; none = nothing is too old."""
        if age is None or self._server is None or not self._server.is_stale:
            return False
        known = self._server.age
        return known is None or known > age

    def _index(self, snapshot: GardenSnapshot) -> None:
        views: dict[Subject, GardenView] = {Subject.hub(): snapshot}
        sources: dict[Subject, dict[ChannelKind, list[str]]] = {}
        for location in snapshot.locations:
            views[Subject(SubjectKind.LOCATION, location.location.key)] = location
        for tank in snapshot.tanks:
            views[Subject(SubjectKind.TANK, tank.tank.key)] = tank
        for plant in snapshot.plants:
            views[Subject(SubjectKind.PLANT, plant.plant.key)] = plant
        # The oldest probe of a place speaks for it as long as it has something to say.
        oldest_first = sorted(
            snapshot.probes, key=lambda view: (view.probe.created_at, view.probe.key)
        )
        for probe in oldest_first:
            own = Subject(SubjectKind.PROBE, probe.probe.key)
            for subject in (own, *place_of(probe.probe)):
                for channel in probe.probe.channels:
                    # A tank has no battery, though its probe has one.
                    if subject.kind is SubjectKind.PROBE or channel.kind not in DEVICE_KINDS:
                        keys = sources.setdefault(subject, {}).setdefault(channel.kind, [])
                        keys.append(probe.probe.key)
            views[own] = probe
        before, self._views = self._views, views
        sources_before, self._sources = self._sources, sources
        # A tank or plant looks the same when a probe comes, and has new values to show.
        self.changed = frozenset(
            subject
            for subject, view in views.items()
            if before.get(subject) != view or sources_before.get(subject) != sources.get(subject)
        )

    def view(self, subject: Subject) -> GardenView | None:
        """Return what the newest snapshot says about a subject; none = not in the garden."""
        return self._views.get(subject)

    def bound_kinds(self, subject: Subject) -> frozenset[ChannelKind]:
        """Return the kinds of values that are measured on a subject."""
        return frozenset(self._sources.get(subject, {}))

    def probe_keys(self, subject: Subject, kind: ChannelKind | None) -> tuple[str, ...]:
        """Return the probes that measure a kind on a subject, or anything; the oldest first."""
        if subject.kind is SubjectKind.PROBE:
            return (subject.key,) if subject in self._views else ()
        sources = self._sources.get(subject, {})
        if kind is not None:
            return tuple(sources.get(kind, ()))
        return tuple(dict.fromkeys(key for keys in sources.values() for key in keys))

    def own_probe(self, subject: Subject) -> Subject | None:
        """Return the probe whose device is that of a subject; none = it has none.

        A probe is a device of its own, but the one that came with a tank or place stands on theirs.
        """
        if subject.kind is SubjectKind.PROBE:
            return subject if subject in self._views else None
        for subentry in self.config_entry.subentries.values():
            if subject == Subject.of(subentry) and CONF_PROBE_KEY in subentry.data:
                probe = Subject(SubjectKind.PROBE, subentry.data[CONF_PROBE_KEY])
                return probe if probe in self._views else None
        return None

    def own_kinds(self, subject: Subject) -> frozenset[ChannelKind]:
        """Return the kinds that the device of a subject itself measures."""
        probe = self.own_probe(subject)
        return frozenset() if probe is None else self.bound_kinds(probe)

    def _wake_at(self, due_at: datetime | None) -> None:
        self._stop_waking()
        if due_at is not None and not self._is_ended:
            self._cancel_wake = async_track_point_in_utc_time(
                self.hass, self._on_time, max(due_at, dt_util.utcnow() + EARLIEST_WAKE)
            )

    @callback
    def _end(self) -> None:
        # A snapshot that is still on its way must not set the alarm again.
        self._is_ended = True
        self._stop_waking()

    @callback
    def _stop_waking(self) -> None:
        if self._cancel_wake is not None:
            self._cancel_wake()
            self._cancel_wake = None
