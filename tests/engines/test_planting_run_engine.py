"""What may follow in a planting run, and what may change in it."""

from datetime import UTC, datetime
from itertools import product

import pytest

from kamerplanter_engines.errors import IllegalTransitionError, InvalidInputError
from kamerplanter_engines.models.cultivar import Cultivar
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.planting_run import PlantingRun, RunState
from kamerplanter_engines.planting_run_engine import (
    check_adoptable,
    check_changeable,
    check_cultivar,
    check_room,
    check_transition,
    plant_names,
)

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)

ALLOWED = {
    ("planned", "active"),
    ("planned", "cancelled"),
    ("active", "harvesting"),
    ("active", "completed"),
    ("active", "cancelled"),
    ("harvesting", "completed"),
    ("harvesting", "cancelled"),
}


def run(state: RunState = RunState.PLANNED, **values: object) -> PlantingRun:
    said: dict[str, object] = {
        "key": "run-1",
        "tenant_key": "garden-1",
        "created_at": NOW,
        "updated_at": NOW,
        "name": "Tomatoes",
        "species_key": "tomato",
        "quantity": 3,
        "state": state,
    }
    return PlantingRun.model_validate(said | values)


def plant(**values: object) -> Plant:
    said: dict[str, object] = {
        "key": "plant-1",
        "tenant_key": "garden-1",
        "created_at": NOW,
        "updated_at": NOW,
        "name": "Old one",
        "species_key": "tomato",
    }
    return Plant.model_validate(said | values)


@pytest.mark.parametrize(("current", "target"), product(RunState, RunState))
def test_only_what_the_table_allows_may_follow(current: RunState, target: RunState) -> None:
    if (current.value, target.value) in ALLOWED:
        check_transition(run(current), target)
    else:
        with pytest.raises(IllegalTransitionError) as refused:
            check_transition(run(current), target)
        told = refused.value.placeholders
        assert (told["current"], told["target"]) == (current.value, target.value)
        following = sorted(after for before, after in ALLOWED if before == current.value)
        assert told["allowed"] == (", ".join(following) or "nothing")
        assert (told["problem"], told["run"]) == ("run_step", run(current).name)


@pytest.mark.parametrize("state", [state for state in RunState if state is not RunState.PLANNED])
@pytest.mark.parametrize("name", ["species_key", "quantity", "planned_on"])
def test_what_has_happened_stays_as_it_was(state: RunState, name: str) -> None:
    check_changeable(run(), [name])
    with pytest.raises(InvalidInputError) as refused:
        check_changeable(run(state), ["note", name])

    assert refused.value.field == name


@pytest.mark.parametrize("state", RunState)
def test_a_name_and_a_note_may_always_change(state: RunState) -> None:
    check_changeable(run(state), ["name", "note"])


@pytest.mark.parametrize("state", [RunState.COMPLETED, RunState.CANCELLED])
def test_a_run_that_has_ended_stands_where_it_stood(state: RunState) -> None:
    with pytest.raises(InvalidInputError):
        check_changeable(run(state), ["location_key"])


def test_a_cultivar_is_one_of_the_species() -> None:
    own, other = (
        Cultivar.model_validate(
            {
                "key": "c",
                "tenant_key": "*",
                "created_at": NOW,
                "updated_at": NOW,
                "name": "Sungold",
                "species_key": species,
            }
        )
        for species in ("tomato", "basil")
    )

    check_cultivar(run(), own)
    with pytest.raises(InvalidInputError) as refused:
        check_cultivar(run(), other)

    assert refused.value.field == "cultivar_key"


@pytest.mark.parametrize(
    "values",
    [
        {"archived_at": NOW},
        {"species_key": "basil"},
        {"run_key": "run-2"},
    ],
    ids=["archived", "another species", "in a run that goes on"],
)
def test_such_a_plant_cannot_join(values: dict[str, object]) -> None:
    others = {"run-2": run(RunState.ACTIVE, key="run-2")}

    with pytest.raises(InvalidInputError) as refused:
        check_adoptable(run(RunState.ACTIVE), [plant(), plant(key="bad", **values)], others)

    assert refused.value.placeholders["value"] == "bad"


@pytest.mark.parametrize("state", [RunState.PLANNED, RunState.COMPLETED, RunState.CANCELLED])
def test_a_plant_of_a_run_that_does_not_go_on_may_join(state: RunState) -> None:
    others = {"run-2": run(state, key="run-2")}

    check_adoptable(run(RunState.ACTIVE), [plant(run_key="run-2"), plant(run_key="run-1")], others)


def test_a_planned_run_has_room_for_what_it_plans_and_a_running_one_for_a_thousand() -> None:
    check_room(run(), 3)
    check_room(run(RunState.ACTIVE), 1000)
    with pytest.raises(InvalidInputError):
        check_room(run(), 4)
    with pytest.raises(InvalidInputError):
        check_room(run(RunState.ACTIVE), 1001)


def test_plants_are_called_after_their_run() -> None:
    assert plant_names(run(), 3, ["Tomatoes 2", "Old one"]) == (
        "Tomatoes 1",
        "Tomatoes 3",
        "Tomatoes 4",
    )
    assert plant_names(run(), 0) == ()


def test_a_long_name_leaves_room_for_the_number() -> None:
    names = plant_names(run(name="ß" * 200), 1000)

    assert len(set(names)) == 1000
    assert max(map(len, names)) <= 200
