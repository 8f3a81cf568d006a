"""What a watering, a feeding or a pest check writes: log, confirmation and the open task."""

from datetime import date, datetime

from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.consequences.care_dates import care_due_of
from kamerplanter_backend.domain.consequences.open_tasks import resolve_tasks
from kamerplanter_backend.domain.consequences.plant_facts import facts_of_one
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.care import CareConfirmationRepository
from kamerplanter_backend.domain.repositories.irrigation import IrrigationRepository
from kamerplanter_backend.domain.repositories.plant import PlantAlertRepository, PlantRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.care import (
    CareConfirmation,
    CareConfirmationFields,
    CareKind,
    CareOutcome,
)
from kamerplanter_engines.models.irrigation import (
    Irrigation,
    IrrigationFields,
    IrrigationKind,
    WateringFields,
)
from kamerplanter_engines.models.task import Task, TaskKind, TaskState

CARE_WRITES = (
    TaskRepository,
    IrrigationRepository,
    CareConfirmationRepository,
    PlantAlertRepository,
)
"""What a command that records care must be allowed to write."""

CARE_OF_TASK = {
    TaskKind.WATERING: CareKind.WATERING,
    TaskKind.FERTILISING: CareKind.FERTILISING,
    TaskKind.PEST_CHECK: CareKind.PEST_CHECK,
}
TASK_OF_CARE = {care: task for task, care in CARE_OF_TASK.items()}
_LOGGED_AS = {
    CareKind.WATERING: IrrigationKind.WATER,
    CareKind.FERTILISING: IrrigationKind.FEED,
}
CARE_OF_LOG = {log: care for care, log in _LOGGED_AS.items()}


def record_done(
    uow: UnitOfWork,
    care: CareKind,
    plant_key: str,
    at: datetime,
    *,
    task: Task | None,
    log: IrrigationFields | None = None,
    volume_l: float | None = None,
) -> Irrigation | None:
    """Write that a care was done, and close the task about it.

    Args:
        uow: The unit of work, allowed to write `CARE_WRITES`.
        care: What was done.
        plant_key: For which plant.
        at: When.
        task: The task that it was; none = the open one of this kind, if it is thereby done.
        log: The entry of the irrigation log as a person gave it; none = made here.
        volume_l: For the log. [L]

    Returns:
        The entry of the irrigation log, if the care has one.
    """
    done_on = uow.context.local_date(at)
    explicit_key = task.key if task else None
    irrigation = None
    if kind := _LOGGED_AS.get(care):
        fields = log or IrrigationFields(plant_key=plant_key, kind=kind, at=at, volume_l=volume_l)
        irrigation = uow.of(IrrigationRepository).add(
            fields.model_copy(update={"task_key": explicit_key}), watered_on=done_on
        )
    confirmation = uow.of(CareConfirmationRepository).add(
        CareConfirmationFields(
            plant_key=plant_key,
            kind=care,
            outcome=CareOutcome.DONE,
            at=at,
            done_on=done_on,
            task_key=explicit_key,
        )
    )
    if care is CareKind.WATERING:
        silence_dry_soil(uow, plant_key)
    task = task or _task_thereby_done(uow, care, plant_key, done_on)
    if task is not None:
        uow.of(TaskRepository).change(
            task,
            state=TaskState.COMPLETED,
            closed_at=at,
            irrigation_key=irrigation.key if irrigation else None,
            confirmation_key=confirmation.key,
        )
    if irrigation is not None and counts_as_watering(irrigation) and care != CareKind.WATERING:
        _water_came_along(uow, plant_key, done_on)
    return irrigation


def record_skipped(uow: UnitOfWork, care: CareKind, plant_key: str, task: Task) -> str:
    """Write that a care was left out this time, which moves its due date; return the key."""
    if care is CareKind.WATERING:
        silence_dry_soil(uow, plant_key)
    confirmation = uow.of(CareConfirmationRepository).add(
        CareConfirmationFields(
            plant_key=plant_key,
            kind=care,
            outcome=CareOutcome.SKIPPED,
            at=uow.context.now,
            done_on=uow.context.today,
            task_key=task.key,
        )
    )
    return confirmation.key


def written_for(uow: UnitOfWork, task: Task) -> list[Irrigation | CareConfirmation]:
    """Return what the completion of a task, or its skip, wrote."""
    found = (
        uow.of(IrrigationRepository).try_get(task.irrigation_key or ""),
        uow.of(CareConfirmationRepository).try_get(task.confirmation_key or ""),
    )
    return [entry for entry in found if entry is not None]


def take_back(uow: UnitOfWork, task: Task) -> None:
    """Delete what the completion of a task wrote, on record; writes `AuditRepository` too."""
    for entry in written_for(uow, task):
        is_log = isinstance(entry, Irrigation)
        repository = uow.of(IrrigationRepository if is_log else CareConfirmationRepository)
        repository.remove(entry.key)
        record_audit(
            uow,
            AuditAction.DELETED,
            repository.collection.name,
            entry.key,
            task=task.key,
            plant=entry.plant_key,
            at=entry.at.isoformat(),
            written_by=entry.created_by,
        )


def counts_as_watering(entry: WateringFields) -> bool:
    """Tell whether an entry of the log gave water; a feed does if it has a volume."""
    return entry.kind is IrrigationKind.WATER or entry.volume_l is not None


def silence_dry_soil(uow: UnitOfWork, plant_key: str, *, silenced: bool = True) -> None:
    """Say that a person has dealt with the dry soil, though its probe still says dry."""
    alerts = uow.of(PlantAlertRepository)
    alert = alerts.of_plant(plant_key)
    if alert is not None and alert.is_dry:
        alerts.change(alert, task_silenced=silenced)


def _task_thereby_done(
    uow: UnitOfWork, care: CareKind, plant_key: str, done_on: date
) -> Task | None:
    """Return the open task of this kind, unless what was done lies too far back for it."""
    tasks = uow.of(TaskRepository).open_of_plant(plant_key, TASK_OF_CARE[care])
    if not tasks:
        return None
    if tasks[0].due_on is None or done_on >= tasks[0].due_on or _is_over(uow, care, plant_key):
        return tasks[0]
    return None


def _is_over(uow: UnitOfWork, care: CareKind, plant_key: str) -> bool:
    plant = uow.of(PlantRepository).get(plant_key)
    due = care_due_of(uow, facts_of_one(uow, plant), care)
    return due is None or due.due_on > uow.context.today


def _water_came_along(uow: UnitOfWork, plant_key: str, done_on: date) -> None:
    silence_dry_soil(uow, plant_key)
    task = _task_thereby_done(uow, CareKind.WATERING, plant_key, done_on)
    if task is not None:
        resolve_tasks(uow, [task])
