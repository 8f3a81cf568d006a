"""Judges tanks and plants by what their probes say, as of now."""

from collections.abc import Mapping, Sequence

from kamerplanter_backend.domain.consequences.plant_facts import facts_of
from kamerplanter_backend.domain.consequences.soil_alerts import evaluate_soils
from kamerplanter_backend.domain.consequences.tank_alerts import evaluate_tanks
from kamerplanter_backend.domain.repositories.plant import PlantAlertRepository, PlantRepository
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository, TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.telemetry import Reading

ALERT_WRITES = (TankAlertRepository, PlantAlertRepository, TaskRepository)
"""What whoever judges places writes."""


def judge_places(
    uow: UnitOfWork,
    *,
    of_tanks: Mapping[str, Sequence[Reading]],
    of_plants: Mapping[str, Sequence[Reading]],
) -> int:
    """Look at tanks and plants with what was just measured of each; return what changed.

    Args:
        uow: The unit of work, allowed to write alerts and tasks.
        of_tanks: Tanks by key; archived ones are left out.
        of_plants: Plants by key; archived ones are left out.
    """
    tanks = [
        tank
        for tank in uow.of(TankRepository).get_many(sorted(of_tanks))
        if tank.archived_at is None
    ]
    plants = [
        plant
        for plant in uow.of(PlantRepository).get_many(sorted(of_plants))
        if plant.archived_at is None
    ]
    changed = evaluate_tanks(uow, tanks, of_tanks)
    return changed + evaluate_soils(uow, facts_of(uow, plants).values(), of_plants)
