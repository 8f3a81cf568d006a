"""Makes the context of a call: what its garden's site says of zone and latitude is kept."""

from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from zoneinfo import ZoneInfo

from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.warrant import Warrant
from kamerplanter_backend.domain.interfaces.change_feed import ChangeFeed, StoredChange
from kamerplanter_backend.domain.services.site_service import SiteService
from kamerplanter_engines.evidence_engine import listening_since

SITES = "sites"
MAX_KEPT = 10_000
"""Gardens whose place is kept; beyond that all are asked for again."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a garden is."""

    zone: ZoneInfo
    latitude_deg: float | None


class ContextMaker:
    """Knows the place of each garden, and since when this process listens.

    Args:
        feed: Tells when a site changes.
        sites: Answers where a garden is.
        started_at: When the process began to listen.
    """

    def __init__(self, feed: ChangeFeed, sites: SiteService, started_at: datetime) -> None:
        self._sites = sites
        self._started_at = started_at
        self._lock = Lock()
        self._places: dict[str, Place] = {}
        self._changes = 0
        feed.subscribe(self._on_commit)

    def make(
        self,
        tenant_key: str,
        *,
        actor: str,
        role: Role,
        now: datetime,
        command_key: str | None = None,
        request_id: str | None = None,
        warrant: Warrant | None = None,
    ) -> Context:
        """Return the context of a call in a garden; reads the store the first time.

        Args:
            tenant_key: The garden.
            actor: Who acts: a user's key, or the name of a job.
            role: What it may do.
            now: The moment of the call, aware.
            command_key: Identity of the command.
            request_id: The request that it belongs to.
            warrant: What its writes look at once more.
        """
        self._started_at = listening_since(self._started_at, now)
        place = self._places.get(tenant_key) or self._ask(tenant_key, actor, role, now)
        return Context(
            tenant_key=tenant_key,
            actor=actor,
            role=role,
            now=now,
            zone=place.zone,
            latitude_deg=place.latitude_deg,
            started_at=self._started_at,
            command_key=command_key,
            request_id=request_id,
            warrant=warrant,
        )

    def _ask(self, tenant_key: str, actor: str, role: Role, now: datetime) -> Place:
        seen = self._changes
        nowhere = Place(ZoneInfo("UTC"), None)
        site = self._sites.find(
            Context(tenant_key=tenant_key, actor=actor, role=role, now=now, zone=nowhere.zone)
        )
        if site is None:
            return nowhere
        place = Place(ZoneInfo(site.time_zone), site.latitude_deg)
        with self._lock:
            # A site that changed while it was read is read again the next time.
            if self._changes == seen:
                if len(self._places) >= MAX_KEPT:
                    self._places.clear()
                self._places[tenant_key] = place
        return place

    def _on_commit(self, change: StoredChange) -> None:
        if SITES in change.collections:
            with self._lock:
                self._changes += 1
                self._places.pop(change.tenant_key, None)
