"""Plant protection: applications and the waiting period that follows."""

from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import JsonValue

from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.consequences.site_days import SiteDays
from kamerplanter_backend.domain.consequences.times import check_not_future
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.ipm import TreatmentRepository
from kamerplanter_backend.domain.repositories.merge_patch import merge_patch
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.repositories.validation import validated
from kamerplanter_backend.domain.services.base import (
    EntityService,
    check_revision,
    command,
    live,
    only_fields,
    query,
)
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.ipm import (
    ApplicationFields,
    HarvestVerdict,
    Treatment,
    TreatmentFields,
    TreatmentRecord,
)
from kamerplanter_engines.safety_interval_engine import (
    applied_on,
    check_harvest,
    corrected,
    record_of,
)

_CORRECTABLE = frozenset(TreatmentRecord.model_fields)


class IpmService(EntityService[Treatment]):
    """Books applications, puts them right and tells what they forbid."""

    repository = TreatmentRepository

    @command(TreatmentRepository, AuditRepository)
    def log_treatment(
        self, uow: UnitOfWork, plant_keys: Sequence[str], fields: ApplicationFields
    ) -> tuple[Treatment, ...]:
        """Book an application on plants, each with its own copy of product and interval.

        Raises:
            NotFoundError: A plant does not exist, or is archived; nothing was booked.
            FutureTimeError: It is said to have been done in the future.
        """
        at = check_not_future(uow, fields.at)
        said = dict(fields) | {"at": at}
        plants = [live(uow.of(PlantRepository), key) for key in dict.fromkeys(plant_keys)]
        days = SiteDays(uow)
        booked = tuple(
            uow.of(TreatmentRepository).add(
                TreatmentFields(**said, plant_key=plant.key),
                applied_on=applied_on(at, days.zone_of(plant)),
            )
            for plant in plants
        )
        for treatment in booked:
            _put_on_record(uow, AuditAction.TREATMENT_LOGGED, treatment)
        return booked

    @command(TreatmentRepository, AuditRepository)
    def correct_treatment(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        reason: str,
        expected_revision: int | None = None,
    ) -> Treatment:
        """Put a record right, or void it; what it said, who corrected it and why stay on it.

        Also of an archived plant. A record that says it already stays as it is.

        Raises:
            NotFoundError: There is no such record, or the plant that it is moved to does not
                exist or is archived.
            InvalidInputError: Nothing is to be corrected, a field or value does not fit, or
                there is no reason.
            FutureTimeError: It is said to have been done in the future.
            StaleRevisionError: It has another revision than expected.
        """
        treatments = uow.of(TreatmentRepository)
        treatment = treatments.get(key)
        check_revision(treatment, expected_revision, "treatments")
        if not patch:
            raise InvalidInputError("Nothing is to be corrected; say what changes.", field="patch")
        only_fields(patch, _CORRECTABLE)
        said = record_of(treatment).model_dump(mode="json")
        wanted = validated(TreatmentRecord, merge_patch(said, patch))
        plants = uow.of(PlantRepository)
        if wanted.plant_key != treatment.plant_key:
            live(plants, wanted.plant_key)
        after = corrected(
            treatment,
            wanted,
            reason=reason,
            by=uow.context.actor,
            now=uow.context.now,
            zone=SiteDays(uow).zone_of(plants.get(wanted.plant_key)),
        )
        if after is treatment:
            return treatment
        _put_on_record(uow, AuditAction.TREATMENT_CORRECTED, after, reason=reason.strip())
        changed = {name: getattr(after, name) for name in (*_CORRECTABLE, "applied_on")}
        return treatments.change(treatment, **changed, corrections=after.corrections)

    get_treatment = EntityService.get

    @query()
    def check_harvest(
        self, uow: UnitOfWork, plant_key: str, on: date | None = None
    ) -> HarvestVerdict:
        """Tell whether a plant may be harvested on a local date of its site; none = today.

        Raises:
            NotFoundError: The plant does not exist, or is archived.
        """
        plant = live(uow.of(PlantRepository), plant_key)
        treatments = uow.of(TreatmentRepository).of_plant(plant_key)
        return check_harvest(treatments, on or SiteDays(uow).today_of(plant))

    @query()
    def list_of_plant(self, uow: UnitOfWork, plant_key: str) -> tuple[Treatment, ...]:
        """Return the applications on a plant, newest first; also on an archived one.

        Raises:
            NotFoundError: The plant does not exist.
        """
        uow.of(PlantRepository).get(plant_key)
        return tuple(uow.of(TreatmentRepository).of_plant(plant_key))


def _put_on_record(
    uow: UnitOfWork, action: AuditAction, treatment: Treatment, **more: JsonValue
) -> None:
    record_audit(
        uow,
        action,
        "treatments",
        treatment.key,
        plant_key=treatment.plant_key,
        product=treatment.product,
        interval_d=treatment.interval_d,
        applied_on=treatment.applied_on.isoformat(),
        voided=treatment.voided,
        **more,
    )
