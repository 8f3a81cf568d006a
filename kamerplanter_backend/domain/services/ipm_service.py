"""Plant protection: applications and the waiting period that follows."""

from datetime import date

from kamerplanter_backend.domain.consequences.times import check_not_future
from kamerplanter_backend.domain.repositories.ipm import TreatmentRepository
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, live, query
from kamerplanter_engines.models.ipm import HarvestVerdict, Treatment, TreatmentFields
from kamerplanter_engines.safety_interval_engine import applied_on, check_harvest


class IpmService(Service):
    """Books applications and tells what they forbid."""

    @command(TreatmentRepository)
    def log_treatment(self, uow: UnitOfWork, fields: TreatmentFields) -> Treatment:
        """Book an application with its own copy of product, ingredient and interval.

        Raises:
            NotFoundError: The plant does not exist, or is archived.
            FutureTimeError: It is said to have been done in the future.
        """
        live(uow.of(PlantRepository), fields.plant_key)
        at = check_not_future(uow, fields.at)
        return uow.of(TreatmentRepository).add(fields, applied_on=applied_on(at, uow.context.zone))

    @query()
    def check_harvest(
        self, uow: UnitOfWork, plant_key: str, on: date | None = None
    ) -> HarvestVerdict:
        """Tell whether a plant may be harvested on a local date; none = today.

        Raises:
            NotFoundError: The plant does not exist, or is archived.
        """
        live(uow.of(PlantRepository), plant_key)
        treatments = uow.of(TreatmentRepository).of_plant(plant_key)
        return check_harvest(treatments, on or uow.context.today)

    @query()
    def list_of_plant(self, uow: UnitOfWork, plant_key: str) -> tuple[Treatment, ...]:
        """Return the applications on a plant, newest first; also on an archived one.

        Raises:
            NotFoundError: The plant does not exist.
        """
        uow.of(PlantRepository).get(plant_key)
        return tuple(uow.of(TreatmentRepository).of_plant(plant_key))
