"""What follows when a plant is taken out of sight."""

from kamerplanter_backend.domain.consequences.open_tasks import resolve_tasks
from kamerplanter_backend.domain.repositories.plant import PlantAlertRepository, PlantRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork

REMOVAL_WRITES = (PlantRepository, PlantAlertRepository, TaskRepository, AuditRepository)
"""What a command that archives plants must be allowed to write."""


def clear_up_after(uow: UnitOfWork, plant_key: str) -> None:
    """Take away the alert about the soil of an archived plant, and close its open tasks."""
    alerts = uow.of(PlantAlertRepository)
    if alert := alerts.of_plant(plant_key):
        alerts.remove(alert.key)
    resolve_tasks(uow, uow.of(TaskRepository).open_of_plant(plant_key))
