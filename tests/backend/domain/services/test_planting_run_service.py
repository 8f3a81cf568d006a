"""Planting runs without a server: as Home Assistant has them."""

from datetime import date

import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import BrokenReferenceError, ForbiddenError
from kamerplanter_backend.domain.repositories.planting_run import PlantingRunRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_engines.errors import IllegalTransitionError
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.planting_run import (
    PlantingRun,
    PlantingRunFields,
    PlantsAfterRun,
    RunState,
)
from tests.backend.garden import Garden


@pytest.fixture
def run(garden: Garden) -> PlantingRun:
    """A planned run of three tomatoes."""
    fields = PlantingRunFields(name="Tomatoes", species_key="solanum_lycopersicum", quantity=3)
    return garden.services.planting_run.create(garden.context(), fields)


def plants(garden: Garden, run: PlantingRun) -> tuple[Plant, ...]:
    return garden.services.planting_run.list_plants(garden.context(), run.key)


def test_its_plants_are_shown_as_others_are(garden: Garden, run: PlantingRun) -> None:
    garden.services.planting_run.start(garden.context(), run.key, date(2026, 4, 20))

    views = garden.snapshot().plants
    assert sorted(view.plant.name for view in views) == ["Tomatoes 1", "Tomatoes 2", "Tomatoes 3"]
    assert {view.days_in_phase for view in views} == {11}


def test_a_failed_start_leaves_everything_as_it_was(garden: Garden, run: PlantingRun) -> None:
    cursor = garden.store.last_cursor()

    with pytest.raises(BrokenReferenceError):
        garden.services.planting_run.update(garden.context(), run.key, {"species_key": "none"})

    assert garden.store.last_cursor() == cursor
    assert plants(garden, run) == ()


def test_archiving_its_plants_is_for_admins_even_in_ones_own_run(
    garden: Garden, run: PlantingRun
) -> None:
    service = garden.services.planting_run
    service.start(garden.context(), run.key)

    with pytest.raises(ForbiddenError):
        service.complete(garden.context(), run.key, PlantsAfterRun.ARCHIVE)
    still = service.get(garden.context(), run.key)
    ended = service.complete(garden.context(role=Role.ADMIN), run.key, PlantsAfterRun.ARCHIVE)

    assert (still.state, ended.state) == (RunState.ACTIVE, RunState.COMPLETED)
    assert garden.snapshot().plants == ()


def test_a_run_that_nobody_is_known_to_have_made_is_for_all(
    garden: Garden, run: PlantingRun
) -> None:
    """As in a store whose documents are older than their authors."""
    with open_unit(garden.store, garden.context(), (PlantingRunRepository,)) as uow:
        unknown = uow.of(PlantingRunRepository).get(run.key).model_copy(update={"created_by": None})
        uow.of(PlantingRunRepository).change(unknown, note="Old")
    other = garden.context(actor="somebody")

    assert garden.services.planting_run.start(other, run.key).state is RunState.ACTIVE


def test_somebody_elses_run_is_not_started(garden: Garden, run: PlantingRun) -> None:
    with pytest.raises(ForbiddenError):
        garden.services.planting_run.start(garden.context(actor="somebody"), run.key)


def test_an_ended_run_stays_ended(garden: Garden, run: PlantingRun) -> None:
    service = garden.services.planting_run
    service.cancel(garden.context(), run.key)

    with pytest.raises(IllegalTransitionError):
        service.start(garden.context(), run.key)
    with pytest.raises(IllegalTransitionError):
        service.adopt(garden.context(), run.key, [garden.plant().key])


def test_a_plant_of_an_ended_run_may_join_another(garden: Garden, run: PlantingRun) -> None:
    service = garden.services.planting_run
    service.start(garden.context(), run.key)
    service.complete(garden.context(), run.key)
    first = plants(garden, run)[0]
    fields = PlantingRunFields(name="Next", species_key="solanum_lycopersicum")
    following = service.create(garden.context(), fields)

    service.start(garden.context(), following.key, None, [first.key])

    assert [plant.key for plant in plants(garden, following)] == [first.key]
    assert len(plants(garden, run)) == 2
