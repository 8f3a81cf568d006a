"""What may follow in a planting run, what may change in it, and which plants may join it."""

from collections.abc import Iterable, Mapping, Sequence

from kamerplanter_engines.errors import IllegalTransitionError, InvalidInputError
from kamerplanter_engines.models.cultivar import Cultivar
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.planting_run import (
    MAX_RUN_PLANTS,
    PlantingRun,
    PlantingRunFields,
    RunProblem,
    RunState,
)

TRANSITIONS: Mapping[RunState, frozenset[RunState]] = {
    RunState.PLANNED: frozenset({RunState.ACTIVE, RunState.CANCELLED}),
    RunState.ACTIVE: frozenset({RunState.HARVESTING, RunState.COMPLETED, RunState.CANCELLED}),
    RunState.HARVESTING: frozenset({RunState.COMPLETED, RunState.CANCELLED}),
    RunState.COMPLETED: frozenset(),
    RunState.CANCELLED: frozenset(),
}
"""What may follow each state; what nothing follows has ended."""

GROWING = frozenset({RunState.ACTIVE, RunState.HARVESTING})
"""States in which a run has plants."""

CHANGEABLE: Mapping[RunState, frozenset[str]] = {
    RunState.PLANNED: frozenset(PlantingRunFields.model_fields),
    RunState.ACTIVE: frozenset({"name", "location_key", "note"}),
    RunState.HARVESTING: frozenset({"name", "location_key", "note"}),
    RunState.COMPLETED: frozenset({"name", "note"}),
    RunState.CANCELLED: frozenset({"name", "note"}),
}
"""What a person may change in each state: what has happened stays as it was."""

_NAME_LENGTH = 190
"""Leaves room for a number within the 200 characters of a name."""


def check_transition(run: PlantingRun, target: RunState) -> None:
    """Make sure that a run may go to another state.

    Raises:
        IllegalTransitionError: It may not; names what may follow.
    """
    allowed = TRANSITIONS[run.state]
    if target in allowed:
        return
    following = ", ".join(sorted(allowed)) or "nothing"
    raise IllegalTransitionError(
        f"{run.name} is {run.state}; {target} cannot follow, only {following}.",
        field="state",
        current=run.state.value,
        target=target.value,
        problem=RunProblem.STEP,
        run=run.name,
        allowed=following,
    )


def check_changeable(run: PlantingRun, names: Iterable[str]) -> None:
    """Make sure that these fields may change in the state that a run is in.

    Raises:
        InvalidInputError: One of them may not; names it.
    """
    allowed = CHANGEABLE[run.state]
    for name in names:
        if name in PlantingRunFields.model_fields and name not in allowed:
            raise InvalidInputError(
                f"{name} stays as it is while {run.name} is {run.state}; "
                f"possible are {', '.join(sorted(allowed))}.",
                field=name,
                value=name,
                problem=RunProblem.FIXED,
                run=run.name,
                current=run.state.value,
                allowed=", ".join(sorted(allowed)),
            )


def check_cultivar(grown: PlantingRun | Plant, cultivar: Cultivar) -> None:
    """Make sure that the variety of a run or a plant is one of its species.

    Raises:
        InvalidInputError: It belongs to another one.
    """
    if cultivar.species_key != grown.species_key:
        raise InvalidInputError(
            f"{cultivar.name} is a cultivar of {cultivar.species_key}, not of {grown.species_key}; "
            "send null in cultivar_key, or a cultivar of that species.",
            field="cultivar_key",
            value=cultivar.key,
            problem=RunProblem.OTHER_CULTIVAR,
            cultivar=cultivar.name,
        )


def check_adoptable(
    run: PlantingRun, plants: Sequence[Plant], runs: Mapping[str, PlantingRun]
) -> None:
    """Make sure that plants may join a run.

    Args:
        run: The run.
        plants: The plants.
        runs: The runs that they belong to, by key.

    Raises:
        InvalidInputError: One is archived, of another species, or in another run that goes on.
    """
    for plant in plants:
        other = runs.get(plant.run_key or "")
        if plant.archived_at is not None:
            problem, reason = RunProblem.ARCHIVED_PLANT, "is archived"
        elif plant.species_key != run.species_key:
            problem = RunProblem.OTHER_SPECIES
            reason = f"is of the species {plant.species_key}, not {run.species_key}"
        elif other is not None and other.key != run.key and other.state in GROWING:
            problem = RunProblem.OTHER_RUN
            reason = f"belongs to {other.name}, which goes on"
        else:
            continue
        raise InvalidInputError(
            f"{plant.name} {reason}; leave it out.",
            field="plant_keys",
            value=plant.key,
            problem=problem,
            plant=plant.name,
            run=run.name if other is None else other.name,
        )


def check_room(run: PlantingRun, count: int) -> None:
    """Make sure that a run does not get more plants than one run may have.

    Args:
        run: The run.
        count: How many plants it would have.

    Raises:
        InvalidInputError: That is too many.
    """
    limit = run.quantity if run.state is RunState.PLANNED else MAX_RUN_PLANTS
    if count > limit:
        raise InvalidInputError(
            f"{run.name} would have {count} plants; {limit} are possible.",
            field="plant_keys",
            value=count,
            problem=RunProblem.FULL,
            run=run.name,
            limit=limit,
        )


def plant_names(run: PlantingRunFields, count: int, taken: Iterable[str] = ()) -> tuple[str, ...]:
    """Return names for new plants of a run: its own with a number, the free ones from 1 on.

    Args:
        run: The run.
        count: How many names.
        taken: Names that its plants have already.
    """
    used = set(taken)
    names: list[str] = []
    number = 0
    while len(names) < count:
        number += 1
        name = f"{run.name[:_NAME_LENGTH]} {number}"
        if name not in used:
            names.append(name)
    return tuple(names)
