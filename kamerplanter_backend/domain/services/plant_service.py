"""Plants."""

from collections.abc import Mapping

from pydantic import JsonValue

from kamerplanter_backend.domain.consequences.phase_record import remember_phase
from kamerplanter_backend.domain.consequences.plant_facts import facts_of, facts_of_one
from kamerplanter_backend.domain.consequences.plant_removal import REMOVAL_WRITES, clear_up_after
from kamerplanter_backend.domain.repositories.cultivar import CultivarRepository
from kamerplanter_backend.domain.repositories.phase import PhaseChangeRepository
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    EntityService,
    archive,
    check_sent_too,
    command,
    create,
    live,
)
from kamerplanter_engines.errors import FutureTimeError, InvalidInputError
from kamerplanter_engines.models.plant import Plant, PlantFields
from kamerplanter_engines.planting_run_engine import check_cultivar


class PlantService(EntityService[Plant]):
    """Adds, changes and archives plants."""

    repository = PlantRepository

    @command(PlantRepository)
    def create(self, uow: UnitOfWork, fields: PlantFields, key: str | None = None) -> Plant:
        """Add a plant, or take an archived one out of the archive with new fields.

        What happened to it before the archive (treatments, harvests, waterings) counts again.

        Raises:
            ConflictError: The key is in use.
            BrokenReferenceError: Its species or cultivar does not exist.
            NotFoundError: Its tank does not exist, or is archived.
            InvalidInputError: Its phase or cultivar is not one of its species, or a limit does not
                fit.
            FutureTimeError: A past date lies in the future.
        """
        plant = create(uow.of(PlantRepository), fields, key)
        _check(uow, plant)
        if plant.phase_started_on is None and key is not None:
            # Out of the archive, the day on which it first came says nothing about its phase.
            return uow.of(PlantRepository).change(plant, phase_started_on=uow.context.today)
        return plant

    @command(PlantRepository, PhaseChangeRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> Plant:
        """Change what is given of a plant, and nothing else.

        What no longer fits is given along: cultivar and phase with another species, the day on
        which it began with another phase.

        Raises:
            NotFoundError: It does not exist, or is archived; the same of a tank that is new to it.
            BrokenReferenceError: Its species or cultivar does not exist.
            InvalidInputError: A name is unknown, or a value does not fit or is missing.
            FutureTimeError: A past date lies in the future.
            StaleRevisionError: It has another revision than expected.
        """
        plants = uow.of(PlantRepository)
        before = live(plants, key)
        facts_before = facts_of(uow, [before]).get(key)
        plant = plants.patch(key, patch, PlantFields, expected_revision=expected_revision)
        _check(uow, plant, before)
        if plant.phase_entry_id != before.phase_entry_id:
            fix = f"the day on which the phase began, {uow.context.today} if today"
            check_sent_too(patch, "phase_started_on", fix, because="phase_entry_id")
        if facts_before is not None:
            after = facts_of_one(uow, plant)
            remember_phase(uow, facts_before, after.entry.entry_id, after.phase_started_on)
        return plant

    @command(*REMOVAL_WRITES)
    def archive(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> Plant:
        """Take a plant out of sight; its open tasks are over. Twice is harmless.

        Raises:
            NotFoundError: It does not exist.
            StaleRevisionError: It has another revision than expected.
        """
        plant = archive(uow, uow.of(PlantRepository), key, expected_revision)
        clear_up_after(uow, key)
        return plant

    remove = archive


def _check(uow: UnitOfWork, plant: Plant, before: Plant | None = None) -> None:
    # A plant outlives its tank, and is not frozen with it.
    is_moved = before is None or plant.tank_key != before.tank_key
    if plant.tank_key is not None and is_moved:
        live(uow.of(TankRepository), plant.tank_key)
    if plant.cultivar_key is not None:
        check_cultivar(plant, uow.of(CultivarRepository).get(plant.cultivar_key))
    sequence = facts_of_one(uow, plant).sequence
    if plant.phase_entry_id is not None and sequence.entry(plant.phase_entry_id) is None:
        known = ", ".join(entry.entry_id for entry in sequence.entries)
        raise InvalidInputError(
            f"Phase {plant.phase_entry_id} is not one of {sequence.name}; send null for the first "
            f"one, or one of {known}.",
            field="phase_entry_id",
            value=plant.phase_entry_id,
            allowed=known,
        )
    low, high = plant.soil_moisture_low_pct, plant.soil_moisture_high_pct
    if low is not None and high is not None and low >= high:
        raise InvalidInputError(
            f"Lowest soil moisture {low} % is not below the highest {high} %; give a lower one.",
            field="soil_moisture_low_pct",
            value=low,
            allowed=f"< {high:g}",
        )
    for name in ("phase_started_on", "planted_on"):
        day = getattr(plant, name)
        if day is not None and day > uow.context.today:
            raise FutureTimeError(
                f"Date {day} lies in the future; give the day on which it was.",
                field=name,
                value=day,
            )
