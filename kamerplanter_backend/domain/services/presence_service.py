"""Presence: which devices say that they go or come, and what follows from it."""

from collections.abc import Sequence

from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.domain.consequences.judged_places import ALERT_WRITES, judge_places
from kamerplanter_backend.domain.consequences.presence import note_said
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command
from kamerplanter_engines.models.presence import ProbePresenceFields


class PresenceService(Service):
    """Takes in which devices are there; a place goes at once by those that are."""

    @command(ProbePresenceRepository, *ALERT_WRITES)
    def report(self, uow: UnitOfWork, said: Sequence[ProbePresenceFields]) -> int:
        """Write down what devices say of themselves, and look at their tanks and plants.

        What is known already, older than that, or of an archived probe changes nothing. What lies
        ahead is of now: the clock of whoever listens is wrong, and its readings are taken, too.

        Args:
            uow: The unit of work.
            said: What they say, in the order in which it was heard.

        Returns:
            How many came or went.

        Raises:
            NotFoundError: All of them are of probes that are not of this garden.
        """
        named = {item.probe_key for item in said}
        found = {item.key: item for item in uow.of(ProbeRepository).get_many(sorted(named))}
        if named and not found:
            key = min(named)
            raise NotFoundError(f"No probe {key!r} in this garden.", kind="probes", key=key)
        changed = {}
        for item in said:
            probe = found.get(item.probe_key)
            if probe is None or probe.archived_at is not None:
                continue
            if note_said(uow, probe, item):
                changed[probe.key] = probe
        judge_places(
            uow,
            of_tanks={probe.tank_key: () for probe in changed.values() if probe.tank_key},
            of_plants={probe.plant_key: () for probe in changed.values() if probe.plant_key},
        )
        return len(changed)
