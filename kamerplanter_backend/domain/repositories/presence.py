"""Stored presence of devices."""

from collections.abc import Mapping
from datetime import datetime

from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories.base import Access, Repository
from kamerplanter_backend.domain.repositories.collection import Collection, OnDelete, Reference
from kamerplanter_engines.models.base import is_ahead
from kamerplanter_engines.models.presence import ProbePresence, ProbePresenceFields


class ProbePresenceRepository(Repository[ProbePresence]):
    """Which devices of a garden said that they go or come: one document per probe, at most.

    A device that never said anything has none, and is there.
    """

    collection = Collection(
        "probe_presences",
        ProbePresence,
        unique=(("probe_key",),),
        indexes=(("is_online",),),
        references=(Reference("probe_key", "probes", on_delete=OnDelete.CASCADE),),
    )

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self._gone: Mapping[str, datetime] | None = None

    def gone(self) -> Mapping[str, datetime]:
        """Return since when devices are gone, by key of the probe; asked once in a unit of work.

        What lies ahead, because the clock went back, keeps nobody away: no reading could end it.
        """
        if self._gone is None:
            now = self._context.now
            self._gone = {
                item.probe_key: item.since
                for item in self.find_each("is_online", (False,))
                if not is_ahead(item.since, now)
            }
        return self._gone

    def of_probe(self, probe_key: str) -> ProbePresence | None:
        """Return what was last said of a probe."""
        return self.first(Where("probe_key", "==", probe_key))

    def note(self, fields: ProbePresenceFields) -> None:
        """Write down what is said of a probe now."""
        self._gone = None
        known = self.of_probe(fields.probe_key)
        if known is None:
            self.add(fields)
        else:
            self.change(known, is_online=fields.is_online, since=fields.since)

    def begin_anew(self, probe_key: str) -> None:
        """Take a device as there from now on, as another one is meant, or heard elsewhere.

        What was heard before and is told later is none of its own.
        """
        now = self._context.now
        self.note(ProbePresenceFields(probe_key=probe_key, is_online=True, since=now))
