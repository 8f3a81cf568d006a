"""What is needed to judge what a probe measures: its view, and what it hangs in."""

from dataclasses import dataclass

from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
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
