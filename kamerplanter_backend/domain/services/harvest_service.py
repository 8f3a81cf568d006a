"""Harvests, behind the gate of the waiting period."""

from collections.abc import Mapping

from pydantic import JsonValue

from kamerplanter_backend.common.exceptions import ForbiddenError
from kamerplanter_backend.common.permissions import Permission, is_permitted
from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.consequences.site_days import SiteDays
from kamerplanter_backend.domain.consequences.times import check_not_future
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.harvest import HarvestRepository
from kamerplanter_backend.domain.repositories.ipm import TreatmentRepository
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    EntityService,
    check_own,
    command,
    live,
    only_fields,
    query,
)
from kamerplanter_engines.errors import (
    InvalidInputError,
    KarenzViolationError,
    UnknownIntervalError,
)
from kamerplanter_engines.models.harvest import Harvest, HarvestFields, HarvestPurpose
from kamerplanter_engines.models.ipm import HarvestVerdict
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.safety_interval_engine import check_harvest

CHANGEABLE = frozenset({"weight_g", "note"})
"""The fields that a person may change afterwards."""


class HarvestService(EntityService[Harvest]):
    """Books what was harvested, or removed for disposal."""

    repository = HarvestRepository

    @command(HarvestRepository, AuditRepository)
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
        harvested_on = at.astimezone(SiteDays(uow).zone_of(plant)).date()
        if fields.purpose is HarvestPurpose.DISPOSAL:
            _check_disposal(uow, fields)
        else:
            treatments = uow.of(TreatmentRepository).of_plant(plant.key)
            _check_karenz(plant, check_harvest(treatments, harvested_on))
        booked = fields.model_copy(update={"at": at})
        harvest = uow.of(HarvestRepository).add(booked, harvested_on=harvested_on)
        record_audit(
            uow,
            AuditAction.HARVEST_LOGGED,
            "harvests",
            harvest.key,
            plant_key=plant.key,
            purpose=harvest.purpose.value,
            harvested_on=harvested_on.isoformat(),
            weight_g=harvest.weight_g,
            reason=harvest.reason,
        )
        return harvest

    create = log_harvest

    @command(HarvestRepository, AuditRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> Harvest:
        """Change weight or note; what, when and why are on record and stay.

        Raises:
            NotFoundError: There is no such harvest.
            ForbiddenError: Somebody else booked it.
            InvalidInputError: Another field is named, or a value does not fit.
            StaleRevisionError: It has another revision than expected.
        """
        only_fields(patch, CHANGEABLE)
        harvests = uow.of(HarvestRepository)
        before = harvests.get(key)
        check_own(uow, Permission.HARVEST_UPDATE, before)
        after = harvests.patch(key, patch, HarvestFields, expected_revision=expected_revision)
        if after.weight_g != before.weight_g:
            record_audit(
                uow,
                AuditAction.HARVEST_CHANGED,
                "harvests",
                key,
                weight_g_before=before.weight_g,
                weight_g=after.weight_g,
            )
        return after

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
