"""Remembers who may enter which garden, until somebody changes it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from kamerplanter_backend.common.context import Context
from kamerplanter_backend.domain.interfaces.change_feed import ChangeFeed, StoredChange
from kamerplanter_backend.domain.models.tenant import GardenAccess
from kamerplanter_backend.domain.services.tenant_service import TenantService

COLLECTIONS = frozenset({"tenants", "memberships"})
MAX_AGE = timedelta(seconds=10)
"""How long an answer counts at most: another process may have written to the same store."""
MAX_KEPT = 10_000
"""Answers that are kept; beyond that all are asked for again."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer and when it was given."""

    access: GardenAccess
    at: datetime


class AccessMemory:
    """Answers who has what role in a garden, which every request asks.

    A change of a garden or a membership by this process is seen by the next request.

    Args:
        feed: Tells when one changes.
        tenants: Answers what is not remembered.
    """

    def __init__(self, feed: ChangeFeed, tenants: TenantService) -> None:
        self._tenants = tenants
        self._lock = Lock()
        self._known: dict[tuple[str, str], Remembered] = {}
        self._changes = 0
        feed.subscribe(self._on_commit)

    def resolve(self, context: Context, slug: str) -> GardenAccess:
        """Return the garden with a slug, and the role of the actor of an account's context in it.

        Raises:
            NotFoundError: There is none, or the actor does not belong to it.
        """
        known = self._known.get((slug, context.actor))
        if known is not None and timedelta(0) <= context.now - known.at <= MAX_AGE:
            return known.access
        seen = self._changes
        access = self._tenants.resolve(context, slug)
        with self._lock:
            # What changed while it was read is read again the next time.
            if self._changes == seen:
                if len(self._known) >= MAX_KEPT:
                    self._known.clear()
                self._known[slug, context.actor] = Remembered(access, context.now)
        return access

    def _on_commit(self, change: StoredChange) -> None:
        if not COLLECTIONS.isdisjoint(change.collections):
            with self._lock:
                self._changes += 1
                self._known.clear()
