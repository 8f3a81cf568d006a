"""Harvests, behind the gate of the waiting period."""

from kamerplanter_backend.common.exceptions import ForbiddenError
from kamerplanter_backend.common.permissions import Permission, is_permitted
from kamerplanter_backend.domain.consequences.times import check_not_future
from kamerplanter_backend.domain.repositories.harvest import HarvestRepository
from kamerplanter_backend.domain.repositories.ipm import TreatmentRepository
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, live, query
from kamerplanter_engines.errors import (
    InvalidInputError,
    KarenzViolationError,
    UnknownIntervalError,
)
from kamerplanter_engines.models.harvest import Harvest, HarvestFields, HarvestPurpose
from kamerplanter_engines.models.ipm import HarvestVerdict
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.safety_interval_engine import check_harvest


class HarvestService(Service):
    """Books what was harvested, or removed for disposal."""

    @command(HarvestRepository)
    def log_harvest(self, uow: UnitOfWork, fields: HarvestFields) -> Harvest:
        """Book a harvest. Inside a waiting period nobody may; only a disposal can be recorded.

        Raises:
            NotFoundError: The plant does not exist, or is archived.
            FutureTimeError: It is said to have been done in the future.
            KarenzViolationError: A waiting period runs, or its length is unknown.
            ForbiddenError: A disposal needs a permission that the caller lacks.
            InvalidInputError: A disposal needs a reason.
        """
        plant = live(uow.of(PlantRepository), fields.plant_key)
        at = check_not_future(uow, fields.at)
        # Clocks may differ by minutes, yet no harvest reaches into a day that has not begun.
        harvested_on = uow.context.local_date(min(at, uow.context.now))
        if fields.purpose is HarvestPurpose.DISPOSAL:
            _check_disposal(uow, fields)
        else:
            treatments = uow.of(TreatmentRepository).of_plant(plant.key)
            _check_karenz(plant, check_harvest(treatments, harvested_on))
        return uow.of(HarvestRepository).add(fields, harvested_on=harvested_on)

    @query()
    def list_of_plant(self, uow: UnitOfWork, plant_key: str) -> tuple[Harvest, ...]:
        """Return the harvests of a plant, newest first; also of an archived one.

        Raises:
            NotFoundError: The plant does not exist.
        """
        uow.of(PlantRepository).get(plant_key)
        return tuple(uow.of(HarvestRepository).of_plant(plant_key))


def _check_disposal(uow: UnitOfWork, fields: HarvestFields) -> None:
    if not is_permitted(uow.context.role, Permission.DISPOSE):
        raise ForbiddenError(
            "Only an administrator may record a disposal.", permission=Permission.DISPOSE.value
        )
    if not (fields.reason or "").strip():
        raise InvalidInputError("A disposal needs a reason.", field="reason", value="")


def _check_karenz(plant: Plant, verdict: HarvestVerdict) -> None:
    if verdict.allowed:
        return
    product = verdict.blockers[0].product
    safe_on = verdict.safe_on.isoformat() if verdict.safe_on else "unknown"
    error = KarenzViolationError if verdict.safe_on else UnknownIntervalError
    raise error(
        f"{plant.name} was treated with {product}; it may be harvested from: {safe_on}.",
        field="at",
        plant=plant.name,
        product=product,
        date=safe_on,
    )
