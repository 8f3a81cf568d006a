"""Phases: what may follow, and who decides."""

from datetime import date

import pytest

from kamerplanter_engines.errors import FutureTimeError, IllegalTransitionError, InvalidInputError
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.task import TaskKind, TaskState
from tests.backend.garden import Garden, states


@pytest.fixture
def plant(garden: Garden) -> Plant:
    return garden.plant(phase_entry_id="vegetative")  # 35 days from 1 May


def test_a_plant_shows_its_phase_and_the_next(garden: Garden, plant: Plant) -> None:
    garden.at("2026-05-11T12:00")

    view = garden.snapshot().plants[0]

    assert (view.phase.phase, view.days_in_phase) == ("vegetative", 10)
    assert (view.next_phase, view.next_phase_on) == ("flowering", date(2026, 6, 5))


def test_a_phase_that_has_lasted_is_proposed_once_and_never_changed_by_itself(
    garden: Garden, plant: Plant
) -> None:
    garden.at("2026-06-04T04:00")
    early = garden.services.phase.propose_transitions(garden.context())
    garden.at("2026-06-05T04:00")
    made = garden.services.phase.propose_transitions(garden.context())
    garden.services.task.complete(garden.context(), garden.only_task(TaskKind.PHASE_CHECK).key)
    garden.at("2026-06-20T04:00")
    again = garden.services.phase.propose_transitions(garden.context())

    assert (early, made, again) == (0, 1, 0)
    assert garden.snapshot().plants[0].phase.phase == "vegetative"


def test_a_new_phase_answers_the_proposal(garden: Garden, plant: Plant) -> None:
    garden.at("2026-06-05T04:00")
    garden.services.phase.propose_transitions(garden.context())

    changed = garden.services.phase.set_phase(garden.context(), plant.key, "flowering")

    assert (changed.phase_entry_id, changed.phase_started_on) == ("flowering", date(2026, 6, 5))
    assert states(garden.snapshot().tasks) == [(TaskKind.PHASE_CHECK, TaskState.RESOLVED)]


def test_a_new_stay_in_a_phase_is_proposed_anew(garden: Garden, plant: Plant) -> None:
    garden.at("2026-06-05T04:00")
    garden.services.phase.propose_transitions(garden.context())
    garden.services.phase.set_phase(garden.context(), plant.key, "flowering")
    garden.services.phase.set_phase(
        garden.context(), plant.key, "vegetative", reason="Flowers were cut off"
    )

    garden.at("2026-07-10T04:00")

    assert garden.services.phase.propose_transitions(garden.context()) == 1


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        pytest.param("fruiting", None, id="phases are left out"),
        pytest.param("seedling", " ", id="back"),
    ],
)
def test_leaving_phases_out_and_going_back_need_a_reason(
    garden: Garden, plant: Plant, target: str, reason: str | None
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        garden.services.phase.set_phase(garden.context(), plant.key, target, reason=reason)
    unchanged = garden.snapshot().plants[0].phase.phase

    garden.services.phase.set_phase(
        garden.context(), plant.key, target, reason=" Wrong when it was added "
    )

    assert (refused.value.field, unchanged) == ("reason", "vegetative")
    (change,) = garden.services.phase.list_changes(garden.context(), plant.key)
    assert (change.from_entry_id, change.to_entry_id, change.reason, change.by) == (
        "vegetative",
        target,
        "Wrong when it was added",
        "test",
    )


def test_the_history_holds_each_stay_newest_first(garden: Garden, plant: Plant) -> None:
    garden.at("2026-06-05T12:00")
    garden.services.phase.set_phase(garden.context(), plant.key, "flowering")
    garden.services.plant.update(
        garden.context(), plant.key, {"phase_started_on": "2026-06-03", "name": "Tom"}
    )
    garden.services.plant.update(garden.context(), plant.key, {"name": "Tomato"})
    garden.services.plant.archive(garden.context(), plant.key)

    corrected, moved = garden.services.phase.list_changes(garden.context(), plant.key)

    assert (moved.from_started_on, moved.started_on) == (date(2026, 5, 1), date(2026, 6, 5))
    assert (corrected.from_entry_id, corrected.to_entry_id) == ("flowering", "flowering")
    assert (corrected.from_started_on, corrected.started_on) == (
        date(2026, 6, 5),
        date(2026, 6, 3),
    )


def test_the_same_phase_again_changes_nothing(garden: Garden, plant: Plant) -> None:
    garden.wait(days=3)

    again = garden.services.phase.set_phase(garden.context(), plant.key, "vegetative")

    assert again.revision == plant.revision
    assert garden.snapshot().plants[0].days_in_phase == 3


def test_the_first_day_of_a_phase_can_be_corrected(garden: Garden, plant: Plant) -> None:
    garden.services.phase.set_phase(garden.context(), plant.key, "vegetative", date(2026, 4, 21))

    assert garden.snapshot().plants[0].days_in_phase == 10


def test_a_phase_of_another_species_is_refused(garden: Garden, plant: Plant) -> None:
    with pytest.raises(IllegalTransitionError):
        garden.services.phase.set_phase(garden.context(), plant.key, "climbing")


def test_a_phase_does_not_begin_in_the_future(garden: Garden, plant: Plant) -> None:
    with pytest.raises(FutureTimeError):
        garden.services.phase.set_phase(garden.context(), plant.key, "flowering", date(2026, 5, 2))
