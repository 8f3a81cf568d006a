"""What a change of phase leaves behind: a line in the history of the plant."""

from datetime import date

from kamerplanter_backend.domain.consequences.plant_facts import PlantFacts
from kamerplanter_backend.domain.repositories.phase import PhaseChangeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.phase import PhaseChangeFields


def remember_phase(
    uow: UnitOfWork,
    before: PlantFacts,
    entry_id: str,
    started_on: date,
    *,
    reason: str | None = None,
) -> None:
    """Write down that a plant went to another phase, or began it on another day; else nothing.

    Args:
        uow: The unit of work, allowed to write `PhaseChangeRepository`.
        before: The plant as it was.
        entry_id: The entry of its sequence that it is in from now on.
        started_on: Local date on which that began.
        reason: What a person said.
    """
    if (entry_id, started_on) == (before.entry.entry_id, before.phase_started_on):
        return
    uow.of(PhaseChangeRepository).add(
        PhaseChangeFields(
            plant_key=before.plant.key,
            from_entry_id=before.entry.entry_id,
            from_started_on=before.phase_started_on,
            to_entry_id=entry_id,
            started_on=started_on,
            by=uow.context.actor,
            reason=reason,
        )
    )
