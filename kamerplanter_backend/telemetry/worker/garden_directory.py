"""Which gardens and probes a worker listens to, as the store knows it; used on one thread."""

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.context_maker import ContextMaker
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.domain.interfaces.change_feed import ChangeFeed, StoredChange
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.tenant import TenantRepository
from kamerplanter_backend.domain.repositories.unit_of_work import READINGS, open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_backend.domain.snapshot.probe_memory import ProbeMemory

_LOGGER = logging.getLogger(__name__)

ACTOR: Final = "ingest"
LOOK_AT_ALL_EVERY: Final = timedelta(minutes=5)
"""So often all gardens are read again, whatever the change feed says."""
RELEVANT: Final = frozenset(
    {
        "calibrations",
        "hand_measurements",
        "irrigations",
        "probe_presences",
        "probes",
        "solution_holds",
        "tanks",
        "tasks",
    }
)
"""What decides how a probe is judged and how far it is trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GardenEntry:
    """One garden."""

    tenant_key: str
    slug: str
    is_suspended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """What is to be listened to from now on."""

    gardens: Mapping[str, GardenEntry]
    """All, by key."""
    read: Mapping[str, Mapping[str, ProbeMemory]]
    """The living probes of those gardens that were read anew."""


class GardenDirectory:
    """Reads gardens and probes, and reads again what has changed.

    Args:
        store: Where they are.
        services: Knows what is needed to judge.
        feed: Tells of the commits of all processes.
        now: The moment of the start.
    """

    def __init__(
        self, store: DocumentStore, services: Services, feed: ChangeFeed, now: datetime
    ) -> None:
        self._store = store
        self._services = services
        self._contexts = ContextMaker(feed, services.site, now)
        self._lock = Lock()
        self._dirty: set[str] = set()
        self._are_gardens_dirty = True
        self._known: dict[str, GardenEntry] = {}
        self._all_read_at: datetime | None = None
        self._listening: set[str] = set()
        """Gardens in which a probe binds a topic; nobody else's readings matter to the others."""
        self._foreign = Counter[str]()
        """Commits with readings by garden, less those of our own, since the last look."""
        self._end = feed.subscribe(self._on_commit)

    def close(self) -> None:
        """Hear of no more commits."""
        self._end()

    def context(self, tenant_key: str, now: datetime) -> Context:
        """Return the context in which readings are stored."""
        return self._contexts.make(tenant_key, actor=ACTOR, role=Role.GROWER, now=now)

    def is_suspended(self, tenant_key: str) -> bool:
        """Tell whether nothing may be stored: the garden is suspended, or gone."""
        entry = self._known.get(tenant_key)
        return entry is None or entry.is_suspended

    def note_own(self, tenant_key: str) -> None:
        """Note that new readings of a garden were stored by us, who know them."""
        with self._lock:
            self._foreign[tenant_key] -= 1

    def look(self, now: datetime) -> Directory | None:
        """Return what has changed since the last look; none = nothing.

        Readings that came another way, such as over HTTP, are a change too: what a device says
        next is judged by them.

        Raises:
            UnavailableError: The store does not answer; the next look tells it.
        """
        dirty, are_gardens_dirty = self._take_dirty(now)
        if not dirty and not are_gardens_dirty:
            return None
        try:
            gardens = self._gardens(now) if are_gardens_dirty else self._known
            dirty |= gardens.keys() - self._known.keys()
            read = dict(self._read(dirty & gardens.keys(), now))
        except BaseException:
            with self._lock:
                self._dirty |= dirty
                self._are_gardens_dirty |= are_gardens_dirty
            raise
        self._known = gardens
        self._note_listening(gardens.keys(), read)
        return Directory(gardens=gardens, read=read)

    def _note_listening(
        self, keys: Collection[str], read: Mapping[str, Mapping[str, ProbeMemory]]
    ) -> None:
        self._listening &= set(keys)
        for key, probes in read.items():
            channels = (item for memory in probes.values() for item in memory.view.probe.channels)
            if any(channel.topic is not None for channel in channels):
                self._listening.add(key)
            else:
                self._listening.discard(key)

    def _take_dirty(self, now: datetime) -> tuple[set[str], bool]:
        with self._lock:
            heard = {key for key, count in self._foreign.items() if count > 0}
            dirty, self._dirty = self._dirty | (heard & self._listening), set()
            self._foreign.clear()
            are_gardens_dirty, self._are_gardens_dirty = self._are_gardens_dirty, False
        if self._all_read_at is None or abs(now - self._all_read_at) >= LOOK_AT_ALL_EVERY:
            self._all_read_at = now
            return set(self._known), True
        return dirty, are_gardens_dirty

    def _gardens(self, now: datetime) -> dict[str, GardenEntry]:
        with open_unit(self._store, account_context(ACTOR, now)) as uow:
            tenants = uow.of(TenantRepository).find()
        return {
            tenant.key: GardenEntry(
                tenant_key=tenant.key,
                slug=tenant.slug,
                is_suspended=tenant.suspended_at is not None,
            )
            for tenant in tenants
        }

    def _read(
        self, keys: Collection[str], now: datetime
    ) -> Iterator[tuple[str, dict[str, ProbeMemory]]]:
        for key in keys:
            try:
                yield key, self._probes(key, now)
            except UnavailableError:
                raise
            except Exception:
                # One garden's fault must not keep the others from being heard.
                _LOGGER.exception("The probes of garden %s cannot be read", key)

    def _probes(self, tenant_key: str, now: datetime) -> dict[str, ProbeMemory]:
        context = self.context(tenant_key, now)
        with open_unit(self._store, context) as uow:
            keys = [probe.key for probe in uow.of(ProbeRepository).living()]
        return self._services.telemetry.memories(context, keys)

    def _on_commit(self, change: StoredChange) -> None:
        with self._lock:
            if "tenants" in change.collections:
                self._are_gardens_dirty = True
            if not RELEVANT.isdisjoint(change.collections):
                self._dirty.add(change.tenant_key)
            if READINGS in change.collections:
                self._foreign[change.tenant_key] += 1
