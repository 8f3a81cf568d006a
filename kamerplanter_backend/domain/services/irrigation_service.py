"""The irrigation log."""

from kamerplanter_backend.domain.consequences.care_record import (
    CARE_OF_LOG,
    CARE_WRITES,
    record_done,
)
from kamerplanter_backend.domain.consequences.times import check_not_future
from kamerplanter_backend.domain.repositories.irrigation import IrrigationRepository
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, live, query
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.irrigation import Irrigation, IrrigationFields
from kamerplanter_engines.models.task import TaskState


class IrrigationService(Service):
    """Logs water and feed."""

    @command(*CARE_WRITES)
    def log(self, uow: UnitOfWork, fields: IrrigationFields) -> Irrigation:
        """Book a watering or feeding, and complete the open task about it.

        Raises:
            NotFoundError: The plant or task does not exist, or the plant is archived.
            FutureTimeError: It is said to have been done in the future.
            InvalidInputError: The task belongs to another plant.
        """
        live(uow.of(PlantRepository), fields.plant_key)
        at = check_not_future(uow, fields.at)
        task = uow.of(TaskRepository).get(fields.task_key) if fields.task_key else None
        if task is not None and task.plant_key != fields.plant_key:
            raise InvalidInputError(
                f"Task {task.key} is not about plant {fields.plant_key}.",
                field="task_key",
                value=task.key,
            )
        if task is not None and task.state is not TaskState.OPEN:
            task = None
        care = CARE_OF_LOG[fields.kind]
        entry = record_done(uow, care, fields.plant_key, at, task=task, log=fields)
        if entry is None:
            raise InvalidInputError(
                f"{fields.kind} is not kept in the log.", field="kind", value=fields.kind
            )
        return entry

    @query()
    def list_of_plant(self, uow: UnitOfWork, plant_key: str) -> tuple[Irrigation, ...]:
        """Return the waterings and feedings of a plant, newest first.

        Raises:
            NotFoundError: The plant does not exist.
        """
        uow.of(PlantRepository).get(plant_key)
        return tuple(uow.of(IrrigationRepository).of_plant(plant_key))
