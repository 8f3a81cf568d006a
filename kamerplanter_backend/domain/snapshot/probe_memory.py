"""What is needed to judge what a probe measures: its view, and what it hangs in."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.probe_views import probe_view
from kamerplanter_backend.domain.snapshot.supply_views import (
    SUPPLY_REMEMBERED,
    judged_from,
    supply_tasks,
)
from kamerplanter_backend.domain.snapshot.trust_views import disagreeing_of
from kamerplanter_backend.domain.snapshot.twin_views import looked_up
from kamerplanter_backend.domain.snapshot.views import ProbeView
from kamerplanter_engines.models.tank import TankType
from kamerplanter_engines.models.telemetry import ChannelBinding
from kamerplanter_engines.telemetry_engine import ChannelRules, rules_for


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeMemory:
    """What the store knows that is needed to judge what a probe measures."""

    view: ProbeView
    plain_water: bool
    """It hangs in water where an EC of 0 is a real value."""
    stock_solution: bool
    """It hangs in a concentrate."""

    def rules(self, binding: ChannelBinding) -> ChannelRules:
        """Return the numbers in force for a channel of it."""
        return rules_for(binding, plain_water=self.plain_water, stock_solution=self.stock_solution)


def memory_of(uow: UnitOfWork, view: ProbeView) -> ProbeMemory:
    """Return the view of a probe with what it hangs in."""
    tank_key = view.probe.tank_key
    tank = None if tank_key is None else uow.of(TankRepository).try_get(tank_key)
    return ProbeMemory(
        view=view,
        plain_water=tank is not None and tank.plain_water,
        stock_solution=tank is not None and tank.tank_type is TankType.STOCK_SOLUTION,
    )


def memories_of(
    uow: UnitOfWork,
    probe_keys: Collection[str],
    since: datetime | None,
    latest_arrival: timedelta,
) -> dict[str, ProbeMemory]:
    """Return what is known of those probes that are of this garden and not archived.

    They are compared with each other; who asks for all of a place hears which disagree.

    Args:
        uow: The unit of work.
        probe_keys: The probes.
        since: The earliest moment of measurement that is to be judged; none = whatever a device
            may send.
        latest_arrival: What was measured so long ago must find the calibration that held then.
    """
    named = uow.of(ProbeRepository).get_many(sorted(probe_keys))
    probes = [probe for probe in named if probe.archived_at is None]
    beside = looked_up(uow)
    at_odds = disagreeing_of(uow, probes)
    tanks = {probe.tank_key for probe in probes if probe.tank_key is not None}
    supplied_since = judged_from(uow.context.now, since) - SUPPLY_REMEMBERED
    tasks = supply_tasks(uow, tanks, since=supplied_since)
    found = {}
    for probe in probes:
        view = probe_view(
            uow,
            probe,
            tasks,
            at_odds,
            latest_arrival=latest_arrival,
            beside=beside,
            earliest=since,
        )
        found[probe.key] = memory_of(uow, view)
    return found
