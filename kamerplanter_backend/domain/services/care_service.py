"""Care reminders: what is due for plants, and that it was done."""

from datetime import datetime

from kamerplanter_backend.domain.consequences.care_dates import care_due_of
from kamerplanter_backend.domain.consequences.care_record import (
    CARE_WRITES,
    TASK_OF_CARE,
    record_done,
)
from kamerplanter_backend.domain.consequences.open_tasks import open_task
from kamerplanter_backend.domain.consequences.plant_facts import PlantFacts, facts_of
from kamerplanter_backend.domain.consequences.times import check_not_future
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, live
from kamerplanter_engines.models.care import CareKind
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.task import TaskFields
from kamerplanter_engines.task_engine import natural_key


class CareService(Service):
    """Makes reminders and takes confirmations without a task."""

    @command(*CARE_WRITES)
    def confirm(
        self, uow: UnitOfWork, plant_key: str, kind: CareKind, at: datetime | None = None
    ) -> Plant:
        """Write that a care was done, and complete the open task about it.

        Raises:
            NotFoundError: The plant does not exist, or is archived.
            FutureTimeError: It is said to have been done in the future.
        """
        plant = live(uow.of(PlantRepository), plant_key)
        moment = check_not_future(uow, at or uow.context.now)
        record_done(uow, kind, plant_key, moment, task=None)
        return plant

    @command(TaskRepository)
    def make_watering_tasks(self, uow: UnitOfWork) -> int:
        """Make a task for each plant that is due for water by its interval; return how many."""
        return _make_tasks(uow, (CareKind.WATERING,))

    @command(TaskRepository)
    def make_reminders(self, uow: UnitOfWork) -> int:
        """Make a task for each feeding and pest check that is due; return how many."""
        return _make_tasks(uow, (CareKind.FERTILISING, CareKind.PEST_CHECK))


def _make_tasks(uow: UnitOfWork, cares: tuple[CareKind, ...]) -> int:
    facts = facts_of(uow, uow.of(PlantRepository).living())
    return sum(_make_task(uow, item, care) for item in facts.values() for care in cares)


def _make_task(uow: UnitOfWork, facts: PlantFacts, care: CareKind) -> int:
    due = care_due_of(uow, facts, care)
    if due is None or due.due_on > uow.context.today:
        return 0
    fields = TaskFields(
        kind=TASK_OF_CARE[care], plant_key=facts.plant.key, due_on=due.due_on, rule=due.rule
    )
    key = natural_key(due.rule, facts.plant.key, due.due_on)
    return int(open_task(uow, fields, key=key) is not None)
