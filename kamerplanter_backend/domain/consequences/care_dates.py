"""When the cares of a plant are due, from what is on record."""

from datetime import date

from kamerplanter_backend.domain.consequences.plant_facts import PlantFacts
from kamerplanter_backend.domain.interfaces.document_store import Order, Where
from kamerplanter_backend.domain.repositories.care import CareConfirmationRepository
from kamerplanter_backend.domain.repositories.irrigation import IrrigationRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.care_reminder_engine import care_due
from kamerplanter_engines.models.care import CareDue, CareKind
from kamerplanter_engines.models.irrigation import IrrigationKind
from kamerplanter_engines.watering_schedule_engine import next_watering_on


def last_done_on(uow: UnitOfWork, plant_key: str, care: CareKind) -> date | None:
    """Return the local date from which the interval of a care counts, done or skipped."""
    confirmation = uow.of(CareConfirmationRepository).latest(plant_key, care)
    days = [confirmation.done_on] if confirmation else []
    if care is CareKind.WATERING and (fed_on := _fed_with_water_on(uow, plant_key)):
        days.append(fed_on)
    return max(days, default=None)


def last_watered_on(uow: UnitOfWork, plant_key: str) -> date | None:
    """Return the local date of the last watering in the log; a feed with a volume counts."""
    watering = uow.of(IrrigationRepository).latest(plant_key, IrrigationKind.WATER)
    days = [day for day in (_fed_with_water_on(uow, plant_key),) if day is not None]
    return max([*days, watering.watered_on] if watering else days, default=None)


def care_due_of(uow: UnitOfWork, facts: PlantFacts, care: CareKind) -> CareDue | None:
    """Return when a care is due; none = not in this phase or season at all."""
    done_on = last_done_on(uow, facts.plant.key, care)
    if care is CareKind.WATERING:
        return watering_due_of(uow, facts)
    return care_due(
        care,
        facts.preset,
        since=done_on or facts.added_on,
        never_done=done_on is None,
        today=uow.context.today,
        phase=facts.entry,
        latitude_deg=uow.context.latitude_deg,
    )


def watering_due_of(uow: UnitOfWork, facts: PlantFacts) -> CareDue:
    """Return when the plant is due for water."""
    done_on = last_done_on(uow, facts.plant.key, CareKind.WATERING)
    return next_watering_on(
        facts.preset,
        since=done_on or facts.added_on,
        never_done=done_on is None,
        interval_override_d=facts.plant.watering_interval_d,
        phase=facts.entry,
        latitude_deg=uow.context.latitude_deg,
    )


def _fed_with_water_on(uow: UnitOfWork, plant_key: str) -> date | None:
    entry = uow.of(IrrigationRepository).first(
        Where("plant_key", "==", plant_key),
        Where("kind", "==", IrrigationKind.FEED),
        Where("volume_l", ">", 0),
        order=(Order("at", descending=True),),
    )
    return entry.watered_on if entry else None
