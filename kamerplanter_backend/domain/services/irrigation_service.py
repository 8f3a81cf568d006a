"""The irrigation log."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.consequences.care_record import (
    CARE_OF_LOG,
    CARE_WRITES,
    TASK_OF_CARE,
    counts_as_watering,
    record_done,
)
from kamerplanter_backend.domain.consequences.times import check_not_future
from kamerplanter_backend.domain.repositories.irrigation import IrrigationRepository
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    EntityService,
    check_own,
    command,
    live,
    only_fields,
    query,
)
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.irrigation import (
    Irrigation,
    IrrigationFields,
    WateringFields,
)
from kamerplanter_engines.models.task import Task, TaskKind, TaskState

CHANGEABLE = frozenset({"note"})
"""The fields that a person may change afterwards."""


class IrrigationService(EntityService[Irrigation]):
    """Logs water and feed."""

    repository = IrrigationRepository

    @command(*CARE_WRITES)
    def log(
        self,
        uow: UnitOfWork,
        plant_keys: Sequence[str],
        fields: WateringFields,
        task_key: str | None = None,
    ) -> tuple[Irrigation, ...]:
        """Book a watering or feeding of plants, and complete the open tasks about it.

        Args:
            uow: The unit of work.
            plant_keys: Which plants; each counts once.
            fields: What each of them got.
            task_key: The task that it was; none = the open one of each plant.

        Raises:
            NotFoundError: A plant or the task does not exist, or a plant is archived; nothing
                was booked.
            FutureTimeError: It is said to have been done in the future.
            InvalidInputError: The task belongs to none of the plants, or is about something else.
            ForbiddenError: The task is somebody else's.
        """
        at = check_not_future(uow, fields.at)
        task = uow.of(TaskRepository).get(task_key) if task_key else None
        if task is not None and task.plant_key not in plant_keys:
            raise InvalidInputError(
                f"Task {task.key} is not about {' or '.join(plant_keys)}.",
                field="task_key",
                value=task.key,
            )
        if task is not None:
            _check_task(uow, task, fields)
        said = dict(fields) | {"at": at}
        return tuple(
            _log_one(uow, IrrigationFields(**said, plant_key=key), task)
            for key in dict.fromkeys(plant_keys)
        )

    @command(IrrigationRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> Irrigation:
        """Change the note of an entry; what was given and when decides dates, so it stays.

        Raises:
            NotFoundError: There is no such entry.
            ForbiddenError: Somebody else wrote it.
            InvalidInputError: Another field is named, or a value does not fit.
            StaleRevisionError: It has another revision than expected.
        """
        only_fields(patch, CHANGEABLE)
        entries = uow.of(IrrigationRepository)
        check_own(uow, Permission.LOG_UPDATE, entries.get(key))
        return entries.patch(key, patch, IrrigationFields, expected_revision=expected_revision)

    @query()
    def list_of_plant(self, uow: UnitOfWork, plant_key: str) -> tuple[Irrigation, ...]:
        """Return the waterings and feedings of a plant, newest first.

        Raises:
            NotFoundError: The plant does not exist.
        """
        uow.of(PlantRepository).get(plant_key)
        return tuple(uow.of(IrrigationRepository).of_plant(plant_key))


def _check_task(uow: UnitOfWork, task: Task, fields: WateringFields) -> None:
    """Make sure that a task may be completed by this caller, and by what was done.

    Raises:
        ForbiddenError: It is somebody else's.
        InvalidInputError: It is about something else.
    """
    check_own(uow, Permission.TASK_UPDATE, task)
    fitting = {TASK_OF_CARE[CARE_OF_LOG[fields.kind]]}
    if counts_as_watering(fields):
        fitting.add(TaskKind.WATERING)
    if task.kind not in fitting:
        raise InvalidInputError(
            f"Task {task.key} is about {task.kind}, not about "
            f"{' or '.join(sorted(fitting))}; leave it out, or complete it by itself.",
            field="task_key",
            value=task.key,
        )


def _log_one(uow: UnitOfWork, fields: IrrigationFields, task: Task | None) -> Irrigation:
    live(uow.of(PlantRepository), fields.plant_key)
    if task is None or task.plant_key != fields.plant_key or task.state is not TaskState.OPEN:
        task = None
    care = CARE_OF_LOG[fields.kind]
    entry = record_done(uow, care, fields.plant_key, fields.at, task=task, log=fields)
    if entry is None:
        raise InvalidInputError(
            f"{fields.kind} is not kept in the log.", field="kind", value=fields.kind
        )
    return entry
