"""The phases that plants go through."""

from datetime import date

from kamerplanter_backend.domain.consequences.open_tasks import open_task, resolve_tasks
from kamerplanter_backend.domain.consequences.phase_record import remember_phase
from kamerplanter_backend.domain.consequences.plant_facts import (
    PlantFacts,
    facts_of,
    facts_of_one,
)
from kamerplanter_backend.domain.repositories.phase import PhaseChangeRepository
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, live, query
from kamerplanter_engines.errors import FutureTimeError, IllegalTransitionError
from kamerplanter_engines.models.base import stated_reason
from kamerplanter_engines.models.phase import PhaseChange
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.task import TaskFields, TaskKind
from kamerplanter_engines.phase_transition_engine import Move, check_transition, phase_status
from kamerplanter_engines.task_engine import natural_key

RULE_PHASE_DUE = "phase_due"


class PhaseService(Service):
    """Moves plants between phases, and proposes it when a phase has lasted long enough."""

    @command(PlantRepository, PhaseChangeRepository, TaskRepository)
    def set_phase(
        self,
        uow: UnitOfWork,
        key: str,
        entry_id: str,
        started_on: date | None = None,
        reason: str | None = None,
    ) -> Plant:
        """Put a plant into a phase of its own sequence; the same phase again changes nothing.

        Args:
            uow: The unit of work.
            key: The plant.
            entry_id: The entry of its sequence.
            started_on: Local date on which the phase began; none = today.
            reason: Why; needed to leave phases out and to go back.

        Raises:
            NotFoundError: The plant does not exist, or is archived.
            IllegalTransitionError: The phase is not one of its sequence.
            InvalidInputError: A reason is needed and was not given.
            FutureTimeError: The phase is said to begin in the future.
        """
        plant = live(uow.of(PlantRepository), key)
        facts = facts_of_one(uow, plant)
        verdict = check_transition(facts.sequence, facts.entry.entry_id, entry_id)
        if not verdict.allowed:
            known = ", ".join(entry.entry_id for entry in facts.sequence.entries)
            raise IllegalTransitionError(
                f"Phase {entry_id} is not one of {facts.sequence.name}; possible are {known}.",
                field="entry_id",
                value=entry_id,
                allowed=known,
            )
        if started_on is not None and started_on > uow.context.today:
            raise FutureTimeError(
                f"Date {started_on} lies in the future; give the day on which it began.",
                field="started_on",
                value=started_on,
            )
        if verdict.move is Move.NONE and started_on in {None, facts.phase_started_on}:
            return plant
        stated = (reason or "").strip() or None
        if verdict.needs_reason:
            stated = stated_reason(reason, _why_of(verdict.move))
        resolve_tasks(uow, uow.of(TaskRepository).open_of_plant(key, TaskKind.PHASE_CHECK))
        begins_on = started_on or uow.context.today
        remember_phase(uow, facts, entry_id, begins_on, reason=stated)
        return uow.of(PlantRepository).change(
            plant, phase_entry_id=entry_id, phase_started_on=begins_on
        )

    @query()
    def list_changes(self, uow: UnitOfWork, plant_key: str) -> tuple[PhaseChange, ...]:
        """Return the changes of phase of a plant, newest first; also of an archived one.

        Raises:
            NotFoundError: The plant does not exist.
        """
        uow.of(PlantRepository).get(plant_key)
        return tuple(uow.of(PhaseChangeRepository).of_plant(plant_key))

    @command(TaskRepository)
    def propose_transitions(self, uow: UnitOfWork) -> int:
        """Make a task for each plant whose phase has lasted its time; return how many.

        A person looks at the plant and changes the phase; nothing changes by itself.
        """
        facts = facts_of(uow, uow.of(PlantRepository).living())
        return sum(_propose(uow, item) for item in facts.values())


def _why_of(move: Move) -> str:
    what = "Going back to an earlier phase" if move is Move.BACK else "Leaving phases out"
    return f"{what} needs a reason; say why."


def _propose(uow: UnitOfWork, facts: PlantFacts) -> int:
    status = phase_status(
        facts.sequence, facts.entry.entry_id, facts.phase_started_on, uow.context.today
    )
    if not status.is_due:
        return 0
    fields = TaskFields(
        kind=TaskKind.PHASE_CHECK,
        plant_key=facts.plant.key,
        due_on=status.due_on,
        rule=RULE_PHASE_DUE,
    )
    # One proposal for each stay in a phase, however long a person lets it go on.
    subject = f"{facts.plant.key}:{facts.entry.entry_id}"
    key = natural_key(RULE_PHASE_DUE, subject, facts.phase_started_on)
    return int(open_task(uow, fields, key=key) is not None)
