"""Planting runs: several plants of one kind, planned, planted, harvested and ended together."""

from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import JsonValue

from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.consequences.plant_facts import facts_of_one
from kamerplanter_backend.domain.consequences.plant_removal import REMOVAL_WRITES, clear_up_after
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.cultivar import CultivarRepository
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.planting_run import PlantingRunRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    EntityService,
    archive,
    check_own,
    check_permitted,
    check_revision,
    command,
    live,
    query,
)
from kamerplanter_engines.errors import FutureTimeError, IllegalTransitionError, InvalidInputError
from kamerplanter_engines.models.plant import Plant, PlantFields
from kamerplanter_engines.models.planting_run import (
    PlantingRun,
    PlantingRunFields,
    PlantsAfterRun,
    RunProblem,
    RunState,
)
from kamerplanter_engines.planting_run_engine import (
    GROWING,
    check_adoptable,
    check_changeable,
    check_cultivar,
    check_room,
    check_transition,
    plant_names,
)


class PlantingRunService(EntityService[PlantingRun]):
    """Plans, starts and ends planting runs, with their plants."""

    repository = PlantingRunRepository

    @command(PlantingRunRepository)
    def create(
        self, uow: UnitOfWork, fields: PlantingRunFields, key: str | None = None
    ) -> PlantingRun:
        """Plan a run; it has no plants yet.

        Raises:
            ConflictError: The key is in use.
            BrokenReferenceError: Its species, cultivar or location does not exist.
            InvalidInputError: The cultivar belongs to another species.
        """
        run = uow.of(PlantingRunRepository).add(fields, key=key)
        _check_cultivar(uow, run)
        return run

    @command(PlantingRunRepository, PlantRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> PlantingRun:
        """Change what is given of a run; another location moves those plants that stood at it.

        Raises:
            NotFoundError: It does not exist.
            ForbiddenError: Somebody else made it.
            InvalidInputError: A name is unknown, a value does not fit, or it stays as it is in
                the state that the run is in.
            BrokenReferenceError: Its species, cultivar or location does not exist.
            StaleRevisionError: It has another revision than expected.
        """
        before = self._own(uow, key)
        check_changeable(before, patch)
        run = uow.of(PlantingRunRepository).patch(
            key, patch, PlantingRunFields, expected_revision=expected_revision
        )
        _check_cultivar(uow, run)
        if run.location_key != before.location_key:
            for plant in _living(uow, key):
                if plant.location_key == before.location_key:
                    uow.of(PlantRepository).change(plant, location_key=run.location_key)
        return run

    @command(PlantingRunRepository, AuditRepository)
    def remove(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> None:
        """Delete a run that is only planned.

        Raises:
            NotFoundError: It does not exist.
            IllegalTransitionError: It has begun: it can be cancelled or completed.
            StaleRevisionError: It has another revision than expected.
        """
        runs = uow.of(PlantingRunRepository)
        run = runs.get(key)
        check_revision(run, expected_revision, "planting_runs")
        if run.state is not RunState.PLANNED:
            raise IllegalTransitionError(
                f"{run.name} is {run.state}; only a planned run can be deleted.",
                field="key",
                current=run.state.value,
                target="deleted",
                problem=RunProblem.BEGUN,
                run=run.name,
            )
        runs.remove(key)
        record_audit(uow, AuditAction.DELETED, "planting_runs", key, name=run.name)

    @command(PlantingRunRepository, PlantRepository)
    def start(
        self,
        uow: UnitOfWork,
        key: str,
        planted_on: date | None = None,
        plant_keys: Sequence[str] = (),
    ) -> PlantingRun:
        """Begin a run: take over the plants that are named, and add the others that it plans.

        Args:
            uow: The unit of work.
            key: The run.
            planted_on: Local date; none = today.
            plant_keys: Plants that exist and belong to it from now on.

        Raises:
            NotFoundError: The run or a plant does not exist.
            ForbiddenError: Somebody else made it.
            IllegalTransitionError: It has begun, or has ended.
            FutureTimeError: The date lies in the future.
            InvalidInputError: A plant cannot be taken over, or there are more than planned.
        """
        run = self._own(uow, key)
        check_transition(run, RunState.ACTIVE)
        day = planted_on or uow.context.today
        if day > uow.context.today:
            raise FutureTimeError(
                f"Date {day} lies in the future; start the run on the day of planting.",
                field="planted_on",
                value=day,
            )
        adopted = _adopt(uow, run, plant_keys)
        _plant(uow, run, run.quantity - len(adopted), day, [plant.name for plant in adopted])
        return uow.of(PlantingRunRepository).change(run, state=RunState.ACTIVE, started_on=day)

    @command(PlantingRunRepository, PlantRepository)
    def adopt(self, uow: UnitOfWork, key: str, plant_keys: Sequence[str]) -> tuple[Plant, ...]:
        """Take plants that exist into a run that goes on; all or none, twice is harmless.

        Raises:
            NotFoundError: The run or a plant does not exist.
            ForbiddenError: Somebody else made it.
            IllegalTransitionError: It has not begun, or has ended.
            InvalidInputError: A plant cannot be taken over, or there would be too many.
        """
        run = self._own(uow, key)
        _check_growing(run)
        return tuple(_adopt(uow, run, plant_keys))

    @command(PlantingRunRepository, PlantRepository)
    def release(
        self, uow: UnitOfWork, key: str, plant_key: str, expected_revision: int | None = None
    ) -> Plant:
        """Take a plant out of a run; it goes on by itself.

        Raises:
            NotFoundError: The run does not exist, or has no such plant.
            ForbiddenError: Somebody else made it.
            IllegalTransitionError: It has not begun, or has ended.
            StaleRevisionError: The plant has another revision than expected.
        """
        run = self._own(uow, key)
        _check_growing(run)
        plant = uow.of(PlantRepository).get(plant_key)
        if plant.run_key != key:
            raise NotFoundError(
                f"{plant.name} is not in {run.name}.",
                kind="plants",
                key=plant_key,
                problem=RunProblem.NOT_OF_RUN,
                plant=plant.name,
                run=run.name,
            )
        check_revision(plant, expected_revision, "plants")
        return uow.of(PlantRepository).change(plant, run_key=None)

    @command(PlantingRunRepository)
    def begin_harvest(self, uow: UnitOfWork, key: str) -> PlantingRun:
        """Say that the harvest has begun; each harvest passes the waiting period by itself.

        Raises:
            NotFoundError: It does not exist.
            ForbiddenError: Somebody else made it.
            IllegalTransitionError: It has not begun, or has ended.
            InvalidInputError: It has no plant that could be harvested.
        """
        run = self._own(uow, key)
        check_transition(run, RunState.HARVESTING)
        if not _living(uow, key):
            raise InvalidInputError(
                f"{run.name} has no plants left; complete or cancel it.",
                field="key",
                value=key,
                problem=RunProblem.EMPTY,
                run=run.name,
            )
        return uow.of(PlantingRunRepository).change(
            run, state=RunState.HARVESTING, harvesting_on=uow.context.today
        )

    @command(PlantingRunRepository, *REMOVAL_WRITES)
    def complete(
        self, uow: UnitOfWork, key: str, plants: PlantsAfterRun = PlantsAfterRun.KEEP
    ) -> PlantingRun:
        """End a run that has come to its end.

        Args:
            uow: The unit of work.
            key: The run.
            plants: What becomes of its plants; archiving them needs the permission for it.

        Raises:
            NotFoundError: It does not exist.
            ForbiddenError: Somebody else made it, or the role may not archive plants.
            IllegalTransitionError: It has not begun, or has ended.
        """
        return self._end(uow, key, RunState.COMPLETED, plants)

    @command(PlantingRunRepository, *REMOVAL_WRITES)
    def cancel(
        self, uow: UnitOfWork, key: str, plants: PlantsAfterRun = PlantsAfterRun.KEEP
    ) -> PlantingRun:
        """Give a run up; otherwise as `complete`."""
        return self._end(uow, key, RunState.CANCELLED, plants)

    @query()
    def list_plants(self, uow: UnitOfWork, key: str) -> tuple[Plant, ...]:
        """Return the plants of a run, the archived ones too.

        Raises:
            NotFoundError: It does not exist.
        """
        uow.of(PlantingRunRepository).get(key)
        return tuple(uow.of(PlantRepository).of_run(key))

    @query()
    def list_all(self, uow: UnitOfWork) -> tuple[PlantingRun, ...]:
        """Return all runs, the ended ones too, oldest first."""
        return tuple(uow.of(PlantingRunRepository).find())

    @staticmethod
    def _own(uow: UnitOfWork, key: str) -> PlantingRun:
        run = uow.of(PlantingRunRepository).get(key)
        check_own(uow, Permission.RUN_UPDATE, run)
        return run

    @classmethod
    def _end(
        cls, uow: UnitOfWork, key: str, state: RunState, plants: PlantsAfterRun
    ) -> PlantingRun:
        run = cls._own(uow, key)
        check_transition(run, state)
        living = _living(uow, key)
        if plants is PlantsAfterRun.ARCHIVE and living:
            check_permitted(uow, Permission.PLANT_DELETE)
            for plant in living:
                archive(uow, uow.of(PlantRepository), plant.key)
                clear_up_after(uow, plant.key)
        return uow.of(PlantingRunRepository).change(run, state=state, ended_on=uow.context.today)


def _check_cultivar(uow: UnitOfWork, run: PlantingRun) -> None:
    if run.cultivar_key is not None:
        check_cultivar(run, uow.of(CultivarRepository).get(run.cultivar_key))


def _living(uow: UnitOfWork, run_key: str) -> list[Plant]:
    return [p for p in uow.of(PlantRepository).of_run(run_key) if p.archived_at is None]


def _check_growing(run: PlantingRun) -> None:
    if run.state not in GROWING:
        raise IllegalTransitionError(
            f"{run.name} is {run.state}; plants come and go only while a run goes on.",
            field="key",
            current=run.state.value,
            target=RunState.ACTIVE.value,
            problem=RunProblem.NOT_GROWING,
            run=run.name,
        )


def _adopt(uow: UnitOfWork, run: PlantingRun, plant_keys: Sequence[str]) -> list[Plant]:
    plants, runs = uow.of(PlantRepository), uow.of(PlantingRunRepository)
    wanted = [live(plants, key) for key in dict.fromkeys(plant_keys)]
    own = {plant.run_key for plant in wanted if plant.run_key}
    check_adoptable(run, wanted, {other.key: other for other in runs.get_many(sorted(own))})
    new = [plant for plant in wanted if plant.run_key != run.key]
    check_room(run, len(_living(uow, run.key)) + len(new))
    return [plants.change(plant, run_key=run.key) for plant in wanted]


def _plant(uow: UnitOfWork, run: PlantingRun, count: int, day: date, taken: Sequence[str]) -> None:
    added = [
        uow.of(PlantRepository).add(
            PlantFields(
                name=name,
                species_key=run.species_key,
                cultivar_key=run.cultivar_key,
                location_key=run.location_key,
                planted_on=day,
                phase_started_on=day,
            ),
            run_key=run.key,
        )
        for name in plant_names(run, count, taken)
    ]
    for plant in added[:1]:
        # The species has what a plant needs to be shown, or nothing is planted.
        facts_of_one(uow, plant)
